"""From a published state to a signed request, across restarts, on both databases."""

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, text

from app import alert_store
from app.alert_rules import (
    FlipCrossed,
    HedgeFlowBeyond,
    LevelNear,
    RegimeChanged,
    Rule,
    RuleKind,
    Side,
)
from app.alert_service import AlertService, RuleDraft
from app.alert_store import Event, RuleChangedError, StoredRule, forget_events
from app.alert_views import observe
from app.alerts import Memory, RuleState, evaluate, resume
from app.hub import FeedStatus
from app.outbox import DeliveryFilter
from app.problems import Problem
from app.settings import Source
from app.store import Store
from app.store_schema import alert_event
from app.webhooks import WebhookFormat
from dealers.rules import PositionModel
from greeks.conventions import Exposure
from tests.app.alert_board import FLIP, ScriptedBoard, snapshot_for
from tests.app.webhook_receiver import Receiver, answer, receiving

LOCAL = (ip_network("127.0.0.0/8"),)
CROSSING = [-1.0] * 5 + [1.0] * 15


def make_service(store: Store, board: ScriptedBoard, **settings: Any) -> AlertService:
    return AlertService(
        store, board.hub, snapshot_for, allowed=LOCAL, assets=("BTC",), rng=random.Random(1),
        **settings,
    )  # fmt: skip


def draft(webhooks: Sequence[str] = (), **rule: Any) -> RuleDraft:
    kind = rule.pop("kind", RuleKind.FLIP_CROSSED)
    watched = rule.pop("watched", FlipCrossed())
    return RuleDraft(Rule("", "BTC", kind, watched, **rule), tuple(webhooks))


async def add_webhook(service: AlertService, receiver: Receiver) -> str:
    endpoint = await service.endpoints.create(receiver.url, "", WebhookFormat.STANDARD)
    return endpoint.id


async def show(service: AlertService, board: ScriptedBoard, path_pct: Sequence[float]) -> None:
    for spot_pct in path_pct:
        await service.show(board.publish(spot_pct))


async def log_statuses(service: AlertService) -> list[str]:
    rows = await service.endpoints.deliveries(DeliveryFilter(), 100)
    return [row.status.value for row in rows]


