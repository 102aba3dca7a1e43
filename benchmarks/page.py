"""The page in a real Chromium and its stream with many clients: from a state to its pixels.

A second client of the stream notes when each state arrives, in each topic; the page notes when a
chart of that state of its own topic is first on the screen. Both read the clock of this machine.
"""

import asyncio
import base64
import json
import multiprocessing
import os
import resource
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import numpy as np

from benchmarks.harness import Row
from tests.browser import DESKTOP, PHONE, context_of, launched
from tests.processes import Board, Launcher, until

SECTION = "page"
WARM_S, SECONDS = 6.0, 40.0
CROWDS = (200, 1_000)
CROWD_S = 10.0
BOARD, MAP, TAPE = TOPICS = ("BTC.board", "BTC.map?greek=gex", "BTC.tape")
DRAWN_FROM = {
    "chart-gex": BOARD, "chart-profile": BOARD, "chart-history": BOARD,
    "chart-matrix": MAP, "chart-expiries": MAP,
}  # fmt: skip
"""The topic of each chart that the stream moves; the charm path is read from the API instead."""
KEPT_ALIVE = 4
"""Idle connections of a client for reads, which the board may end meanwhile."""
RECORD = """() => {
  window.drawn = [];
  window.longTasks = [];
  const note = (list) => window.longTasks.push(...list.getEntries().map((task) => task.duration));
  new PerformanceObserver(note).observe({ type: "longtask" });
  for (const graph of document.querySelectorAll("#view-board .js-plotly-plot")) {
    const key = graph.parentElement.id;
    graph.on("plotly_afterplot", () => {
      const { seq } = graph.layout.meta;
      requestAnimationFrame(() => setTimeout(() =>
        window.drawn.push([key, seq, performance.timeOrigin + performance.now()])));
    });
  }
}"""


