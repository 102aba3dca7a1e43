"""What nobody reports by itself: is the loop late, does the database answer, is there room."""

import asyncio
import time
from collections.abc import Callable

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.health import ReadyCheck
from app.history import DiskSpace
from app.outbox import OutboxState, outbox_state
from app.store import Store

PERIOD_S = 5.0
LAG_STEP_S = 0.25
ANSWER_S = 5.0
PENDING_TOO_LONG_S = 300.0

_log = structlog.get_logger()


class Watch:
    """Looks every few seconds; the newest sight is what readiness and metrics tell."""

    def __init__(
        self,
        store: Store,
        space: Callable[[], DiskSpace] | None,
        observe_lag: Callable[[float], None],
        clock_ms: Callable[[], int],
    ) -> None:
        self.outbox = OutboxState(0, None)
        self.disk: DiskSpace | None = None
        self.database_error: str | None = None
        self._store = store
        self._space = space
        self._observe_lag = observe_lag
        self._clock_ms = clock_ms

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._measure_lag())
            group.create_task(self._look_around())

    def oldest_pending_s(self) -> float:
        """Return how long the oldest undelivered event has been waiting, 0 when none does."""
        oldest_ms = self.outbox.oldest_ms
        return 0.0 if oldest_ms is None else max(0.0, (self._clock_ms() - oldest_ms) / 1000)

    def checks(self) -> list[ReadyCheck]:
        """Return the lines of readiness that are about keeping and sending."""
        error, disk = self.database_error, self.disk
        checks = [ReadyCheck("database", error is None, error or "answers")]
        if disk is not None:
            free = f"{disk.free_bytes / 1e9:.1f} GB free"
            checks.append(ReadyCheck("disk", not disk.is_low, free))
        waiting, oldest_s = self.outbox.waiting, self.oldest_pending_s()
        detail = f"{waiting} waiting, the oldest for {oldest_s:.0f} s" if waiting else "none waits"
        # a receiver that is down says nothing about this board's numbers
        return [*checks, ReadyCheck("webhooks", ok=True, detail=detail)]

    async def look(self) -> None:
        """Look once."""
        self.disk = None if self._space is None else self._space()
        try:
            async with asyncio.timeout(ANSWER_S):
                async with self._store.read() as connection:
                    await connection.execute(select(1))
                self.outbox = await outbox_state(self._store)
        except (SQLAlchemyError, OSError) as error:  # a timeout is an OSError
            reason = str(getattr(error, "orig", None) or error) or "no answer"
            if self.database_error is None:
                _log.warning("store.away", reason=reason)
            self.database_error = reason
        else:
            if self.database_error is not None:
                _log.info("store.back")
            self.database_error = None

    async def _look_around(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(PERIOD_S)

    async def _measure_lag(self) -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(LAG_STEP_S)
            self._observe_lag(max(0.0, time.perf_counter() - started - LAG_STEP_S))