@contextlib.asynccontextmanager
async def running(service: AlertService) -> AsyncIterator[None]:
    await service.start()
    task = asyncio.create_task(service.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_crossing_becomes_one_signed_request_as_the_contract_states(store: Store) -> None:
    board = ScriptedBoard()
    service = make_service(store, board)
    heard: list[tuple[StoredRule, Event]] = []
    service.subscribe(lambda stored, event: heard.append((stored, event)))
    async with receiving() as receiver:
        endpoint = await service.endpoints.create(receiver.url, "", WebhookFormat.STANDARD)
        live = await service.create_rule(draft([endpoint.id]))
        await show(service, board, CROSSING)
        assert await service.worker.deliver_due() == 1
        (hit,) = receiver.hits
        body = hit.verify(endpoint.secret)
    assert isinstance(body, dict)
    assert body["type"] == "gex.flip.crossed"
    datetime.fromisoformat(body["timestamp"])
    data = body["data"]
    state = board.hub.latest("BTC")
    assert state is not None
    assert state.snapshot is not None
    assert data | {"data_age_ms": 0} == {
        "rule_id": live.stored.rule.id,
        "kind": "flip_crossed",
        "asset": "BTC",
        "direction": "up",
        "cause": "spot_moved",
        "sequence": 1,
        "spot_usd": 101_000.0,
        "flip_usd": FLIP,
        "call_wall_usd": state.snapshot.levels.call_wall_usd,
        "put_wall_usd": state.snapshot.levels.put_wall_usd,
        "gex_usd_per_1pct": state.snapshot.net_of(Exposure.GEX),
        "hedge_flow_usd": None,
        "params": {},
        "value": pytest.approx(0.01),
        "threshold": 0.0025,
        "position": "naive",
        "confirmed_at": live.stored.memory.fired_ms,
        "data_age_ms": 0,
        "late": False,
        "source": "live",
    }
    assert len(hit.body) < 4096
    assert [event.body for _, event in heard] == [hit.body]


async def test_every_crossing_of_a_walk_is_delivered_once(store: Store) -> None:
    board = ScriptedBoard()
    service = make_service(store, board)
    rng = random.Random(3)
    hover = [rng.uniform(-0.24, 0.24) for _ in range(60)]
    path = [-1.0] * 5 + [*hover, *[1.0] * 20, *hover, *[-1.0] * 20] * 3
    async with receiving() as receiver, asyncio.timeout(60):
        webhook = await add_webhook(service, receiver)
        await service.create_rule(draft([webhook], cooldown_s=0))
        async with running(service):
            await show(service, board, path)
            await receiver.wait_for(6)
        events = sorted((orjson.loads(hit.body)["data"] for hit in receiver.hits), key=sequence)
    assert [sequence(event) for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event["direction"] for event in events] == ["up", "down"] * 3
    assert len({hit.id for hit in receiver.hits}) == 6


def sequence(event: dict[str, Any]) -> int:
    return int(event["sequence"])


async def test_states_are_taken_from_the_hub_as_they_are_published(store: Store) -> None:
    board = ScriptedBoard()
    service = make_service(store, board)
    fired = asyncio.Event()
    service.subscribe(lambda _stored, _event: fired.set())
    live = await service.create_rule(draft(confirm_s=0))
    async with running(service), asyncio.timeout(10):
        board.publish(-1.0)
        while live.stored.memory.side is None:
            await asyncio.sleep(0)
        board.publish(1.0)
        await fired.wait()


async def test_a_restart_reports_a_missed_crossing_once_and_late(store: Store) -> None:
    board = ScriptedBoard()
    first = make_service(store, board)
    live = await first.create_rule(draft())
    await show(first, board, [-1.0] * 5)
    second = make_service(store, board)
    await second.start()
    board.second += 3_600
    await show(second, board, [1.0] * 40)
    (event,) = (await second.last_events()).values()
    data = orjson.loads(event.body)["data"]
    assert (data["rule_id"], data["direction"]) == (live.stored.rule.id, "up")
    assert (data["sequence"], data["late"]) == (1, True)


async def test_what_is_kept_equals_what_lives_under_any_walk_with_restarts(store: Store) -> None:
    rng = random.Random(11)
    board = ScriptedBoard()
    service = make_service(store, board)
    rule = (await service.create_rule(draft(confirm_s=2, cooldown_s=5))).stored.rule
    twin, twin_events = RuleState(), 0
    for _ in range(400):
        if rng.random() < 0.05:
            service = make_service(store, board)
            await service.start()
            twin = resume(twin.memory)
        state = board.state(rng.choice([-1.0, -0.3, 0.0, 0.3, 1.0]))
        if rng.random() < 0.1:
            state = dataclasses.replace(state, status=FeedStatus.STALE)
        await service.show(state)
        seen = observe(rule, state, snapshot_for(state, PositionModel.NAIVE))
        assert seen is not None
        twin, fired = evaluate(rule, twin, seen)
        twin_events += fired is not None
        assert service.rule(rule.id).stored.memory == twin.memory
    assert twin_events > 5
    async with store.read() as connection:
        kept = await connection.execute(select(func.count()).select_from(alert_event))
        assert kept.scalar_one() == twin_events


async def test_an_event_and_its_deliveries_are_kept_together_or_not_at_all(
    sqlite_store: Store,
) -> None:
    board = ScriptedBoard()
    service = make_service(sqlite_store, board)
    async with receiving() as receiver:
        live = await service.create_rule(draft([await add_webhook(service, receiver)]))
    await show(service, board, [-1.0] * 5)
    async with sqlite_store.write() as connection:
        await connection.execute(text("ALTER TABLE delivery RENAME TO lost"))
    await show(service, board, [1.0] * 20)
    assert live.stored.memory.side == Side.DOWN  # nothing happened as far as anyone can tell
    assert await service.last_events() == {}
    async with sqlite_store.write() as connection:
        await connection.execute(text("ALTER TABLE lost RENAME TO delivery"))
    await show(service, board, [1.0])  # and it is not forgotten either
    assert live.stored.memory.side == Side.UP
    assert await log_statuses(service) == ["pending"]


async def test_two_engines_at_once_fire_one_event(store: Store) -> None:
    board = ScriptedBoard()
    first = make_service(store, board)
    live = await first.create_rule(draft())
    second = make_service(store, board)
    await second.start()
    for spot_pct in [*CROSSING, *[1.0] * 5]:
        state = board.publish(spot_pct)
        await asyncio.gather(first.show(state), second.show(state))
    for service in (first, second):
        (event,) = (await service.last_events()).values()
        assert event.sequence == 1
        assert service.rule(live.stored.rule.id).stored.memory.side == Side.UP


async def test_the_cooldown_holds_for_an_event_that_another_engine_fired(store: Store) -> None:
    board = ScriptedBoard()
    first = make_service(store, board)
    await first.create_rule(draft(confirm_s=2, cooldown_s=60))
    second = make_service(store, board)
    await second.start()
    for spot_pct in [-1.0] * 5 + [1.0] * 10 + [-1.0] * 40:
        state = board.publish(spot_pct)
        await first.show(state)
        await second.show(state)
    (event,) = (await second.last_events()).values()
    assert (event.sequence, orjson.loads(event.body)["data"]["direction"]) == (1, "up")


async def test_a_writer_that_comes_second_keeps_nothing(store: Store) -> None:
    service = make_service(store, ScriptedBoard())
    stored = (await service.create_rule(draft())).stored
    kept = await alert_store.record(store, stored, Memory(Side.UP), None)
    with pytest.raises(RuleChangedError):
        await alert_store.record(store, stored, Memory(Side.DOWN), None)
    assert await alert_store.list_rules(store) == [kept]


@pytest.mark.parametrize("source", [Source.DEMO, Source.REPLAY])
async def test_simulated_events_are_recorded_but_stay_at_home(
    sqlite_store: Store, source: Source
) -> None:
    board = ScriptedBoard(source)
    service = make_service(sqlite_store, board)
    async with receiving() as receiver:
        await service.create_rule(draft([await add_webhook(service, receiver)]))
        await show(service, board, CROSSING)
        (event,) = (await service.last_events()).values()
        assert event.muted
        assert await log_statuses(service) == []
        assert await service.worker.deliver_due() == 0
        assert receiver.connections == 0


async def test_demo_events_leave_the_machine_once_the_user_says_so(sqlite_store: Store) -> None:
    board = ScriptedBoard(Source.DEMO)
    service = make_service(sqlite_store, board, demo_webhooks=True)
    async with receiving() as receiver:
        await service.create_rule(draft([await add_webhook(service, receiver)]))
        await show(service, board, CROSSING)
        await service.worker.deliver_due()
        assert orjson.loads(receiver.hits[0].body)["data"]["source"] == "demo"


async def test_a_rule_may_look_through_another_position_model(sqlite_store: Store) -> None:
    board = ScriptedBoard()
    service = make_service(sqlite_store, board)
    await service.create_rule(draft(position=PositionModel.REVERSED))
    await show(service, board, CROSSING)
    (event,) = (await service.last_events()).values()
    assert orjson.loads(event.body)["data"]["position"] == "reversed"


async def test_changing_the_position_fires_with_that_cause_when_the_side_differs(
    sqlite_store: Store,
) -> None:
    board = ScriptedBoard()
    service = make_service(sqlite_store, board)
    wanted = draft(kind=RuleKind.REGIME_CHANGED, watched=RegimeChanged())
    live = await service.create_rule(wanted)
    await show(service, board, [-1.0] * 5)
    side = live.stored.memory.side
    changed = dataclasses.replace(
        wanted, rule=dataclasses.replace(wanted.rule, position=PositionModel.REVERSED)
    )
    await service.change_rule(live.stored.rule.id, changed)
    await show(service, board, [-1.0] * 15)
    (event,) = (await service.last_events()).values()
    data = orjson.loads(event.body)["data"]
    assert data["cause"] == "position_changed"
    assert data["direction"] != side


async def test_a_rule_with_another_question_or_switched_on_again_is_armed_anew(
    sqlite_store: Store,
) -> None:
    board = ScriptedBoard()
    service = make_service(sqlite_store, board)
    near = draft(kind=RuleKind.LEVEL_NEAR, watched=LevelNear(), confirm_s=0)
    live = await service.create_rule(near)
    await show(service, board, [-5.0])
    wider = dataclasses.replace(
        near, rule=dataclasses.replace(near.rule, watched=LevelNear(within_pct=10))
    )
    await service.change_rule(live.stored.rule.id, wider)
    await show(service, board, [-5.0])
    assert live.stored.memory.side == Side.UP
    await service.change_rule(live.stored.rule.id, dataclasses.replace(wider, enabled=False))
    await show(service, board, [-30.0])
    await service.change_rule(live.stored.rule.id, wider)
    await show(service, board, [-30.0])
    assert live.stored.memory.side == Side.DOWN
    assert await service.last_events() == {}


async def test_the_hedge_flow_a_rule_sees_is_the_one_of_its_own_move(
    sqlite_store: Store,
) -> None:
    board = ScriptedBoard()
    service = make_service(sqlite_store, board)
    live = await service.create_rule(
        draft(kind=RuleKind.HEDGE_FLOW_BEYOND, watched=HedgeFlowBeyond(move_pct=-2.0))
    )
    state = board.publish(0.0)
    snapshot = snapshot_for(state, PositionModel.NAIVE)
    assert snapshot is not None
    seen = observe(live.stored.rule, state, snapshot)
    assert seen is not None
    # to first order dealers trade minus GEX for each per cent
    expected = 2.0 * snapshot.net_of(Exposure.GEX)
    assert seen.hedge_flow_usd == pytest.approx(expected, rel=0.25)


async def test_a_deleted_rule_is_silent_and_its_deliveries_stay(store: Store) -> None:
    board = ScriptedBoard()
    service = make_service(store, board)
    async with receiving() as receiver:
        live = await service.create_rule(
            draft([await add_webhook(service, receiver)], cooldown_s=0)
        )
        await show(service, board, CROSSING)
        await service.delete_rule(live.stored.rule.id)
        await show(service, board, [-1.0] * 20)
        await service.worker.deliver_due()
        assert await log_statuses(service) == ["delivered"]
    with pytest.raises(Problem):
        service.rule(live.stored.rule.id)


async def test_a_shared_database_brings_rules_of_other_processes(store: Store) -> None:
    board = ScriptedBoard()
    engine, web = make_service(store, board), make_service(store, board)
    await engine.start()
    created = (await web.create_rule(draft(confirm_s=0))).stored
    await engine.start()
    assert [live.stored for live in engine.rules()] == [created]
    await show(engine, board, [-1.0, 1.0])
    (event,) = (await web.last_events()).values()
    assert event.rule_id == created.rule.id


async def test_neither_secrets_nor_addresses_are_logged(
    sqlite_store: Store, logged: list[Any]
) -> None:
    board = ScriptedBoard()
    service = make_service(sqlite_store, board)
    async with receiving(answer(500), answer(410)) as receiver:
        url = f"{receiver.url}/T0kenInThePath"
        endpoint = await service.endpoints.create(url, "", WebhookFormat.SLACK)
        await service.create_rule(draft([endpoint.id]))
        await show(service, board, CROSSING)
        await service.worker.deliver_due()
        await service.endpoints.test(endpoint.id, "live")
        await service.worker.deliver_due()
    events = {entry["event"] for entry in logged}
    assert {"alerts.fired", "delivery.attempt", "delivery.endpoint_disabled"} <= events
    assert "T0kenInThePath" not in str(logged)
    assert endpoint.secret not in str(logged)


async def test_old_events_are_forgotten_but_not_the_newest_nor_what_still_waits(
    store: Store,
) -> None:
    board = ScriptedBoard()
    service = make_service(store, board)
    async with receiving() as receiver:
        webhook = await add_webhook(service, receiver)
        live = await service.create_rule(draft([webhook], cooldown_s=0))
        for _ in range(3):
            await show(service, board, [*CROSSING, *[-1.0] * 20])
        await service.worker.deliver_due()
        await show(service, board, CROSSING)  # waits to be delivered
    before = await service.endpoints.deliveries(DeliveryFilter(), 100)
    later_ms = max(row.created_ms for row in before) + 1
    gone = await forget_events(store, later_ms)
    after = await service.endpoints.deliveries(DeliveryFilter(), 100)
    assert [row.status.value for row in after] == ["pending"]
    assert gone == 2 * (len(before) - 1)
    newest = (await service.last_events())[live.stored.rule.id]
    assert newest.sequence == live.stored.memory.sequence
    assert await forget_events(store, later_ms) == 0
