"""Input that nobody should send, again and again: refused quickly, and nothing of it stays."""

import tempfile
import time
from pathlib import Path

import numpy as np

from soak.check import Check
from soak.clients import resident_mb
from tests.app.test_bad_input import BODIES, HEADERS, QUERIES
from tests.processes import Board, Launcher

TURNS, WARM_TURNS = 100, 20
SETTLE_S, LOOK_S = 180.0, 15.0
"""A young board grows by itself; its lowest size in some seconds is what it holds."""
P99_MS = 100.0
KEPT_MB = 5.0
"""Of a gigabyte sent."""


def run() -> list[Check]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Launcher(Path(folder)).board("demo", GAMMAFLIP_ASSETS="BTC") as board,
    ):
        board.wait_ready()
        return [refuse(board, WARM_TURNS, TURNS)]


def refuse(board: Board, warm_turns: int, turns: int) -> Check:
    """Send the table of bad input so many times; the board's own work goes on beside it."""
    for _ in range(warm_turns):
        _ask_all(board)
    time.sleep(SETTLE_S)
    before_mb = _lowest_mb(board)
    answers = [answer for _ in range(turns) for answer in _ask_all(board)]
    kept_mb = _lowest_mb(board) - before_mb
    took_s = [took for _, took in answers]
    p50_ms, p99_ms = (1000.0 * float(np.quantile(took_s, share)) for share in (0.5, 0.99))
    failures = sum(status >= 500 for status, _ in answers)
    return Check(
        "bad input is refused quickly and leaves nothing behind",
        failures == 0 and p99_ms < P99_MS and kept_mb < KEPT_MB,
        {
            "requests": len(answers),
            "server errors": failures,
            "p50, ms": round(p50_ms, 1),
            "p99, ms": round(p99_ms, 1),
            "memory before, MB": round(before_mb),
            "memory kept, MB": round(kept_mb, 1),
        },
    )


def _lowest_mb(board: Board) -> float:
    sizes = []
    for _ in range(int(LOOK_S)):
        time.sleep(1.0)
        sizes.append(resident_mb(board.pid))
    return min(sizes)


def _ask_all(board: Board) -> list[tuple[int, float]]:
    """Status and seconds of each answer."""
    requests: list[tuple[str, str, bytes]] = [("GET", path, b"") for path, _ in QUERIES]
    requests += [("POST", path, body) for path, body, _ in BODIES]
    answers = []
    for method, path, body in requests:
        started = time.perf_counter()
        answer = board.client.request(method, f"/api/v1{path}", content=body, headers=HEADERS)
        answers.append((answer.status_code, time.perf_counter() - started))
    return answers
