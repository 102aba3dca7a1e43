"""Pinning: the chance that hedging draws spot onto a strike at expiry.

Avellaneda and Lipkin (2003), "A market-induced mechanism for stock pinning", with linear impact:
dealers long n coins of options at K hedge their charm by trading towards K, each coin moving
price by the fraction E. With y = ln(S/K), total volatility sd = s sqrt(tau) to expiry,
beta = n E/sd and xi = y/sd, the drift is a gradient of the heat kernel; the probability is exact.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import INV_SQRT_2PI


def pin_probability(beta: float, xi: float) -> float:
    """P(pin) = 1 - exp(-beta phi(xi)), phi the normal density; 0 for beta <= 0 (repulsion).

    One strike and one expiry, charm hedging alone; ignores the damping by gamma, other strikes
    and, beyond the variance in xi, the settlement average: near the end it is an upper bound.
    """
    if beta <= 0:
        return 0.0
    return float(-np.expm1(-beta * INV_SQRT_2PI * np.exp(-0.5 * xi * xi)))


@dataclass(frozen=True, slots=True)
class Pin:
    """The strike of the next expiry that draws spot most, and what its strength depends on.

    Attributes
    ----------
    strike_usd, expiry_ms : where and when.
    position_coin : n, dealers' calls and puts at the strike, coins; positive.
    distance : y = ln(S/K).
    sd : s sqrt(tau) with tau until the settlement average has done its work, t - 2 W/3.
    """

    strike_usd: float
    expiry_ms: int
    position_coin: float
    distance: float
    sd: float

    def probability(self, impact_per_coin: float) -> float:
        """Chance of a pin if each coin traded moves price by the fraction `impact_per_coin`."""
        beta = self.position_coin * impact_per_coin / self.sd
        return pin_probability(beta, self.distance / self.sd)
