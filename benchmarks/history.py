"""History and alerts: a month's chart, a commit beside a reader, and the way of an alert."""

import asyncio
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from ipaddress import ip_network
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median

import numpy as np
import structlog
from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import URL

from app.alert_rules import FlipCrossed, Rule, RuleKind
from app.alert_service import AlertService, RuleDraft
from app.history_rows import HOUR_MS, MINUTE_MS, TEN_MINUTES_MS, KeptRow
from app.history_store import DAY_MS, Batch, Minute, Series, Window, read_window, write
from app.store import Store, sqlite_url
from app.store_schema import EXTREMES, REVISION, SCALARS, rollup_1h, rollup_1m, rollup_10m, snapshot
from app.webhooks import WebhookFormat
from benchmarks.harness import Row, measure
from tests.app.alert_board import ScriptedBoard, snapshot_for
from tests.app.webhook_receiver import receiving

SECTION = "history"
DAYS = 30
BTC = Series("BTC", "naive")
START_MS = 1_795_000_000_000 // DAY_MS * DAY_MS
COMMITS, PACE_S = 400, 0.05
COMMIT_BYTES = 8_240  # two pages of the log
CROSSINGS = 200


def run(days: int = DAYS, seconds: float = 4.0) -> Iterator[Row]:
    """Yield one row a measurement; the month is made once and kept in the temporary folder."""
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    path = Path(tempfile.gettempdir()) / f"gammaflip-bench-{REVISION}-{days}.db"
    asyncio.run(make_month(path, days))
    yield from charts(path, days, seconds)
    yield from asyncio.run(commits_beside_a_reader(COMMITS))
    yield asyncio.run(alert_latency(CROSSINGS))


async def make_month(path: Path, days: int) -> None:
    """Write `days` of seconds and roll them up, unless they are there."""
    if path.exists():
        return
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    store = await Store.open(sqlite_url(unfinished))
    rng = np.random.default_rng(1)
    names = ["asset", "position", "ts_ms", *SCALARS]
    async with store.write() as connection:
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO snapshot ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
        for day in range(days):
            values = rng.normal(90_000, 1_000, (86_400, len(SCALARS))).tolist()
            first = START_MS + day * DAY_MS
            rows = [("BTC", "naive", first + 1000 * i, *row) for i, row in enumerate(values)]
            await connection.exec_driver_sql(statement, rows)
        for source, target, width_ms in (
            (snapshot, rollup_1m, MINUTE_MS),
            (rollup_1m, rollup_10m, TEN_MINUTES_MS),
            (rollup_1m, rollup_1h, HOUR_MS),
        ):
            is_raw = source is snapshot
            columns = {
                "asset": source.c.asset,
                "position": source.c.position,
                "ts_ms": source.c.ts_ms - source.c.ts_ms % width_ms,
                "samples": func.count() if is_raw else func.sum(source.c.samples),
                **{name: func.avg(source.c[name]) for name in SCALARS},
            }
            for name in EXTREMES:
                columns[f"{name}_min"] = func.min(source.c[name if is_raw else f"{name}_min"])
                columns[f"{name}_max"] = func.max(source.c[name if is_raw else f"{name}_max"])
            query = select(*columns.values()).group_by(*list(columns.values())[:3])
            await connection.execute(insert(target).from_select(list(columns), query))
    await store.close()
    unfinished.rename(path)


