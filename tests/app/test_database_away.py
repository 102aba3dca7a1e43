"""PostgreSQL is killed under a working board and comes back: nothing is lost, nothing doubled."""

import asyncio
import contextlib
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from sqlalchemy import func, select

from app.alert_rules import FlipCrossed, Rule, RuleKind
from app.alert_service import AlertService, RuleDraft
from app.history import History
from app.settings import Settings, Source
from app.store import Store, store_url
from app.store_schema import alert_event
from app.watch import Watch
from app.webhooks import WebhookFormat
from tests.app.alert_board import ScriptedBoard, own_rows, snapshot_for
from tests.app.test_alerts_api import build, connect
from tests.app.webhook_receiver import receiving
from tests.postgres import MissingPostgresError, PostgresServer, find_binaries, postgres

pytestmark = pytest.mark.postgres
STEP_S = 0.05


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    pytest.importorskip("asyncpg", reason="asyncpg is not installed (extra: scale)")
    try:
        find_binaries()
    except MissingPostgresError as error:
        pytest.skip(str(error))
    with postgres(fsync=True) as running:
        yield running


async def count(store: Store, table: object) -> int:
    async with store.read() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def publish(board: ScriptedBoard, path_pct: list[float]) -> None:
    """Publish second by second, as an engine would, without waiting for any reader."""
    for spot_pct in path_pct:
        board.publish(spot_pct)
        await asyncio.sleep(STEP_S)


async def test_a_killed_database_costs_no_row_and_no_crossing(server: PostgresServer) -> None:
    address = server.url.render_as_string(hide_password=False)
    store = await Store.open(store_url(Settings(database_url=address), Source.LIVE))
    board = ScriptedBoard()
    history = History(store, board.hub)
    watch = Watch(store, None, lambda _seconds: None, lambda: 0)
    loopback = (ip_network("127.0.0.0/8"),)
    service = AlertService(store, board.hub, snapshot_for, allowed=loopback, assets=("BTC",))
    async with receiving() as receiver:
        endpoint = await service.endpoints.create(receiver.url, "", WebhookFormat.STANDARD)
        rule = Rule("", "BTC", RuleKind.FLIP_CROSSED, FlipCrossed(), None, 0.25, 2.0, 0.0)
        await service.create_rule(RuleDraft(rule, (endpoint.id,)))
        tasks = [asyncio.create_task(part.run()) for part in (history, service)]
        await publish(board, [-1.0] * 20)
        await asyncio.to_thread(server.kill)
        await publish(board, [-1.0] * 10 + [1.0] * 30)  # crosses while the database is away
        await watch.look()
        assert watch.checks()[0].ok is False
        assert history.paused_reason is not None
        assert not receiver.hits
        await asyncio.to_thread(server.start)
        await publish(board, [1.0] * 20)
        async with asyncio.timeout(60):
            await receiver.wait_for(1)
            await publish(board, [1.0] * 5)
            while await own_rows(store) < board.second:
                await asyncio.sleep(STEP_S)
        await watch.look()
        assert watch.checks()[0].ok is True
        assert await count(store, alert_event) == 1
        hits = len(receiver.hits)
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    assert hits == 1
    assert history.dropped == 0
    assert await own_rows(store) == board.second
    await store.close()


async def test_the_api_says_that_the_database_is_away_and_answers_when_it_is_back(
    server: PostgresServer,
) -> None:
    address = server.url.render_as_string(hide_password=False)
    store = await Store.open(store_url(Settings(database_url=address), Source.LIVE))
    _, app = build(store, ScriptedBoard())
    rule = {"asset": "BTC", "kind": "data_stale"}
    async with connect(app) as client:
        assert (await client.post("/alerts", json=rule)).status_code == 201
        await asyncio.to_thread(server.kill)
        for answer in (await client.post("/alerts", json=rule), await client.get("/webhooks")):
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"] == "5"
            assert "database cannot be used" in answer.json()["detail"]
        await asyncio.to_thread(server.start)
        assert (await client.post("/alerts", json=rule)).status_code == 201
        assert len((await client.get("/alerts")).json()["data"]) == 2
    await store.close()
