"""One forward per book and expiry: which quote to believe, and where it stands by now.

A quote is as old as its message, and spot moves on: a forward is carried by what its index did
since. Both prices are looked up by exchange time, so the order of arrival does not matter.
"""

import math
from dataclasses import dataclass

import numpy as np

from greeks.conventions import ForwardSource, IntArray
from ingest.delivery import WINDOW_MS
from ingest.index_history import IndexHistory
from ingest.rows import Rows


@dataclass(frozen=True, slots=True)
class Forward:
    """A forward quote in USD, or where it stands after carrying."""

    price: float
    ts_event: int
    source: ForwardSource


UNKNOWN = Forward(math.nan, 0, ForwardSource.UNKNOWN)


def forward_source_of(underlying_index: str) -> ForwardSource:
    """Read what the venue calls the underlying: a future's name, SYN.<expiry> or index_price."""
    if underlying_index == "index_price":
        return ForwardSource.INDEX
    if underlying_index.startswith("SYN."):
        return ForwardSource.SYNTHETIC
    return ForwardSource.FUTURE if underlying_index else ForwardSource.UNKNOWN


def newest_underlying(rows: Rows, of_term: IntArray) -> Forward:
    """Return what the options of a term say of their forward: the median of the newest rows."""
    times = rows.ts_underlying[of_term]
    newest = int(times.max(initial=0))
    if newest == 0:
        return UNKNOWN
    latest = of_term[times == newest]
    price = float(np.median(rows.underlying_price[latest]))
    return Forward(price, newest, ForwardSource(int(rows.underlying_source[latest].max())))


def choose(underlying: Forward, future: Forward | None) -> Forward:
    """Return the newer quote, but a future's rather than the index in place of a forward."""
    if future is None:
        return underlying
    if future.ts_event > underlying.ts_event or underlying.source == ForwardSource.INDEX:
        return future
    return underlying


def carry(quote: Forward, index: IndexHistory | None, expiry_ms: int) -> Forward:
    """Move a quote along with its index: F S(now)/S(then).

    Inside the settlement window only the open share of the average moves with the index.
    """
    if index is None or not index.price > 0 or quote.ts_event == 0:
        return quote
    ratio = index.price / index.at(quote.ts_event)
    left_ms = max(expiry_ms - index.newest_ms, 0)
    open_share = min(left_ms / WINDOW_MS, 1.0)
    return Forward(quote.price * (1 + open_share * (ratio - 1)), quote.ts_event, quote.source)
