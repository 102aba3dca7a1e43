"""The hedge of one coin of each option, and what a move, time and volatility change in it.

Knows formulas and scenarios; knows nobody's inventory but as a factor.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from greeks.black76 import MIN_SD, is_computable
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
from greeks.settlement import WINDOW_S, averaged_options, is_averaging

_MIN_IV = 0.01  # a response of volatility never takes an option below this
_CERTAIN = 1e-12  # an open strike this near to zero is certain to be passed


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
    left_s : seconds to expiry.
    open_share : part of the delivery that is not fixed yet; 1 before the settlement average.
    strike_ratio : (K - what is fixed)/F, in units of the forward of the open part.
    sd : total standard deviation of the open part, v.
    iv : fraction.
    is_inverse : coin-margined.
    held, held_puts : (D, P) calls and puts, and puts alone, of D inventories, coins.
    is_known : whether any option at all has a price and a position, even one of zero coins; what
        the flow of a book without one is, nobody knows. A book without options has no flow.
    """

    left_s: FloatArray
    open_share: FloatArray
    strike_ratio: FloatArray
    sd: FloatArray
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
        open_share, strike_ratio, sd = _delivery(rows)
        columns = (rows.expiry_ms, rows.settlement, rows.mark_iv, strike_ratio, sd)
        same = np.ones(len(rows), dtype=np.bool_)
        for column in columns:
            same[1:] &= column[1:] == column[:-1]
        same[:1] = False
        first = np.flatnonzero(~same)
        return cls(
            left_s=(rows.expiry_ms[first] - rows.as_of_ms) / 1000,
            open_share=open_share[first],
            strike_ratio=strike_ratio[first],
            sd=sd[first],
            iv=rows.mark_iv[first],
            is_inverse=rows.settlement[first] == Settlement.INVERSE,
            held=_sum_runs(position, first),
            held_puts=_sum_runs(position * ~rows.is_call, first),
            is_known=not len(chain) or bool(known.any()),
        )


def is_priced(chain: OptionChain) -> BoolArray:
    """Rows that have all that a price takes: a usable status, a forward, a volatility."""
    F, K, T, s = chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv
    return chain.is_usable & is_computable(F, K, T, s)


def _delivery(rows: OptionChain) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Open share, strike ratio and total deviation of each row."""
    sd = rows.mark_iv * np.sqrt(np.maximum(rows.years_to_expiry, 0.0))
    share, ratio = np.ones(len(rows)), rows.strike / rows.forward
    averaging = is_averaging(rows)
    if averaging.any():
        options = averaged_options(rows, averaging)
        share[averaging], sd[averaging] = options.share, options.sd
        ratio[averaging] = options.share * options.strike / options.forward
    return share, ratio, sd


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
    hedge = _CallHedge(book, in_coin)
    now = hedge.at(np.zeros(1), 0.0, book.iv)
    call_less_put = np.where(in_coin, book.strike_ratio, book.open_share)

    def kept(per_coin: FloatArray, held: FloatArray) -> FloatArray:
        """Sum over the book, (M, D); coins of an inverse perpetual lose value as spot rises."""
        return held @ per_coin + held @ (per_coin * in_coin) * (1 / (1 + x) - 1)

    parts = np.empty(shape)
    for i, horizon in enumerate(scenarios.horizons_s):
        expires = (book.left_s <= horizon) & (horizon > 0)
        held, puts = book.held * ~expires, book.held_puts * ~expires
        later = hedge.at(np.zeros(1), horizon, book.iv)
        moved = ends = hedge.at(x, horizon, book.iv)
        if scenarios.iv_points_per_pct:
            ends = hedge.at(x, horizon, moved_iv)
        expiry = kept(now, book.held - held) - kept(call_less_put, book.held_puts - puts)
        faded_puts = puts @ (hedge.open_share(horizon) - book.open_share)
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

    Until 30 minutes before expiry N(d1), or (K/F) N(d2) counted in coins. Then delivery is an
    average of which a share m is open: the option is m options struck at K' = (K - fixed)/m,
    and what is fixed needs no hedge. Its total variance shrinks with the time left, as before.
    """

    book: HedgedBook
    in_coin: BoolArray

    def open_share(self, horizon_s: float) -> FloatArray:
        """Share of the delivery that is open after `horizon_s` seconds, (P,)."""
        open_then = np.clip((self.book.left_s - horizon_s) / WINDOW_S, 0.0, 1.0)
        return np.minimum(open_then, self.book.open_share)

    def at(self, move: FloatArray, horizon_s: float, iv: FloatArray) -> FloatArray:
        """The hedge after a move now and `horizon_s` seconds, (M, P); nonsense once expired."""
        book = self.book
        left = np.clip(1 - horizon_s / book.left_s, 0.0, 1.0)
        sd = np.maximum(book.sd * np.sqrt(left) * (iv / book.iv), MIN_SD)
        moneyness = np.log1p(move) - np.log(np.maximum(book.strike_ratio, _CERTAIN))
        strike, share = np.exp(-moneyness) if self.in_coin.any() else np.ones(1), np.ones(1)
        if book.left_s.min(initial=np.inf) - horizon_s < WINDOW_S:
            share = np.maximum(self.open_share(horizon_s), _CERTAIN)
            strike = book.strike_ratio / (1 + move) - (book.open_share - share)
            moneyness = -np.log(np.maximum(strike / share, _CERTAIN))
        d1 = moneyness / sd + sd / 2
        if not self.in_coin.any():
            return np.asarray(share * ndtr(d1))
        return np.asarray(np.where(self.in_coin, strike * ndtr(d1 - sd), share * ndtr(d1)))
