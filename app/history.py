"""History as a whole: takes rows off the hub and the tape, keeps them, forgets in time.

A row a second under the board's own position model, one a minute under every other.

A database or disk that is away pauses it visibly and never stops the board: the newest ten
minutes wait in memory and are written when it is back.
"""

import asyncio
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.history_rows import (
    MINUTE_MS,
    SECOND_MS,
    TEN_MINUTES_MS,
    KeptRow,
    encode_curve,
    kept_row,
)
from app.history_store import (
    Batch,
    KeptChain,
    Minute,
    Series,
    forget_old,
    last_chains,
    open_minutes,
    write,
)
from app.hub import BoardState, FeedStatus, SnapshotHub
from app.store import Store
from app.trade_store import read_tape
from dealers.tape import Trade
from greeks.exposure import ExposureSnapshot
from ingest.tape_log import TAPE_LENGTH, TapeLog

BUFFERED_ROWS = 2 * (600 + 4 * 10)
BUFFERED_TRADES = 50_000
RETENTION_S = 3_600.0
_OWN_STEPS_MS = SECOND_MS, MINUTE_MS  # from row to row and from curve to curve
_OTHER_STEPS_MS = MINUTE_MS, TEN_MINUTES_MS
MIN_FREE_BYTES = 500_000_000
MIN_FREE_SHARE = 0.05

