"""A crowd on the stream, some of whom never read, and an orderly end in the middle of it.

Who stops reading is closed and costs nobody else anything; memory is bounded; on SIGTERM the
board ends by itself with code 0 and everything that it showed as kept is there afterwards.
"""

import asyncio
import os
import signal
import socket
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from soak.check import Check
from tests.processes import Board, Launcher

READERS, SILENT = 950, 50
SECONDS = 60.0
HEAVY = ("board", "strikes", "profile", "hedge-flow", "expiries", "levels", "trades", "summary")
BATCH = 50
DRAIN_S = 10.0
GROWTH_MB = 300
"""A thousand sockets with their buffers; a board that queued for silent readers needs far more."""


def run() -> list[Check]:
    return crowd(READERS, SILENT, SECONDS)


def crowd(readers: int, silent: int, seconds: float) -> list[Check]:
    """Let so many clients listen for so long, then end the board under them."""
    with tempfile.TemporaryDirectory() as folder, _board(Path(folder)) as (board, data):
        before_mb = resident_mb(board.pid)
        audience = Audience()
        shown, took_s, code = asyncio.run(_listen(board, audience, readers, silent, seconds))
        kept = _kept(data)
    lost = len(shown - kept)
    per_reader = audience.received.total() / max(1, readers * seconds)
    return [
        Check(
            "clients that never read are closed, the others served",
            audience.closed_silent == silent
            and audience.closed_readers == 0
            and len(audience.received) == readers
            and audience.unready == 0
            and audience.peak_mb - before_mb < GROWTH_MB,
            {
                "readers": readers,
                "never reading": silent,
                "of these closed": audience.closed_silent,
                "readers closed": audience.closed_readers,
                "readers without a message": readers - len(audience.received),
                "messages a second and reader": round(per_reader, 2),
                "looks at /readyz": audience.looks,
                "of these not ready": audience.unready,
                "data age, worst ms": audience.worst_age_ms,
                "memory before, MB": before_mb,
                "memory at most, MB": audience.peak_mb,
            },
        ),
        Check(
            "SIGTERM under load drains",
            took_s <= DRAIN_S and code == 0 and lost == 0 and bool(shown),
            {
                "seconds": round(took_s, 2),
                "exit code": code,
                "rows shown as kept": len(shown),
                "rows lost": lost,
            },
        ),
    ]


@dataclass
class Audience:
    """What the crowd experienced."""

    received: Counter[int] = field(default_factory=Counter)
    closed_silent: int = 0
    closed_readers: int = 0
    looks: int = 0
    unready: int = 0
    worst_age_ms: int = 0
    peak_mb: int = 0
    is_over: bool = False


@contextmanager
def _board(folder: Path) -> Iterator[tuple[Board, Path]]:
    launch, data = Launcher(folder), folder / "data"
    settings = {"GAMMAFLIP_ASSETS": "BTC", "GAMMAFLIP_RATE_LIMIT": "0"}
    with (
        launch.exchange("--seed", "7", "--assets", "BTC") as exchange,
        Board(exchange.url, data, folder / "board.log", settings) as board,
    ):
        yield board.wait_ready(), data


async def _listen(
    board: Board, audience: Audience, readers: int, silent: int, seconds: float
) -> tuple[set[int], float, int]:
    url = board.url.replace("http", "ws") + "/api/v1/stream"
    tasks: list[asyncio.Task[None]] = []
    for number in range(silent):
        tasks.append(asyncio.create_task(_never_read(url, audience)))
        if number % BATCH == 0:
            await asyncio.sleep(0.2)
    for number in range(readers):
        tasks.append(asyncio.create_task(_read(url, audience, number)))
        if number % BATCH == 0:
            await asyncio.sleep(0.2)
    shown = await _look(board, audience, seconds)
    audience.is_over = True
    os.kill(board.pid, signal.SIGTERM)
    started = time.monotonic()
    code = await asyncio.to_thread(board.exit_code, 4 * DRAIN_S)
    took_s = time.monotonic() - started
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return shown, took_s, code


async def _look(board: Board, audience: Audience, seconds: float) -> set[int]:
    """Watch the board from outside, and take note of the rows that it shows as kept."""
    started = time.monotonic()
    shown: set[int] = set()
    while time.monotonic() - started < seconds:
        ready = await asyncio.to_thread(board.is_ready)
        audience.looks += 1
        audience.unready += not ready
        body = await asyncio.to_thread(board.get, "/BTC")
        audience.worst_age_ms = max(audience.worst_age_ms, body["age_ms"])
        since = body["as_of"] // 1000 * 1000 - 60_000
        rows = await asyncio.to_thread(board.get, "/BTC/history", **{"from": since})
        shown |= {row["timestamp"] for row in rows["data"] if row["samples"] == 1}
        audience.peak_mb = max(audience.peak_mb, resident_mb(board.pid))
        await asyncio.sleep(1.0)
    return shown


async def _read(url: str, audience: Audience, number: int) -> None:
    async with connect(url, open_timeout=60, ping_interval=None) as client:
        await client.send(orjson.dumps({"subscribe": ["BTC.summary"]}).decode())
        try:
            async for _ in client:
                audience.received[number] += 1
        except ConnectionClosed:
            pass
        audience.closed_readers += not audience.is_over


async def _never_read(url: str, audience: Audience) -> None:
    """Subscribe to everything and leave it in the socket."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)  # noqa: FBT003 - the socket's own interface
    address = url.removeprefix("ws://").partition("/")[0]
    host, _, port = address.partition(":")
    await asyncio.get_running_loop().sock_connect(narrow, (host, int(port)))
    async with connect(
        url, sock=narrow, open_timeout=60, ping_interval=None, max_queue=1, close_timeout=1
    ) as client:
        topics = [f"BTC.{view}" for view in HEAVY]
        await client.send(orjson.dumps({"subscribe": topics}).decode())
        await _closed_by_peer(client)
        audience.closed_silent += not audience.is_over


async def _closed_by_peer(client: ClientConnection) -> None:
    """Wait until writing fails: nothing is read, so only that tells."""
    while True:
        await asyncio.sleep(1.0)
        try:
            await client.send('{"unsubscribe": []}')
        except (ConnectionClosed, OSError):
            return


def _kept(data: Path) -> set[int]:
    (path,) = data.glob("gammaflip-*.db")
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT ts_ms FROM snapshot")}


def resident_mb(pid: int) -> int:
    """Memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    return 0
