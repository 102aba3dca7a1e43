"""Exposures over a ladder of hypothetical spot levels, re-pricing every option at each level.

A move to level S' multiplies the index and every forward by S'/S while each option keeps its
volatility (sticky strike; `greeks.smile` moves it). In the log-move x = ln(S'/S), with
c = ln(K/F) + v^2/2 and d2 = (x - c)/v, every exposure of an option is a Gaussian in x times a
simple factor, so a book is a `Mixture`: summed exactly anywhere, or fast on a whole ladder.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import (
    INV_SQRT_2PI,
    MIN_SD,
    differs_from_previous,
    is_computable,
    log_ratio,
)
from greeks.chain import OptionChain
from greeks.conventions import DAYS_PER_YEAR, PCT, VOL_POINT, FloatArray, IntArray
from greeks.ladder import LADDER, Ladder
from greeks.mixture import Mixture
from greeks.settlement import AveragedOptions, averaged_options, averaging_charm_at, is_averaging

_NET, _CALLS, _VEGA, _VANNA, _CHARM = 0, 1, 2, slice(3, 5), slice(5, 7)  # sets of weights
_SETS = 7


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


@dataclass(frozen=True, slots=True)
class Book:
    """The rows of a chain that have gamma, as a mixture in the log-move of spot.

    Attributes
    ----------
    spot_usd : S, where the log-move is zero.
    expiry_ms : (E,) one group of the mixture each.
    mixture : weights of net GEX, call GEX, vega, and two each for vanna and charm.
    averaging, averaging_position : options inside their settlement average, whose charm has a
        part that is no Gaussian.
    """

    spot_usd: float
    expiry_ms: IntArray
    mixture: Mixture
    averaging: AveragedOptions | None
    averaging_position: FloatArray

    @classmethod
    def of(cls, chain: OptionChain, position_coin: FloatArray) -> "Book":
        """The book of `position_coin` (one per row, + = dealers long).

        Rows without a usable mark are left out; neighbours that differ in nothing but the type
        share one Gaussian.
        """
        F, K, years, iv = chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv
        with np.errstate(all="ignore"):
            sd = iv * np.sqrt(np.maximum(years, 0.0))
        usable = chain.is_usable & np.isfinite(position_coin) & is_computable(F, K, years, iv)
        usable &= sd >= MIN_SD
        averaging = is_averaging(chain) & usable
        options, held = None, position_coin
        if averaging.any():
            options = averaged_options(chain, averaging)
            F, K, sd, held = F.copy(), K.copy(), sd.copy(), held.copy()
            F[averaging], K[averaging], sd[averaging] = options.forward, options.strike, options.sd
            held[averaging] *= options.share
            usable[averaging] &= (options.strike > 0) & (options.sd >= MIN_SD)
        expiry_ms, is_call = chain.expiry_ms, chain.is_call
        if not usable.all():
            expiry_ms, is_call = expiry_ms[usable], is_call[usable]
            F, K, years, iv, sd, held = (x[usable] for x in (F, K, years, iv, sd, held))
        return cls(
            chain.index_price,
            *_mixture_of(expiry_ms, F, K, years, iv, sd, held, held * is_call),
            options,
            position_coin[averaging],
        )

    def net_gex_at(self, spot_usd: FloatArray) -> FloatArray:
        """Exact net GEX in USD per 1 % at each level, (L,)."""
        return self.mixture.first_at(np.log(spot_usd / self.spot_usd))


def _mixture_of(
    expiry_ms: IntArray,
    F: FloatArray,
    K: FloatArray,
    T: FloatArray,
    s: FloatArray,
    v: FloatArray,
    held: FloatArray,
    held_calls: FloatArray,
) -> tuple[IntArray, Mixture]:
    """Merge neighbouring twins and weight their Gaussians.

    With q the position and phi(z) = exp(-z^2/2): GEX = 0.01 q K phi(d2)/(v sqrt(2 pi)), because
    F' n(d1) = K n(d2); vega = GEX v^2/s; vanna = -0.01 q (K/F') d2 n(d2)/s and
    charm = q (K/F') d2 n(d2)/(2 T 365), each as two sums, of x phi and of c phi.
    """
    if not len(K):
        none = np.empty(0)
        return expiry_ms, Mixture(none, none, np.empty((_SETS, 0)), np.empty(0, np.int64))
    rows = np.flatnonzero(differs_from_previous(expiry_ms, K, F, v))
    q, q_calls = np.add.reduceat(np.stack([held, held_calls]), rows, axis=1)
    F, K, T, s, v = (column[rows] for column in (F, K, T, s, v))
    expiry_ms = expiry_ms[rows]
    centre = 0.5 * v * v - log_ratio(F, K)
    weights = np.empty((_SETS, len(rows)))
    scale = (PCT * INV_SQRT_2PI) * K / v
    np.multiply(q, scale, out=weights[_NET])
    np.multiply(q_calls, scale, out=weights[_CALLS])
    np.multiply(weights[_NET], v * v / s * (VOL_POINT / PCT), out=weights[_VEGA])
    slope = weights[_NET] / (F * PCT)  # q (K/F) phi(d2)/v
    np.divide(slope, -s / VOL_POINT, out=weights[3])
    np.divide(slope, 2 * DAYS_PER_YEAR * T, out=weights[5])
    weights[4:7:2] = weights[3:6:2] * centre
    starts = np.flatnonzero(differs_from_previous(expiry_ms))
    return expiry_ms[starts], Mixture(centre, v, weights, starts)


def build_ladder(
    spot_usd: float,
    low: float = LADDER.low,
    high: float = LADDER.high,
    count: int = LADDER.count,
) -> FloatArray:
    """`count` log-spaced spot levels from `low` to `high` times spot, USD."""
    return Ladder(low, high, count).levels(spot_usd)


def compute_profile(book: Book, ladder: Ladder = LADDER) -> Profile:
    """Exposures of a book at every level of a ladder, by interpolation plans.

    Error below 1e-11 of each exposure's largest value against `exact_profile`.
    """
    return _profile(book, ladder.moves, *book.mixture.on_with_groups(ladder))


def exact_profile(book: Book, spot_usd: FloatArray) -> Profile:
    """The same at any levels, one density per option and level: the reference."""
    moves = np.log(spot_usd / book.spot_usd)
    return _profile(book, moves, book.mixture.at(moves), book.mixture.groups_at(moves))


def _profile(book: Book, moves: FloatArray, sums: FloatArray, by_expiry: FloatArray) -> Profile:
    with np.errstate(invalid="ignore"):
        ratio = np.exp(moves)
        charm = (moves * sums[5] - sums[6]) / ratio
        if book.averaging is not None:
            charm += book.averaging_position @ averaging_charm_at(book.averaging, moves)
        return Profile(
            spot_usd=book.spot_usd * ratio,
            gex_usd_per_1pct=sums[_NET],
            call_gex_usd_per_1pct=sums[_CALLS],
            put_gex_usd_per_1pct=sums[_NET] - sums[_CALLS],
            vega_usd_per_pt=sums[_VEGA],
            vanna_coin_per_pt=(moves * sums[3] - sums[4]) / ratio,
            charm_coin_per_day=charm,
            expiry_ms=book.expiry_ms,
            expiry_gex_usd_per_1pct=by_expiry,
        )
