"""The rows of a chain that carry gamma, as the formulas of a profile see them."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from greeks.black76 import MIN_SD, differs_from_previous, is_computable
from greeks.chain import OptionChain
from greeks.conventions import ROUNDING, BoolArray, FloatArray, IntArray
from greeks.settlement import AveragedOptions, averaged_options, is_averaging

Column = TypeVar("Column", FloatArray, IntArray, BoolArray)


@dataclass(frozen=True, slots=True)
class HeldStrikes:
    """Held rows of one expiry, forward, strike and volatility, which share Greeks and Gaussians.

    Most often a call beside its put; rows that neighbours do not equal stand alone.

    Attributes
    ----------
    forward, strike, years, iv, sd : (m,) F, K, T, s, v.
    of_row : (h,) the strike of each held row.
    slot : (h,) its place in a (2, m) table of calls and puts, as a flat index.
    expiry_ms : (E,) expiries in order.
    starts : (E,) first strike of each.
    """

    forward: FloatArray
    strike: FloatArray
    years: FloatArray
    iv: FloatArray
    sd: FloatArray
    of_row: IntArray
    slot: IntArray
    expiry_ms: IntArray
    starts: IntArray

    def __len__(self) -> int:
        return len(self.strike)

    def net(self, position: FloatArray) -> FloatArray:
        """Sum a position in each held row over each strike, (P, h) to (P, m)."""
        return _sum_by(self.of_row, position, len(self))

    def calls_and_puts(self, position: FloatArray) -> FloatArray:
        """The same of calls and of puts, (P, h) to (2, P, m)."""
        sums = _sum_by(self.slot, position, 2 * len(self))
        return sums.reshape(len(position), 2, len(self)).swapaxes(0, 1)


@dataclass(frozen=True, slots=True)
class HeldRows:
    """Usable rows in the chain's order, whoever holds them.

    Attributes
    ----------
    spot_usd : S, the index.
    row : (h,) index into the chain.
    expiry_ms, is_call, forward, strike, years, iv : (h,) F, K, T, s of each row.
    sd : v, total standard deviation to expiry.
    share : the part of a position that is still open: less than 1 inside the settlement average.
    averaging, averaging_row : the options inside their average and their rows in the chain: their
        charm has a part that is no Gaussian.
    """

    spot_usd: float
    row: IntArray
    expiry_ms: IntArray
    is_call: BoolArray
    forward: FloatArray
    strike: FloatArray
    years: FloatArray
    iv: FloatArray
    sd: FloatArray
    share: FloatArray
    averaging: AveragedOptions | None
    averaging_row: IntArray
    strikes: HeldStrikes

    @classmethod
    def of(cls, chain: OptionChain) -> "HeldRows":
        """Take the rows with a usable mark and time to live."""
        F, K, years, iv = chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv
        with np.errstate(all="ignore"):
            sd = iv * np.sqrt(np.maximum(years, 0.0))
        usable = chain.is_usable & is_computable(F, K, years, iv)
        usable &= sd >= MIN_SD
        averaging = is_averaging(chain) & usable
        share, options = np.ones(len(chain)), None
        if averaging.any():
            options = averaged_options(chain, averaging)
            F, K, sd = F.copy(), K.copy(), sd.copy()
            F[averaging], K[averaging], sd[averaging] = options.forward, options.strike, options.sd
            share[averaging] = options.share
            usable[averaging] &= (options.strike > 0) & (options.sd >= MIN_SD)
        row = np.flatnonzero(usable)
        expiry_ms, is_call = _take(chain.expiry_ms, row), _take(chain.is_call, row)
        F, K, years, iv, sd = (_take(column, row) for column in (F, K, years, iv, sd))
        return cls(
            spot_usd=chain.index_price,
            row=row,
            expiry_ms=expiry_ms,
            is_call=is_call,
            forward=F,
            strike=K,
            years=years,
            iv=iv,
            sd=sd,
            share=_take(share, row),
            averaging=options,
            averaging_row=np.flatnonzero(averaging),
            strikes=_strikes_of(expiry_ms, is_call, F, K, years, iv, sd),
        )

    def is_plain(self, chain: OptionChain) -> bool:
        """Whether these are all rows of the chain, none of them inside its average."""
        return len(self.row) == len(chain) and self.averaging is None

    def open_position(self, position_coin: FloatArray) -> FloatArray:
        """Coins q of each row from positions of the chain, (..., n) to (..., h); unknown as 0."""
        return known_or_zero(position_coin[..., self.row]) * self.share

    def averaging_position(self, position_coin: FloatArray) -> FloatArray:
        """Coins in each option inside its average, open or not, (..., n) to (..., a)."""
        return known_or_zero(position_coin[..., self.averaging_row])


def _strikes_of(
    expiry_ms: IntArray,
    is_call: BoolArray,
    F: FloatArray,
    K: FloatArray,
    T: FloatArray,
    s: FloatArray,
    v: FloatArray,
) -> HeldStrikes:
    """Find the neighbours that agree in everything but the type."""
    new = differs_from_previous(expiry_ms, K, F, v)
    first = np.flatnonzero(new)
    of_row = new.cumsum() - 1
    expiry_ms = expiry_ms.take(first)
    starts = np.flatnonzero(differs_from_previous(expiry_ms))
    return HeldStrikes(
        forward=F.take(first),
        strike=K.take(first),
        years=T.take(first),
        iv=s.take(first),
        sd=v.take(first),
        of_row=of_row,
        slot=np.where(is_call, of_row, of_row + len(first)),
        expiry_ms=expiry_ms.take(starts),
        starts=starts,
    )


def _sum_by(slot: IntArray, values: FloatArray, count: int) -> FloatArray:
    """Sum each row of (P, h) values into `count` slots, (P, count)."""
    sums = np.empty((len(values), count))
    for out, row in zip(sums, values, strict=True):
        out[:] = np.bincount(slot, row, count)
    return sums


def known_or_zero(values: FloatArray) -> FloatArray:
    """The values with what is not finite as 0, for sums over what is known."""
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, 0.0)


def without_rounding(net: FloatArray, gross: FloatArray) -> FloatArray:
    """Signed sums with those that are the rounding of their gross as 0: they have no sign."""
    return np.where(np.abs(net) > ROUNDING * gross, net, 0.0)


def _take(column: Column, row: IntArray) -> Column:
    """The rows of a column, the column itself when that is all of them."""
    return column if len(row) == len(column) else column[row]