def charts(path: Path, days: int, seconds: float) -> Iterator[Row]:
    """Read the whole range as the API does, against the same question to the seconds."""
    end_ms = START_MS + days * DAY_MS
    with asyncio.Runner() as runner:
        store = runner.run(Store.open(sqlite_url(path)))

        def read(start_ms: int, points: int) -> int:
            window = Window(start_ms, end_ms, points)
            return len(runner.run(read_window(store, BTC, window))["timestamp"])

        async def from_seconds() -> int:
            means = ", ".join(f"avg({name})" for name in SCALARS)
            query = text(f"SELECT {means} FROM snapshot GROUP BY ts_ms / 3600000")  # noqa: S608
            async with store.read() as connection:
                return len((await connection.execute(query)).all())

        yield measure(
            SECTION,
            f"{days}-day chart, 1,000 points",
            lambda _turn: read(START_MS, 1_000),
            {"from the seconds": lambda _turn: runner.run(from_seconds())},
            seconds,
        )
        for name, start_ms, points in (
            (f"{days}-day chart, 5,000 points", START_MS, 5_000),
            ("1-day chart, 1,000 points", end_ms - DAY_MS, 1_000),
            ("1-hour chart of seconds", end_ms - DAY_MS // 24, 3_600),
        ):

            def task(_turn: int, start_ms: int = start_ms, points: int = points) -> int:
                return read(start_ms, points)

            yield measure(SECTION, name, task, {}, seconds)
        runner.run(store.close())


def read_for_ever(path: str, stop: Event) -> None:
    """Be another process that reads an hour of seconds again and again."""

    async def read() -> None:
        store = await Store.open(sqlite_url(Path(path)))
        while not stop.is_set():
            await read_window(store, BTC, Window(START_MS, START_MS + 3_600_000, 3_600))
        await store.close()

    asyncio.run(read())


async def commits_beside_a_reader(commits: int) -> tuple[Row, Row]:
    """One row a commit at a steady pace, as the board writes, while a process reads.

    Between two commits, what the disk takes by itself: no commit is on it any sooner.
    """
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "commits.db")
        store = await Store.open(url)
        scalars = dict.fromkeys(SCALARS, 1.0)
        rows = [KeptRow("BTC", "naive", START_MS + 1000 * i, scalars) for i in range(3_600)]
        await write(store, Batch(rows, closed=[Minute(BTC, START_MS)]))
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        reader = context.Process(target=read_for_ever, args=(url.database, stop))
        reader.start()
        took, disk = [], []
        probe = os.open(Path(folder) / "probe", os.O_WRONLY | os.O_CREAT)
        for i in range(commits):
            row = KeptRow("BTC", "naive", START_MS + 1000 * (3_600 + i), scalars)
            started = time.perf_counter()
            await write(store, Batch([row]))
            took.append(time.perf_counter() - started)
            await asyncio.sleep(PACE_S / 2)
            disk.append(await asyncio.to_thread(_append, probe))
            await asyncio.sleep(PACE_S / 2)
        os.close(probe)
        stop.set()
        await asyncio.to_thread(reader.join)
        await store.close()
    return (
        _row("commit of a second while a process reads", took),
        _row("the disk alone, the same bytes in the same moments", disk),
    )


def _append(file: int) -> float:
    """Seconds to have as much on the disk as a commit writes."""
    os.write(file, bytes(COMMIT_BYTES))
    started = time.perf_counter()
    os.fdatasync(file)
    return time.perf_counter() - started


async def alert_latency(crossings: int) -> Row:
    """From the publication that confirms a crossing to the request at the receiver."""
    with tempfile.TemporaryDirectory() as folder:
        url: URL = sqlite_url(Path(folder) / "alerts.db")
        store = await Store.open(url)
        board = ScriptedBoard()
        loopback = (ip_network("127.0.0.0/8"),)
        service = AlertService(store, board.hub, snapshot_for, allowed=loopback, assets=("BTC",))
        took = []
        async with receiving() as receiver:
            endpoint = await service.endpoints.create(receiver.url, "", WebhookFormat.STANDARD)
            rule = Rule("", "BTC", RuleKind.FLIP_CROSSED, FlipCrossed(), None, 0.25, 0.0, 0.0)
            await service.create_rule(RuleDraft(rule, (endpoint.id,)))
            running = asyncio.create_task(service.run())
            board.publish(-1.0)
            await asyncio.sleep(0.2)
            for number in range(crossings):
                started = time.perf_counter()
                board.publish(1.0 if number % 2 == 0 else -1.0)
                await receiver.wait_for(number + 1)
                took.append(time.perf_counter() - started)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await store.close()
    return _row("alert: confirming publication to receiver", took)


def _row(name: str, took: list[float]) -> Row:
    p99_us = float(np.quantile(took, 0.99) * 1e6)
    return Row(SECTION, name, us=median(took) * 1e6, p99_us=p99_us, note=f"{len(took)} times")
