"""The mutable chain of one asset: events write rows, `freeze` hands out an `OptionChain`.

Knows no socket and no clock of this machine: its time is the newest index price's. The order
of independent events does not matter; an older value never overwrites a newer one.
"""

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import FloatArray, IntArray, RowStatus, Settlement, StatusArray
from ingest.events import (
    Event,
    FutureTicker,
    Gap,
    IndexPrice,
    Instrument,
    Listed,
    Mark,
    MarkPrices,
    OptionTicker,
    Summaries,
    Summary,
)
from ingest.instruments import InstrumentTable, build_table

MAX_IV = 10.0
MAX_INDEX_JUMP = 0.10
CONFIRM_PUSHES = 3
"""An index that jumps further than 10 % is believed when it stays there for three pushes."""


@dataclass(slots=True)
class _Rows:
    """What is known of each option; NaN and 0 until something is."""

    mark_iv: FloatArray
    bid_iv: FloatArray
    ask_iv: FloatArray
    mark_price: FloatArray
    open_interest_coin: FloatArray
    underlying_price: FloatArray
    ts_mark: IntArray
    ts_summary: IntArray

    @classmethod
    def empty(cls, n: int) -> "_Rows":
        iv, bid_iv, ask_iv, price, interest, underlying = np.full((6, n), np.nan)
        never = np.zeros((2, n), np.int64)
        return cls(iv, bid_iv, ask_iv, price, interest, underlying, never[0], never[1])


@dataclass(slots=True)
class _Index:
    """One spot index with the guard against impossible jumps."""

    ts_event: int = 0
    price: float = math.nan
    doubted: list[float] = field(default_factory=list)


