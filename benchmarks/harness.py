"""Interleaved timing: every contender in every round, ratios within the round, medians over rounds.

On a shared machine the same code runs up to twice as long from one minute to the next. Contenders
that alternate within milliseconds meet the same minute, so only their ratio is trusted.
"""

import platform
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

Task = Callable[[int], object]
"""Does the work once; the number picks one of several inputs: nothing is learnt by heart."""

MIN_SLICE_S = 0.002
"""Calls of one contender within a round repeat for at least this long."""
MAX_REPEATS = 16


@dataclass(slots=True)
class Row:
    """One line of `bench.json`; a ratio is how many times faster we are than that peer."""

    section: str
    name: str
    us: float
    ratios: dict[str, float] = field(default_factory=dict)
    error: float | None = None
    p99_us: float | None = None
    peak_bytes: int | None = None
    note: str = ""

    def as_json(self) -> dict[str, object]:
        """The row without what does not apply."""
        values = {
            "section": self.section,
            "name": self.name,
            "us": round(self.us, 2),
            "ratios": {peer: round(ratio, 3) for peer, ratio in self.ratios.items()},
            "error": self.error,
        }
        extra = {"p99_us": self.p99_us, "peak_bytes": self.peak_bytes, "note": self.note or None}
        return values | {name: value for name, value in extra.items() if value is not None}


@dataclass(slots=True)
class _Contender:
    task: Task
    repeats: int
    every: int  # rounds from one turn to the next
    calls: int = 0
    ratios: list[float] = field(default_factory=list)

    def turn(self) -> list[float]:
        seconds = []
        for _ in range(self.repeats):
            start = time.perf_counter()
            self.task(self.calls)
            seconds.append(time.perf_counter() - start)
            self.calls += 1
        return seconds


def measure(
    section: str, name: str, ours: Task, peers: dict[str, Task], seconds: float, note: str = ""
) -> Row:
    """Time `ours` against each peer for about `seconds`, all taking turns."""
    us = _contender(ours, seconds)
    others = {peer: _contender(task, seconds) for peer, task in peers.items()}
    samples: list[float] = []
    deadline = time.perf_counter() + seconds
    rounds = 0
    while rounds < 3 or time.perf_counter() < deadline:
        mine = us.turn()
        samples += mine
        for other in others.values():
            if rounds % other.every == 0:
                other.ratios.append(median(other.turn()) / median(mine))
        rounds += 1
    return Row(
        section,
        name,
        us=median(samples) * 1e6,
        ratios={peer: median(other.ratios) for peer, other in others.items()},
        p99_us=float(np.quantile(samples, 0.99) * 1e6) if len(samples) >= 100 else None,
        note=note,
    )


def _contender(task: Task, seconds: float) -> _Contender:
    task(0)  # compile, warm caches
    start = time.perf_counter()
    task(1)
    cost = max(time.perf_counter() - start, 1e-7)
    repeats = int(min(MAX_REPEATS, max(1, MIN_SLICE_S / cost)))
    return _Contender(task, repeats, every=max(1, int(cost * repeats * 60 / seconds)))


def machine() -> str:
    """The processor, as the system names it."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, {platform.system()}"
    return f"{platform.processor() or platform.machine()}, {platform.system()}"


def peak_bytes(task: Callable[[], object]) -> int:
    """Most memory that a frame holds at once beyond what was there before, after warm-up."""
    task()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        result = task()
        peak = tracemalloc.get_traced_memory()[1] - before
        del result
    finally:
        tracemalloc.stop()
    return peak
