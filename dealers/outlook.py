"""What the coming hours ask of dealers if nothing trades: the charm path, the expected flow.

Knows scenarios built from time and volatility; the re-hedge itself is `dealers.hedging`.
"""

from dataclasses import dataclass

import numpy as np

from dealers.hedging import HedgeFlow, compute_flow_draws, compute_hedge_flow, next_settlement_s
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_YEAR, PCT, FloatArray, HedgeConvention
from greeks.settlement import WINDOW_S

_NODES = np.linspace(-6.0, 6.0, 241)
_WEIGHTS = np.exp(-0.5 * _NODES**2) / np.exp(-0.5 * _NODES**2).sum()
_WINDOW_STEP_S = 300


@dataclass(frozen=True, slots=True)
class ExpectedFlow:
    """Hedge flow over one horizon when spot is lognormal around the forward, coins.

    Attributes
    ----------
    horizon_s : seconds from now.
    sd_pct : one standard deviation of the move, per cent.
    mean_coin : expected flow, + = dealers buy.
    mean_abs_coin : expected size of the flow.
    down_coin, up_coin : flow after a move of one standard deviation.
    """

    horizon_s: float
    sd_pct: float
    mean_coin: float
    mean_abs_coin: float
    down_coin: float
    up_coin: float


def charm_path_horizons_s(as_of_ms: int) -> FloatArray:
    """Seconds from now: the hours, 5-minute steps of the settlement window, 08:00 UTC."""
    end = next_settlement_s(as_of_ms)
    window = np.arange(end - WINDOW_S, end, _WINDOW_STEP_S)
    hours = np.arange(3600, end, 3600)
    return np.unique(np.concatenate([hours, window[window > 0], [end]])).astype(np.float64)


def compute_charm_path(
    chain: OptionChain,
    position_coin: FloatArray,
    convention: HedgeConvention = HedgeConvention.USD,
) -> HedgeFlow:
    """Cumulative hedge flow of time alone, spot and volatility held, into the next expiry.

    One element a horizon of `charm_path_horizons_s`. `charm_coin` holds the drift of the hedges
    and their fading inside the settlement window; at 08:00 what is left of an expiring option's
    hedge moves to `expiry_coin` together with all that the option traded on the way.
    """
    return compute_hedge_flow(
        chain,
        position_coin,
        np.zeros(1),
        charm_path_horizons_s(chain.as_of_ms),
        convention=convention,
    )


def estimate_expected_flow(
    chain: OptionChain,
    position_coin: FloatArray,
    atm_iv: float,
    horizon_s: float,
    iv_points_per_pct: float = 0.0,
    convention: HedgeConvention = HedgeConvention.USD,
) -> ExpectedFlow:
    """Mean and mean size of the hedge flow over `horizon_s` by the trapezoidal rule.

    E f(x) = sum w_k f(x_k) with 1 + x_k = exp(v z_k - v^2/2), v = `atm_iv` sqrt(h), so that the
    forward is a fair price [A: the risk-neutral volatility is the real one, no jumps]; z_k from -6
    to 6 by 0.05, w_k the normal density there. Even steps meet the kinks of |f|, where the flow
    changes sign, and the near-steps of an option that expires right after the horizon better than
    Gauss-Hermite nodes, which lie apart just there. Against 20,001 nodes both means are within
    0.04 % of the mean size on listed books, 0.15 % where the book is one strike that has five
    minutes left of a day. NaN where `atm_iv` is unknown.
    """
    sd = atm_iv * float(np.sqrt(horizon_s * 1000 / MS_PER_YEAR))
    if not np.isfinite(sd):
        return ExpectedFlow(horizon_s, *(np.nan,) * 5)
    steps = np.append(_NODES, [-1.0, 1.0])
    moves_pct = np.expm1(sd * steps - sd * sd / 2) / PCT
    flows = compute_flow_draws(
        chain,
        position_coin[None, :],
        moves_pct,
        np.array([horizon_s]),
        iv_points_per_pct,
        convention,
    )[:, 0]
    at_nodes, (down, up) = flows[:-2], flows[-2:]
    return ExpectedFlow(
        horizon_s=horizon_s,
        sd_pct=sd / PCT,
        mean_coin=float(_WEIGHTS @ at_nodes),
        mean_abs_coin=float(_WEIGHTS @ np.abs(at_nodes)),
        down_coin=float(down),
        up_coin=float(up),
    )
