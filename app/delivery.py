"""The delivery worker: takes what is due from the outbox, sends it, settles it."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.egress import Network
from app.outbox import Claim, claim_due, next_due_ms, release_leases, settle
from app.retry import judge_attempt
from app.store import Store
from app.webhooks import REQUEST_LIMIT_S, Outcome, send

CONCURRENCY = 16
POLL_S = 5.0
"""How long a row that another process wrote may go unseen, and how soon a broken database is
tried again."""

DRAIN_S = 3.0

_log = structlog.get_logger()


class DeliveryWorker:
    """Sends due deliveries, one request in flight per endpoint."""

    def __init__(
        self,
        store: Store,
        allowed: Sequence[Network],
        clock_ms: Callable[[], int],
        rng: random.Random,
        observe: Callable[[Outcome], None] = lambda _outcome: None,
        request_limit_s: float = REQUEST_LIMIT_S,
    ) -> None:
        self._store = store
        self._allowed = allowed
        self._clock_ms = clock_ms
        self._rng = rng
        self._observe = observe
        self._request_limit_s = request_limit_s
        self._news = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look into the outbox now."""
        self._news.set()

    async def start(self) -> None:
        """Take over from a process that is gone, where no other can be alive."""
        if not self._store.is_shared:
            await release_leases(self._store)

    async def run(self) -> None:
        """Deliver until cancelled, then give requests in flight a moment to land.

        What does not land is sent again under the same id after its lease.
        """
        try:
            while True:
                self._news.clear()
                await self._wait(await self._start_due())
        finally:
            if self._in_flight:
                _, hanging = await asyncio.wait(self._in_flight, timeout=DRAIN_S)
                for task in hanging:
                    task.cancel()
                await asyncio.gather(*hanging, return_exceptions=True)

    async def deliver_due(self) -> int:
        """Send everything that is due now, once, and return how many attempts were made."""
        attempts = 0
        while claims := await claim_due(self._store, self._clock_ms(), CONCURRENCY):
            await asyncio.gather(*(self._deliver(claim) for claim in claims))
            attempts += len(claims)
        return attempts

    async def _start_due(self) -> float:
        """Start what is due and return for how many seconds nothing else will be."""
        room = CONCURRENCY - len(self._in_flight)
        if not room:
            return POLL_S  # the next landing wakes us
        try:
            claims = await claim_due(self._store, self._clock_ms(), room)
            for claim in claims:
                task = asyncio.create_task(self._supervised(claim))
                self._in_flight.add(task)
                task.add_done_callback(self._landed)
            due_ms = await next_due_ms(self._store)
        except SQLAlchemyError:
            _log.exception("delivery.store_failed")
            return POLL_S
        if due_ms is None:
            return POLL_S
        return min(POLL_S, max(0.01, (due_ms - self._clock_ms()) / 1000))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("delivery.crashed", exc_info=error)

    async def _supervised(self, claim: Claim) -> None:
        try:
            await self._deliver(claim)
        except SQLAlchemyError:
            # the lease ends by itself and the delivery is sent again under the same id
            _log.exception("delivery.settle_failed", delivery=claim.delivery_id)

    async def _deliver(self, claim: Claim) -> None:
        now = datetime.fromtimestamp(self._clock_ms() / 1000, UTC)
        outcome = await send(
            claim.target,
            claim.delivery_id,
            claim.event,
            now,
            self._allowed,
            self._request_limit_s,
        )
        self._observe(outcome)
        now_ms = self._clock_ms()
        verdict = judge_attempt(outcome, claim.attempts + 1, claim.health, now_ms, self._rng)
        await settle(self._store, claim, verdict, outcome.status_code, now_ms)
        _log.info(
            "delivery.attempt",
            delivery=claim.delivery_id,
            webhook=claim.webhook_id,
            attempt=claim.attempts + 1,
            status=verdict.status.value,
            status_code=outcome.status_code,
            error=outcome.error,
        )
        if verdict.health.disabled_reason is not None:
            _log.warning(
                "delivery.endpoint_disabled",
                webhook=claim.webhook_id,
                reason=verdict.health.disabled_reason,
            )
