"""One forward per expiry and book: which to believe, and how to recover one from marks.

A listed future of the expiry is best, the venue's synthetic forward next. Where the venue names
the spot index instead, its option marks were still made with a forward: put-call parity gives it.
"""

from dataclasses import replace

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import (
    BoolArray,
    FloatArray,
    ForwardSource,
    RowStatus,
    Settlement,
)

MAX_BASIS = 0.5
"""A forward further than this from spot, in log distance, cannot be true."""
MAX_PARITY_GAP = 0.02
"""A recovered forward further than this from the named one is not believed."""


def parity_forward(
    call_mark: FloatArray, put_mark: FloatArray, strike: FloatArray, settlement: Settlement
) -> FloatArray:
    """The forward that makes a call's and its put's mark agree, per strike.

    Inverse marks C, P are coins: (C - P) F = F - K, so F = K/(1 - (C - P)). Linear marks are
    USDC: F = K + C - P. Undiscounted.
    """
    if settlement is Settlement.INVERSE:
        return np.asarray(strike / (1 - (call_mark - put_mark)))
    return np.asarray(strike + call_mark - put_mark)


def repair_forwards(chain: OptionChain) -> OptionChain:
    """The chain with one believable forward per expiry and book.

    Rows whose `forward_source` is `INDEX` get the parity forward of the three pairs whose marks
    are closest to each other, where marks allow, and the source `PARITY`. A forward that is not
    positive and finite or lies further than half a log unit from spot is NaN, its rows
    `NO_FORWARD`. The chain itself is returned when there is nothing to do.
    """
    forward, source = chain.forward, chain.forward_source
    spot = chain.index_price
    with np.errstate(all="ignore"):
        nonsense = np.isfinite(forward) & ~(forward > 0)
        if spot > 0:
            nonsense |= np.abs(np.log(forward / spot)) > MAX_BASIS
    indexed = source == ForwardSource.INDEX
    if not (nonsense.any() or indexed.any()):
        return chain
    forward, source, status = forward.copy(), source.copy(), chain.status.copy()
    forward[nonsense] = np.nan
    status[nonsense & chain.is_usable] = RowStatus.NO_FORWARD
    for expiry in np.unique(chain.expiry_ms[indexed]):
        for book in Settlement:
            rows = indexed & (chain.expiry_ms == expiry) & (chain.settlement == book)
            recovered = _recover(chain, rows, book)
            if np.isfinite(recovered):
                forward[rows] = recovered
                source[rows] = ForwardSource.PARITY
    return replace(chain, forward=forward, forward_source=source, status=status)


def _recover(chain: OptionChain, rows: BoolArray, book: Settlement) -> float:
    """Median parity forward of the pairs with the closest marks, NaN without a believable one."""
    calls = np.flatnonzero(rows & chain.is_call & (chain.twin >= 0))
    puts = chain.twin[calls]
    marked = np.isfinite(chain.mark_price[calls]) & np.isfinite(chain.mark_price[puts])
    calls, puts = calls[marked], puts[marked]
    if not len(calls):
        return np.nan
    named = chain.forward[calls[0]]
    call, put = chain.mark_price[calls], chain.mark_price[puts]
    nearest = np.argsort(np.abs(call - put), kind="stable")[:3]
    with np.errstate(all="ignore"):
        forwards = parity_forward(call[nearest], put[nearest], chain.strike[calls[nearest]], book)
        believable = forwards[np.abs(np.log(forwards / named)) < MAX_PARITY_GAP]
    return float(np.median(believable)) if len(believable) else np.nan