class Arrivals(threading.Thread):
    """A client of the stream that notes when each state came, and how large it was."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.at_ms: dict[tuple[str, int], float] = {}
        self.bytes: dict[str, list[int]] = {topic: [] for topic in TOPICS}
        self._url = url
        self._ends = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self.join()

    @property
    def ticks(self) -> int:
        """How many states came."""
        return max(1, len(self.bytes[TOPICS[0]]))

    @property
    def bytes_a_tick(self) -> int:
        """Bytes of all topics for each state, on average."""
        return sum(map(sum, self.bytes.values())) // self.ticks

    def run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        import websockets

        address = self._url.replace("http", "ws") + "/api/v1/stream"
        async with websockets.connect(address, max_size=None) as socket:
            await socket.send(json.dumps({"subscribe": TOPICS}))
            while not self._ends.is_set():
                message = await socket.recv()
                now_ms = time.time() * 1000
                body = json.loads(message)
                self.bytes[body["topic"]].append(len(message))
                self.at_ms.setdefault((body["topic"], body["seq"]), now_ms)


def _browser_rows(board: Board, size: tuple[int, int], name: str) -> list[Row]:
    with Arrivals(board.url) as arrivals, launched() as browser:
        page = context_of(browser, size).new_page()
        started = time.perf_counter()
        page.goto(board.url)
        page.locator("#board.is-drawn").wait_for(timeout=60_000)
        cold_s = time.perf_counter() - started
        page.wait_for_timeout(WARM_S * 1000)
        page.evaluate(RECORD)
        before = _main_thread_seconds(browser)
        page.wait_for_timeout(SECONDS * 1000)
        busy = (_main_thread_seconds(browser) - before) / SECONDS
        drawn, tasks = page.evaluate("() => [window.drawn, window.longTasks]")
    delays = list(_delays_us(drawn, arrivals))
    longest = max(tasks, default=0.0)
    note = f"{len(delays)} drawings, each from when the state reached a client in the chart's topic"
    return [
        Row(SECTION, f"state to pixel, {name}", float(np.median(delays)),
            p99_us=float(np.quantile(delays, 0.99)), note=note),
        Row(SECTION, f"main thread, {name}", busy * 1e6, note=f"{busy:.1%} of a core"),
        Row(SECTION, f"longest task, {name}", longest * 1000,
            note=f"{sum(task > 100 for task in tasks)} tasks over 100 ms, {len(tasks)} over 50 ms"),
        Row(SECTION, f"first chart, cold, {name}", cold_s * 1e6),
    ]  # fmt: skip


def _delays_us(drawn: list[tuple[str, int, float]], arrivals: Arrivals) -> Iterator[float]:
    """Time from the arrival of each state to its first drawing in each chart."""
    seen = set()
    for chart, seq, at_ms in drawn:
        arrived_ms = arrivals.at_ms.get((DRAWN_FROM.get(chart, ""), seq))
        if arrived_ms is not None and (chart, seq) not in seen:
            seen.add((chart, seq))
            yield (at_ms - arrived_ms) * 1000


def _main_thread_seconds(browser: Any) -> float:
    """Processor time of the main threads of all pages, whoever else wants the processor."""
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    renderers = [int(process["id"]) for process in found if process["type"] == "renderer"]
    return sum(_cpu_seconds(f"{pid}/task/{pid}") for pid in renderers)


def _heard(board: Board) -> Arrivals:
    with Arrivals(board.url) as arrivals:
        time.sleep(CROWD_S)
    return arrivals


def _message_row(arrivals: Arrivals) -> Row:
    sizes = {topic: max(found, default=0) for topic, found in arrivals.bytes.items()}
    note = ", ".join(f"{topic} {size / 1000:.1f} kB" for topic, size in sizes.items())
    return Row(SECTION, "bytes a tick", CROWD_S / arrivals.ticks * 1e6,
               note=f"{arrivals.bytes_a_tick / 1000:.1f} kB a tick; {note}")  # fmt: skip


async def _read_forever(host: str, port: int, request: bytes, served: asyncio.Semaphore) -> None:
    """Subscribe over a bare socket and throw away what comes: the cheapest client there is."""
    reader, writer = await asyncio.open_connection(host, port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /api/v1/stream HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    head = struct.pack("!BBH", 0x81, 0x80 | 126, len(request)) + bytes(4)  # mask of zeros
    writer.write(head + request)
    await reader.read(1 << 18)
    served.release()
    while await reader.read(1 << 18):
        pass


def _crowd(url: str, clients: int, all_served: Event) -> None:
    address = urlsplit(url)
    request = json.dumps({"subscribe": TOPICS}).ljust(126).encode()

    async def all_of_them() -> None:
        host, port = str(address.hostname), int(address.port or 80)
        served = asyncio.Semaphore(0)
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(_read_forever(host, port, request, served))
            for _ in range(clients):
                await served.acquire()
            all_served.set()

    asyncio.run(all_of_them())


def _cpu_seconds(process: int | str) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _share(pid: int, seconds: float) -> float:
    before, started = _cpu_seconds(pid), time.perf_counter()
    time.sleep(seconds)
    return (_cpu_seconds(pid) - before) / (time.perf_counter() - started)


@contextmanager
def _crowded(url: str, pid: int, clients: int) -> Iterator[None]:
    """Have so many clients listen to the server `pid`, each of them served."""
    before = _descriptors(pid)
    processes = multiprocessing.get_context("spawn")
    all_served = processes.Event()
    crowd = processes.Process(target=_crowd, args=(url, clients, all_served), daemon=True)
    crowd.start()
    until(lambda: all_served.wait(1.0), 60.0, f"{clients} clients")
    yield
    crowd.kill()
    crowd.join()
    until(lambda: _descriptors(pid) <= before + KEPT_ALIVE, 60.0, "the crowd gone")


def _crowd_rows(board: Board) -> list[Row]:
    alone = _share(board.pid, CROWD_S)
    rows = [Row(SECTION, "server alone", alone * 1e6, note=f"{alone:.1%} of a core")]
    for clients in CROWDS:
        with _crowded(board.url, board.pid, clients):
            share = _share(board.pid, CROWD_S) - alone
        rows.append(Row(SECTION, f"{clients} clients", share * 1e6,
                        note=f"{share:.1%} of a core more than alone"))  # fmt: skip
    return rows


def _broadcast(port: Connection, size: int, interval_s: float) -> None:
    """Send every client the same bytes as one message: what no stream is cheaper than."""
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    async def stay(client: ServerConnection) -> None:
        await client.wait_closed()

    async def run() -> None:
        async with serve(stay, "127.0.0.1", 0, compression=None, backlog=2_048) as server:
            port.send(next(iter(server.sockets)).getsockname()[1])
            while True:
                broadcast(server.connections, "x" * size)
                await asyncio.sleep(interval_s)

    asyncio.run(run())


def _floor_rows(arrivals: Arrivals) -> list[Row]:
    """The same bytes as often to the same clients by `websockets.broadcast`, and no board."""
    processes = multiprocessing.get_context("spawn")
    receiver, sender = processes.Pipe(duplex=False)
    size, interval_s = arrivals.bytes_a_tick, CROWD_S / arrivals.ticks
    server = processes.Process(target=_broadcast, args=(sender, size, interval_s), daemon=True)
    server.start()
    url, pid, rows = f"http://127.0.0.1:{receiver.recv()}", int(server.pid or 0), []
    for clients in CROWDS:
        with _crowded(url, pid, clients):
            share = _share(pid, CROWD_S)
        rows.append(Row(SECTION, f"{clients} clients of a bare broadcast", share * 1e6,
                        note=f"{share:.1%} of a core"))  # fmt: skip
    server.kill()
    server.join()
    return rows


def _descriptors(pid: int) -> int:
    """Files and sockets that a process holds."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def rows() -> list[Row]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8_192)), hard))
    with tempfile.TemporaryDirectory() as folder, Launcher(Path(folder)).board("demo") as board:
        board.wait_ready()
        heard = _heard(board)
        return [
            _message_row(heard),
            *_browser_rows(board, DESKTOP, "1600x1000"),
            *_browser_rows(board, PHONE, "phone"),
            *_crowd_rows(board),
            *_floor_rows(heard),
        ]
