"""Where the rows of a chain stand: its expiries, its strikes and who shares them.

Stays the same from one frame to the next until something is listed or expires, so it is worked
out once. Knows contracts; knows no price and no position.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from greeks.black76 import differs_from_previous
from greeks.chain import OptionChain
from greeks.conventions import BoolArray, Exposure, FloatArray, IntArray

KEPT = 32
"""Layouts remembered: the books and selections that are asked for again and again."""
KEYS_APART = 64.0
"""Added to ln K from expiry to expiry: more than lies between any two amounts of money."""
_LOG_USD = -20.0, 40.0
STRIKE_SUMS = len(Exposure) + 2
"""Columns summed by strike: every exposure, and GEX of calls and of puts."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Groups of the n rows of a chain.

    Attributes
    ----------
    expiry_ms : (E,) expiries in the chain's order.
    expiry_starts : (E,) first row of each.
    expiry_of : (n,) the expiry of each row.
    strike_usd : (U,) distinct strikes, rising.
    strike_slots : (STRIKE_SUMS x n,) flat place of each row's strike in each summed column.
    cell_starts : (c,) first row of each pair of expiry and strike.
    cell_strike_usd : (c,) its strike.
    cell_keys : (c,) ln K + KEYS_APART x expiry, which rises from cell to cell.
    first_cells : (E,) first cell of each expiry.
    cell_sizes : (E,) number of cells of each expiry.
    """

    expiry_ms: IntArray
    expiry_starts: IntArray
    expiry_of: IntArray
    strike_usd: FloatArray
    strike_slots: IntArray
    cell_starts: IntArray
    cell_strike_usd: FloatArray
    cell_keys: FloatArray
    first_cells: IntArray
    cell_sizes: IntArray

    def rows_of(self, expiry: int) -> slice:
        """The rows of one expiry, by its index."""
        starts = self.expiry_starts
        end = starts[expiry + 1] if expiry + 1 < len(starts) else len(self.expiry_of)
        return slice(int(starts[expiry]), int(end))


def nothing_known(slots: IntArray, is_known: BoolArray, count: int) -> BoolArray:
    """Which of `count` sums over the rows in their `slots` rest on rows of which none is known.

    A sum over no rows at all is known to be 0.
    """
    unknown = np.zeros(count, bool)
    unknown[slots] = True
    unknown[slots[is_known]] = False
    return unknown


def layout_of(chain: OptionChain) -> Layout:
    """The layout of a chain, remembered by its strikes and expiries."""
    return layout_of_bytes(float_bytes(chain.strike), chain.expiry_ms.tobytes())


def float_bytes(column: FloatArray) -> bytes:
    """The bytes of a column as 64-bit floats, whatever a caller filled it with."""
    return np.asarray(column, np.float64).tobytes()


@lru_cache(maxsize=KEPT)
def layout_of_bytes(strike_bytes: bytes, expiry_bytes: bytes) -> Layout:
    """The layout of strikes and expiries given as the bytes of their arrays."""
    strike = np.frombuffer(strike_bytes)
    expiry_ms = np.frombuffer(expiry_bytes, np.int64)
    new_expiry = differs_from_previous(expiry_ms)
    starts, cells = (
        np.flatnonzero(new) for new in (new_expiry, differs_from_previous(expiry_ms, strike))
    )
    strikes, strike_of = np.unique(strike, return_inverse=True)
    first_cells = np.searchsorted(cells, starts)
    expiry_of = np.cumsum(new_expiry) - 1
    with np.errstate(all="ignore"):
        cell_keys = np.clip(np.log(strike[cells]), *_LOG_USD) + KEYS_APART * expiry_of[cells]
    return Layout(
        expiry_ms=expiry_ms[starts],
        expiry_starts=starts,
        expiry_of=expiry_of,
        strike_usd=strikes,
        strike_slots=(np.arange(STRIKE_SUMS)[:, None] * len(strikes) + strike_of).ravel(),
        cell_starts=cells,
        cell_strike_usd=strike[cells],
        cell_keys=cell_keys,
        first_cells=first_cells,
        cell_sizes=np.diff(first_cells, append=len(cells)),
    )
