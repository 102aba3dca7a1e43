"""Spot and volatility as one loop: each moves the other through what dealers trade.

Knows net exposures, impacts and slopes; does not know where any of them was measured.
"""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import FloatArray

DEFAULT_VEGA_REACTION_PER_PT = 1.0
"""Share of their short vega that dealers buy back for each point by which volatility rises.

An assumption of ours, always shown: no venue tells how vega is hedged. 1 is the whole of it.
"""


@dataclass(frozen=True, slots=True)
class CoupledLoop:
    """What comes back of a shock to spot and volatility, round after round.

    A round turns moves (r, w) into G (r, w): r of spot and w of volatility, both as fractions or,
    which gives the same G, r in per cent and w in points. All rounds together answer a shock e
    with (1 + G + G^2 + ...) e = (1 - G)^-1 e.

    Attributes
    ----------
    gains : (2, 2) G = [[spot by spot, spot by volatility], [volatility by spot, by volatility]].
    radius : largest |eigenvalue| of G, whatever the units of r and w; NaN where G is not known.
    response : (2, 2) (1 - G)^-1, in the units of G; None where rounds grow or G is not known. They
        grow where it runs away, and where a gain below -1 overshoots by more each time.
    """

    gains: FloatArray
    radius: float
    response: FloatArray | None

    @property
    def is_stable(self) -> bool | None:
        """Whether the rounds die out, that is radius < 1; None where that is not known."""
        return None if np.isnan(self.radius) else self.radius < 1

    @property
    def spot_gain(self) -> float:
        """Gain of spot with what it moves through volatility and back, g with 1/(1 - g) = R00.

        That is a + b c / (1 - d) for G = [[a, b], [c, d]]. NaN where there is no response, or one
        against the shock: with d >= 1 only the way over spot keeps volatility from running away.
        """
        if self.response is None or not self.response[0, 0] > 0:
            return np.nan
        return 1 - 1 / float(self.response[0, 0])


def vanna_loop_gain(vanna_usd_per_pt: float, lam_eff_per_usd: float) -> float:
    """Return of spot per point of volatility, in per cent: -100 vanna lam_eff; as fractions alike.

    Parameters
    ----------
    vanna_usd_per_pt : dealers' net vanna times the index, USD of delta per point of volatility.
    lam_eff_per_usd : return that stays per USD bought.

    For one more point dealers buy -vanna USD, which moves the price by lam_eff per USD: a return
    of -vanna lam_eff per 0.01 of volatility. Linear in both (theory 4 and 5.1).
    """
    return -100.0 * vanna_usd_per_pt * lam_eff_per_usd


def vega_loop_gain(
    vega_usd_per_pt: float,
    impact_pts_per_usd_pt: float,
    reaction_per_pt: float = DEFAULT_VEGA_REACTION_PER_PT,
) -> float:
    """Points of volatility per point of it, g = k_v reaction max(-vega, 0).

    Parameters
    ----------
    vega_usd_per_pt : dealers' net vega.
    impact_pts_per_usd_pt : k_v, points of volatility for each USD/pt of vega that is bought; NaN
        while that is not established.
    reaction_per_pt : share of their short vega that dealers buy back per point [A].

    Without the reaction k_v vega would be points, not points per point: a number that changes with
    the unit of volatility. Dealers who are long vega, or flat, have none to buy back: 0 whatever
    k_v is [A: they sell none of it either when volatility falls]. Theory 4, "Vega hedging", 5.1.
    """
    if vega_usd_per_pt >= 0:
        return 0.0
    return impact_pts_per_usd_pt * reaction_per_pt * -vega_usd_per_pt


def couple(
    spot_gain: float, vanna_gain: float, iv_points_per_pct: float, vega_gain: float
) -> CoupledLoop:
    """The two loops as one, from what each factor does to itself and to the other.

    Parameters
    ----------
    spot_gain : return per return: loop gain of gamma, and the branching ratios of liquidations
        (`loops.liquidation`, `loops.collateral`) where they are counted too.
    vanna_gain : `vanna_loop_gain`.
    iv_points_per_pct : points of volatility for +1 % of spot, the same as fraction per fraction.
    vega_gain : `vega_loop_gain`.

    A shock of spot alone comes back as 1/(1 - g) where nothing couples. An entry that is not known
    leaves radius and response unknown: what it would do can have any size.
    Source: theory 5.1, "Two-factor loop"; Neumann series of a matrix with spectral radius < 1.
    """
    gains = np.array([[spot_gain, vanna_gain], [iv_points_per_pct, vega_gain]])
    if not np.isfinite(gains).all():
        return CoupledLoop(gains, np.nan, None)
    radius = float(np.abs(np.linalg.eigvals(gains)).max())
    return CoupledLoop(gains, radius, _response(gains) if radius < 1 else None)


def _response(gains: FloatArray) -> FloatArray:
    """(1 - G)^-1 by cofactors, so that what does not couple is exactly 0."""
    (a, b), (c, d) = gains.tolist()
    return np.array([[1 - d, b], [c, 1 - a]]) / np.float64((1 - a) * (1 - d) - b * c)
