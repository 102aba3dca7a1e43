"""Loop gain: how much of a price move comes back through dealers' hedging.

Knows GEX and a depth; does not know where either was measured.
"""

DEFAULT_PERMANENCE = 0.3
"""Share of impact that stays. An assumption of ours, always shown beside the gain."""


def gamma_loop_gain(
    gex_usd_per_1pct: float, lam_per_usd: float, permanence: float = DEFAULT_PERMANENCE
) -> float:
    """Loop gain g = -100 GEX lam permanence; + amplifies, - dampens.

    Dealers buy -100 GEX r USD for a return r; that purchase moves the price by lam per USD, of
    which `permanence` stays. Linear impact; the theory behind 1/(1-g) is Frey and Stremme 1997.
    """
    return -100.0 * gex_usd_per_1pct * lam_per_usd * permanence


def amplification(gain: float) -> float | None:
    """Size of the final move over the first: 1 / (1 - g). None for g >= 1, where it runs away."""
    return None if gain >= 1.0 else 1.0 / (1.0 - gain)
