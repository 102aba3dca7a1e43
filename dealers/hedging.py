"""Predicted hedge flow: what dealers must trade to stay delta-neutral, by exact re-hedge.

Knows positions and prices; knows nothing of what the flow does to the market.
"""

from dataclasses import dataclass

import numpy as np

from dealers.rehedge import HedgedBook, Scenarios, flow_parts, is_priced
from greeks.chain import OptionChain
from greeks.conventions import PCT, FloatArray, HedgeConvention, IntArray

MOVES_PCT = (-10.0, -5.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0)
MOVES_PCT = (*MOVES_PCT, *(-move for move in reversed(MOVES_PCT[:-1])))
HORIZONS_S = (0, 3_600, 14_400, 86_400)


@dataclass(frozen=True, slots=True)
class HedgeFlow:
    """Dealers' trades in the underlying, coins, + = dealers buy. One element a scenario.

    The parts sum to `flow_coin`: `charm_coin` is time alone, `gamma_coin` the spot move on top
    of it, `vanna_coin` the volatility move on top of both, `expiry_coin` the unwinding of
    hedges of options that expire within the horizon, `residual_coin` what is left (rounding).
    """

    move_pct: FloatArray
    horizon_s: FloatArray
    spot_usd: FloatArray
    flow_coin: FloatArray
    gamma_coin: FloatArray
    charm_coin: FloatArray
    vanna_coin: FloatArray
    expiry_coin: FloatArray
    residual_coin: FloatArray


@dataclass(frozen=True, slots=True)
class FlowContributions:
    """One scenario's hedge flow by strike and by expiry, coins; what is known sums to the flow."""

    strike_usd: FloatArray
    strike_flow_coin: FloatArray
    expiry_ms: IntArray
    expiry_flow_coin: FloatArray


def next_settlement_s(as_of_ms: int) -> int:
    """Seconds from `as_of_ms` to the next 08:00:00 UTC, 1 to 86,400."""
    since_settlement = (as_of_ms - 8 * 3_600_000) % 86_400_000
    return int(-(-(86_400_000 - since_settlement) // 1000))


def compute_hedge_flow(
    chain: OptionChain,
    position_coin: FloatArray,
    moves_pct: FloatArray,
    horizons_s: FloatArray,
    iv_points_per_pct: float = 0.0,
    convention: HedgeConvention = HedgeConvention.USD,
) -> HedgeFlow:
    """Exact re-hedge for every pair of move and horizon, horizons outermost.

    Parameters
    ----------
    position_coin : (n,) dealers' inventory, coins, + = dealers long.
    moves_pct : (M,) moves x of the index and of every forward, per cent, above -100.
    horizons_s : (H,) seconds h from now.
    iv_points_per_pct : change of every volatility, points for +1 % of spot (0: sticky strike).
    convention : with h(F, T, s) the hedge of one coin of option,
        `usd`: h = delta, flow = -sum q [h(F (1+x), T-h, s+ds) - h(F, T, s)];
        `coin`: for coin-margined options h = delta - price/F and the coins already held are
        worth 1/(1+x) of themselves after the move, because N USD of an inverse perpetual are
        N/S coins: flow = -sum q [h(F (1+x), ...) - h(F, ...)/(1+x)]. USDC-margined options
        are hedged in USD under both.

    An option that expires within the horizon contributes its unwound hedge alone, + q h (over
    1+x in `coin`), whatever spot does; the coins that an in-the-money inverse option pays out
    are not sold [A]. In the last 30 minutes before 08:00 the hedge fades with the settlement
    average; what is averaged before now counts as today's forward, what is averaged within the
    horizon as the moved one [A]. Rows without a usable mark or a known position contribute
    nothing; where no row has both, every flow is NaN.

    Source: Alexander, Chen, Imeraj 2023, "Crypto quanto and inverse options"; that gamma alone
    drives the flow of both conventions follows by differentiation.
    """
    book = HedgedBook.of(chain, position_coin)
    scenarios = Scenarios(moves_pct, horizons_s, iv_points_per_pct, convention)
    parts = flow_parts(book, scenarios).reshape(5, -1)
    flow, gamma, charm, vanna, expiry = parts
    moves, horizons = np.broadcast_arrays(moves_pct[None, :], horizons_s[:, None])
    return HedgeFlow(
        move_pct=moves.ravel(),
        horizon_s=horizons.ravel(),
        spot_usd=chain.index_price * (1 + moves.ravel() * PCT),
        flow_coin=flow,
        gamma_coin=gamma,
        charm_coin=charm,
        vanna_coin=vanna,
        expiry_coin=expiry,
        residual_coin=flow - gamma - charm - vanna - expiry,
    )


def compute_flow_draws(
    chain: OptionChain,
    draws_coin: FloatArray,
    moves_pct: FloatArray,
    horizons_s: FloatArray,
    iv_points_per_pct: float = 0.0,
    convention: HedgeConvention = HedgeConvention.USD,
) -> FloatArray:
    """Hedge flow of every scenario under every drawn inventory: (H x M, D) coins.

    `draws_coin` is (D, n), a row a draw of the whole book. Scenarios are ordered, and the flow
    is defined, as in `compute_hedge_flow`; it is linear in the inventory.
    """
    book = HedgedBook.of(chain, draws_coin)
    scenarios = Scenarios(moves_pct, horizons_s, iv_points_per_pct, convention)
    return np.asarray(flow_parts(book, scenarios)[0].reshape(-1, len(draws_coin)))


def compute_flow_contributions(
    chain: OptionChain,
    position_coin: FloatArray,
    move_pct: float,
    horizon_s: float,
    iv_points_per_pct: float = 0.0,
    convention: HedgeConvention = HedgeConvention.USD,
) -> FlowContributions:
    """Which strikes and which expiries the flow of one scenario of `compute_hedge_flow` is of.

    NaN at a strike, or an expiry, of which no option has both a price and a position.
    """
    strikes, of_strike = np.unique(chain.strike, return_inverse=True)
    expiries, of_expiry = np.unique(chain.expiry_ms, return_inverse=True)
    members = np.vstack(
        [
            of_strike == np.arange(len(strikes))[:, None],
            of_expiry == np.arange(len(expiries))[:, None],
        ]
    )
    flows = compute_flow_draws(
        chain,
        np.where(members & np.isfinite(position_coin), position_coin, 0.0),
        np.array([move_pct]),
        np.array([horizon_s]),
        iv_points_per_pct,
        convention,
    )[0]
    known = is_priced(chain) & np.isfinite(position_coin)
    flows = np.where((members & known).any(axis=1), flows, np.nan)
    return FlowContributions(
        strike_usd=strikes,
        strike_flow_coin=flows[: len(strikes)],
        expiry_ms=expiries,
        expiry_flow_coin=flows[len(strikes) :],
    )
