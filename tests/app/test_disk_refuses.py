"""A disk that takes no byte more, as the kernel says it: nothing is lost, no restart needed."""

import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.alert_rules import FlipCrossed, Rule, RuleKind
from app.alert_service import AlertService, LiveRule, RuleDraft
from app.history import History
from app.store import Store, sqlite_url
from app.store_schema import alert_event
from tests.app.alert_board import ScriptedBoard, own_rows, snapshot_for
from tests.mounts import ballast, disk_of, fail, make_image, small_disk


@contextmanager
def refusing_disk(_folder: Path) -> Iterator[None]:
    """Let every write of this process to a file fail with EFBIG; reads go on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Watched:
    """History and one rule on a scripted board, all on one store."""

    def __init__(self, store: Store, live: LiveRule, service: AlertService, board: ScriptedBoard):
        self.store, self.live, self.service, self.board = store, live, service, board
        self.history = History(store, board.hub)

    async def show(self, path_pct: list[float]) -> None:
        """Publish spot second by second, a row and a look at the rule each."""
        for spot_pct in path_pct:
            state = self.board.publish(spot_pct)
            self.history.take(state)
            await self.history.flush()
            await self.service.show(state)

    async def count(self, table: object) -> int:
        """Rows of a table."""
        async with self.store.read() as connection:
            return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    """Open a store in `folder` and watch for a crossing."""
    board = ScriptedBoard()
    store = await Store.open(sqlite_url(folder / "store.db"))
    service = AlertService(store, board.hub, snapshot_for, assets=("BTC",))
    rule = Rule("", "BTC", RuleKind.FLIP_CROSSED, FlipCrossed(), None, 0.25, 2.0, 0.0)
    yield Watched(store, await service.create_rule(RuleDraft(rule)), service, board)
    await store.close()


@pytest.mark.parametrize(("refusing", "reason"), [(refusing_disk, "I/O"), (ballast, "full")])
async def test_a_disk_that_refuses_writes_costs_no_row_and_no_crossing(
    tmp_path: Path, refusing: Callable[[Path], AbstractContextManager[None]], reason: str
) -> None:
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        async with watched(disk) as on:
            await on.show([-1.0] * 5)
            with refusing(disk):
                await on.show([1.0] * 10)
                assert reason in (on.history.paused_reason or ""), "readiness says it"
                assert await own_rows(on.store) == 5
            assert on.live.stored.memory.sequence == 0, "what is not kept has not happened"
            await on.show([1.0] * 3)
            assert on.history.paused_reason is None
            assert await own_rows(on.store) == 18
            assert await on.count(alert_event) == 1
            assert on.live.stored.memory.sequence == 1


async def test_a_disk_that_turns_read_only_pauses_and_what_was_kept_is_there_on_its_return(
    tmp_path: Path,
) -> None:
    image = tmp_path / "image"
    make_image(image)
    with disk_of(image, tmp_path / "disk") as disk:
        async with watched(disk) as on:
            await on.show([-1.0] * 5)
            fail(disk)
            await on.show([1.0] * 10)
            assert on.history.paused_reason is not None
            assert (on.history.waiting, on.history.dropped) == (10, 0), "the rows wait for a disk"
            assert on.live.stored.memory.sequence == 0, "what is not kept has not happened"
    with disk_of(image, tmp_path / "disk") as disk:
        async with watched(disk) as again:
            assert await own_rows(again.store) == 5
