"""The hedge of one coin of each option, and what a move, time and volatility change in it.

Knows formulas and scenarios; knows nobody's inventory but as a factor.
"""

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

SETTLEMENT_WINDOW_S = 1800
_YEAR_S = MS_PER_YEAR / 1000
_MIN_IV = 0.01  # a response of volatility never takes an option below this


class HedgeConvention(StrEnum):
    """In which money a dealer of coin-margined options keeps his wealth constant."""

    USD = "usd"  # hedge q delta coins: equity in USD does not move with spot
    COIN = "coin"  # hedge q (delta - price/F) coins: equity in coins does not move with spot


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
class Book:
    """The held options, calls and puts of one strike and one volatility in one row.

    Their hedges differ by a number that no move changes, so that most flows depend on the sum.
    """

    strike: FloatArray
    expiry_ms: IntArray
    left_s: FloatArray  # seconds to expiry
    log_moneyness: FloatArray  # ln(F/K)
    iv: FloatArray
    is_inverse: BoolArray
    held: FloatArray  # (D, P): calls and puts of D inventories, coins
    held_puts: FloatArray

    @classmethod
    def of(cls, chain: OptionChain, position_coin: FloatArray) -> "Book":
        """Take the rows that are held and can be computed; `position_coin` is (n,) or (D, n)."""
        position = np.atleast_2d(position_coin)
        if position.shape[1] != len(chain):
            raise ValueError(f"position: expected {len(chain)} options, was {position.shape[1]}")
        held = np.all(np.isfinite(position), axis=0) & np.any(position != 0, axis=0)
        with np.errstate(invalid="ignore"):
            known = (chain.forward > 0) & (chain.mark_iv > 0)
        keep = held & known & chain.is_usable
        rows, position = chain.select(keep), position[:, keep]
        same = np.ones(len(rows), dtype=np.bool_)
        for column in (rows.expiry_ms, rows.strike, rows.settlement, rows.forward, rows.mark_iv):
            same[1:] &= column[1:] == column[:-1]
        same[:1] = False
        first = np.flatnonzero(~same)
        return cls(
            strike=rows.strike[first],
            expiry_ms=rows.expiry_ms[first],
            left_s=(rows.expiry_ms[first] - rows.as_of_ms) / 1000,
            log_moneyness=np.log(rows.forward[first] / rows.strike[first]),
            iv=rows.mark_iv[first],
            is_inverse=rows.settlement[first] == Settlement.INVERSE,
            held=_sum_runs(position, first),
            held_puts=_sum_runs(position * ~rows.is_call, first),
        )


def _sum_runs(position: FloatArray, first: IntArray) -> FloatArray:
    if not len(first):
        return position
    return np.asarray(np.add.reduceat(position, first, axis=1))


def flow_parts(book: Book, scenarios: Scenarios) -> FloatArray:
    """Flow, gamma, charm, vanna and expiry part of every scenario and inventory: (5, H, M, D)."""
    x = scenarios.moves_pct[:, None] * PCT
    in_coin = book.is_inverse & (scenarios.convention is HedgeConvention.COIN)
    response = scenarios.iv_points_per_pct * VOL_POINT * scenarios.moves_pct[:, None]
    moved_iv = np.maximum(book.iv + response, np.minimum(book.iv, _MIN_IV))
    hedge = CallHedge(book, in_coin)
    now, fixed_now = hedge.at(np.zeros(1), 0.0, book.iv), hedge.fixed_share(0.0)
    call_less_put = np.where(in_coin, np.exp(-book.log_moneyness), 1.0) - fixed_now

    def kept(per_coin: FloatArray, held: FloatArray) -> FloatArray:
        """Sum over the book, (M, D); coins of an inverse perpetual lose value as spot rises."""
        return held @ per_coin + held @ (per_coin * in_coin) * (1 / (1 + x) - 1)

    parts = np.empty((5, len(scenarios.horizons_s), len(x), len(book.held)))
    for i, horizon in enumerate(scenarios.horizons_s):
        expires = (book.left_s <= horizon) & (horizon > 0)
        held, puts = book.held * ~expires, book.held_puts * ~expires
        later = hedge.at(np.zeros(1), horizon, book.iv)
        moved = ends = hedge.at(x, horizon, book.iv)
        if scenarios.iv_points_per_pct:
            ends = hedge.at(x, horizon, moved_iv)
        expiry = kept(now, book.held - held) - kept(call_less_put, book.held_puts - puts)
        faded_puts = puts @ (fixed_now - hedge.fixed_share(horizon))
        before = kept(now, held)
        parts[0, i] = before - ends @ held.T + faded_puts + expiry
        parts[1, i] = before - held @ now - (moved - later) @ held.T
        parts[2, i] = held @ (now - later) + faded_puts
        parts[3, i] = (moved - ends) @ held.T if scenarios.iv_points_per_pct else 0.0
        parts[4, i] = expiry
    return parts


@dataclass(frozen=True, slots=True)
class CallHedge:
    """Coins of underlying that hedge one coin of call, and how it fades into the settlement.

    Until 30 minutes before expiry N(d1), or (K/F) N(d2) counted in coins. Then delivery is an
    average of which a growing share c is fixed: the option is worth (1 - c) of one struck at
    K' = (K - fixed)/(1 - c), and what is fixed needs no hedge. Its variance is iv^2 T as
    before, the one that the mark implies: nothing jumps when the averaging begins.
    """

    book: Book
    in_coin: BoolArray

    def fixed_share(self, horizon_s: float) -> FloatArray:
        """Share of the settlement average that is fixed by then, 0 to 1, (P,)."""
        left_s = self.book.left_s - horizon_s
        return np.clip(1 - left_s / SETTLEMENT_WINDOW_S, 0.0, 1.0)

    def at(self, move: FloatArray, horizon_s: float, iv: FloatArray) -> FloatArray:
        """The hedge after a move now and `horizon_s` seconds, (M, P); nonsense once expired."""
        years = np.maximum(self.book.left_s - horizon_s, 0.0) / _YEAR_S
        sd = np.maximum(iv * np.sqrt(years), MIN_SD)
        moneyness = self.book.log_moneyness + np.log1p(move)
        live, strike = np.ones(1), np.exp(-moneyness) if np.any(self.in_coin) else np.ones(1)
        fixed = self.fixed_share(horizon_s)
        if np.any(fixed > 0):
            before = self.fixed_share(0.0)  # averaged at today's forward, the rest at the moved
            live = np.maximum(1 - fixed, MIN_SD)
            strike = np.exp(-moneyness) - before / (1 + move) - (fixed - before)
            moneyness = -np.log(np.maximum(strike / live, 1e-300))
        d1 = moneyness / sd + sd / 2
        if not np.any(self.in_coin):
            return np.asarray(live * ndtr(d1))
        return np.asarray(np.where(self.in_coin, strike * ndtr(d1 - sd), live * ndtr(d1)))