_T = TypeVar("_T")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Room on the disk that holds the database."""

    free_bytes: int
    total_bytes: int

    @property
    def is_low(self) -> bool:
        """Whether less is free than 500 MB or, on a small disk, 5 %."""
        return self.free_bytes < min(MIN_FREE_BYTES, MIN_FREE_SHARE * self.total_bytes)


def disk_space(folder: Path) -> DiskSpace:
    """Measure the disk of a folder."""
    usage = shutil.disk_usage(folder)
    return DiskSpace(usage.free, usage.total)


@dataclass(slots=True)
class _Pending:
    """Rows that wait to be written, the oldest dropped first."""

    rows: deque[KeptRow] = field(default_factory=lambda: deque(maxlen=BUFFERED_ROWS))
    curves: deque[tuple[KeptRow, bytes]] = field(default_factory=lambda: deque(maxlen=60))
    chains: dict[str, KeptChain] = field(default_factory=dict)
    closed: deque[Minute] = field(default_factory=lambda: deque(maxlen=BUFFERED_ROWS))
    trades: deque[tuple[str, Trade]] = field(default_factory=lambda: deque(maxlen=BUFFERED_TRADES))

    def batch(self) -> Batch:
        """Return everything that waits."""
        return Batch(
            tuple(self.rows),
            tuple(self.curves),
            tuple(self.chains.values()),
            tuple(self.closed),
            tuple(self.trades),
        )

    def put_back(self, older: "_Pending") -> int:
        """Take back what could not be written; returns how many rows and trades found no room."""
        _prepend(self.curves, older.curves)
        _prepend(self.closed, older.closed)
        self.chains = older.chains | self.chains
        return _prepend(self.rows, older.rows) + _prepend(self.trades, older.trades)


def _prepend(newer: deque[_T], older: Iterable[_T]) -> int:
    """Put older items before newer ones; returns how many of the oldest found no room."""
    whole = [*older, *newer]
    newer.clear()
    newer.extend(whole)
    return len(whole) - len(newer)


class History:
    """Writes what the hub publishes, at most one row a second of each series."""

    def __init__(
        self,
        store: Store,
        hub: SnapshotHub,
        space: Callable[[], DiskSpace] | None = None,
        tapes: Mapping[str, TapeLog] | None = None,
        observe_commit: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self.paused_reason: str | None = None
        self.dropped = 0  # rows and trades that a long pause cost
        self._store = store
        self._hub = hub
        self._space = space
        self._tapes = tapes or {}
        self._observe_commit = observe_commit
        self._taken: dict[Series, KeptRow] = {}  # the newest of each
        self._left_open: dict[Series, int] = {}
        self._shown: dict[str, int] = {}
        self._due = asyncio.Event()
        self._booked: dict[str, int] = {}  # trades of each tape taken so far
        self._pending = _Pending()

    @property
    def waiting(self) -> int:
        """Rows and trades taken and not written yet."""
        return len(self._pending.rows) + len(self._pending.trades)

    async def start(self) -> None:
        """Find the minutes that the last process left open, and put back the tapes."""
        self._left_open = {
            minute.series: minute.ts_ms for minute in await open_minutes(self._store)
        }
        for asset, tape in self._tapes.items():
            tape.restore(await read_tape(self._store, asset, TAPE_LENGTH))

    async def last_known(self) -> list[KeptChain]:
        """Return the last chain of every asset that a former process kept."""
        return await last_chains(self._store)

    async def run(self) -> None:
        """Write and forget until cancelled; what waits is written at the end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take_all_news())
                group.create_task(self._write_what_waits())
                group.create_task(self._forget_in_time())
        finally:
            await self.flush()

    def take(self, state: BoardState) -> bool:
        """Take what is due of a live state; True when there is something to write."""
        if state.status != FeedStatus.LIVE:
            return False
        taken = [self._take(state, snapshot) for snapshot in state.models.values()]
        return any(taken)

    def _take(self, state: BoardState, snapshot: ExposureSnapshot) -> bool:
        is_own = snapshot is state.snapshot
        step_ms, curve_step_ms = _OWN_STEPS_MS if is_own else _OTHER_STEPS_MS
        series = Series(state.asset, snapshot.position_model)
        before, as_of_ms = self._taken.get(series), snapshot.chain.as_of_ms
        if before is not None and before.ts_ms // step_ms == as_of_ms // step_ms:
            return False
        row = kept_row(state.asset, snapshot)
        left_ms = self._left_open.get(series) if before is None else before.minute_ms
        if left_ms is not None and left_ms != row.minute_ms:
            self._pending.closed.append(Minute(series, left_ms))
        if before is None or _needs_curve(before, row, curve_step_ms):
            self._pending.curves.append((row, encode_curve(snapshot.by_strike)))
            if is_own:
                received_ms = time.time_ns() // 1_000_000 - (state.age_ms or 0)
                self._pending.chains[row.asset] = KeptChain(snapshot.chain, received_ms)
        self.dropped += len(self._pending.rows) == BUFFERED_ROWS
        self._pending.rows.append(row)
        self._taken[series] = row
        return True

    def _take_trades(self) -> None:
        for asset, tape in self._tapes.items():
            fresh = tape.booked_after(self._booked.get(asset, 0))
            self._booked[asset] = tape.recorded
            self.dropped += max(0, len(self._pending.trades) + len(fresh) - BUFFERED_TRADES)
            self._pending.trades.extend((asset, trade) for trade in fresh)

    async def flush(self) -> None:
        """Write everything taken, or say why not and keep it."""
        self._take_trades()
        if not self._pending.rows and not self._pending.trades:
            return
        writing, self._pending = self._pending, _Pending()
        try:
            is_low = self._space is not None and self._space().is_low
            reason = "the disk is almost full" if is_low else await self._write(writing.batch())
        except BaseException:  # cancelled: kept or not, the last flush writes it, and once
            self.dropped += self._pending.put_back(writing)
            raise
        if reason is not None:
            self.dropped += self._pending.put_back(writing)
            self._pause(reason)
        elif self.paused_reason is not None:
            _log.info("history.resumed", rows=len(writing.rows))
            self.paused_reason = None

    async def _write(self, batch: Batch) -> str | None:
        """Keep a batch, or return why not."""
        started = time.perf_counter()
        try:
            await write(self._store, batch)
        except (SQLAlchemyError, OSError) as error:
            return str(getattr(error, "orig", None) or error) or type(error).__name__
        self._observe_commit(time.perf_counter() - started)
        return None

    def _pause(self, reason: str) -> None:
        if self.paused_reason is None:
            _log.warning("history.paused", reason=reason)
        self.paused_reason = reason

    async def _take_all_news(self) -> None:
        """Take every second as it is published, however long a write takes."""
        try:
            while True:
                if self._take_news(self._shown):
                    self._due.set()
                # no await since the look at the hub, so no publication is missed
                await self._hub.changed()
        finally:
            self._take_news(self._shown)

    async def _write_what_waits(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            await self.flush()

    def _take_news(self, shown: dict[str, int]) -> bool:
        """Take what was published since; returns whether there is something to write."""
        latest = (self._hub.latest(asset) for asset in self._hub.assets())
        news = [s for s in latest if s is not None and s.seq > shown.get(s.asset, 0)]
        shown |= {state.asset: state.seq for state in news}
        taken = [self.take(state) for state in news]
        return any(taken)

    async def _forget_in_time(self) -> None:
        while True:
            try:
                gone = await forget_old(self._store)
            except SQLAlchemyError as error:
                _log.warning("history.retention_failed", reason=str(error.__cause__ or error))
            else:
                if gone:
                    _log.info("history.forgotten", rows=gone)
            await asyncio.sleep(RETENTION_S)


def _needs_curve(before: KeptRow, after: KeptRow, step_ms: int) -> bool:
    """Whether the curve by strike is due again: in time, or because spot crossed the flip."""
    sides = (before.is_above_flip, after.is_above_flip)
    crossed = None not in sides and sides[0] != sides[1]
    return crossed or before.ts_ms // step_ms != after.ts_ms // step_ms
