"""Simulations and surface as a stranger asks for them, of one running demo board."""

import asyncio
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest

from app.problems import Problem
from app.workbench import Workbench
from tests.processes import Board, Launcher

WHAT_IF = "/api/v1/simulations/what-if"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("simulations")).board("demo") as running:
        yield running.wait_ready()


def ask(board: Board, **body: Any) -> httpx.Response:
    return board.client.post(WHAT_IF, json={"asset": "BTC", **body})


def data_of(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text[:300]
    return response.json()["data"]


def assert_problem(response: httpx.Response, status: int, *words: str) -> None:
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    for word in words:
        assert word in response.json()["detail"]


def test_before_is_the_board(board: Board) -> None:
    summary = board.get("/BTC", position="reversed", expiry="weekly")
    body = ask(board, position="reversed", expiry=["weekly"], seq=summary["seq"]).json()
    assert {k: body[k] for k in ("asset", "seq", "as_of", "position", "source")} == {
        k: summary[k] for k in ("asset", "seq", "as_of", "position", "source")
    }
    before = body["data"]["before"]
    assert before["net"] == summary["data"]["net"]
    assert before["regime"] == summary["data"]["regime"]
    assert before["levels"]["flip_usd"] == summary["data"]["levels"]["flip_usd"]
    assert body["data"]["after"] == before
    rows = board.get("/BTC/hedge-flow", position="reversed", expiry="weekly", seq=summary["seq"])
    now = {row["move_pct"]: row["flow_coin"] for row in rows["data"] if row["horizon_s"] == 0}
    flow = before["hedge_flow"]
    shown = dict(zip(flow["move_pct"], flow["flow_coin"], strict=True))
    assert shown == {move: now[move] for move in shown}


def test_a_trade_by_its_terms_is_the_same_as_by_name(board: Board) -> None:
    seq = board.get("/BTC")["seq"]
    row = next(r for r in board.get("/BTC/chain", seq=seq)["data"] if r["book"] == "inverse")
    name = row["instrument_name"]
    trade = {"amount_coin": 250, "side": "buy"}
    terms = {"strike": row["strike"], "expiry": name.split("-")[1].lower(), "type": row["type"]}
    by_name = data_of(ask(board, seq=seq, trades=[{"instrument_name": name, **trade}]))
    by_terms = data_of(ask(board, seq=seq, trades=[{**terms, **trade}]))
    assert by_name == by_terms
    assert by_name["trades"][0]["instrument_name"] == name
    assert by_name["trades"][0]["position_change_coin"] == -250


def test_spot_volatility_and_time_move_together(board: Board) -> None:
    answer = data_of(ask(board, move_pct=-4, iv_shift_pts=6, hours=30, moves_pct=[-1, 0, 1]))
    scenario, before, after = (answer[key] for key in ("scenario", "before", "after"))
    assert scenario["expired"]
    assert scenario["spot_usd"] == pytest.approx(before["hedge_flow"]["spot_usd"][1] * 0.96)
    assert after["hedge_flow"]["move_pct"] == [-1, 0, 1]
    assert after["profile"]["spot_usd"] != before["profile"]["spot_usd"]
    assert answer["flow"]["scenario_coin"] != 0
    assert answer["flow"]["trades_coin"] == 0


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"asset": "DOGE"}, 404, ["DOGE"]),
        ({"expiry": ["1JAN99"]}, 404, ["1JAN99"]),
        ({"seq": 10**9}, 404, ["seq"]),
        ({"move_pct": -100}, 422, ["move_pct"]),
        ({"move_pct": "2"}, 422, ["move_pct"]),
        ({"hours": -1}, 422, ["hours"]),
        ({"iv_shift_pts": 1e9}, 422, ["iv_shift_pts"]),
        ({"position": "best"}, 422, ["position"]),
        ({"surprise": 1}, 422, ["surprise"]),
        ({"moves_pct": []}, 422, ["moves_pct"]),
        ({"trades": [{}]}, 422, ["trades.0"]),
        ({"trades": [{"amount_coin": 1, "side": "buy"}]}, 422, ["trades.0", "expected instrument"]),
        (
            {"trades": [{"instrument_name": "BTC-1JAN99-1-C", "amount_coin": 1, "side": "buy"}]},
            404,
            ["BTC-1JAN99-1-C"],
        ),
        (
            {"trades": [{"instrument_name": "X", "amount_coin": 0, "side": "buy"}]},
            422,
            ["amount_coin"],
        ),
        (
            {"trades": [{"instrument_name": "X", "strike": 1, "amount_coin": 1, "side": "buy"}]},
            422,
            ["expected instrument_name, or"],
        ),
    ],
)
def test_a_question_that_is_not_understood_is_refused_by_name(
    board: Board, body: dict[str, Any], status: int, words: list[str]
) -> None:
    assert_problem(ask(board, **body), status, *words)


def test_the_surface_holds_the_board_itself(board: Board) -> None:
    summary = board.get("/ETH")
    body = board.get("/ETH/surface", seq=summary["seq"], hours=[0, 24], shift_pts=[-5, 0])
    data = body["data"]
    assert (data["hours"], data["shift_pts"]) == ([0, 24], [-5, 0])
    middle = len(data["spot_usd"]) // 2
    assert data["move_pct"][middle] == pytest.approx(0, abs=1e-12)
    gross = summary["data"]["gross"]
    for name in ("gex_usd_per_1pct", "delta_coin", "vega_usd_per_pt"):
        assert data[name][0][1][middle] == pytest.approx(
            summary["data"]["net"][name], abs=1e-9 * gross[name]
        )
        assert data["flow_coin"][0][1][middle] == pytest.approx(0, abs=1e-9 * gross["delta_coin"])
        shape = (len(data[name]), len(data[name][0]), len(data[name][0][0]))
        assert shape == (2, 2, len(data["spot_usd"]))


def test_the_zeros_of_the_surface_are_its_sign_changes(board: Board) -> None:
    data = board.get("/BTC/surface", spots=121)["data"]
    changes = 0
    for sheet in data["gex_usd_per_1pct"]:
        for line in sheet:
            changes += sum(a * b < 0 for a, b in pairwise(line))
    assert len(data["zero"]) == changes
    assert all(data["spot_usd"][0] < z["spot_usd"] < data["spot_usd"][-1] for z in data["zero"])


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"reach_pct": 0}, "reach_pct"),
        ({"reach_pct": "nan"}, "reach_pct"),
        ({"spots": 2}, "spots"),
        ({"hours": -1}, "hours"),
        ({"hours": "inf"}, "hours"),
        ({"spots": 201, "hours": [*range(100)]}, "20000"),
    ],
)
def test_a_surface_too_large_or_impossible_is_refused(
    board: Board, query: dict[str, Any], word: str
) -> None:
    assert_problem(board.client.get("/api/v1/BTC/surface", params=query), 422, word)


async def test_the_bench_serves_one_at_a_time_and_refuses_a_long_queue() -> None:
    bench, gate, running = Workbench(max_waiting=1), threading.Event(), []

    def work() -> int:
        running.append(1)
        gate.wait(10)
        return len(running)

    first, second = (asyncio.create_task(bench.run(work)) for _ in range(2))
    while not running:
        await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await bench.run(work)
    assert refused.value.status == 429
    assert refused.value.headers == {"Retry-After": "2"}
    assert len(running) == 1
    gate.set()
    assert [await first, await second] == [1, 2]
