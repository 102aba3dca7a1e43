"""A board that is killed comes back: with what it knew, where its rules stood, nothing lost."""

import time
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from soak.check import Check
from soak.kills import kill_boards, on_postgres
from tests.postgres import MissingPostgresError, postgres
from tests.processes import Board, Launcher, until


def say(checks: list[Check]) -> str:
    return "\n".join(f"{check.name}: {check.counted}" for check in checks if not check.held)


def summary(board: Board) -> dict[str, Any] | None:
    answer = board.client.get("/api/v1/BTC")
    return answer.json() if answer.status_code == 200 else None


def test_a_killed_board_shows_its_last_state_as_stale_and_then_goes_live(launch: Launcher) -> None:
    folder = launch.folder / "data"
    settings = {"GAMMAFLIP_ASSETS": "BTC"}
    with launch.exchange("--seed", "7") as exchange:
        with Board(exchange.url, folder, launch.folder / "first.log", settings) as board:
            before = board.wait_ready().get("/BTC")
            until(lambda: board.get("/BTC/history")["data"], 10.0, "a row of history")
            rule = board.client.post("/api/v1/alerts", json={"asset": "BTC", "kind": "data_stale"})
            board.kill()
        died = time.time()
        with Board(exchange.url, folder, launch.folder / "second.log", settings) as again:
            assert again.get(f"/alerts/{rule.json()['id']}"), "its very first answer knows the rule"
            first = until(lambda: summary(again), 30.0, "an answer with numbers")
            assert first["status"] == "stale"
            assert first["age_ms"] > 0
            assert first["age_ms"] / 1000 < time.time() - died + 60, "a chain is kept each minute"
            assert abs(first["spot_usd"] / before["spot_usd"] - 1) < 0.05
            until(lambda: again.get("/BTC")["status"] == "live", 30.0, "live")


def test_a_restart_goes_on_with_the_depth_of_the_last_minutes(launch: Launcher) -> None:
    folder, settings = launch.folder / "data", {"GAMMAFLIP_ASSETS": "BTC"}

    def covering(board: Board, least_s: float, since_ms: int | None = None) -> Any:
        body = board.get("/BTC/feedback")
        own_s = 0 if since_ms is None else (body["as_of"] - since_ms) / 1000
        return body if (body["data"]["depth_covers_s"] or 0) >= least_s + own_s else None

    def follows(board: Board) -> bool:
        rows = {row["position"]: row for row in board.get("/BTC/positions")["data"]}
        return bool(rows["flow"]["trades"])

    with launch.exchange("--seed", "7") as exchange:
        with Board(exchange.url, folder, launch.folder / "first.log", settings) as board:
            board.wait_ready()
            until(lambda: follows(board), 60.0, "the tape is followed, so that it is kept")
            until(lambda: covering(board, 15.0), 60.0, "a record of some length")
        with Board(exchange.url, folder, launch.folder / "second.log", settings) as again:
            live = again.wait_ready().get("/BTC")["as_of"]
            until(lambda: covering(again, 10.0, live), 60.0, "more than was seen since")


@pytest.mark.timeout(400)
def test_boards_killed_at_random_points_lose_and_double_nothing() -> None:
    with ExitStack() as stack:
        databases: list[dict[str, str]] = [{}]
        with suppress(MissingPostgresError):
            databases += on_postgres(stack.enter_context(postgres()), lanes=1)
        checks = kill_boards("short", databases, kills=4 * len(databases), seed=11)
    assert all(check.held for check in checks), say(checks)
