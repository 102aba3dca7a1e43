"""What a chain says of each expiry before anyone holds anything: forward, volatility, max pain."""

from dataclasses import dataclass

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import BoolArray, FloatArray, IntArray, StatusArray
from greeks.held import known_or_zero
from greeks.interest import Interest
from greeks.layout import KEYS_APART, Layout
from greeks.settlement import is_averaging


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


def terms_of(chain: OptionChain, layout: Layout, interest: Interest) -> Terms:
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
        max_pain_usd=interest.max_pain_usd,
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
    marks = np.empty((2, len(known)))
    np.multiply(known_or_zero(chain.mark_iv), known, out=marks[0])
    marks[1] = known
    total, count = np.add.reduceat(marks, layout.cell_starts, axis=1)
    cells = np.flatnonzero(count)
    iv, log_strike = total[cells] / count[cells], layout.cell_keys[cells]
    with np.errstate(all="ignore"):
        log_forward = np.log(forward)
    first = cells.searchsorted(layout.first_cells)
    last = cells.searchsorted(layout.first_cells + layout.cell_sizes) - 1
    has = np.flatnonzero((last >= first) & np.isfinite(log_forward))
    first, last, target = first[has], last[has], log_forward[has] + KEYS_APART * has
    left = log_strike.searchsorted(target, side="right") - 1
    left = np.minimum(np.maximum(left, first), last)
    right = np.minimum(left + 1, last)
    gap = np.where(right > left, log_strike[right] - log_strike[left], 1.0)
    share = np.minimum(np.maximum((target - log_strike[left]) / gap, 0.0), 1.0)
    atm = np.full(len(forward), np.nan)
    atm[has] = iv[left] + share * (iv[right] - iv[left])
    return atm
