"""A tab left open for thirty simulated hours: an expiry roll, a lost exchange, a server reload.

Its memory must stand still, and a number that is no longer the newest must wear its badge.
"""

import math
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from soak.check import Check
from tests.browser import DESKTOP, context_of, launched
from tests.processes import Exchange, Process, free_port, until

HOURS, SPEED = 30.0, 120.0
START = "2026-11-26T04:00:00"  # four hours before an expiry
POLL_S = 1.0
BADGE_LATE_S = 8.0  # five of silence, the page's clock, a busy machine
RECOVERY_S = 60.0
GROWTH_MB = 20.0
LOOK = """() => {
  const text = (id) => document.getElementById(id).textContent;
  return {
    pill: text("pill-word"), dims: document.getElementById("board").classList.contains("is-stale"),
    seq: text("data-age"), clock: text("clock"), next: text("next-expiry"),
    nodes: document.getElementsByTagName("*").length,
  };
}"""
BADGES = {"STALE", "OFFLINE", "MAINTENANCE", "STARTING", "CONNECTING"}


def _seconds(countdown: str) -> float:
    """Read `1d 01:02:03`; unknown is infinitely far."""
    days, _, clock = countdown.rpartition("d ")
    parts = [int(part) for part in clock.split(":") if part.isdigit()]
    if len(parts) != 3:
        return math.inf
    return int(days or 0) * 86_400 + parts[0] * 3_600 + parts[1] * 60 + parts[2]


@dataclass
class Watch:
    """What the tab showed over the run."""

    page: Any
    problems: list[str] = field(default_factory=list)
    heap_mb: list[float] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    badges: set[str] = field(default_factory=set)
    expiries_seen: int = 0
    unbadged: list[str] = field(default_factory=list)
    _seq: str = ""
    _changed_at: float = field(default_factory=time.monotonic)
    _left_s: float = math.inf

    def look(self) -> dict[str, Any]:
        """Read the page once and hold it to its word."""
        seen: dict[str, Any] = self.page.evaluate(LOOK)
        now = time.monotonic()
        if seen["seq"] != self._seq:
            self._seq, self._changed_at = seen["seq"], now
        is_old = now - self._changed_at > BADGE_LATE_S
        if is_old and (seen["pill"] not in BADGES or not seen["dims"]):
            self.unbadged.append(f"{seen} after {now - self._changed_at:.0f} s")
        left_s = _seconds(seen["next"])
        if left_s > self._left_s + 60:
            self.expiries_seen += 1  # the countdown began anew
        self._left_s = left_s
        self.badges.add(seen["pill"])
        self.nodes.append(seen["nodes"])
        return seen

    def weigh(self, session: Any) -> None:
        """Note the heap after a full collection."""
        session.send("HeapProfiler.collectGarbage")
        metrics = session.send("Performance.getMetrics")["metrics"]
        used = next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize")
        self.heap_mb.append(used / 2**20)


@dataclass(frozen=True)
class Place:
    """Where both servers live, so that each can come back to the same address."""

    folder: Path
    exchange_port: int
    board_port: int

    def exchange(self, start: str, speed: float) -> Exchange:
        arguments = ["--port", str(self.exchange_port), "--start", start, "--speed", str(speed)]
        return Exchange([*arguments, "--no-limits"], self.folder / "exchange.log")

    def board(self) -> Process:
        url = f"ws://127.0.0.1:{self.exchange_port}/ws/api/v2"
        data = str(self.folder / "data")
        port = str(self.board_port)
        arguments = ["run", "--source", url, "--port", port, "--data-dir", data]
        return Process(arguments, self.folder / "board.log")

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.board_port}/"

    def wait_ready(self) -> None:
        def is_ready() -> bool:
            try:
                return httpx.get(f"{self.page}readyz", trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        until(is_ready, RECOVERY_S, "a ready board")


def _exchange_time(start: str, hours: float) -> str:
    return (datetime.fromisoformat(start) + timedelta(hours=hours)).isoformat()


def _watch_for(watch: Watch, session: Any, seconds: float) -> None:
    ends = time.monotonic() + seconds
    weighed = 0.0
    while time.monotonic() < ends:
        watch.look()
        if time.monotonic() - weighed > max(5.0, seconds / 10):
            watch.weigh(session)
            weighed = time.monotonic()
        watch.page.wait_for_timeout(POLL_S * 1000)


def _until_live(watch: Watch) -> None:
    until(lambda: watch.look()["pill"] == "LIVE", RECOVERY_S, "the tab lives again")


def run_tab(hours: float, speed: float) -> list[Check]:
    """Leave a tab open for `hours` of the exchange, `speed` times as fast as life."""
    leg_s = hours * 3600 / speed / 3
    with tempfile.TemporaryDirectory() as name, launched() as browser:
        place = Place(Path(name), free_port(), free_port())
        page = context_of(browser, DESKTOP).new_page()
        watch = Watch(page)
        page.on("pageerror", lambda error: watch.problems.append(str(error)))
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        with place.exchange(START, speed), place.board():
            place.wait_ready()
            page.goto(place.page)
            _until_live(watch)
            _watch_for(watch, session, leg_s)
        until(lambda: watch.look()["pill"] in BADGES, RECOVERY_S, "a badge without a server")
        lost = place.exchange(_exchange_time(START, hours / 3), speed)
        with lost, place.board():
            place.wait_ready()
            _until_live(watch)
            _watch_for(watch, session, leg_s)
            lost.kill()
            until(lambda: watch.look()["pill"] in BADGES, RECOVERY_S, "a badge of silence")
            with place.exchange(_exchange_time(START, 2 * hours / 3), speed):
                _until_live(watch)
                _watch_for(watch, session, leg_s)
        return _checks(watch, hours)


def _checks(watch: Watch, hours: float) -> list[Check]:
    settled = watch.heap_mb[1:]
    growth = settled[-1] - settled[0]
    heaps = {"first MB": round(settled[0], 1), "last MB": round(settled[-1], 1)}
    return [
        Check("memory stands still", growth < GROWTH_MB, {**heaps, "simulated hours": hours}),
        Check("the page does not grow", watch.nodes[-1] < 1.5 * watch.nodes[10],
              {"nodes": watch.nodes[-1], "at first": watch.nodes[10]}),
        Check("no old number without its badge", not watch.unbadged,
              {"looks": len(watch.nodes), "unbadged": "; ".join(watch.unbadged[:2]) or 0}),
        Check("an expiry rolled under it", watch.expiries_seen > 0, {"rolls": watch.expiries_seen}),
        Check("nothing broke in it", not watch.problems,
              {"errors": len(watch.problems), "first": (watch.problems or ["none"])[0]}),
    ]  # fmt: skip


def run() -> list[Check]:
    """Run the whole of it: about a quarter of an hour."""
    return run_tab(HOURS, SPEED)
