"""A disk that takes no byte more, as the kernel says it: nothing is lost, no restart needed."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select

from app.alert_rules import FlipCrossed, Rule, RuleKind
from app.alert_service import AlertService, RuleDraft
from app.history import History
from app.store import Store
from app.store_schema import alert_event, snapshot
from tests.app.alert_board import ScriptedBoard, snapshot_for


@contextmanager
def refusing_disk() -> Iterator[None]:
    """Let every write of this process to a file fail with EFBIG; reads go on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def count(store: Store, table: object) -> int:
    async with store.read() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def show(
    board: ScriptedBoard, history: History, service: AlertService, path_pct: list[float]
) -> None:
    for spot_pct in path_pct:
        state = board.publish(spot_pct)
        history.take(state)
        await history.flush()
        await service.show(state)


async def test_a_disk_that_refuses_writes_costs_no_row_and_no_crossing(
    sqlite_store: Store,
) -> None:
    board = ScriptedBoard()
    history = History(sqlite_store, board.hub)
    service = AlertService(sqlite_store, board.hub, snapshot_for, assets=("BTC",))
    rule = Rule("", "BTC", RuleKind.FLIP_CROSSED, FlipCrossed(), None, 0.25, 2.0, 0.0)
    live = await service.create_rule(RuleDraft(rule))
    await show(board, history, service, [-1.0] * 5)
    with refusing_disk():
        await show(board, history, service, [1.0] * 10)
        reason = history.paused_reason
        rows = await count(sqlite_store, snapshot)
    assert reason is not None, "readiness says it"
    assert rows == 5
    assert live.stored.memory.sequence == 0, "what is not kept has not happened"
    await show(board, history, service, [1.0] * 3)
    assert history.paused_reason is None
    assert await count(sqlite_store, snapshot) == 18
    assert await count(sqlite_store, alert_event) == 1
    assert live.stored.memory.sequence == 1
