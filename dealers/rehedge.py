"""The hedge of one coin of each option, and what a move, time and volatility change in it.

Knows formulas and scenarios; knows nobody's inventory but as a factor.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from greeks.black76 import MIN_SD, differs_from_previous, is_computable
from greeks.chain import OptionChain
from greeks.conventions import (
    PCT,
    VOL_POINT,
    BoolArray,
    FloatArray,
    HedgeConvention,
    IntArray,
    Settlement,
)
from greeks.delivery import CERTAIN, Delivery

_MIN_IV = 0.01  # a response of volatility never takes an option below this


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Every pair of a move and a horizon."""

    moves_pct: FloatArray
    horizons_s: FloatArray
    iv_points_per_pct: float
    convention: HedgeConvention

    def __post_init__(self) -> None:
        if not np.all(self.moves_pct > -100):
            raise ValueError(f"moves_pct: expected above -100, was {self.moves_pct}")


@dataclass(frozen=True, slots=True)
class HedgedBook:
    """The held options, calls and puts of one strike and one volatility in one row.

    Their hedges differ by a number that no move changes, so that most flows depend on the sum.

    Attributes
    ----------
    delivery : what is open of each.
    iv : fraction.
    is_inverse : coin-margined.
    held, held_puts : (D, P) calls and puts, and puts alone, of D inventories, coins.
    is_known : whether any option at all has a price and a position, even one of zero coins; what
        the flow of a book without one is, nobody knows. A book without options has no flow.
    """

    delivery: Delivery
    iv: FloatArray
    is_inverse: BoolArray
    held: FloatArray
    held_puts: FloatArray
    is_known: bool

    @classmethod
    def of(cls, chain: OptionChain, position_coin: FloatArray) -> "HedgedBook":
        """Take the rows that are held and can be computed; `position_coin` is (n,) or (D, n)."""
        position = np.atleast_2d(position_coin)
        if position.shape[1] != len(chain):
            raise ValueError(f"position: expected {len(chain)} options, was {position.shape[1]}")
        known = np.all(np.isfinite(position), axis=0) & is_priced(chain)
        keep = known & np.any(position != 0, axis=0) & (chain.expiry_ms > chain.as_of_ms)
        rows, position = chain.select(keep), position[:, keep]
        delivery, iv = Delivery.of(rows), rows.mark_iv
        of_strike = delivery.strike_ratio, delivery.sd
        is_inverse = rows.settlement == Settlement.INVERSE
        new = differs_from_previous(rows.expiry_ms, is_inverse, iv, *of_strike)
        first = np.flatnonzero(new)
        return cls(
            delivery=delivery.take(first),
            iv=iv[first],
            is_inverse=is_inverse[first],
            held=_sum_runs(position, first),
            held_puts=_sum_runs(position * ~rows.is_call, first),
            is_known=not len(chain) or bool(known.any()),
        )


def is_priced(chain: OptionChain) -> BoolArray:
    """Rows that have all that a price takes: a usable status, a forward, a volatility."""
    F, K, T, s = chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv
    return chain.is_usable & is_computable(F, K, T, s)


def _sum_runs(position: FloatArray, first: IntArray) -> FloatArray:
    if not len(first):
        return position
    return np.asarray(np.add.reduceat(position, first, axis=1))


def flow_parts(book: HedgedBook, scenarios: Scenarios) -> FloatArray:
    """Flow, gamma, charm, vanna and expiry part of every scenario and inventory: (5, H, M, D).

    NaN throughout where nothing of the book is known.
    """
    shape = (5, len(scenarios.horizons_s), len(scenarios.moves_pct), len(book.held))
    if not book.is_known:
        return np.full(shape, np.nan)
    x = scenarios.moves_pct[:, None] * PCT
    in_coin = book.is_inverse & (scenarios.convention is HedgeConvention.COIN)
    response = scenarios.iv_points_per_pct * VOL_POINT * scenarios.moves_pct[:, None]
    moved_iv = np.maximum(book.iv + response, np.minimum(book.iv, _MIN_IV))
    hedge, delivery = _CallHedge(book, in_coin), book.delivery
    now = hedge.at(np.zeros(1), 0.0, book.iv)
    call_less_put = np.where(in_coin, delivery.strike_ratio, delivery.share)

    def kept(per_coin: FloatArray, held: FloatArray) -> FloatArray:
        """Sum over the book, (M, D); coins of an inverse perpetual lose value as spot rises."""
        return held @ per_coin + held @ (per_coin * in_coin) * (1 / (1 + x) - 1)

    parts = np.empty(shape)
    for i, horizon in enumerate(scenarios.horizons_s):
        expires = (delivery.left_s <= horizon) & (horizon > 0)
        held, puts = book.held * ~expires, book.held_puts * ~expires
        later = hedge.at(np.zeros(1), horizon, book.iv)
        moved = ends = hedge.at(x, horizon, book.iv)
        if scenarios.iv_points_per_pct:
            ends = hedge.at(x, horizon, moved_iv)
        expiry = kept(now, book.held - held) - kept(call_less_put, book.held_puts - puts)
        faded_puts = puts @ (delivery.share_after(horizon) - delivery.share)
        before = kept(now, held)
        parts[0, i] = before - ends @ held.T + faded_puts + expiry
        parts[1, i] = before - held @ now - (moved - later) @ held.T
        parts[2, i] = held @ (now - later) + faded_puts
        parts[3, i] = (moved - ends) @ held.T if scenarios.iv_points_per_pct else 0.0
        parts[4, i] = expiry
    return parts


@dataclass(frozen=True, slots=True)
class _CallHedge:
    """Coins of underlying that hedge one coin of call, and how it fades into the settlement.

    N(d1), or (K/F) N(d2) counted in coins; inside the settlement average m of either, of what is
    open of the delivery.
    """

    book: HedgedBook
    in_coin: BoolArray

    def at(self, move: FloatArray, horizon_s: float, iv: FloatArray) -> FloatArray:
        """The hedge after a move now and `horizon_s` seconds, (M, P); nonsense once expired."""
        delivery = self.book.delivery
        sd = np.maximum(delivery.sd_after(horizon_s) * (iv / self.book.iv), MIN_SD)
        d1 = delivery.moneyness_after(move, horizon_s) / sd + sd / 2
        hedge = np.maximum(delivery.share_after(horizon_s), CERTAIN) * ndtr(d1)
        if not self.in_coin.any():
            return np.asarray(hedge)
        strike = delivery.strike_after(move, horizon_s)
        return np.asarray(np.where(self.in_coin, strike * ndtr(d1 - sd), hedge))
