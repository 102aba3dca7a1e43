"""What a chain says of each expiry before anyone holds anything: forward, volatility, max pain."""

from dataclasses import dataclass

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import BoolArray, FloatArray, IntArray, StatusArray
from greeks.held import known_or_zero
from greeks.layout import Layout
from greeks.settlement import is_averaging

_TIE = 1e-9  # of an expiry's open interest: strikes that pay alike go to the lower one


@dataclass(frozen=True, slots=True)
class Terms:
    """One element an expiry, NaN where unknown.

    Attributes
    ----------
    forward_usd, forward_source : the forward of its options, and its `ForwardSource` codes.
    atm_iv : mark volatility at the forward.
    max_pain_usd : the listed strike at which it would pay out least.
    settlement_average_usd, average_source : inside the settlement window the running average, and
        its `AverageSource` codes.
    is_averaging : whether the window has begun.
    """

    forward_usd: FloatArray
    forward_source: StatusArray
    atm_iv: FloatArray
    max_pain_usd: FloatArray
    settlement_average_usd: FloatArray
    average_source: StatusArray
    is_averaging: BoolArray


def terms_of(chain: OptionChain, layout: Layout) -> Terms:
    """The terms of every expiry of a chain."""
    starts = layout.expiry_starts
    if not len(starts):
        none, code = np.empty(0), np.empty(0, np.int8)
        return Terms(none, code, none, none, none, code, np.empty(0, np.bool_))
    known_forward = _first_known(chain.forward, starts)
    forward = chain.forward[known_forward]
    return Terms(
        forward_usd=forward,
        forward_source=chain.forward_source[known_forward],
        atm_iv=_atm_iv(chain, layout, forward),
        max_pain_usd=_max_pain(chain, layout),
        settlement_average_usd=chain.settlement_average[starts],
        average_source=chain.average_source[starts],
        is_averaging=is_averaging(chain)[starts],
    )


def _first_known(values: FloatArray, starts: IntArray) -> IntArray:
    """The first row of each group whose value is finite, its very first if none is."""
    finite = np.isfinite(values)
    if finite.all():
        return starts
    rows = np.where(finite, np.arange(len(values)), len(values))
    first = np.minimum.reduceat(rows, starts)
    return np.where(first < len(values), first, starts)


def _atm_iv(chain: OptionChain, layout: Layout, forward: FloatArray) -> FloatArray:
    """Mark volatility at each expiry's forward: linear in ln K between the strikes around it."""
    with np.errstate(invalid="ignore"):
        known = chain.is_usable & (chain.mark_iv > 0) & (chain.strike > 0)
    marks = np.stack([np.where(known, chain.mark_iv, 0.0), known])
    total, count = np.add.reduceat(marks, layout.cell_starts, axis=1)
    cells = np.flatnonzero(count)
    iv = total[cells] / count[cells]
    rows = layout.cell_starts[cells]
    expiry, log_strike = layout.expiry_of[rows], np.log(chain.strike[rows])
    with np.errstate(all="ignore"):
        target = np.log(forward)
    size = np.bincount(expiry, minlength=len(forward))
    below = np.bincount(expiry, log_strike <= target[expiry], len(forward)).astype(np.int64)
    has = np.flatnonzero((size > 0) & np.isfinite(target))
    first = (np.cumsum(size) - size)[has]
    last = first + size[has] - 1
    left = np.maximum(np.minimum(first + below[has], last) - 1, first)
    right = np.minimum(left + 1, last)
    gap = np.where(right > left, log_strike[right] - log_strike[left], 1.0)
    share = np.minimum(np.maximum((target[has] - log_strike[left]) / gap, 0.0), 1.0)
    atm = np.full(len(forward), np.nan)
    atm[has] = iv[left] + share * (iv[right] - iv[left])
    return atm


def _max_pain(chain: OptionChain, layout: Layout) -> FloatArray:
    """`levels.max_pain` of every expiry at once, NaN without open interest."""
    interest = known_or_zero(chain.open_interest_coin)
    cells, first, size = layout.cell_starts, layout.first_cells, layout.cell_sizes
    calls, both = np.add.reduceat(np.stack([interest * chain.is_call, interest]), cells, axis=1)
    total_calls, total = np.add.reduceat(np.stack([calls, both]), first, axis=1)
    # pain's slope right of a strike: calls at or below it less puts above it
    slope = np.cumsum(both)
    slope -= np.repeat(slope[first] - both[first] + (total - total_calls), size)
    falling = slope < -_TIE * np.repeat(total, size)
    best = first + np.minimum(np.add.reduceat(falling.astype(np.int64), first), size - 1)
    return np.where(total > 0, chain.strike[cells[best]], np.nan)