class ChainState:
    """All options of one asset, both books, as arrays that events write into."""

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self.dirty = False  # something changed since the last freeze
        self.gaps = 0
        self.rejected = 0
        self.volume_coin: dict[str, float] = {}
        self._instruments: dict[str, Instrument] = {}
        self._table: InstrumentTable = build_table({})
        self._rows = _Rows.empty(0)
        self._indices: dict[str, _Index] = {}
        self._futures: dict[tuple[Settlement, int], tuple[int, float]] = {}
        self._seq = 0

    @property
    def table(self) -> InstrumentTable:
        """The listed instruments."""
        return self._table

    @property
    def clock_ms(self) -> int:
        """Exchange time of the newest index price, 0 before the first."""
        return max((index.ts_event for index in self._indices.values()), default=0)

    def knows(self, instrument_name: str) -> bool:
        """Whether the instrument is listed here."""
        return instrument_name in self._instruments

    def has_marks(self, settlement: Settlement) -> bool:
        """Whether any option of the book has a mark."""
        of_book = self._table.settlement == settlement
        return bool(np.any(self._rows.ts_mark[of_book] > 0))

    def has_summaries(self, settlement: Settlement) -> bool:
        """Whether any option of the book has open interest."""
        of_book = self._table.settlement == settlement
        return bool(np.any(self._rows.ts_summary[of_book] > 0))

    def apply(self, event: Event) -> None:
        """Write one event. Instruments of other assets and unknown rows are left alone."""
        match event:
            case MarkPrices():
                self.rejected += event.rejected
                for mark in event.marks:
                    self._apply_mark(mark)
            case Summaries():
                self.rejected += event.rejected
                for row in event.rows:
                    self._apply_summary(row)
            case IndexPrice():
                self._apply_index(event)
            case FutureTicker():
                self._apply_future(event)
            case OptionTicker():
                self._apply_ticker(event)
            case Listed():
                self._apply_listed(event)
            case Gap():
                self.gaps += 1
            case _:
                pass

    def freeze(self, stale_books: AbstractSet[Settlement] = frozenset()) -> OptionChain:
        """Hand out the chain as of the newest index price, without expired options.

        Rows of `stale_books` that could be computed are marked `STALE`.
        """
        as_of = self.clock_ms
        self._seq += 1
        self.dirty = False
        table, rows = self._table, self._rows
        forward = self._forwards()
        chain = OptionChain(
            asset=self.asset,
            as_of_ms=as_of,
            index_price=self._spot(),
            seq=self._seq,
            gaps=self.gaps,
            instrument_name=tuple(table.row_of),
            strike=table.strike,
            expiry_ms=table.expiry_ms,
            is_call=table.is_call,
            settlement=table.settlement,
            forward=forward,
            mark_iv=rows.mark_iv.copy(),
            bid_iv=rows.bid_iv.copy(),
            ask_iv=rows.ask_iv.copy(),
            mark_price=rows.mark_price.copy(),
            open_interest_coin=rows.open_interest_coin.copy(),
            ts_event=rows.ts_mark.copy(),
            status=self._statuses(forward, stale_books),
        )
        return chain.select(table.expiry_ms > as_of)

    def _spot(self) -> float:
        books = self._table.index_of
        for settlement in (Settlement.INVERSE, Settlement.LINEAR):
            index = self._indices.get(books.get(settlement, ""))
            if index is not None:
                return index.price
        return math.nan

    def _forwards(self) -> FloatArray:
        """One forward per book and expiry: the newest of the options' underlyings and the future.

        Where several options share the newest time, the median of their underlyings.
        """
        table, rows = self._table, self._rows
        forward = np.full(len(table.options), np.nan)
        for expiry in np.unique(table.expiry_ms):
            for settlement in Settlement:
                of_term = (table.expiry_ms == expiry) & (table.settlement == settlement)
                price = rows.underlying_price[of_term]
                time = np.where(np.isfinite(price), rows.ts_summary[of_term], -1)
                newest = int(time.max(initial=-1))
                value = float(np.median(price[time == newest])) if newest >= 0 else np.nan
                ts_future, mark = self._futures.get((settlement, int(expiry)), (-1, np.nan))
                forward[of_term] = mark if ts_future > newest else value
        return forward

    def _statuses(self, forward: FloatArray, stale_books: AbstractSet[Settlement]) -> StatusArray:
        rows, table = self._rows, self._table
        status = np.full(len(table.options), RowStatus.OK, np.int8)
        status[np.isin(table.settlement, list(stale_books))] = RowStatus.STALE
        with np.errstate(invalid="ignore"):
            status[~(rows.mark_iv > 0)] = RowStatus.NO_IV
            status[~(forward > 0)] = RowStatus.NO_FORWARD
            status[(rows.mark_iv > MAX_IV) | (rows.open_interest_coin < 0)] = RowStatus.REJECTED
        return status

    def _apply_mark(self, mark: Mark) -> None:
        row = self._table.row_of.get(mark.instrument_name)
        if row is None or mark.ts_event < self._rows.ts_mark[row]:
            return
        rows = self._rows
        rows.ts_mark[row] = mark.ts_event
        rows.mark_iv[row] = mark.iv
        rows.mark_price[row] = mark.price
        self.dirty = True

    def _apply_summary(self, row: Summary) -> None:
        at = self._table.row_of.get(row.instrument_name)
        if at is None or row.ts_event < self._rows.ts_summary[at]:
            return
        rows = self._rows
        rows.ts_summary[at] = row.ts_event
        rows.open_interest_coin[at] = row.open_interest_coin
        if row.underlying_price > 0:
            rows.underlying_price[at] = row.underlying_price
        self.volume_coin[row.instrument_name] = row.volume_coin
        self.dirty = True
        if math.isfinite(row.mark_iv):
            mark = Mark(row.instrument_name, row.ts_event, row.mark_iv, row.mark_price)
            self._apply_mark(mark)

    def _apply_ticker(self, event: OptionTicker) -> None:
        row = self._table.row_of.get(event.summary.instrument_name)
        if row is not None and event.summary.ts_event >= self._rows.ts_summary[row]:
            self._rows.bid_iv[row] = event.bid_iv
            self._rows.ask_iv[row] = event.ask_iv
        self._apply_summary(event.summary)

    def _apply_index(self, event: IndexPrice) -> None:
        index = self._indices.get(event.index_name)
        if index is None:
            index = self._indices.setdefault(event.index_name, _Index())
        if event.ts_event < index.ts_event or not 0 < event.price < math.inf:
            return
        jump = abs(event.price / index.price - 1) if math.isfinite(index.price) else 0.0
        index.doubted = [*index.doubted, event.price] if jump > MAX_INDEX_JUMP else []
        if not index.doubted or len(index.doubted) >= CONFIRM_PUSHES:
            index.price = event.price
            index.doubted = []
        index.ts_event = event.ts_event
        self.dirty = True

    def _apply_future(self, event: FutureTicker) -> None:
        term = self._table.term_of_future.get(event.instrument_name)
        if term is None or not 0 < event.mark_price < math.inf:
            return
        if event.ts_event >= self._futures.get(term, (-1, math.nan))[0]:
            self._futures[term] = (event.ts_event, event.mark_price)
            self.dirty = True

    def _apply_listed(self, event: Listed) -> None:
        self.rejected += event.rejected
        listed = {
            item.instrument_name: item for item in event.instruments if item.asset == self.asset
        }
        kept = self._instruments
        if event.complete:
            gone_settlement = _settlement_of(event.currency)
            kept = {
                name: item
                for name, item in kept.items()
                if not (item.kind == event.kind and item.settlement == gone_settlement)
            }
        instruments = kept | listed
        if instruments != self._instruments:
            self._rebuild(instruments)

    def _rebuild(self, instruments: dict[str, Instrument]) -> None:
        """Lay out the rows anew, carrying over what is known of the options that stay."""
        old_table, old_rows = self._table, self._rows
        self._instruments = instruments
        self._table = build_table(instruments)
        self._rows = _Rows.empty(len(self._table.options))
        names = [name for name in self._table.row_of if name in old_table.row_of]
        new = np.array([self._table.row_of[name] for name in names], dtype=np.intp)
        old = np.array([old_table.row_of[name] for name in names], dtype=np.intp)
        for column in _Rows.__slots__:
            getattr(self._rows, column)[new] = getattr(old_rows, column)[old]
        self.dirty = True

    def expired(self) -> tuple[str, ...]:
        """Names of listed options whose expiry has passed by the chain's own clock."""
        gone = np.flatnonzero(self._table.expiry_ms <= self.clock_ms)
        return tuple(self._table.options[i].instrument_name for i in gone)


def _settlement_of(currency: str) -> Settlement:
    """Return the book that a request currency lists: USDC and USDT settle linear options."""
    return Settlement.LINEAR if currency.startswith("USD") else Settlement.INVERSE
