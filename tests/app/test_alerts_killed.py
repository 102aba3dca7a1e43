"""A market walks over its flip while alerts are cut off at any await, as the soak judges it."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import select

from app import alert_service
from app.alert_rules import FlipCrossed, Observation, Rule, RuleKind, Side
from app.alert_service import AlertService, RuleDraft
from app.alerts import Fired, RuleState, evaluate
from app.hub import BoardState
from app.store import Store
from app.store_schema import alert_event
from soak.check import Check
from soak.kill_verdict import CONFIRM_S, DEAD_BAND_PCT, Look, Row, Told, judge_events
from tests.app.alert_board import ScriptedBoard, snapshot_for
from tests.hostile import Request

SECONDS = 300
SWING_PCT, DWELL_S, RAMP_S = 4.0, 20, 8
KILL_SHARE = 0.12

Machine = Callable[[Rule, RuleState, Observation], tuple[RuleState, Fired | None]]


def walk_pct() -> Iterator[float]:
    side = 1.0
    while True:
        yield from [side * SWING_PCT] * DWELL_S
        yield from (side * SWING_PCT * (1 - 2 * step / RAMP_S) for step in range(1, RAMP_S))
        side = -side


async def tell(store: Store, seed: int) -> Told:
    """Walk through many short lives, and write down what a watcher of the API would."""
    rng, board, told = random.Random(seed), ScriptedBoard(), Told()
    service, life = _serve(store, board), 0
    rule = Rule("", "BTC", RuleKind.FLIP_CROSSED, FlipCrossed(), None, DEAD_BAND_PCT, CONFIRM_S, 0)
    told.rule_id = (await service.create_rule(RuleDraft(rule))).stored.rule.id
    for _, spot_pct in zip(range(SECONDS), walk_pct(), strict=False):
        state = board.publish(spot_pct)
        told.rows_after |= _row(state)
        if rng.random() > KILL_SHARE:
            await service.show(state)
            told.looks.append(_look(service, told.rule_id, life, board.second))
            continue
        await _cut_off(service, state, rng.randrange(30))
        board.second += rng.randrange(30)
        service, life = _serve(store, board), life + 1
        await service.start()
    told.events_after = service.rule(told.rule_id).stored.memory.sequence
    async with store.read() as connection:
        for (body,) in await connection.execute(select(alert_event.c.body)):
            told.requests.append(Request({"webhook-id": "any"}, body, 204, 0.0))
    return told


def _serve(store: Store, board: ScriptedBoard) -> AlertService:
    return AlertService(store, board.hub, snapshot_for, assets=("BTC",))


async def _cut_off(service: AlertService, state: BoardState, turns: int) -> None:
    """Show a state, and let it come only so far."""
    task = asyncio.create_task(service.show(state))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _row(state: BoardState) -> dict[int, Row]:
    assert state.snapshot is not None
    chain, flip_usd = state.snapshot.chain, state.snapshot.levels.flip_usd
    return {chain.as_of_ms // 1000 * 1000: Row(chain.index_price, flip_usd, 0.0)}


def _look(service: AlertService, rule_id: str, life: int, second: int) -> Look:
    live = service.rule(rule_id)
    memory = live.stored.memory
    side = None if memory.side is None else str(memory.side)
    return Look(life, second, 0.0, second, "armed", live.attention.last_ms, side, memory.sequence)


async def verdict(store: Store, seed: int) -> Check:
    return judge_events("rule", [await tell(store, seed)])


@pytest.mark.parametrize("seed", range(4))
async def test_no_crossing_is_missed_doubled_or_forgotten_wherever_alerts_are_cut_off(
    store: Store, seed: int
) -> None:
    check = await verdict(store, seed)
    assert check.held, check.counted
    assert int(check.counted["events"]) > 2
    assert int(check.counted["of them late"]) > 0
    assert int(check.counted["of them with a side confirmed"]) > 50


def is_deaf(rule: Rule, state: RuleState, seen: Observation) -> tuple[RuleState, Fired | None]:
    """Never hear of a fall below the flip."""
    after, fired = evaluate(rule, state, seen)
    if fired is None or fired.direction == Side.UP:
        return after, fired
    return replace(after, memory=state.memory), None


def forgets(rule: Rule, state: RuleState, seen: Observation) -> tuple[RuleState, Fired | None]:
    """Take what was crossed during the downtime for granted."""
    after, fired = evaluate(rule, state, seen)
    if fired is None or not fired.late:
        return after, fired
    return replace(after, memory=replace(after.memory, sequence=state.memory.sequence)), None


def excuses_itself(
    rule: Rule, state: RuleState, seen: Observation
) -> tuple[RuleState, Fired | None]:
    """Call everything late."""
    after, fired = evaluate(rule, state, seen)
    return after, None if fired is None else replace(fired, late=True)


def is_hasty(rule: Rule, state: RuleState, seen: Observation) -> tuple[RuleState, Fired | None]:
    """Confirm nothing."""
    return evaluate(replace(rule, confirm_s=0.0), state, seen)


@pytest.mark.parametrize("machine", [is_deaf, forgets, excuses_itself, is_hasty])
async def test_the_verdict_finds_a_machine_that_breaks_its_promise(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    monkeypatch.setattr(alert_service, "evaluate", machine)
    assert not (await verdict(sqlite_store, 3)).held
