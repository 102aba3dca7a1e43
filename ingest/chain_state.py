"""The mutable chain of one asset: events write rows, `freeze` hands out an `OptionChain`.

Knows no socket and no clock of this machine: its time is the newest index price's. The order
of independent events does not matter: an older value never overwrites a newer one, and what is
said of an option before it is listed waits for its listing.
"""

import math
from collections.abc import Set as AbstractSet

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import (
    AverageSource,
    BoolArray,
    FloatArray,
    ForwardSource,
    RowStatus,
    Settlement,
    StatusArray,
)
from ingest import forwards
from ingest.delivery import average_so_far
from ingest.events import (
    DeliveryEstimate,
    Event,
    FutureTicker,
    Gap,
    IndexPrice,
    Instrument,
    Kind,
    Listed,
    Mark,
    MarkPrices,
    OptionTicker,
    Summaries,
    Summary,
    Trades,
)
from ingest.forwards import Forward
from ingest.index_history import IndexHistory
from ingest.instruments import InstrumentTable, build_table
from ingest.listings import Book, last_expiries
from ingest.plan import settlement_of
from ingest.rows import Rows
from ingest.waiting import WaitingRoom

MAX_IV = 10.0
MAX_OPEN_INTEREST_COIN = 1e12
"""More than there are coins of anything listed."""
PUSHED_ROUNDING = 0.50001e-4
"""Pushed mark prices have four decimals: a finer one from a summary that rounds to it is kept."""
CONTRACT_ROUNDING = 1e-4
"""Contracts of a part of one are rounded; another unit differs by a factor of ten or more."""
DELISTED_MS = 3_600_000
"""A future that is not listed is forgotten when its last quote is older."""


