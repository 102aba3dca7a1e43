"""Exposures over a ladder of hypothetical spot levels, re-pricing every option at each level.

A move to level S' multiplies the index and every forward by S'/S while each option keeps its
volatility (sticky strike; `greeks.smile` moves it). In the log-move x = ln(S'/S), with
c = ln(K/F) + v^2/2 and d2 = (x - c)/v, every exposure of an option is a Gaussian in x times a
simple factor, so a book is a `Mixture`: summed exactly anywhere, or fast on a whole ladder.
"""

from dataclasses import dataclass, replace

import numpy as np

from greeks.black76 import INV_SQRT_2PI
from greeks.chain import OptionChain
from greeks.conventions import (
    DAYS_PER_YEAR,
    PCT,
    VOL_POINT,
    BoolArray,
    FloatArray,
    IntArray,
)
from greeks.held import HeldRows, HeldStrikes, without_rounding
from greeks.ladder import LADDER, Ladder
from greeks.layout import nothing_known
from greeks.mixture import Mixture
from greeks.settlement import averaging_charm_at

_GEX_SCALE = PCT * INV_SQRT_2PI
_OF_BOTH = ("gex_usd_per_1pct", "vega_usd_per_pt", "vanna_coin_per_pt", "charm_coin_per_day")
_NET, _CALLS, _PUTS, _VEGA, _VANNA, _CHARM, _SETS = 0, 1, 2, 3, 4, 6, 8  # sets of each position


@dataclass(frozen=True, slots=True)
class Profile:
    """Net exposures at each hypothetical spot.

    Attributes
    ----------
    spot_usd : (M,) levels, rising.
    gex_usd_per_1pct, call_gex_usd_per_1pct, put_gex_usd_per_1pct : (M,) net, of calls, of puts.
    vega_usd_per_pt, vanna_coin_per_pt, charm_coin_per_day : (M,) net.
    expiry_ms : (E,) expiries with exposure, rising.
    expiry_gex_usd_per_1pct : (E, M) net GEX of each expiry alone.
    """

    spot_usd: FloatArray
    gex_usd_per_1pct: FloatArray
    call_gex_usd_per_1pct: FloatArray
    put_gex_usd_per_1pct: FloatArray
    vega_usd_per_pt: FloatArray
    vanna_coin_per_pt: FloatArray
    charm_coin_per_day: FloatArray
    expiry_ms: IntArray
    expiry_gex_usd_per_1pct: FloatArray

    def known(self, chain: OptionChain, is_known: BoolArray) -> "Profile":
        """Return the profile with every sum that rests on no known option as NaN.

        `is_known` has one element a row of the chain.
        """
        if is_known.all():
            return self
        no_puts, no_calls = nothing_known(chain.is_call.astype(np.int64), is_known, 2)
        unknown = {"call_gex_usd_per_1pct": no_calls, "put_gex_usd_per_1pct": no_puts}
        unknown |= dict.fromkeys(_OF_BOTH, not is_known.any())
        nothing = np.full(len(self.spot_usd), np.nan)
        of_known = np.isin(self.expiry_ms, chain.expiry_ms[is_known])[:, None]
        return replace(
            self,
            expiry_gex_usd_per_1pct=np.where(of_known, self.expiry_gex_usd_per_1pct, np.nan),
            **{name: nothing for name, is_unknown in unknown.items() if is_unknown},
        )


@dataclass(frozen=True, slots=True)
class Book:
    """The held rows of a chain as a mixture in the log-move of spot, under P positions at once.

    Attributes
    ----------
    held : the rows.
    mixture : P sets of weights each of net, call and put GEX and vega, two of vanna and charm;
        those of net GEX come first and are also summed by expiry, one group each.
    averaging_position : (P, a) coins in the options inside their settlement average.
    """

    held: HeldRows
    mixture: Mixture
    averaging_position: FloatArray

    @classmethod
    def of(cls, chain: OptionChain, position_coin: FloatArray) -> "Book":
        """The book of positions (n,) or (P, n) in coins, + = dealers long."""
        return cls.of_rows(HeldRows.of(chain), np.atleast_2d(position_coin))

    @classmethod
    def of_rows(cls, held: HeldRows, positions: FloatArray) -> "Book":
        """The same from the held rows of the chain; positions are (P, n)."""
        mixture = mixture_of(held, held.open_position(positions))
        return cls(held, mixture, held.averaging_position(positions))

    @property
    def expiry_ms(self) -> IntArray:
        """The expiries, (E,)."""
        return self.held.strikes.expiry_ms

    @property
    def spot_usd(self) -> float:
        """The index S, where the log-move is zero."""
        return self.held.spot_usd

    def net_gex_at(self, spot_usd: FloatArray) -> FloatArray:
        """Exact net GEX of the first position in USD per 1 % at each level, (L,)."""
        return np.asarray(self.mixture.leading_at(np.log(spot_usd / self.spot_usd))[0])


def gex_mixture(held: HeldRows, position: FloatArray) -> Mixture:
    """Net GEX alone of positions (P, h).

    With q the position and phi(z) = exp(-z^2/2): GEX = 0.01 q K phi(d2)/(v sqrt(2 pi)), because
    F' n(d1) = K n(d2). Where a call and its put cancel their rounding stays: for signs take
    `mixture_of`.
    """
    strikes = held.strikes
    weights = strikes.net(position)
    weights *= _GEX_SCALE * strikes.strike / strikes.sd
    return _mixture(strikes, weights, len(position))


