"""The supervised engine: what it publishes when the feed, a tick or the last process failed."""

import asyncio
import dataclasses
import math
from typing import Any

import pytest

from app.board import NO_TAPE
from app.engine import FAILURES_UNTIL_UNREADY, Engine
from app.health import check_assets
from app.hub import FeedStatus, SnapshotHub
from app.settings import Settings, Source
from dealers.liquidity import UNKNOWN_DEPTH, Liquidity, RecentDepth
from greeks.chain import OptionChain
from ingest.instruments import build_table
from ingest.market import MarketContext, MarketState
from tests.builders import AS_OF_MS, make_chain


class HandFeed:
    """A feed that a test moves by hand."""

    def __init__(self) -> None:
        self.asset = "BTC"
        self.in_maintenance = False
        self.ready = False
        self.dirty = True
        self.age_s: float | None = None
        self.chain: OptionChain | None = make_chain()

    def is_ready(self) -> bool:
        return self.ready

    def is_dirty(self) -> bool:
        return self.dirty

    def progress(self) -> dict[str, bool]:
        return {"instruments": self.ready}

    def index_age_s(self) -> float | None:
        return self.age_s

    def freeze(self) -> OptionChain:
        if self.chain is None:
            raise RuntimeError("no chain today")
        return self.chain

    def go_live(self) -> None:
        self.ready, self.age_s = True, 0.1


@pytest.fixture
def feed() -> HandFeed:
    return HandFeed()


@pytest.fixture
def hub() -> SnapshotHub:
    return SnapshotHub()


@pytest.fixture
def engine(feed: HandFeed, hub: SnapshotHub) -> Engine:
    made = Engine(
        feed, hub, Settings(), lambda: Source.LIVE, lambda _asset, _seconds: None, lambda: NO_TAPE
    )
    made.publish(FeedStatus.STARTING)
    return made


async def run_until(engine: Engine, hub: SnapshotHub, publications: int) -> None:
    """Let the engine run until it has published so often."""
    task = asyncio.create_task(engine.run())
    try:
        async with asyncio.timeout(30):
            while hub.next_seq("BTC") <= publications:
                await hub.changed()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def latest(hub: SnapshotHub) -> Any:
    state = hub.latest("BTC")
    assert state is not None
    return state


async def test_what_a_former_process_knew_is_shown_as_stale_with_its_age(
    engine: Engine, hub: SnapshotHub
) -> None:
    await engine.restore(make_chain(), age_s=120.0)
    state = latest(hub)
    assert state.status == FeedStatus.STALE
    assert 120_000 <= state.age_ms < 150_000
    assert state.snapshot is not None


async def test_an_incomplete_feed_does_not_replace_what_is_known(
    engine: Engine, feed: HandFeed, hub: SnapshotHub
) -> None:
    kept = make_chain()
    await engine.restore(kept, age_s=120.0)
    feed.age_s, feed.chain = 0.1, make_chain(days=(3.0,))  # an index, but not every book yet
    await engine.tick()
    assert latest(hub).status == FeedStatus.STALE
    assert latest(hub).snapshot.chain is kept
    assert latest(hub).age_ms >= 120_000


async def test_the_feeds_own_chain_takes_over_when_it_is_complete(
    engine: Engine, feed: HandFeed, hub: SnapshotHub
) -> None:
    await engine.restore(make_chain(), age_s=120.0)
    feed.go_live()
    await engine.tick()
    assert latest(hub).status == FeedStatus.LIVE
    assert latest(hub).snapshot.chain is feed.chain
    assert latest(hub).age_ms < 60_000


async def test_a_kept_chain_that_cannot_be_computed_does_not_stop_the_start(
    engine: Engine, feed: HandFeed, hub: SnapshotHub, logged: list[Any]
) -> None:
    chain = make_chain()
    broken = dataclasses.replace(chain, strike=chain.strike.astype(str))
    await engine.restore(broken, age_s=1.0)
    assert latest(hub).status == FeedStatus.STARTING
    assert [entry["event"] for entry in logged] == ["engine.restore_failed"]
    feed.go_live()
    await engine.tick()
    assert latest(hub).status == FeedStatus.LIVE


async def test_failing_ticks_keep_the_last_good_snapshot_and_five_are_not_ready(
    engine: Engine, feed: HandFeed, hub: SnapshotHub
) -> None:
    feed.go_live()
    await engine.tick()
    good, feed.chain = feed.chain, None
    await run_until(engine, hub, hub.next_seq("BTC") + FAILURES_UNTIL_UNREADY)
    assert engine.failures_in_row >= FAILURES_UNTIL_UNREADY
    assert latest(hub).snapshot.chain is good
    red = {check.name: check.ok for check in check_assets(hub, [engine])}
    assert red == {"feed BTC": True, "engine BTC": False}
    feed.chain = good
    await run_until(engine, hub, hub.next_seq("BTC"))
    assert engine.failures_in_row == 0
    assert all(check.ok for check in check_assets(hub, [engine]))


async def test_the_depth_of_the_last_minutes_is_that_of_the_feeds_own_chains(
    feed: HandFeed, hub: SnapshotHub
) -> None:
    empty = MarketState("BTC").freeze(build_table({}))
    depths_usd = [4e6, 1e6, 9e6, math.nan, 2e6, 3e6]
    shown_usd = iter([5e6, *depths_usd])

    def market() -> MarketContext:
        usd = next(shown_usd)
        return dataclasses.replace(empty, liquidity=Liquidity(usd, usd))

    engine = Engine(
        feed, hub, Settings(), lambda: Source.LIVE, lambda _a, _s: None, lambda: NO_TAPE, market
    )
    await engine.restore(make_chain(), age_s=1.0)
    assert latest(hub).liquidity.recent is UNKNOWN_DEPTH, "the chain is of a former process"
    feed.go_live()
    for second in range(len(depths_usd)):
        feed.chain = make_chain(as_of_ms=AS_OF_MS + 10_000 * second)
        await engine.tick()
    liquidity = latest(hub).liquidity
    assert liquidity.half_pct_usd == 3e6
    assert liquidity.recent == RecentDepth(3e6, 2e6, 4e6, covers_s=30.0, samples=5)