class ChainState:
    """All options of one asset, both books, as arrays that events write into."""

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self.dirty = False  # something changed since the last freeze
        self.gaps = 0
        self.rejected = 0
        self.waiting = WaitingRoom()
        self.listed: set[str] = set()  # currencies whose options were listed in whole
        self._instruments: dict[str, Instrument] = {}
        self._table: InstrumentTable = build_table({})
        self._is_outdated = False  # instruments came or went since the table was laid out
        self._rows = Rows.empty(0)
        self._indices: dict[str, IndexHistory] = {}
        self._estimates: dict[str, DeliveryEstimate] = {}
        self._futures: dict[str, Forward] = {}
        self._seq = 0

    @property
    def table(self) -> InstrumentTable:
        """The listed instruments."""
        self._lay_out()
        return self._table

    @property
    def clock_ms(self) -> int:
        """Exchange time of the newest index price, 0 before the first."""
        return max((index.newest_ms for index in self._indices.values()), default=0)

    def owns(self, instrument_name: str) -> bool:
        """Whether the name is one of this asset's, listed or not."""
        return instrument_name.startswith((f"{self.asset}-", f"{self.asset}_"))

    def knows(self, instrument_name: str) -> bool:
        """Whether the instrument is listed here."""
        return instrument_name in self._instruments

    def is_in_units(self, instrument_name: str, contract_size: float | None) -> bool:
        """Whether a print's amount over its contracts is what the instrument's list says it is.

        An amount that is not may be in another unit, ten or ten thousand times too large. Where
        one of the two is not said nothing speaks against it.
        """
        listed = self._instruments.get(instrument_name)
        if listed is None or listed.contract_size is None or contract_size is None:
            return True
        return math.isclose(contract_size, listed.contract_size, rel_tol=CONTRACT_ROUNDING)

    def last_expiries(self) -> dict[Book, int]:
        """Return the last expiry that each book lists, in exchange ms."""
        return last_expiries(self._instruments.values())

    def has_marks(self, settlement: Settlement) -> bool:
        """Whether any option of the book has a mark."""
        of_book = self.table.settlement == settlement
        return bool(np.any(self._rows.ts_mark[of_book] > 0))

    def has_summaries(self, settlement: Settlement) -> bool:
        """Whether any option of the book has open interest."""
        of_book = self.table.settlement == settlement
        return bool(np.any(self._rows.ts_summary[of_book] > 0))

    def apply(self, event: Event) -> None:
        """Write one event. Instruments of other assets are left alone."""
        match event:
            case MarkPrices() | Summaries():
                self._apply_rows(event)
            case IndexPrice():
                self._apply_index(event)
            case FutureTicker():
                self._apply_future(event)
            case OptionTicker():
                self._apply_ticker(event)
            case DeliveryEstimate():
                self._apply_estimate(event)
            case Listed():
                self._apply_listed(event)
            case Trades():
                self.rejected += event.rejected
            case Gap():
                self.gaps += 1
            case _:
                pass

    def freeze(self, stale_books: AbstractSet[Settlement] = frozenset()) -> OptionChain:
        """Hand out the chain as of the newest index price, without expired options.

        Rows of `stale_books` that could be computed are marked `STALE`.
        """
        table, as_of = self.table, self.clock_ms
        rows, n = self._rows, len(table.options)
        self._seq += 1
        self.dirty = False
        forward, ts_forward = np.full(n, np.nan), np.zeros(n, np.int64)
        source = np.full(n, ForwardSource.UNKNOWN, np.int8)
        for (settlement, expiry_ms), of_term in table.terms.items():
            quote = self._forward(settlement, expiry_ms)
            forward[of_term] = quote.price
            ts_forward[of_term] = quote.ts_event
            source[of_term] = quote.source
        average, average_source = self._settlement_averages(as_of)
        chain = OptionChain(
            asset=self.asset,
            as_of_ms=as_of,
            index_price=self.spot,
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
            open_interest_coin=np.where(_can_be_interest(rows), rows.open_interest_coin, np.nan),
            ts_event=rows.ts_mark.copy(),
            status=self._statuses(forward, stale_books),
            forward_source=source,
            settlement_average=average,
            average_source=average_source,
            ts_forward=ts_forward,
        )
        return chain.select(table.expiry_ms > as_of)

    @property
    def spot_index(self) -> str | None:
        """Name of the index that is spot: the inverse book's where it ticks, else the linear's."""
        books = self._table.index_of
        for settlement in (Settlement.INVERSE, Settlement.LINEAR):
            if (name := books.get(settlement, "")) in self._indices:
                return name
        return None

    @property
    def spot(self) -> float:
        """The newest believed price of the spot index, NaN before the first."""
        name = self.spot_index
        return math.nan if name is None else self._indices[name].price

    def _forward(self, settlement: Settlement, expiry_ms: int) -> Forward:
        """Return the forward of a term as of now, whatever quote it rests on."""
        table = self._table
        underlying = forwards.newest_underlying(self._rows, table.terms[settlement, expiry_ms])
        future = self._futures.get(table.future_of_term.get((settlement, expiry_ms), ""))
        index = self._indices.get(table.index_of[settlement])
        return forwards.carry(forwards.choose(underlying, future), index, expiry_ms)

    def _settlement_averages(self, as_of_ms: int) -> tuple[FloatArray, StatusArray]:
        n = len(self._table.options)
        average, source = np.full(n, np.nan), np.full(n, AverageSource.NONE, np.int8)
        for (settlement, expiry_ms), of_term in self._table.terms.items():
            name = self._table.index_of[settlement]
            index, estimate = self._indices.get(name), self._estimates.get(name)
            known = average_so_far(index, estimate, expiry_ms, as_of_ms)
            average[of_term], source[of_term] = known
        return average, source

    def _statuses(self, forward: FloatArray, stale_books: AbstractSet[Settlement]) -> StatusArray:
        rows, table = self._rows, self._table
        status = np.full(len(table.options), RowStatus.OK, np.int8)
        status[np.isin(table.settlement, list(stale_books))] = RowStatus.STALE
        with np.errstate(invalid="ignore"):
            status[~(rows.mark_iv > 0)] = RowStatus.NO_IV
            status[~(forward > 0)] = RowStatus.NO_FORWARD
            impossible = ~np.isnan(rows.open_interest_coin) & ~_can_be_interest(rows)
            status[(rows.mark_iv > MAX_IV) | impossible] = RowStatus.REJECTED
        return status

    def _row_of(self, event: Mark | Summary | OptionTicker, instrument_name: str) -> int | None:
        """Return the option's row; without one, what is said of an own option waits."""
        row = self._table.row_of.get(instrument_name)
        if row is None and instrument_name in self._instruments:
            row = self.table.row_of.get(instrument_name)
        if row is None and self.owns(instrument_name):
            self.waiting.keep(event)
        return row

    def _apply_rows(self, event: MarkPrices | Summaries) -> None:
        self.rejected += event.rejected
        if isinstance(event, MarkPrices):
            for mark in event.marks:
                self._apply_mark(mark)
        else:
            for summary in event.rows:
                self._apply_summary(summary)

    def _apply_mark(self, mark: Mark) -> None:
        row = self._row_of(mark, mark.instrument_name)
        if row is not None:
            self._write_mark(row, mark.ts_event, mark.iv, mark.price)

    def _apply_summary(self, summary: Summary) -> None:
        row = self._row_of(summary, summary.instrument_name)
        if row is not None:
            self._write_summary(row, summary)

    def _apply_ticker(self, event: OptionTicker) -> None:
        row = self._row_of(event, event.summary.instrument_name)
        if row is None:
            return
        if event.summary.ts_event >= self._rows.ts_quote[row]:
            self._rows.ts_quote[row] = event.summary.ts_event
            self._rows.bid_iv[row] = event.bid_iv
            self._rows.ask_iv[row] = event.ask_iv
            self.dirty = True
        self._write_summary(row, event.summary)

    def _write_mark(self, row: int, ts_event: int, iv: float, price: float) -> None:
        rows = self._rows
        newer, known = ts_event >= rows.ts_mark[row], float(rows.mark_price[row])
        if newer:
            rows.ts_mark[row] = ts_event
            rows.mark_iv[row] = iv
            self.dirty = True
        alike = abs(known - price) <= PUSHED_ROUNDING
        if (newer and not alike) or (alike and _decides(price, known, newer=newer)):
            rows.mark_price[row] = price
            self.dirty = True

    def _write_summary(self, row: int, summary: Summary) -> None:
        rows, ts_event = self._rows, summary.ts_event
        if ts_event >= rows.ts_summary[row]:
            rows.ts_summary[row] = ts_event
            rows.open_interest_coin[row] = summary.open_interest_coin
            self.dirty = True
        if ts_event >= rows.ts_underlying[row] and 0 < summary.underlying_price < math.inf:
            rows.ts_underlying[row] = ts_event
            rows.underlying_price[row] = summary.underlying_price
            rows.underlying_source[row] = forwards.forward_source_of(summary.underlying_index)
        if math.isfinite(summary.mark_iv):
            self._write_mark(row, ts_event, summary.mark_iv, summary.mark_price)

    def _is_own_index(self, index_name: str) -> bool:
        coin = self.asset.lower()
        return index_name in {f"{coin}_usd", f"{coin}_usdc", *self._table.index_of.values()}

    def _apply_index(self, event: IndexPrice) -> None:
        if not self._is_own_index(event.index_name):
            return
        index = self._indices.setdefault(event.index_name, IndexHistory())
        if index.add(event.ts_event, event.price):
            self.dirty = True

    def _apply_estimate(self, event: DeliveryEstimate) -> None:
        if not self._is_own_index(event.index_name):
            return
        known = self._estimates.get(event.index_name)
        if (known is None or event.ts_event >= known.ts_event) and 0 < event.price < math.inf:
            self._estimates[event.index_name] = event

    def _apply_future(self, event: FutureTicker) -> None:
        if not self.owns(event.instrument_name):
            return
        known = self._futures.get(event.instrument_name, forwards.UNKNOWN)
        if event.ts_event >= known.ts_event and 0 < event.mark_price < math.inf:
            quote = Forward(event.mark_price, event.ts_event, ForwardSource.FUTURE)
            self._futures[event.instrument_name] = quote
            self.dirty = True

    def _apply_listed(self, event: Listed) -> None:
        self.rejected += event.rejected
        listed = {
            item.instrument_name: item for item in event.instruments if item.asset == self.asset
        }
        kept = self._instruments
        if event.complete:
            if event.kind == Kind.OPTION:
                self.listed.add(event.currency)
            gone_settlement = settlement_of(event.currency)
            kept = {
                name: item
                for name, item in kept.items()
                if not (item.kind == event.kind and item.settlement == gone_settlement)
            }
        instruments = kept | listed
        if instruments != self._instruments:
            self._instruments = instruments
            self._is_outdated = self.dirty = True

    def _lay_out(self) -> None:
        """Lay out the rows anew: what is known of options that stay, what waited for new ones.

        Once for a burst of listings: not before somebody looks or one of them is spoken of.
        """
        if not self._is_outdated:
            return
        self._is_outdated = False
        instruments, old_table, old_rows = self._instruments, self._table, self._rows
        self._table = build_table(instruments)
        self._rows = Rows.empty(len(self._table.options))
        names = [name for name in self._table.row_of if name in old_table.row_of]
        here = np.array([self._table.row_of[name] for name in names], dtype=np.int64)
        there = np.array([old_table.row_of[name] for name in names], dtype=np.int64)
        self._rows.copy_from(old_rows, here, there)
        oldest_ms = self.clock_ms - DELISTED_MS
        self._futures = {
            name: quote
            for name, quote in self._futures.items()
            if name in instruments or quote.ts_event > oldest_ms
        }
        for name in self._table.row_of.keys() - old_table.row_of.keys():
            for early in self.waiting.take(name):
                self._apply_early(early)

    def _apply_early(self, early: Mark | Summary | OptionTicker) -> None:
        match early:
            case Mark():
                self._apply_mark(early)
            case Summary():
                self._apply_summary(early)
            case OptionTicker():
                self._apply_ticker(early)

    def expired(self) -> tuple[str, ...]:
        """Names of listed options whose expiry has passed by the chain's own clock."""
        gone = np.flatnonzero(self.table.expiry_ms <= self.clock_ms)
        return tuple(self._table.options[i].instrument_name for i in gone)


def _decides(price: float, known: float, *, newer: bool) -> bool:
    """Whether a price replaces one that it rounds to: the finer does, of equals the newer."""
    is_fine, was_fine = (round(value, 4) != value for value in (price, known))
    return newer if is_fine == was_fine else is_fine


def _can_be_interest(rows: Rows) -> BoolArray:
    with np.errstate(invalid="ignore"):
        interest = rows.open_interest_coin
        return (interest >= 0) & (interest <= MAX_OPEN_INTEREST_COIN)
