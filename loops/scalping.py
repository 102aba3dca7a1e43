"""Gamma scalping: what a hedged option earns where realised and implied volatility differ.

Knows one option and paths of its forward; knows nobody's book. No interest, no costs.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import Greeks, compute_greeks
from greeks.conventions import FloatArray


@dataclass(frozen=True, slots=True)
class HedgedOption:
    """One coin of a call, held long and hedged at its own implied volatility. A put earns the same.

    Attributes
    ----------
    strike_usd : K.
    years : T at the start.
    implied_vol : s_i, fraction: it is bought and hedged at this.
    """

    strike_usd: float
    years: float
    implied_vol: float

    def greeks(self, forward_usd: FloatArray, years: float, iv: float) -> Greeks:
        """Price and Greeks at each forward, (P,)."""
        shape = forward_usd.shape
        return compute_greeks(
            forward_usd,
            np.full(shape, self.strike_usd),
            np.full(shape, years),
            np.full(shape, iv),
            np.ones(shape, np.bool_),
        )


@dataclass(frozen=True, slots=True)
class Scalped:
    """What P paths brought to expiry, USD per coin, (P,) each.

    Attributes
    ----------
    pnl_usd : of the option and its hedges together.
    identity_usd : what the identity says of the same paths; the rest is the noise of hedging in
        steps, of mean 0.
    """

    pnl_usd: FloatArray
    identity_usd: FloatArray


@dataclass(frozen=True, slots=True)
class HedgedPnl:
    """What a step brought a hedged option, USD per coin, (P,) each; the parts sum to the whole.

    Attributes
    ----------
    gamma_theta_usd : of the move of the forward and of time, volatility held: scalping.
    vega_usd : of the change of implied volatility, once there: vega trading.
    """

    gamma_theta_usd: FloatArray
    vega_usd: FloatArray

    @property
    def total_usd(self) -> FloatArray:
        """Both parts together."""
        return self.gamma_theta_usd + self.vega_usd


def scalp(option: HedgedOption, paths_usd: FloatArray, realised_vol: float) -> Scalped:
    """Hedge along each path, at every point but the last, which is delivery.

    Parameters
    ----------
    paths_usd : (P, n + 1) the forward, evenly spaced from the start to expiry: n hedges.
    realised_vol : s_r, fraction, that the paths were drawn with.

    pnl = max(F_n - K, 0) - V_0 - sum delta_k (F_(k+1) - F_k);
    identity = sum 1/2 gamma_k F_k^2 (s_r^2 - s_i^2) dt. Where the forward is a fair price both have
    the mean V(s_r) - V(s_i). Raises ValueError for paths without a step. Source: theory 8.2; El
    Karoui, Jeanblanc-Picque and Shreve 1998 for the identity.
    """
    if paths_usd.ndim != 2 or paths_usd.shape[1] < 2:
        raise ValueError(f"paths_usd: expected shape (P, n + 1), was {paths_usd.shape}")
    steps = paths_usd.shape[1] - 1
    dt = option.years / steps
    edge = 0.5 * (realised_vol**2 - option.implied_vol**2) * dt
    pnl = np.maximum(paths_usd[:, -1] - option.strike_usd, 0.0)
    identity = np.zeros(len(paths_usd))
    for k, forward in enumerate(paths_usd.T[:-1]):
        greeks = option.greeks(forward, option.years - k * dt, option.implied_vol)
        if k == 0:
            pnl -= greeks.price
        pnl -= greeks.delta * (paths_usd[:, k + 1] - forward)
        identity += greeks.gamma * forward**2 * edge
    return Scalped(pnl, identity)


def hedging_noise_usd(vega_usd: float, iv: float, hedges: int) -> float:
    """Standard deviation of the P&L to expiry of an option at the money, hedged n times.

    sd = sqrt(pi/4) vega s / sqrt(n), USD per coin, for realised = implied = `iv`; `vega_usd` is
    per 1.00 of volatility at the start. Its mean is 0. To leading order in 1/n: 5 % too large at
    n = 30. Source: theory 8.2; Derman and Kamal 1999.
    """
    return float(np.sqrt(np.pi / 4 / hedges) * vega_usd * iv)


def split_pnl(
    option: HedgedOption,
    before_usd: FloatArray,
    after_usd: FloatArray,
    years: float,
    iv_after: float,
) -> HedgedPnl:
    """Split one step's P&L into what the forward and time brought, and what volatility did.

    Parameters
    ----------
    before_usd, after_usd : (P,) the forward when the hedge was set, and after the step.
    years : time to expiry left after the step.
    iv_after : implied volatility then, fraction.

    With V(F, T, s): gamma and theta V(F', T', s) - V(F, T, s) - delta (F' - F); vega
    V(F', T', s') - V(F', T', s). Selling volatility high and buying it back low is the second
    part; it is no scalping.
    """
    start = option.greeks(before_usd, option.years, option.implied_vol)
    held = option.greeks(after_usd, years, option.implied_vol).price
    end = option.greeks(after_usd, years, iv_after).price
    hedge = start.delta * (after_usd - before_usd)
    return HedgedPnl(held - start.price - hedge, end - held)
