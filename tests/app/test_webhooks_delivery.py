"""The outbox and its worker against a receiver with bad manners, on both databases."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest

from app import alert_store
from app.alert_service import wall_clock_ms
from app.alert_store import Endpoint, Event
from app.delivery import DeliveryWorker
from app.outbox import (
    LEASE_MS,
    DeliveryFilter,
    DeliveryRow,
    claim_due,
    find_delivery,
    list_deliveries,
    redeliver,
)
from app.retry import CIRCUIT_FAILURES, MAX_AGE_MS, SCHEDULE_S, DeliveryStatus
from app.store import Store, new_id
from app.webhooks import WebhookFormat, new_secret
from tests.app.webhook_receiver import DRIP, HANG, answer, receiving

LOCAL = (ip_network("127.0.0.0/8"),)
MINUTE_MS = 60_000


@dataclass(slots=True)
class Bench:
    """A store, a worker and a wall clock that only the test moves."""

    store: Store
    now_ms: int = field(default_factory=wall_clock_ms)  # signatures are only good for 5 minutes
    sequence: int = 0

    def worker(self, seed: int = 1, limit_s: float = 60.0) -> DeliveryWorker:
        return DeliveryWorker(
            self.store, LOCAL, lambda: self.now_ms, random.Random(seed), request_limit_s=limit_s
        )

    async def endpoint(self, url: str) -> Endpoint:
        endpoint = Endpoint(
            new_id("whk", self.now_ms),
            url,
            "",
            WebhookFormat.STANDARD,
            new_secret(),
            self.now_ms,
        )
        await alert_store.insert_endpoint(self.store, endpoint)
        return endpoint

    async def queue(self, endpoint: Endpoint) -> str:
        self.sequence += 1
        body = b'{"type":"gammaflip.test","data":{"n":%d}}' % self.sequence
        event = Event(new_id("evt", self.now_ms), None, None, "gammaflip.test", body, self.now_ms)
        return await alert_store.insert_test(self.store, event, endpoint.id)

    async def row(self, delivery_id: str) -> DeliveryRow:
        row = await find_delivery(self.store, delivery_id)
        assert row is not None
        return row

    async def health(self, endpoint: Endpoint) -> Endpoint:
        found = await alert_store.find_endpoint(self.store, endpoint.id)
        assert found is not None
        return found


@pytest.fixture
async def bench(store: Store) -> Bench:
    return Bench(store)


@contextlib.asynccontextmanager
async def running(worker: DeliveryWorker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_delivery_is_signed_and_made_once(bench: Bench) -> None:
    async with receiving() as receiver:
        endpoint = await bench.endpoint(receiver.url)
        delivery_id = await bench.queue(endpoint)
        assert await bench.worker().deliver_due() == 1
        assert await bench.worker().deliver_due() == 0
        (hit,) = receiver.hits
        assert hit.id == delivery_id
        assert hit.headers["webhook-timestamp"] == str(bench.now_ms // 1000)
        row = await bench.row(delivery_id)
        assert (row.status, row.attempts, row.last_status_code) == ("delivered", 1, 200)
        assert row.next_attempt_ms is None
        assert row.finished_ms == bench.now_ms


@pytest.mark.parametrize(
    ("manner", "code", "error"),
    [
        (answer(500), 500, "the receiver answered 500"),
        (answer(302, "location: http://127.0.0.1:1/"), 302, "redirects are not followed"),
        (HANG, None, "no answer within 1 s"),
        (DRIP, None, "no answer within 1 s"),
    ],
)
async def test_a_failure_is_tried_again_under_the_same_id(
    bench: Bench, manner: bytes, code: int | None, error: str
) -> None:
    is_silent = code is None
    async with receiving(manner) as receiver:
        delivery_id = await bench.queue(await bench.endpoint(receiver.url))
        await bench.worker(limit_s=1.0 if is_silent else 60.0).deliver_due()
        row = await bench.row(delivery_id)
        assert (row.status, row.last_status_code, row.last_error) == ("failed", code, error)
        assert row.next_attempt_ms is not None
        assert 4_000 <= row.next_attempt_ms - bench.now_ms <= 6_000
        bench.now_ms = row.next_attempt_ms - 1
        assert await bench.worker().deliver_due() == 0
        bench.now_ms += 1
        assert await bench.worker().deliver_due() == 1
        assert [hit.id for hit in receiver.hits] == [delivery_id] * 2
        assert receiver.hits[0].body == receiver.hits[1].body
        assert (await bench.row(delivery_id)).status == DeliveryStatus.DELIVERED


async def test_the_whole_schedule_ends_in_a_dead_letter_that_can_be_sent_again(
    bench: Bench,
) -> None:
    async with receiving(*[answer(500)] * len(SCHEDULE_S)) as receiver:
        endpoint = await bench.endpoint(receiver.url)
        delivery_id = await bench.queue(endpoint)
        for _ in range(100):
            row = await bench.row(delivery_id)
            if row.next_attempt_ms is None:
                break
            paused_ms = (await bench.health(endpoint)).resume_ms
            bench.now_ms = max(bench.now_ms, row.next_attempt_ms, paused_ms)
            await bench.worker().deliver_due()
        # a day is over before the last two steps of the schedule
        assert row.status == DeliveryStatus.DEAD
        assert row.attempts == len(SCHEDULE_S) - 1
        assert bench.now_ms - row.created_ms >= MAX_AGE_MS
        receiver.manners.clear()
        assert await redeliver(bench.store, delivery_id, bench.now_ms)
        await bench.worker().deliver_due()  # its owner asks, so the open circuit does not
        row = await bench.row(delivery_id)
        assert (row.status, row.attempts) == (DeliveryStatus.DELIVERED, 1)
        assert {hit.id for hit in receiver.hits} == {delivery_id}


async def test_a_throttled_endpoint_is_left_alone_for_as_long_as_it_asks(bench: Bench) -> None:
    async with receiving(answer(429, "retry-after: 90")) as receiver:
        endpoint = await bench.endpoint(receiver.url)
        first, second = await bench.queue(endpoint), await bench.queue(endpoint)
        assert await bench.worker().deliver_due() == 1
        bench.now_ms += 89_999
        assert await bench.worker().deliver_due() == 0
        bench.now_ms += 1
        assert await bench.worker().deliver_due() == 2
        assert {hit.id for hit in receiver.hits} == {first, second}


async def test_gone_turns_the_endpoint_off_visibly(bench: Bench) -> None:
    async with receiving(answer(410)) as receiver:
        endpoint = await bench.endpoint(receiver.url)
        sent = [await bench.queue(endpoint) for _ in range(3)]
        await bench.worker().deliver_due()
        health = await bench.health(endpoint)
        assert not health.enabled
        assert health.disabled_reason == "the receiver answered 410: gone"
        later = await bench.queue(endpoint)
        rows = [await bench.row(delivery_id) for delivery_id in (*sent, later)]
        assert {row.status for row in rows} == {DeliveryStatus.DEAD}
        assert all("410" in (row.last_error or "") for row in rows)
        assert await bench.worker().deliver_due() == 0
        assert len(receiver.hits) == 1


async def test_a_refused_address_is_a_dead_letter_at_once(bench: Bench) -> None:
    delivery_id = await bench.queue(await bench.endpoint("https://10.0.0.1/hook"))
    await bench.worker().deliver_due()
    row = await bench.row(delivery_id)
    assert (row.status, row.attempts, row.last_status_code) == (DeliveryStatus.DEAD, 1, None)
    assert "10.0.0.1 is not a public address" in (row.last_error or "")


async def test_after_failures_in_a_row_only_one_probe_is_made_a_step(bench: Bench) -> None:
    async with receiving(*[answer(500)] * (CIRCUIT_FAILURES + 1)) as receiver:
        endpoint = await bench.endpoint(receiver.url)
        for _ in range(20):
            await bench.queue(endpoint)
        assert await bench.worker().deliver_due() == CIRCUIT_FAILURES
        bench.now_ms = (await bench.health(endpoint)).resume_ms
        assert await bench.worker().deliver_due() == 1  # the probe failed
        bench.now_ms = (await bench.health(endpoint)).resume_ms
        await bench.worker().deliver_due()  # the probe succeeded: everything goes
        bench.now_ms += 3 * MINUTE_MS
        await bench.worker().deliver_due()
        assert len({hit.id for hit in receiver.hits}) == 20
        rows = await list_deliveries(bench.store, DeliveryFilter(), 100)
        assert {row.status for row in rows} == {DeliveryStatus.DELIVERED}


async def test_a_failed_delivery_does_not_block_newer_ones(bench: Bench) -> None:
    async with receiving(answer(500)) as receiver:
        endpoint = await bench.endpoint(receiver.url)
        await bench.queue(endpoint)
        second = await bench.queue(endpoint)
        assert await bench.worker().deliver_due() == 2
        assert (await bench.row(second)).status == DeliveryStatus.DELIVERED


async def test_what_is_too_old_is_buried_unsent(bench: Bench) -> None:
    async with receiving() as receiver:
        delivery_id = await bench.queue(await bench.endpoint(receiver.url))
        bench.now_ms += MAX_AGE_MS
        assert await bench.worker().deliver_due() == 0
        row = await bench.row(delivery_id)
        assert (row.status, row.last_error) == ("dead", "not delivered within a day")
        assert receiver.hits == []


async def test_one_request_is_in_flight_per_endpoint_however_many_workers(bench: Bench) -> None:
    async with receiving() as receiver:
        endpoint = await bench.endpoint(receiver.url)
        for _ in range(12):
            await bench.queue(endpoint)
        workers = [bench.worker(seed) for seed in range(4)]
        made = await asyncio.gather(*(worker.deliver_due() for worker in workers))
        while sum(made) < 12:
            made.append(await workers[0].deliver_due())
        assert sum(made) == 12
        assert receiver.most_at_once == 1
        assert len({hit.id for hit in receiver.hits}) == len(receiver.hits) == 12


async def test_a_hanging_endpoint_does_not_delay_another(bench: Bench) -> None:
    worker = bench.worker()
    async with (
        asyncio.timeout(10),
        running(worker),
        receiving(*[HANG] * 9) as hanging,
        receiving() as swift,
    ):
        slow, quick = await bench.endpoint(hanging.url), await bench.endpoint(swift.url)
        for _ in range(3):
            await bench.queue(slow)
        worker.wake()
        await hanging.wait_for(1)
        for count in range(1, 6):
            await bench.queue(quick)
            worker.wake()
            await swift.wait_for(count)
        assert len(hanging.hits) == 1


async def test_what_a_dead_process_had_in_flight_is_sent_again_under_the_same_id(
    bench: Bench,
) -> None:
    async with receiving() as receiver:
        delivery_id = await bench.queue(await bench.endpoint(receiver.url))
        assert len(await claim_due(bench.store, bench.now_ms, 8)) == 1  # and then it died
        assert await bench.worker().deliver_due() == 0
        bench.now_ms += LEASE_MS
        assert await bench.worker().deliver_due() == 1
        assert [hit.id for hit in receiver.hits] == [delivery_id]


async def test_a_restart_in_the_middle_of_an_outbox_delivers_everything_once(
    bench: Bench,
) -> None:
    async with receiving() as receiver, asyncio.timeout(20):
        endpoint = await bench.endpoint(receiver.url)
        sent = [await bench.queue(endpoint) for _ in range(20)]
        async with running(bench.worker()):
            await receiver.wait_for(7)
        bench.now_ms += LEASE_MS
        async with running(bench.worker()):
            await receiver.wait_for(20)
        assert sorted(hit.id for hit in receiver.hits) == sorted(sent)
        for hit in receiver.hits:
            hit.verify(endpoint.secret)


async def test_the_worker_sends_what_is_queued_while_it_waits(bench: Bench) -> None:
    async with receiving() as receiver, asyncio.timeout(10):
        endpoint = await bench.endpoint(receiver.url)
        worker = bench.worker()
        async with running(worker):
            for count in range(1, 4):
                await bench.queue(endpoint)
                worker.wake()
                await receiver.wait_for(count)


async def test_a_deleted_endpoint_takes_its_open_deliveries_along(bench: Bench) -> None:
    async with receiving() as receiver:
        endpoint = await bench.endpoint(receiver.url)
        delivery_id = await bench.queue(endpoint)
        assert await alert_store.delete_endpoint(bench.store, endpoint.id, bench.now_ms)
        assert await bench.worker().deliver_due() == 0
        row = await bench.row(delivery_id)
        assert (row.status, row.last_error) == ("dead", "endpoint deleted")
        assert not await redeliver(bench.store, delivery_id, bench.now_ms)
