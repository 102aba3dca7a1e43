"""Predicted hedge flow: what dealers must trade to stay delta-neutral, by exact re-hedge.

Knows positions and prices; knows nothing of what the flow does to the market.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import ndtr

from greeks.black76 import MIN_SD
from greeks.chain import OptionChain
from greeks.conventions import (
    MS_PER_YEAR,
    PCT,
    VOL_POINT,
    BoolArray,
    FloatArray,
    IntArray,
    Settlement,
)

MOVES_PCT = (-10.0, -5.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0)
MOVES_PCT = (*MOVES_PCT, *(-move for move in reversed(MOVES_PCT[:-1])))
HORIZONS_S = (0, 3_600, 14_400, 86_400)
_MIN_IV = 0.01  # a response of volatility never takes an option below this


class HedgeConvention(StrEnum):
    """In which money a dealer of coin-margined options keeps his wealth constant."""

    USD = "usd"  # hedge q delta coins: equity in USD does not move with spot
    COIN = "coin"  # hedge q (delta - price/F) coins: equity in coins does not move with spot


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
    """One scenario's hedge flow by strike and by expiry, coins; each sums to the whole flow."""

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
    are not sold [A]. Rows without a usable mark contribute nothing.

    Source: Alexander, Chen, Imeraj 2023, "Crypto quanto and inverse options"; that gamma alone
    drives the flow of both conventions follows by differentiation.
    """
    book = _Book.of(chain, position_coin)
    scenarios = _Scenarios(moves_pct, horizons_s, iv_points_per_pct, convention)
    parts = np.hstack([book.total(*unit) for unit in _unit_flows(book, scenarios)])
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
    book = _Book.of(chain, draws_coin)
    scenarios = _Scenarios(moves_pct, horizons_s, iv_points_per_pct, convention)
    return np.vstack([book.total(*unit)[0] for unit in _unit_flows(book, scenarios)])


def compute_flow_contributions(
    chain: OptionChain,
    position_coin: FloatArray,
    move_pct: float,
    horizon_s: float,
    iv_points_per_pct: float = 0.0,
    convention: HedgeConvention = HedgeConvention.USD,
) -> FlowContributions:
    """Which strikes and which expiries the flow of one scenario of `compute_hedge_flow` is of."""
    book = _Book.of(chain, position_coin)
    scenario = _Scenarios(
        np.array([move_pct]), np.array([horizon_s]), iv_points_per_pct, convention
    )
    ((per_coin, put_unwinding),) = _unit_flows(book, scenario)
    flow = per_coin[0, 0] * book.held - put_unwinding[0] * book.held_puts
    strikes, of_strike = np.unique(book.strike, return_inverse=True)
    expiries, of_expiry = np.unique(book.expiry_ms, return_inverse=True)
    return FlowContributions(
        strike_usd=strikes,
        strike_flow_coin=np.bincount(of_strike, flow, len(strikes)).astype(np.float64),
        expiry_ms=expiries,
        expiry_flow_coin=np.bincount(of_expiry, flow, len(expiries)).astype(np.float64),
    )


@dataclass(frozen=True, slots=True)
class _Scenarios:
    """Every pair of a move and a horizon."""

    moves_pct: FloatArray
    horizons_s: FloatArray
    iv_points_per_pct: float
    convention: HedgeConvention

    def __post_init__(self) -> None:
        if not np.all(self.moves_pct > -100):
            raise ValueError(f"moves_pct: expected above -100, was {self.moves_pct}")


@dataclass(frozen=True, slots=True)
class _Book:
    """The held options, calls and puts of one strike and one volatility in one row.

    Their hedges differ by a constant, so that all flows but the unwinding depend on the sum.
    """

    strike: FloatArray
    expiry_ms: IntArray
    years: FloatArray
    log_moneyness: FloatArray  # ln(F/K)
    iv: FloatArray
    is_inverse: BoolArray
    held: FloatArray  # (P,) or (D, P): calls and puts, coins
    held_puts: FloatArray

    @classmethod
    def of(cls, chain: OptionChain, position_coin: FloatArray) -> "_Book":
        if position_coin.shape[-1] != len(chain):
            raise ValueError(
                f"position: expected {len(chain)} options, was {position_coin.shape[-1]}"
            )
        by_option = np.atleast_2d(position_coin)
        held = np.all(np.isfinite(by_option), axis=0) & np.any(by_option != 0, axis=0)
        with np.errstate(invalid="ignore"):
            known = (chain.forward > 0) & (chain.mark_iv > 0)
        keep = held & known & chain.is_usable
        rows, position = chain.select(keep), position_coin[..., keep]
        same = np.ones(len(rows), dtype=np.bool_)
        for column in (rows.expiry_ms, rows.strike, rows.settlement, rows.forward, rows.mark_iv):
            same[1:] &= column[1:] == column[:-1]
        same[:1] = False
        first = np.flatnonzero(~same)
        return cls(
            strike=rows.strike[first],
            expiry_ms=rows.expiry_ms[first],
            years=rows.years_to_expiry[first],
            log_moneyness=np.log(rows.forward[first] / rows.strike[first]),
            iv=rows.mark_iv[first],
            is_inverse=rows.settlement[first] == Settlement.INVERSE,
            held=_sum_runs(position, first),
            held_puts=_sum_runs(position * ~rows.is_call, first),
        )

    def total(self, per_coin: FloatArray, put_unwinding: FloatArray) -> FloatArray:
        """Sum over the book: (5, M) coins, or (5, M, D) with D drawn books."""
        parts = np.asarray(per_coin @ self.held.T)
        unwound_puts = put_unwinding @ self.held_puts.T
        parts[0] -= unwound_puts
        parts[4] -= unwound_puts
        return parts


def _sum_runs(position: FloatArray, first: IntArray) -> FloatArray:
    if not len(first):
        return position
    return np.asarray(np.add.reduceat(position, first, axis=-1))


def _unit_flows(book: _Book, scenarios: _Scenarios) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield one horizon's flows per coin of call held, and what a put unwinds less than a call.

    The first is (5, M, P): flow, gamma, charm, vanna, expiry; the second (M, P).
    """
    x = scenarios.moves_pct[:, None] * PCT
    in_coin = book.is_inverse & (scenarios.convention is HedgeConvention.COIN)
    kept = np.where(in_coin, 1 / (1 + x), 1.0)  # of each coin hedged, what is left after the move
    response = scenarios.iv_points_per_pct * VOL_POINT * scenarios.moves_pct[:, None]
    moved_iv = np.maximum(book.iv + response, np.minimum(book.iv, _MIN_IV))
    call_less_put = np.where(in_coin, np.exp(-book.log_moneyness), 1.0)
    unmoved = np.zeros(1)
    now = _call_hedge(book, in_coin, unmoved, book.years, book.iv)
    for horizon in scenarios.horizons_s:
        years = book.years - horizon * 1000 / MS_PER_YEAR
        expires = (years <= 0) & (horizon > 0)
        lives = ~expires
        later = _call_hedge(book, in_coin, unmoved, years, book.iv)
        moved = _call_hedge(book, in_coin, x, years, book.iv)
        ends = moved
        if scenarios.iv_points_per_pct:
            ends = _call_hedge(book, in_coin, x, years, moved_iv)
        per_coin = np.empty((5, *moved.shape))
        per_coin[4] = expires * now * kept
        per_coin[3] = lives * (moved - ends)
        per_coin[2] = lives * (now - later)
        per_coin[1] = lives * (now * kept - moved) - per_coin[2]
        per_coin[0] = lives * (now * kept - ends) + per_coin[4]
        yield per_coin, expires * call_less_put * kept


def _call_hedge(
    book: _Book, in_coin: BoolArray, move: FloatArray, years: FloatArray, iv: FloatArray
) -> FloatArray:
    """Coins of underlying that hedge one coin of call: N(d1), or (K/F) N(d2) counted in coins."""
    sd = np.maximum(iv * np.sqrt(np.maximum(years, 0.0)), MIN_SD)
    d1 = (book.log_moneyness + np.log1p(move)) / sd + sd / 2
    if not np.any(in_coin):
        return np.asarray(ndtr(d1))
    paid_in_coin = np.exp(-book.log_moneyness) / (1 + move) * ndtr(d1 - sd)
    return np.asarray(np.where(in_coin, paid_in_coin, ndtr(d1)))
