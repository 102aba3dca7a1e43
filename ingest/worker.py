"""One asset's feed: connection -> session -> state. The engine freezes it, others read it."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from dealers.hours import Hour
from greeks.chain import OptionChain
from greeks.conventions import Settlement
from ingest.chain_state import ChainState
from ingest.clock import LagMeter
from ingest.connection import FrameSink, run_connection
from ingest.events import (
    BookUpdate,
    Event,
    FutureTicker,
    Gap,
    GapCause,
    IndexPrice,
    InstrumentState,
    MarkPrices,
    PlatformState,
    Summaries,
    Trades,
    Venue,
)
from ingest.focus import PERIOD_S as FOCUS_PERIOD_S
from ingest.focus import nearest_the_money
from ingest.market import MarketContext, MarketState
from ingest.pacing import Pacer
from ingest.plan import SUMMARY_PERIOD_S, FeedPlan
from ingest.protocol import DeribitSession
from ingest.shared import Shared
from ingest.tape_log import TapeLog
from ingest.trade_history import PERIOD_S
from ingest.wire import ProtocolError

STALE_SUMMARIES_S = 3 * SUMMARY_PERIOD_S
STALE_INDEX_S = 5.0
FRESH_TRADE_MS = 60_000
"""A trade older than this is the past: its instrument may be gone, its open interest is known."""
HOLES_AT_ONCE = 5

_log = structlog.get_logger()


@dataclass(slots=True)
class FeedCounters:
    """What happened on a feed since the start."""

    frames: int = 0
    protocol_errors: int = 0
    reconnects: int = 0
    gaps: Counter[GapCause] = field(default_factory=Counter)


class AssetFeed:
    """Everything known of one asset, kept fresh by `run`. All calls from one event loop.

    Feeds of one process share a `pacer`, since the venue counts requests by address, and what is
    `shared`: answers that concern all of them. The tickers
    of `focus` options near the money are followed beside the lean plan.
    """

    def __init__(
        self,
        asset: str,
        now: Callable[[], float],
        pacer: Pacer | None = None,
        focus: int = 0,
        shared: Shared | None = None,
    ) -> None:
        self.asset = asset
        self.state = ChainState(asset)
        self.tape = TapeLog()
        self.counters = FeedCounters()
        self.lag = LagMeter()
        self.testnet = False
        self.in_maintenance = False
        self.tape_since_ms: int | None = None  # the tape is whole from here; None: not read yet
        self._now = now
        self._pacer = pacer or Pacer()
        self._shared = shared or Shared()
        self._sink: FrameSink = self
        self._plan = FeedPlan(asset)
        self._session = DeribitSession(self._plan, pacer=self._pacer)
        self._market = MarketState(asset)
        self._connected_before = False
        self._index_s: dict[str, float] = {}  # our clock when each index last was newer
        self._index_ms: dict[str, int] = {}
        self._summaries_s: dict[str, float] = {}  # our clock when each summary last was newer
        self._summaries_ms: dict[str, int] = {}
        self._holes_s = 0.0
        self._focus = focus
        self._focus_s = 0.0
        self._locked: set[str] = set()  # indices that the venue says stand still

    async def run(self, url: str, rng: random.Random, sink: FrameSink | None = None) -> None:
        """Feed from `url` until cancelled, through `sink` when someone listens in."""
        self._sink = sink or self
        await run_connection(url, self._sink, self._now, rng, self._pacer)

    def index_age_s(self) -> float | None:
        """Seconds since the spot index last ticked; None before the first."""
        last_s = self._index_s.get(self.state.spot_index or "")
        return None if last_s is None else self._now() - last_s

    def progress(self) -> dict[str, bool]:
        """Return the steps of the bootstrap and whether each is done."""
        books = set(self.state.table.index_of)
        is_listed = self.state.listed.issuperset(self._plan.currencies)
        return {
            "instruments": bool(books) and is_listed,
            "summaries": bool(books) and all(map(self.state.has_summaries, books)),
            "marks": bool(books) and all(map(self.state.has_marks, books)),
            "index": self.state.spot_index is not None,
        }

    def is_ready(self) -> bool:
        """Whether every book of the asset has instruments, open interest, marks and an index."""
        return all(self.progress().values())

    def is_dirty(self) -> bool:
        """Whether anything changed since the last freeze."""
        return self.state.dirty

    def freeze(self) -> OptionChain:
        """Hand out the chain; rows are stale where a summary or the book's index has stopped."""
        return self.state.freeze(
            {book for book in self.state.table.index_of if self._is_stale(book)}
        )

    def market(self) -> MarketContext:
        """Hand out what the asset's futures and perpetuals show now."""
        return self._market.freeze(self.state.table)

    @property
    def past_hours(self) -> tuple[Hour, ...]:
        """Hours of the last week as the venue tells them; empty where it has no DVOL."""
        return self._market.past_hours()

    def _nearest(self) -> frozenset[str]:
        state = self.state
        return nearest_the_money(state.table, state.spot, state.clock_ms, self._focus)

    def _is_stale(self, book: Settlement) -> bool:
        now_s, index = self._now(), self.state.table.index_of[book]
        summary_s = self._summaries_s.get(self._plan.currency_of(book), now_s)
        index_s = self._index_s.get(index, now_s)
        is_old = now_s - summary_s > STALE_SUMMARIES_S or now_s - index_s > STALE_INDEX_S
        return is_old or index in self._locked

    # FrameSink

    def opened(self, now_s: float) -> None:
        """Start a new session; what was known stays until something newer arrives."""
        if self._connected_before:
            self.counters.reconnects += 1
            self._handle(Gap(GapCause.RECONNECT, self.asset), now_s)
        self._connected_before = True
        self._session = DeribitSession(
            self._plan, self.tape.newest_ms, self._pacer, self.state.last_expiries(), self._shared
        )
        self._shared.sinks[self.asset] = self._sink
        self._session.start(now_s)
        self._focus_s = now_s
        self._locked.clear()  # the session asks anew

    def received(self, frame: bytes | str, now_s: float) -> None:
        """Decode one frame and apply it; a malformed one is counted and dropped."""
        self.counters.frames += 1
        try:
            events = self._session.receive(frame, now_s)
        except ProtocolError as error:
            self.counters.protocol_errors += 1
            _log.warning("feed.protocol_error", asset=self.asset, error=str(error))
            return
        for event in events:
            self._handle(event, now_s)
        if self.tape_since_ms is None:
            self.tape_since_ms = self._session.tape_since_ms
        if self._session.concerns_others:
            self._shared.hand_on(self.asset, frame, now_s)

    def on_timer(self, now_s: float) -> None:
        """Let the session poll, and apply what it noticed."""
        if now_s - self._holes_s > PERIOD_S:
            self._holes_s = now_s
            for name, missing in self.tape.missing(HOLES_AT_ONCE):
                self._session.request_missing(name, missing, now_s)
        for event in self._session.on_timer(now_s):
            self._handle(event, now_s)
        if self._focus and now_s >= self._focus_s and self.is_ready():
            self._focus_s = now_s + FOCUS_PERIOD_S
            self._session.focus(self._nearest(), now_s)

    def take_outgoing(self) -> list[bytes]:
        """Hand over the session's frames."""
        return self._session.take_outgoing()

    def is_dead(self, now_s: float) -> bool:
        """Whether the session heard nothing for too long."""
        return self._session.is_dead(now_s)

    def was_refused(self) -> bool:
        """Whether the venue said that we ask too much."""
        return self._session.was_refused

    # Events

    def _handle(self, event: Event, now_s: float) -> None:
        self.state.apply(event)
        match event:
            case IndexPrice():
                self._note_index(event, now_s)
                self.lag.observe(self._session.clock.latest_ms(now_s) - event.ts_event)
            case Summaries():
                self._note_summaries(event, now_s)
            case MarkPrices():
                self._look_up((mark.instrument_name for mark in event.marks), now_s)
            case InstrumentState() if event.is_open:
                self._look_up([event.instrument_name], now_s)
            case FutureTicker() | BookUpdate():
                if self.state.knows(event.instrument_name) and not self._market.apply(event):
                    self._renew_book(event.instrument_name, now_s)
            case Trades():
                self._record(event, now_s)
            case Gap():
                self.counters.gaps[event.cause] += 1
                cause = event.cause.value
                _log.warning("feed.gap", asset=self.asset, cause=cause, detail=event.detail)
            case _:
                self._note_venue(event)

    def _note_venue(self, event: Event) -> None:
        """Keep what concerns the whole asset and no single option."""
        match event:
            case PlatformState():
                self._note_platform(event)
            case Venue():
                self.testnet = event.testnet
            case _:
                self._market.apply(event)

    def _note_platform(self, event: PlatformState) -> None:
        if event.in_maintenance is not None:
            self.in_maintenance = event.in_maintenance
        if event.price_index is not None:
            lock = self._locked.add if event.locked else self._locked.discard
            lock(event.price_index)

    def _note_index(self, event: IndexPrice, now_s: float) -> None:
        """A price counts as a tick only when it was made after the last one."""
        if event.ts_event > self._index_ms.get(event.index_name, 0):
            self._index_ms[event.index_name] = event.ts_event
            self._index_s[event.index_name] = now_s

    def _note_summaries(self, event: Summaries, now_s: float) -> None:
        """A summary counts as news only when it was made after the last one."""
        newest_ms = max((row.ts_event for row in event.rows), default=0)
        if newest_ms > self._summaries_ms.get(event.currency, 0):
            self._summaries_ms[event.currency] = newest_ms
            self._summaries_s[event.currency] = now_s
        self._look_up((row.instrument_name for row in event.rows), now_s)

    def _record(self, event: Trades, now_s: float) -> None:
        recent_ms = self.state.clock_ms - FRESH_TRADE_MS
        is_whole = self._session.tape_since_ms is not None  # else the past fills what is missing
        for trade in event.trades:
            name = trade.instrument_name
            if not self.state.owns(name):
                continue
            if not self.state.is_in_units(name, event.contract_sizes.get(trade.trade_id)):
                self.state.rejected += 1
                continue
            missing = self.tape.record(trade)
            if missing and is_whole:
                detail = f"{len(missing)} before {name} {trade.trade_seq}"
                self._handle(Gap(GapCause.TRADE_SEQUENCE, detail), now_s)
                self._session.request_missing(name, missing, now_s)
            if trade.ts_event > recent_ms:
                self._session.reread(name, now_s)
                self._look_up([name], now_s)

    def _renew_book(self, instrument_name: str, now_s: float) -> None:
        self._handle(Gap(GapCause.BOOK_SEQUENCE, instrument_name), now_s)
        self._session.renew(f"book.{instrument_name}.agg2", now_s)

    def _look_up(self, names: Iterable[str], now_s: float) -> None:
        """Ask about options of ours that the venue names and we do not know, once lists are in."""
        if self.state.listed.issuperset(self._plan.currencies):
            unknown = [n for n in names if self.state.owns(n) and not self.state.knows(n)]
            if unknown:
                self._session.look_up(unknown, now_s)