def gex_of_rows(held: HeldRows, moves: FloatArray) -> FloatArray:
    """GEX of one coin of each held row after a log-move of spot of its own, (h,) USD per 1 %.

    The formula of `gex_mixture` row by row; `moves` is (h,). Volatilities stick to strikes.
    """
    K, v = held.strike, held.sd
    distance = (moves - np.log(K / held.forward)) / v - v / 2
    return np.asarray(held.share * _GEX_SCALE * K / v * np.exp(-0.5 * distance * distance))


def _net(calls: FloatArray, puts: FloatArray) -> FloatArray:
    return without_rounding(calls + puts, np.abs(calls) + np.abs(puts))


def mixture_of(held: HeldRows, position: FloatArray) -> Mixture:
    """GEX as in `gex_mixture`, net, of calls and of puts, and the other exposures of a profile.

    vega = GEX v^2/s; vanna = -0.01 q (K/F') d2 n(d2)/s and charm = q (K/F') d2 n(d2)/(2 T 365),
    each as two sums, of x phi and of c phi, over F'/F.
    """
    strikes, count = held.strikes, len(position)
    K, T, s, v = strikes.strike, strikes.years, strikes.iv, strikes.sd
    weights = np.empty((_SETS, count, len(strikes)))
    sides = weights[_CALLS : _PUTS + 1]
    np.multiply(strikes.calls_and_puts(position), _GEX_SCALE * K / v, out=sides)
    weights[_NET] = _net(*sides)
    np.multiply(weights[_NET], v * v / s * (VOL_POINT / PCT), out=weights[_VEGA])
    slope = weights[_NET] / (strikes.forward * PCT)  # q (K/F) phi(d2)/v
    np.divide(slope, -s / VOL_POINT, out=weights[_VANNA])
    np.divide(slope, 2 * DAYS_PER_YEAR * T, out=weights[_CHARM])
    mixture = _mixture(strikes, weights.reshape(_SETS * count, len(strikes)), count)
    np.multiply(weights[_VANNA::2], mixture.centre, out=weights[_VANNA + 1 :: 2])
    return mixture


def _mixture(strikes: HeldStrikes, weights: FloatArray, leading: int) -> Mixture:
    """The Gaussians of each strike, centred at c = ln(K/F) + v^2/2, one group an expiry."""
    F, K, v = strikes.forward, strikes.strike, strikes.sd
    centre = np.log1p((K - F) / F)
    centre += 0.5 * v * v
    return Mixture(centre, v, weights, strikes.starts, leading)


def build_ladder(
    spot_usd: float,
    low: float = LADDER.low,
    high: float = LADDER.high,
    count: int = LADDER.count,
) -> FloatArray:
    """`count` log-spaced spot levels from `low` to `high` times spot, USD."""
    return Ladder(low, high, count).levels(spot_usd)


@dataclass(frozen=True, slots=True)
class LadderSums:
    """The sums of a book's mixture at every level of a ladder.

    Attributes
    ----------
    gex : (P, 1 + E, M) net GEX of the book, then of each expiry alone, under each position.
    further : (7 P, M) the other sets, in the mixture's order.
    """

    ladder: Ladder
    gex: FloatArray
    further: FloatArray

    @classmethod
    def of(cls, book: Book, ladder: Ladder = LADDER) -> "LadderSums":
        """Sum by interpolation plans."""
        return cls(ladder, *book.mixture.on_with_groups(ladder))


def compute_profiles(book: Book, sums: LadderSums) -> tuple[Profile, ...]:
    """Exposures of a book at every level of a ladder by interpolation plans, for each position.

    Error below 1e-11 of each exposure's largest value against `exact_profile`.
    """
    return _profiles(book, sums.ladder.moves, sums.gex, sums.further)


def compute_profile(book: Book, ladder: Ladder = LADDER) -> Profile:
    """The same of the first position alone."""
    return compute_profiles(book, LadderSums.of(book, ladder))[0]


def exact_profile(book: Book, spot_usd: FloatArray) -> Profile:
    """The first position's at any levels, one density per option and level: the reference."""
    moves, mixture = np.log(spot_usd / book.spot_usd), book.mixture
    sums, by_expiry = mixture.at(moves), mixture.groups_at(moves)
    gex = np.concatenate([sums[: mixture.leading, None], by_expiry], axis=1)
    return _profiles(book, moves, gex, sums[mixture.leading :])[0]


def _profiles(
    book: Book, moves: FloatArray, gex: FloatArray, further: FloatArray
) -> tuple[Profile, ...]:
    """A profile for each of P positions from the sums of `LadderSums` at L moves."""
    count = book.mixture.leading
    calls, puts, vega, *slopes = further.reshape(_SETS - 1, count, len(moves))
    ratio = np.exp(moves)
    levels = book.spot_usd * ratio
    vanna, charm = (
        (moves * by_move - by_centre) / ratio for by_move, by_centre in (slopes[:2], slopes[2:])
    )
    if book.held.averaging is not None:
        with np.errstate(invalid="ignore"):
            charm += book.averaging_position @ averaging_charm_at(book.held.averaging, moves)
    return tuple(
        Profile(
            spot_usd=levels,
            gex_usd_per_1pct=gex[at, 0],
            call_gex_usd_per_1pct=calls[at],
            put_gex_usd_per_1pct=puts[at],
            vega_usd_per_pt=vega[at],
            vanna_coin_per_pt=vanna[at],
            charm_coin_per_day=charm[at],
            expiry_ms=book.expiry_ms,
            expiry_gex_usd_per_1pct=gex[at, 1:],
        )
        for at in range(count)
    )
