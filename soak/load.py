"""Messages faster than the venue sends them: the real client against the exchange's process.

The exchange floods whoever reads marks with tickers of every option in turn. Every ticker must
arrive, every trade must be on the tape, memory must stand still, and how late a message is taken
is measured on the one clock of this machine. The lean plan is measured without a flood.
"""

import asyncio
import json
import os
import random
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from ingest.connection import FrameSink
from ingest.pacing import Pacer
from ingest.shared import Shared
from ingest.worker import AssetFeed
from soak.check import Check
from soak.venue import EVERY_COIN
from tests.processes import Exchange

RATE, SECONDS = 5_000, 60.0
BURST = 20_000
FREEZE_S = 0.25
READY_S, DRAIN_S, POLL_S = 60.0, 60.0, 0.05
FLOODED = ('"channel":"ticker.', "-C.100ms", "-P.100ms")
STAMP = '"timestamp":'


class Meter:
    """Passes a feed's frames on, counts the flooded tickers, and notes how late each was."""

    def __init__(self, sink: FrameSink) -> None:
        self.tickers = 0
        self.frames = 0
        self.late_ms = array("d")
        self.asked: Counter[str] = Counter()
        self._sink = sink

    def opened(self, now_s: float) -> None:
        self._sink.opened(now_s)

    def received(self, frame: bytes | str, now_s: float) -> None:
        self._sink.received(frame, now_s)
        text = frame if isinstance(frame, str) else frame.decode()
        self.frames += 1
        head = text[:140]
        if FLOODED[0] in head and (FLOODED[1] in head or FLOODED[2] in head):
            self.tickers += 1
            at = text.index(STAMP) + len(STAMP)
            self.late_ms.append(time.time() * 1000.0 - float(text[at : at + 13]))

    def on_timer(self, now_s: float) -> None:
        self._sink.on_timer(now_s)

    def take_outgoing(self) -> list[bytes]:
        frames = self._sink.take_outgoing()
        self.asked.update(json.loads(frame)["method"] for frame in frames)
        return frames

    def is_dead(self, now_s: float) -> bool:
        return self._sink.is_dead(now_s)

    def was_refused(self) -> bool:
        return self._sink.was_refused()


class Client:
    """The product's own feeds, each behind a meter, with chains frozen as the engine does."""

    def __init__(self, assets: tuple[str, ...]) -> None:
        pacer, shared = Pacer(), Shared()
        self.feeds = [AssetFeed(asset, time.monotonic, pacer, shared=shared) for asset in assets]
        self.meters = [Meter(feed) for feed in self.feeds]

    @asynccontextmanager
    async def run(self, url: str) -> AsyncIterator["Client"]:
        """Feed from `url` as long as the block lasts; begins when every chain is ready."""
        pairs = zip(self.feeds, self.meters, strict=True)
        tasks = {asyncio.create_task(f.run(url, random.Random(1), m)) for f, m in pairs}
        tasks.add(asyncio.create_task(self._freeze()))
        try:
            await until(lambda: all(feed.is_ready() for feed in self.feeds), READY_S)
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    @property
    def tickers(self) -> int:
        """How many flooded tickers arrived."""
        return sum(meter.tickers for meter in self.meters)

    @property
    def frames(self) -> int:
        """How many frames arrived."""
        return sum(meter.frames for meter in self.meters)

    @property
    def asked(self) -> Counter[str]:
        """How many requests went out, by method."""
        return sum((meter.asked for meter in self.meters), Counter[str]())

    def take_late_ms(self) -> np.ndarray:
        """Hand over how late the tickers since the last call were."""
        late = np.concatenate([np.frombuffer(m.late_ms, dtype=np.float64) for m in self.meters])
        for meter in self.meters:
            meter.late_ms = array("d")
        return late

    async def _freeze(self) -> None:
        while True:
            for feed in self.feeds:
                if feed.is_dirty():
                    feed.freeze()
            await asyncio.sleep(FREEZE_S)


async def until(ask: Callable[[], object], seconds: float) -> bool:
    """Ask until the answer is true; False when it never was."""
    deadline = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


class Venue:
    """The exchange's process as its control endpoint and its tape show it."""

    def __init__(self, url: str) -> None:
        self._root = url.replace("ws://", "http://").removesuffix("/ws/api/v2")
        self._http = httpx.AsyncClient(trust_env=False, timeout=30.0)

    async def close(self) -> None:
        """Leave."""
        await self._http.aclose()

    async def flood(self, plan: str) -> None:
        """Begin a flood."""
        await self._http.post(f"{self._root}/control", json={"fault": f"flood:{plan}"})

    async def report(self) -> dict[str, object]:
        """Return the exchange's own account."""
        answer: dict[str, object] = (await self._http.get(f"{self._root}/control")).json()
        return answer

    async def flooded(self) -> int:
        """Return how many tickers were sent."""
        return int(str((await self.report())["flooded"]))

    async def trade_ids(self, currency: str, start_ms: int, end_ms: int) -> set[str]:
        """Return every option trade of a currency between two instants."""
        ids: set[str] = set()
        while True:
            answer = await self._http.get(
                f"{self._root}/api/v2/public/get_last_trades_by_currency_and_time",
                params={
                    "currency": currency, "kind": "option", "start_timestamp": start_ms,
                    "end_timestamp": end_ms, "count": 1000, "sorting": "asc",
                },
            )  # fmt: skip
            page = answer.json()["result"]
            before = len(ids)
            ids |= {trade["trade_id"] for trade in page["trades"]}
            if not page["has_more"] or len(ids) == before:
                return ids
            start_ms = page["trades"][-1]["timestamp"]


