"""Memory of the whole board over time: a flood of tickers, history, and clients on the stream."""

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
from websockets.asyncio.client import connect

from soak.check import Check
from soak.clients import resident_mb
from tests.processes import Board, Launcher

WARM_UP_MINUTES = 6.0
"""By then everything that comes back in its time was there once: the first checkpoint of the
positions, after five minutes, brings buffers of 8 MB that stay."""
MINUTES = 10.0
RATE = 1_000
"""Tickers a second of each asset, of which the board follows two."""
CLIENTS = 10
SLOPE_MB_PER_MINUTE = 1.0
PARTS = 10
"""Minutes of the full run."""


def run() -> list[Check]:
    return [leak(WARM_UP_MINUTES, MINUTES, RATE, CLIENTS)]


def leak(warm_up: float, minutes: float, rate: int, clients: int) -> Check:
    """Measure the slope of the board's memory in so many minutes after as many to warm up."""
    with tempfile.TemporaryDirectory() as folder:
        launch = Launcher(Path(folder))
        flood = ("--fault", f"flood:{rate}", "--no-limits", "--control")
        with (
            launch.exchange("--seed", "7", *flood) as exchange,
            launch.board(exchange.url) as board,
        ):
            board.wait_ready()
            seconds = 60.0 * (warm_up + minutes)
            times, sizes, frames = asyncio.run(_watch(board, seconds, clients))
    late = times >= 60.0 * warm_up
    floor_times, floors = floor_of(times[late], sizes[late], PARTS)
    slope = 60.0 * float(np.polyfit(floor_times, floors, 1)[0])
    return Check(
        "memory stands still under a flood",
        slope < SLOPE_MB_PER_MINUTE,
        {
            "minutes": round(float(times[-1] - times[late][0]) / 60, 1),
            "frames a second": round(frames),
            "clients": clients,
            "memory after warm-up, MB": round(float(floors[0])),
            "memory at the end, MB": round(float(floors[-1])),
            "memory at most, MB": round(float(sizes.max())),
            "slope, MB a minute": round(slope, 3),
        },
    )


def floor_of(times: np.ndarray, sizes: np.ndarray, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """The lowest size in each part of the time, and when: what is never given back.

    Each minute computes things that take 30 MB for a moment; a line through all samples would
    measure where in the minute they begin and end.
    """
    lowest = [part[sizes[part].argmin()] for part in np.array_split(np.arange(len(times)), parts)]
    return times[lowest], sizes[lowest]


async def _watch(
    board: Board, seconds: float, clients: int
) -> tuple[np.ndarray, np.ndarray, float]:
    tasks = [asyncio.create_task(_read(board.url)) for _ in range(clients)]
    started, first = time.monotonic(), _frames(board)
    samples = []
    while (elapsed := time.monotonic() - started) < seconds:
        samples.append((elapsed, resident_mb(board.pid)))
        await asyncio.sleep(max(0.5, seconds / 300))
    frames = (_frames(board) - first) / (time.monotonic() - started)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    times, sizes = np.array(samples, dtype=float).T
    return times, sizes, frames


def _frames(board: Board) -> float:
    with contextlib.suppress(httpx.HTTPError):
        return sum(board.metric("gex_ws_messages_total", asset) for asset in ("BTC", "ETH"))
    return 0.0


async def _read(url: str) -> None:
    address = url.replace("http", "ws") + "/api/v1/stream"
    async with connect(address, max_size=None) as client:
        await client.send('{"subscribe": ["BTC.board", "BTC.summary", "ETH.strikes"]}')
        async for _ in client:
            pass
