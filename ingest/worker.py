"""One asset's feed: connection -> session -> state. The engine freezes it, others read it."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from greeks.chain import OptionChain
from ingest.chain_state import ChainState
from ingest.connection import FrameSink, run_connection
from ingest.events import (
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
    VolatilityIndex,
)
from ingest.messages import ProtocolError
from ingest.plan import SUMMARY_PERIOD_S, FeedPlan
from ingest.protocol import DeribitSession
from ingest.tape_log import TapeLog

STALE_SUMMARIES_S = 3 * SUMMARY_PERIOD_S

_log = structlog.get_logger()


@dataclass(slots=True)
class FeedCounters:
    """What happened on a feed since the start."""

    frames: int = 0
    protocol_errors: int = 0
    reconnects: int = 0
    gaps: Counter[GapCause] = field(default_factory=Counter)


class AssetFeed:
    """Everything known of one asset, kept fresh by `run`. All calls from one event loop."""

    def __init__(self, asset: str, now: Callable[[], float]) -> None:
        self.asset = asset
        self.state = ChainState(asset)
        self.tape = TapeLog()
        self.counters = FeedCounters()
        self.testnet = False
        self.in_maintenance = False
        self.volatility_index: float | None = None
        self.current_funding: float | None = None
        self.last_index_s: float | None = None  # our clock when the index last ticked
        self.tape_since_ms: int | None = None  # the tape is whole from here; None: not read yet
        self._now = now
        self._plan = FeedPlan(asset)
        self._session = DeribitSession(self._plan)
        self._connected_before = False
        self._summaries_s: dict[str, float] = {}

    async def run(self, url: str, rng: random.Random, sink: FrameSink | None = None) -> None:
        """Feed from `url` until cancelled, through `sink` when someone listens in."""
        await run_connection(url, sink or self, self._now, rng)

    def index_age_s(self) -> float | None:
        """Seconds since the index price last ticked; None before the first."""
        return None if self.last_index_s is None else self._now() - self.last_index_s

    def progress(self) -> dict[str, bool]:
        """Return the steps of the bootstrap and whether each is done."""
        books = set(self.state.table.index_of)
        return {
            "instruments": bool(books),
            "summaries": bool(books) and all(map(self.state.has_summaries, books)),
            "marks": bool(books) and all(map(self.state.has_marks, books)),
            "index": self.state.clock_ms > 0,
        }

    def is_ready(self) -> bool:
        """Whether every book of the asset has instruments, open interest, marks and an index."""
        return all(self.progress().values())

    def is_dirty(self) -> bool:
        """Whether anything changed since the last freeze."""
        return self.state.dirty

    def freeze(self) -> OptionChain:
        """Hand out the chain, its rows marked stale where the summary poll has stopped."""
        oldest_s = self._now() - STALE_SUMMARIES_S
        stale = {
            settlement
            for settlement in self.state.table.index_of
            if self._summaries_s.get(self._plan.currency_of(settlement), oldest_s) < oldest_s
        }
        return self.state.freeze(stale)

    # FrameSink

    def opened(self, now_s: float) -> None:
        """Start a new session; what was known stays until something newer arrives."""
        if self._connected_before:
            self.counters.reconnects += 1
            self._handle(Gap(GapCause.RECONNECT, self.asset), now_s)
        self._connected_before = True
        self._session = DeribitSession(self._plan, self.tape.newest_ms)
        self._session.start(now_s)

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

    def on_timer(self, now_s: float) -> None:
        """Let the session poll, and apply what it noticed."""
        for event in self._session.on_timer(now_s):
            self._handle(event, now_s)

    def take_outgoing(self) -> list[bytes]:
        """Hand over the session's frames."""
        return self._session.take_outgoing()

    def is_dead(self, now_s: float) -> bool:
        """Whether the session heard nothing for too long."""
        return self._session.is_dead(now_s)

    # Events

    def _handle(self, event: Event, now_s: float) -> None:
        self.state.apply(event)
        match event:
            case IndexPrice():
                self.last_index_s = now_s
            case Summaries():
                self._summaries_s[event.currency] = now_s
            case MarkPrices():
                self._look_for_unknown((mark.instrument_name for mark in event.marks), now_s)
            case InstrumentState() if event.is_open:
                self._look_for_unknown([event.instrument_name], now_s)
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
            case VolatilityIndex():
                self.volatility_index = event.volatility
            case FutureTicker() if event.instrument_name.endswith("-PERPETUAL"):
                self.current_funding = event.current_funding
            case PlatformState() if event.in_maintenance is not None:
                self.in_maintenance = event.in_maintenance
            case Venue():
                self.testnet = event.testnet
            case _:
                pass

    def _record(self, event: Trades, now_s: float) -> None:
        self._look_for_unknown((trade.instrument_name for trade in event.trades), now_s)
        for trade in event.trades:
            if not self.state.knows(trade.instrument_name):
                continue
            missing = self.tape.record(trade)
            if missing:
                detail = f"{len(missing)} before {trade.instrument_name} {trade.trade_seq}"
                self._handle(Gap(GapCause.TRADE_SEQUENCE, detail), now_s)
                self._session.request_missing(trade.instrument_name, missing, now_s)

    def _look_for_unknown(self, names: Iterable[str], now_s: float) -> None:
        """Read the lists again when the venue names an option of ours that we do not know."""
        own = (f"{self.asset}-", f"{self.asset}_")
        if self.state.table.options and any(
            name.startswith(own) and not self.state.knows(name) for name in names
        ):
            self._session.refresh_instruments(now_s)
