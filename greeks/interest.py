"""Open interest summed by strike, and what it says of each expiry: max pain.

It moves by the minute while prices move by the second, so it is remembered until it changes.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import FloatArray
from greeks.held import known_or_zero
from greeks.layout import KEPT, Layout, float_bytes, layout_of_bytes, nothing_known

_TIE = 1e-9  # of an expiry's open interest: strikes that pay alike go to the lower one


@dataclass(frozen=True, slots=True)
class Interest:
    """Open interest of a chain, as far as it is known.

    Attributes
    ----------
    by_strike : (2, U) coins, of calls and of puts at each strike: NaN where such options are
        listed and the interest of none is known, 0 where none is listed.
    max_pain_usd : (E,) the listed strike at which each expiry would pay out least by what is
        known, NaN without open interest.
    """

    by_strike: FloatArray
    max_pain_usd: FloatArray


def interest_of(chain: OptionChain) -> Interest:
    """The open interest of a chain, remembered by its listing and its numbers."""
    return _interest(
        float_bytes(chain.strike),
        chain.expiry_ms.tobytes(),
        float_bytes(chain.open_interest_coin),
        chain.is_call.tobytes(),
    )


@lru_cache(maxsize=KEPT)
def _interest(
    strike_bytes: bytes, expiry_bytes: bytes, interest_bytes: bytes, is_call_bytes: bytes
) -> Interest:
    layout, is_call = (
        layout_of_bytes(strike_bytes, expiry_bytes),
        np.frombuffer(is_call_bytes, bool),
    )
    given = np.frombuffer(interest_bytes)
    interest = known_or_zero(given)
    strikes = len(layout.strike_usd)
    slots = layout.strike_slots[: len(interest)] + np.where(is_call, 0, strikes)
    by_strike = np.bincount(slots, interest, 2 * strikes).astype(np.float64)
    by_strike[nothing_known(slots, np.isfinite(given), 2 * strikes)] = np.nan
    by_strike = by_strike.reshape(2, strikes)
    if not len(interest):
        return Interest(by_strike, np.empty(0))
    calls_and_both = np.stack([interest * is_call, interest])
    return Interest(
        by_strike, _max_pain(layout, *np.add.reduceat(calls_and_both, layout.cell_starts, axis=1))
    )


def _max_pain(layout: Layout, calls: FloatArray, both: FloatArray) -> FloatArray:
    """`levels.max_pain` of every expiry at once, from the interest at each of its strikes."""
    first, size = layout.first_cells, layout.cell_sizes
    total_calls, total = np.add.reduceat(np.stack([calls, both]), first, axis=1)
    # pain's slope right of a strike: calls at or below it less puts above it
    slope = np.cumsum(both)
    slope -= np.repeat(slope[first] - both[first] + (total - total_calls), size)
    falling = slope < -_TIE * np.repeat(total, size)
    best = first + np.minimum(np.add.reduceat(falling.astype(np.int64), first), size - 1)
    return np.where(total > 0, layout.cell_strike_usd[best], np.nan)
