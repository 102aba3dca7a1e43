"""The engine loop of one asset: freeze the chain, compute, publish. Supervised.

A tick that fails keeps the last good snapshot with its age; five failures in a row make the
board not ready. The mathematics runs in a thread, so the sockets stay responsive.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

import structlog

from app.board import NO_TAPE, compute_models
from app.hub import BoardState, FeedStatus, SnapshotHub
from app.settings import Settings, Source
from dealers.liquidity import DepthLog, Liquidity
from dealers.perpetual import UNKNOWN_PERPETUAL, Perpetual, PriceWeek
from dealers.reading import TapeReading
from dealers.rules import PositionModel
from greeks.chain import OptionChain
from greeks.exposure import ExposureSnapshot
from ingest.market import MarketContext

FAILURES_UNTIL_UNREADY = 5
STALE_AFTER_S = 5.0
"""An index price ticks every second; silence for this long turns the status."""
MIN_INTERVAL_S = 0.25
HEARTBEAT_S = 1.0
"""A state is published at least this often, so that readers see its age grow."""

_log = structlog.get_logger()


class Feed(Protocol):
    """What the engine needs of an asset's feed."""

    asset: str
    in_maintenance: bool

    def is_ready(self) -> bool:
        """Whether the chain is complete enough to be shown."""

    def is_dirty(self) -> bool:
        """Whether anything changed since the last freeze."""

    def progress(self) -> dict[str, bool]:
        """Return the steps of the bootstrap."""

    def index_age_s(self) -> float | None:
        """Seconds since the index price last ticked."""

    def freeze(self) -> OptionChain:
        """Hand out the chain."""


class Engine:
    """Publishes one asset's states on the hub."""

    def __init__(
        self,
        feed: Feed,
        hub: SnapshotHub,
        settings: Settings,
        source: Callable[[], Source],
        observe_tick: Callable[[str, float], None],
        tape: Callable[[], TapeReading] = lambda: NO_TAPE,
        market: Callable[[], MarketContext] | None = None,
        depth: DepthLog | None = None,
    ) -> None:
        self.failures_in_row = 0
        self._feed = feed
        self._hub = hub
        self._settings = settings
        self._source = source
        self._observe_tick = observe_tick
        self._newest_tape = tape
        self._market = market
        self._depth = depth or DepthLog()
        self._prices = PriceWeek()
        self._tape = NO_TAPE
        self._models: Mapping[PositionModel, ExposureSnapshot] = {}
        self._was_ready = False
        self._restored_at = 0.0  # monotonic time when the data of a former process arrived

    @property
    def asset(self) -> str:
        """The asset that this engine computes."""
        return self._feed.asset

    def status(self) -> FeedStatus:
        """Return what the feed is doing now, judged by the age of its index price."""
        self._was_ready = self._was_ready or self._feed.is_ready()
        if self._feed.in_maintenance:
            return FeedStatus.MAINTENANCE
        age_s = self._feed.index_age_s()
        if not self._was_ready or age_s is None:
            return FeedStatus.STALE if self._models else FeedStatus.STARTING
        return FeedStatus.STALE if age_s > STALE_AFTER_S else FeedStatus.LIVE

    async def restore(self, chain: OptionChain, age_s: float) -> None:
        """Show what a former process knew last, as stale, until the feed has a chain of its own."""
        try:
            self._models = await asyncio.to_thread(compute_models, chain)
        except Exception:  # noqa: BLE001 - what another process left must not stop this one
            _log.exception("engine.restore_failed", asset=self._feed.asset)
            return
        self._restored_at = time.monotonic() - age_s
        self.publish(self.status())

    async def tick(self) -> None:
        """Compute when the chain changed, and publish."""
        started = time.perf_counter()
        status = self.status()
        if self._was_ready and (self._feed.is_dirty() or not self._models):
            chain, tape = self._feed.freeze(), self._newest_tape()
            self._models = await asyncio.to_thread(compute_models, chain, tape)
            self._tape = tape
        self.publish(status)
        self._observe_tick(self._feed.asset, time.perf_counter() - started)

    def publish(self, status: FeedStatus) -> None:
        """Put the newest good snapshots on the hub under `status`."""
        asset = self._feed.asset
        market = None if self._market is None else self._market()
        liquidity = Liquidity() if market is None else self._remembered(market.liquidity)
        perpetual = UNKNOWN_PERPETUAL if market is None else self._with_hours(market.perpetual)
        self._hub.publish(
            BoardState(
                asset=asset,
                seq=self._hub.next_seq(asset),
                status=status,
                source=self._source(),
                position=self._settings.position,
                models=self._models,
                received_at=self._received_at(),
                progress=self._feed.progress(),
                tape=self._tape,
                liquidity=liquidity,
                perpetual=perpetual,
                volatility_index=math.nan if market is None else market.volatility_index,
            )
        )

    def _remembered(self, liquidity: Liquidity) -> Liquidity:
        """The market now, beside what its depth has been by the exchange's clock."""
        if (now_ms := self._chain_ms()) is not None:
            self._depth.record(now_ms, liquidity.half_pct_usd)
        return replace(liquidity, recent=self._depth.recent())

    def _with_hours(self, perpetual: Perpetual) -> Perpetual:
        """The perpetual now, beside its prices of the last week by the exchange's clock."""
        if (now_ms := self._chain_ms()) is not None:
            self._prices.record(now_ms, perpetual.mark_usd)
        return replace(perpetual, hours=self._prices.after(perpetual.hours))

    def _chain_ms(self) -> int | None:
        """The exchange's time of this process's own newest chain."""
        snapshot = next(iter(self._models.values()), None)
        return snapshot.chain.as_of_ms if self._was_ready and snapshot is not None else None

    def _received_at(self) -> float:
        age_s = self._feed.index_age_s() if self._was_ready else None
        return self._restored_at if age_s is None else time.monotonic() - age_s

    async def run(self) -> None:
        """Tick at the publishing rate while something changes, else at the heartbeat."""
        published_s = -HEARTBEAT_S
        while True:
            due = time.monotonic() - published_s >= HEARTBEAT_S
            if self._feed.is_dirty() or due:
                published_s = time.monotonic()
                await self._supervised_tick()
            await asyncio.sleep(MIN_INTERVAL_S)

    async def _supervised_tick(self) -> None:
        try:
            await self.tick()
            self.failures_in_row = 0
        except Exception:  # noqa: BLE001 - one bad tick must not end the board
            self.failures_in_row += 1
            _log.exception("engine.tick_failed", asset=self._feed.asset)
            self.publish(self.status())