def resident_mb() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, slots=True)
class Load:
    """How long and how fast; tests are short."""

    rate: int = RATE
    seconds: float = SECONDS
    burst: int = BURST


async def hold(client: Client, venue: Venue, load: Load) -> Check:
    """Flood steadily; nothing may be lost and memory must stand still."""
    begun_ms = int(time.time() * 1000)
    already, frames = client.tickers, client.frames
    client.take_late_ms()
    await venue.flood(f"{load.rate}+{load.seconds}")
    await asyncio.sleep(load.seconds / 5)
    early_mb, cpu_s, early = resident_mb(), time.process_time(), client.frames
    await asyncio.sleep(load.seconds * 4 / 5)
    cpu_us = (time.process_time() - cpu_s) * 1e6 / max(client.frames - early, 1)
    sent = await settle(client, venue)
    late_ms = client.take_late_ms()
    ended_ms = int(time.time() * 1000) - 1000
    wanted = await venue.trade_ids("BTC", begun_ms, ended_ms)
    have = {trade.trade_id for feed in client.feeds for trade, _ in feed.tape.newest_first()}
    grown_mb = resident_mb() - early_mb
    quiet = all(f.counters.reconnects + f.counters.protocol_errors == 0 for f in client.feeds)
    p50, p99 = np.quantile(late_ms, [0.5, 0.99]) if len(late_ms) else (np.nan, np.nan)
    share = sent / (load.rate * load.seconds)
    return Check(
        f"{load.rate} tickers a second held for {load.seconds:g} s",
        sent == client.tickers and share > 0.9 and wanted <= have and quiet and grown_mb < 30,
        {
            "sent": sent, "of those asked for": f"{share:.1%}", "lost": sent - client.tickers,
            "frames of all kinds": client.frames - frames,
            "option trades": len(wanted), "trades lost": len(wanted - have),
            "CPU us a message": round(cpu_us, 1),
            "late ms p50": round(float(p50), 1), "p99": round(float(p99), 1),
            "RSS MB": round(resident_mb(), 1), "grown MB": round(grown_mb, 1),
            "tickers before": already,
        },
    )  # fmt: skip


async def absorb(client: Client, venue: Venue, load: Load) -> Check:
    """Flood for one second; everything must arrive in the end."""
    already, sent_before, before_mb = client.tickers, await venue.flooded(), resident_mb()
    client.take_late_ms()
    begun = time.monotonic()
    await venue.flood(f"{load.burst}+1")
    await asyncio.sleep(1.5)
    sent = await settle(client, venue) - sent_before
    late_ms = client.take_late_ms()
    return Check(
        f"{load.burst} tickers in one second absorbed",
        sent == client.tickers - already and sent > 0.5 * load.burst,
        {
            "sent": sent, "lost": sent - (client.tickers - already),
            "all in after s": round(time.monotonic() - begun, 1),
            "latest ms": round(float(late_ms.max()), 0) if len(late_ms) else "none",
            "grown MB": round(resident_mb() - before_mb, 1),
        },
    )  # fmt: skip


async def settle(client: Client, venue: Venue) -> int:
    """Wait until a flood is over and everything sent is in; return how many were sent."""
    sent = -1
    deadline = time.monotonic() + DRAIN_S
    while time.monotonic() < deadline:
        last, sent = sent, await venue.flooded()
        if sent == last and client.tickers == sent:
            break
        await asyncio.sleep(5 * POLL_S)
    return sent


async def be_lean(url: str, assets: tuple[str, ...], seconds: float) -> Check:
    """Follow every option on the lean plan and say what it costs."""
    async with Client(assets).run(url) as client:
        await asyncio.sleep(seconds / 3)  # past the bootstrap
        frames, cpu_s, begun = client.frames, time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        share = (time.process_time() - cpu_s) / (time.monotonic() - begun)
        options = sum(len(feed.state.table.options) for feed in client.feeds)
    return Check(
        f"{options} options on the lean plan",
        share < 0.10,
        {
            "share of one core": f"{share:.1%}",
            "messages a second": round((client.frames - frames) / seconds, 1),
            "RSS MB": round(resident_mb(), 1),
        },
    )  # fmt: skip


def flooded(load: Load, folder: Path) -> list[Check]:
    """Run both floods against a fresh exchange."""

    async def both(url: str) -> list[Check]:
        venue = Venue(url)
        try:
            async with Client(("BTC",)).run(url) as client:
                return [await hold(client, venue, load), await absorb(client, venue, load)]
        finally:
            await venue.close()

    arguments = ("--port", "0", "--assets", "BTC", "--control", "--activity", "4")
    with Exchange(arguments, folder / "flood.log") as exchange:
        return asyncio.run(both(exchange.url))


def lean(assets: tuple[str, ...], seconds: float, folder: Path) -> list[Check]:
    """Run the lean plan against a fresh exchange."""
    arguments = ("--port", "0", "--assets", ",".join(assets))
    with Exchange(arguments, folder / "lean.log") as exchange:
        return [asyncio.run(be_lean(exchange.url, assets, seconds))]


def run() -> list[Check]:
    """The whole load."""
    with tempfile.TemporaryDirectory() as folder:
        return flooded(Load(), Path(folder)) + lean(EVERY_COIN, SECONDS, Path(folder))
