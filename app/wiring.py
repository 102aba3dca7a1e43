"""Composition: which parts exist and how they are joined. No behaviour of its own."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import structlog
from fastapi import Depends, FastAPI, WebSocketException
from prometheus_client.metrics_core import Metric
from starlette.requests import HTTPConnection

from app import (
    api,
    feedback_api,
    flows_api,
    limits_api,
    outlook_api,
    positions_api,
    profile_api,
)
from app.alert_service import SIMULATED, AlertService, wall_clock_ms
from app.alert_store import Event, StoredRule
from app.alerts_api import build_alerts_router
from app.engine import Engine
from app.feedback_simulation_api import build_feedback_simulation_router
from app.flows import FlowTables
from app.gauges import engine_families, feed_families, keeping_families
from app.health import ReadyCheck, build_health_router, check_assets
from app.history import History, disk_space
from app.history_api import build_history_router
from app.hub import FeedStatus, SnapshotHub
from app.lifecycle import FeedAddress
from app.once import OnceCache
from app.pictures_api import build_pictures_router
from app.positions import WITHOUT_MEMORY, PositionService
from app.problems import Problem, install_problem_handlers
from app.push import Publisher
from app.security import Guard, install_security
from app.selections import SnapshotCache
from app.settings import Settings, Source
from app.simulations_api import build_simulations_router
from app.site import add_site
from app.store import Store
from app.strike_history_api import build_strike_history_router
from app.tape_view import Prints
from app.telemetry import Metrics
from app.tokens import Scope
from app.watch import Watch
from app.webhooks import Outcome
from app.workbench import Workbench
from ingest.pacing import Pacer
from ingest.recording import replay
from ingest.shared import Shared
from ingest.worker import AssetFeed

_log = structlog.get_logger()
MAX_TABLES = 1024


@dataclass(slots=True)
class Board:
    """All live parts of one running board."""

    settings: Settings
    address: FeedAddress
    store: Store
    tokens: Store
    metrics: Metrics = field(default_factory=lambda: Metrics(version("gammaflip")))
    hub: SnapshotHub = field(default_factory=SnapshotHub)
    feeds: dict[str, AssetFeed] = field(init=False)
    positions: dict[str, PositionService] = field(init=False)
    engines: list[Engine] = field(init=False)
    alerts: AlertService = field(init=False)
    history: History = field(init=False)
    watch: Watch = field(init=False)
    has_died: bool = False
    _replay_clock: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        pacer = Pacer()
        focus = self.settings.focus
        # each asset's recording holds what it was handed: a replay must not hand it on again
        shared = Shared() if self.address.recording is None else None
        self.feeds = {
            asset: AssetFeed(asset, self._now, pacer, focus, shared)
            for asset in self.settings.assets
        }
        remembers = self.address.source not in WITHOUT_MEMORY
        self.positions = {
            asset: PositionService(feed, self.hub, self.store if remembers else None)
            for asset, feed in self.feeds.items()
        }
        self.engines = [
            Engine(
                feed,
                self.hub,
                self.settings,
                self.source,
                self._observe_tick,
                self.positions[feed.asset].newest,
                feed.market,
                self.positions[feed.asset].depth,
            )
            for feed in self.feeds.values()
        ]
        for engine in self.engines:
            engine.publish(FeedStatus.STARTING)
        self.alerts = AlertService(
            self.store,
            self.hub,
            lambda state, position: state.models.get(position),
            allowed=self.settings.alert_allow_cidrs,
            demo_webhooks=self.settings.demo_webhooks,
            assets=self.settings.assets,
            observe_attempt=self._observe_attempt,
        )
        self.alerts.subscribe(self._observe_event)
        folder = self.settings.data_dir.expanduser()
        space = None if self.store.is_shared else (lambda: disk_space(folder))
        # the prints of a simulation are numbered anew each time: nothing to take up
        keeps_tape = self.address.source not in SIMULATED
        tapes = {asset: feed.tape for asset, feed in self.feeds.items() if keeps_tape}
        commits = self.metrics.commit_seconds
        self.history = History(self.store, self.hub, space, tapes, commits.observe)
        self.watch = Watch(self.store, space, self.metrics.loop_lag_seconds.observe, wall_clock_ms)
        self.metrics.read_at_scrape(self._families)

    def source(self) -> Source:
        """Return where the numbers come from; a venue may say that it is a test exchange."""
        is_test = any(feed.testnet for feed in self.feeds.values())
        if is_test and self.address.source in {Source.LIVE, Source.CUSTOM}:
            return Source.TESTNET
        return self.address.source

    def tape(self, asset: str) -> Prints:
        """Return the asset's recent option trades, newest first."""
        return list(self.feeds[asset].tape.newest_first())

    def checks(self) -> list[ReadyCheck]:
        """Return every line of the readiness report."""
        reason = self.history.paused_reason
        return [
            *check_assets(self.hub, self.engines),
            ReadyCheck("history", reason is None, reason or "written every second"),
            *self.watch.checks(),
        ]

    async def run(self) -> None:
        """Run all feeds, engines, alerts and history until cancelled; `alerts` has started."""
        seeds = random.SystemRandom()
        await self._restore()
        await self.history.start()
        async with asyncio.TaskGroup() as group:
            if self.address.recording is not None:
                group.create_task(self._replay(self.address.recording))
            else:
                for feed in self.feeds.values():
                    jitter = random.Random(seeds.random())  # noqa: S311 - not a secret
                    group.create_task(feed.run(self.address.url, jitter))
            for engine in self.engines:
                group.create_task(engine.run())
            for service in self.positions.values():
                group.create_task(service.run())
            group.create_task(self.alerts.run())
            group.create_task(self.history.run())
            group.create_task(self.watch.run())

    def stop_with(self, task: "asyncio.Task[None]") -> None:
        """End the process when its board dies: a page without a board would only look alive."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.has_died = True
            _log.critical("board.died", exc_info=error)
            signal.raise_signal(signal.SIGTERM)

    async def _restore(self) -> None:
        """Show the last known state at once, with its age."""
        engines = {engine.asset: engine for engine in self.engines}
        for kept in await self.history.last_known():
            engine = engines.get(kept.chain.asset)
            if engine is not None and kept.received_ms is not None:
                age_s = max(0.0, (wall_clock_ms() - kept.received_ms) / 1000)
                await engine.restore(replace(kept.chain, seq=0), age_s)

    async def _replay(self, recording: Path) -> None:
        await replay(recording, self.feeds, self._set_clock, self.settings.replay_speed)
        _log.info("replay.finished", path=str(recording))

    def _now(self) -> float:
        """Return the clock of the feeds: this machine's, or in a replay the recording's.

        Between two recorded calls a replay's clock goes on at this machine's pace, so that
        the end of a recording turns stale like any silence.
        """
        recorded_s, at = self._replay_clock
        return recorded_s + time.monotonic() - at

    def _set_clock(self, now_s: float) -> None:
        self._replay_clock = now_s, time.monotonic()

    def _observe_attempt(self, outcome: Outcome) -> None:
        self.metrics.webhook_attempts.labels(outcome.name).inc()

    def _observe_event(self, _rule: StoredRule, event: Event) -> None:
        self.metrics.alert_events.labels(event.type).inc()

    def _observe_tick(self, asset: str, seconds: float) -> None:
        self.metrics.tick_seconds.labels(asset).observe(seconds)

    def _families(self) -> Iterable[Metric]:
        """Return the metrics that are read at each scrape."""
        yield from feed_families(self.feeds)
        yield from engine_families(self.hub, self.engines)
        yield from keeping_families(self.history, self.watch)


def _reader(guard: Guard) -> Callable[[HTTPConnection], Awaitable[None]]:
    """Build the dependency of reads that need a token; a socket without one is closed."""

    async def check(connection: HTTPConnection) -> None:
        try:
            await guard.check(connection, Scope.READ)
        except Problem as problem:
            if connection.scope["type"] == "websocket":
                raise WebSocketException(1008, problem.title) from problem
            raise

    return check


def build_app(board: Board) -> FastAPI:
    """Build the one application: REST, push, health, documentation and the page."""
    snapshots = SnapshotCache()
    bench = Workbench()
    once = OnceCache(bench)
    # everyone's table waits in a queue of its own: single questions never crowd it out
    flows = FlowTables(OnceCache(Workbench(MAX_TABLES)))
    publisher = Publisher(board.hub, snapshots, board.tape, flows)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(board.run())
        task.add_done_callback(board.stop_with)
        _log.info("board.started", url=board.address.url)
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    app = FastAPI(
        title="gammaflip",
        version=version("gammaflip"),
        summary="Dealer gamma exposure of crypto options, live.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.board = api.BoardContext(
        board.hub, snapshots, publisher, board.settings, board.tape, once, flows
    )
    install_problem_handlers(app)
    app.include_router(
        build_health_router(board.checks, lambda: board.source().value, board.metrics)
    )
    guard = install_security(app, board.tokens, board.settings)
    app.include_router(build_alerts_router(board.alerts, guard))
    reading = [Depends(api.refuse_other_formats)]
    if board.settings.read_token_required:
        reading.insert(0, Depends(_reader(guard)))
    app.include_router(build_history_router(board.store), dependencies=reading)
    app.include_router(build_simulations_router(bench), dependencies=reading)
    app.include_router(build_feedback_simulation_router(bench), dependencies=reading)
    app.include_router(positions_api.router, dependencies=reading)
    app.include_router(flows_api.router, dependencies=reading)
    app.include_router(build_pictures_router(board.store, bench), dependencies=reading)
    app.include_router(build_strike_history_router(board.store, bench), dependencies=reading)
    app.include_router(outlook_api.router, dependencies=reading)
    app.include_router(profile_api.router, dependencies=reading)
    app.include_router(feedback_api.router, dependencies=reading)
    app.include_router(limits_api.router, dependencies=reading)
    app.include_router(api.router, dependencies=reading)
    add_site(app, board.settings.assets, board.source(), board.settings.embed_origins)
    return app
