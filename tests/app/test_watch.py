"""What readiness and metrics tell of the database, the disk and the outbox."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from app.history import DiskSpace
from app.lifecycle import FeedAddress
from app.outbox import OutboxState
from app.settings import Settings, Source
from app.store import Store
from app.store_schema import alert_event, delivery
from app.watch import Watch
from app.wiring import Board

NOW_MS = 1_795_000_000_000
ROOM = DiskSpace(free_bytes=10**11, total_bytes=10**12)


def watching(store: Store, space: DiskSpace = ROOM) -> Watch:
    return Watch(store, lambda: space, lambda _seconds: None, lambda: NOW_MS)


def lines(watch: Watch) -> dict[str, bool]:
    return {check.name: check.ok for check in watch.checks()}


async def queue_delivery(store: Store, created_ms: int) -> None:
    event = {"id": "evt_1", "type": "x", "body": "{}", "muted": False, "created_ms": created_ms}
    row = {
        "id": "msg_1",
        "event_id": "evt_1",
        "webhook_id": "whk_1",
        "status": "failed",
        "attempts": 1,
        "next_attempt_ms": NOW_MS,
        "expires_ms": NOW_MS + 1,
        "created_ms": created_ms,
    }
    async with store.write() as connection:
        await connection.execute(insert(alert_event).values(event))
        await connection.execute(insert(delivery).values(row))


async def test_all_is_well(store: Store) -> None:
    watch = watching(store)
    await watch.look()
    assert lines(watch) == {"database": True, "disk": True, "webhooks": True}
    assert watch.outbox == OutboxState(0, None)
    assert watch.oldest_pending_s() == 0


async def test_a_full_disk_is_not_ready(sqlite_store: Store) -> None:
    watch = watching(sqlite_store, DiskSpace(free_bytes=10**8, total_bytes=10**12))
    await watch.look()
    assert lines(watch)["disk"] is False


async def test_a_database_that_is_away_is_not_ready_and_ready_when_it_is_back(
    sqlite_store: Store, tmp_path: Path
) -> None:
    watch = watching(sqlite_store)
    file, aside = tmp_path / "store.db", tmp_path / "aside"
    await sqlite_store.close()
    file.rename(aside)
    await watch.look()
    assert lines(watch)["database"] is False
    aside.rename(file)
    await watch.look()
    assert lines(watch)["database"] is True


async def test_a_delivery_that_waits_is_told_with_its_age_and_stays_ready(store: Store) -> None:
    await queue_delivery(store, NOW_MS - 42_000)
    watch = watching(store)
    await watch.look()
    assert watch.oldest_pending_s() == 42
    assert lines(watch)["webhooks"] is True
    assert "42 s" in watch.checks()[-1].detail


async def test_a_scrape_is_well_formed_and_has_few_labels(sqlite_store: Store) -> None:
    settings = Settings(assets=("BTC", "ETH"))
    address = FeedAddress("ws://127.0.0.1:1/ws/api/v2", Source.CUSTOM)
    board = Board(settings, address, sqlite_store, sqlite_store)
    board.metrics.webhook_attempts.labels("2xx").inc()
    text = board.metrics.exposition().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["gex_ws_messages"].type == "counter"
    assert [s.value for s in families["gex_webhook_attempts"].samples if "total" in s.name] == [1]
    assert {s.labels["ccy"] for s in families["gex_leader"].samples} == {"BTC", "ETH"}
    assert not re.search(r"\d{2}[A-Z]{3}\d{2}-", text), "never a label for an instrument"
