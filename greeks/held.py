"""The rows of a chain that carry gamma under a position, as the formulas of a profile see them."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from greeks.black76 import MIN_SD, is_computable
from greeks.chain import OptionChain
from greeks.conventions import BoolArray, FloatArray, IntArray
from greeks.settlement import AveragedOptions, averaged_options, is_averaging

Column = TypeVar("Column", FloatArray, IntArray, BoolArray)


@dataclass(frozen=True, slots=True)
class HeldRows:
    """Usable rows in the chain's order; inside a settlement average with what is still open.

    Attributes
    ----------
    spot_usd : S, the index.
    row : (h,) index into the chain.
    expiry_ms, is_call, forward, strike, years, iv : (h,) F, K, T, s of each row.
    sd : v, total standard deviation to expiry.
    position : q, coins, + = dealers long; times the open share inside the average.
    averaging, averaging_position : the options inside their average, and the whole position in
        them: their charm has a part that is no Gaussian.
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
    position: FloatArray
    averaging: AveragedOptions | None
    averaging_position: FloatArray

    @classmethod
    def of(cls, chain: OptionChain, position_coin: FloatArray) -> "HeldRows":
        """Take the rows with a usable mark, a known position and time to live."""
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
        row = np.flatnonzero(usable)
        return cls(
            spot_usd=chain.index_price,
            row=row,
            expiry_ms=_take(chain.expiry_ms, row),
            is_call=_take(chain.is_call, row),
            forward=_take(F, row),
            strike=_take(K, row),
            years=_take(years, row),
            iv=_take(iv, row),
            sd=_take(sd, row),
            position=_take(held, row),
            averaging=options,
            averaging_position=position_coin[averaging],
        )


def _take(column: Column, row: IntArray) -> Column:
    """The rows of a column, the column itself when that is all of them."""
    return column if len(row) == len(column) else column[row]
