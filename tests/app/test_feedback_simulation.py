"""The simulated market as a stranger asks for it, of one running demo board."""

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from app.feedback_simulation_schemas import MAX_CELLS, MAX_STEPS, FeedbackSimulation
from app.schemas import Body
from tests.processes import Board, Launcher

FEEDBACK = "/api/v1/simulations/feedback"
QUICK = {"paths": 200, "hours": 6, "step_s": 600}
DEPTH = 30e6


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("feedback")).board("demo") as running:
        yield running.wait_ready()


def ask(board: Board, **body: Any) -> httpx.Response:
    asked = {"asset": "BTC", "depth_usd": DEPTH, **QUICK, **body}
    return board.client.post(FEEDBACK, json=asked, timeout=60)


def data_of(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text[:300]
    Body[FeedbackSimulation].model_validate_json(response.content)
    return response.json()["data"]


def test_both_runs_share_their_numbers_and_everything_is_echoed(board: Board) -> None:
    seq = board.get("/BTC")["seq"]
    data = data_of(ask(board, seq=seq))
    run, inputs = data["run"], data["inputs"]
    assert data["reason"] is None
    assert (inputs["steps"], inputs["paths"], inputs["seed"]) == (36, 200, 1)
    assert (inputs["depth_usd"], inputs["depth_source"]) == (DEPTH, "stated")
    assert inputs["loops"] == ["gamma", "vanna"]
    said = board.get("/BTC/feedback", seq=seq, depth_usd=DEPTH)["data"]
    assert inputs["loop_gain"] == pytest.approx(said["loop_gain"])
    assumed = {row["name"]: row["value"] for row in data["assumptions"]}
    assert {"position", "volatility", "permanence", "decay_per_hour", "timing"} <= set(assumed)
    price = run["price"]
    for name in ("with_loops_usd", "without_loops_usd"):
        table = np.array(price[name])
        assert table.shape == (len(price["quantile"]), len(price["at_s"]))
        assert table[:, 0] == pytest.approx(inputs["spot_usd"])
        assert (np.diff(table, axis=0) >= 0).all()
    without = run["realised_volatility"]["without_loops"]["median"]
    # 36 steps: the median of a path's estimate is low by 1 %, and 200 paths add 1 %
    assert without == pytest.approx(assumed["volatility"], rel=0.06)
    flow = {row["cause"]: row["mean_coin"] for row in run["flow"]}
    asked = flow["gamma"] + flow["vanna"] + flow["charm"]
    assert asked == pytest.approx(flow["traded"] + flow["elsewhere"] + flow["waiting"], abs=1e-6)
    assert flow["liquidation"] == 0


def test_a_book_that_is_no_market_is_left_by_every_path(board: Board) -> None:
    run = data_of(ask(board, position="customer_long", depth_usd=1.0))["run"]
    assert run["beyond_reach"]["share"] > 0.9
    assert np.isfinite(np.array(run["price"]["with_loops_usd"], float)).all()


def test_a_seed_repeats_the_answer_and_another_does_not(board: Board) -> None:
    seq = board.get("/BTC")["seq"]
    first, again, other = (data_of(ask(board, seq=seq, seed=s))["run"] for s in (7, 7, 8))
    assert first == again
    assert first["price"] != other["price"]


def test_opposite_books_move_the_market_apart(board: Board) -> None:
    # volatility that does not answer, so that the gain of the folds is that of gamma alone
    calm = {"depth_usd": 3 * DEPTH, "hours": 3, "iv_points_per_pct": 0}
    gains = []
    for position in ("naive", "reversed"):
        data = data_of(ask(board, position=position, **calm))
        found, gain = data["run"]["realised_volatility"], data["inputs"]["loop_gain_now"]
        # hedges lean against moves where gamma is long
        wider = found["with_loops"]["median"] - found["without_loops"]["median"]
        assert np.sign(wider) == np.sign(gain)
        # the fold's gain is that of the nodes next to spot
        assert data["folds"][0]["gain"] == pytest.approx(gain, rel=0.1, abs=0.01)
        # nothing was shocked: the price may stay where it is
        assert min(data["folds"][0]["rests_at_pct"], key=abs) == pytest.approx(0, abs=1e-9)
        gains.append(gain)
    assert np.sign(gains[0]) == -np.sign(gains[1])


def test_switched_off_the_loops_leave_the_price_alone(board: Board) -> None:
    data = data_of(ask(board, loops=[], shock_pct=-3))
    price = data["run"]["price"]
    assert np.array(price["with_loops_usd"]) == pytest.approx(np.array(price["without_loops_usd"]))
    first = np.array(price["without_loops_usd"])[3, 1] / data["inputs"]["spot_usd"]
    assert first == pytest.approx(0.97, abs=0.002)
    flow = {row["cause"]: row["mean_coin"] for row in data["run"]["flow"]}
    assert flow["traded"] == pytest.approx(0, abs=1e-6)


def test_liquidations_need_their_ladder_or_say_why_there_is_none(board: Board) -> None:
    data = data_of(ask(board, loops=["liquidation"], shock_pct=-5))
    ladder = board.get("/BTC/feedback", depth_usd=DEPTH)["data"]["liquidation"]
    if ladder["reason"] is None:
        flow = {row["cause"]: row["mean_coin"] for row in data["run"]["flow"]}
        assert flow["liquidation"] < 0
        assert flow["traded"] == pytest.approx(0, abs=1e-6)
    else:
        assert data["run"] is None
        assert ladder["reason"] in data["reason"]


def test_what_is_unknown_is_null_with_its_reason(board: Board) -> None:
    answer = ask(board, position="posterior")
    data = data_of(answer)
    # a board that just started has no day of tape yet, unless its exchange handed it one
    is_unknown = answer.json()["position_reason"] is not None
    assert (data["run"] is None) == (data["folds"] is None) == is_unknown
    assert data["reason"] == ("net_gex_unknown" if is_unknown else None)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"asset": "DOGE"}, 404, ["DOGE"]),
        ({"expiry": ["1JAN99"]}, 404, ["1JAN99"]),
        ({"paths": 20_000, "hours": 24, "step_s": 300}, 422, ["paths", str(MAX_CELLS)]),
        ({"hours": 168, "step_s": 10, "paths": 2}, 422, ["hours", str(MAX_STEPS)]),
        ({"hours": 0.1, "step_s": 3600}, 422, ["hours", "at least one step"]),
        ({"paths": 0}, 422, ["paths"]),
        ({"seed": -1}, 422, ["seed"]),
        ({"permanence": 2}, 422, ["permanence"]),
        ({"depth_usd": 0}, 422, ["depth_usd"]),
        ({"band_coin": -1}, 422, ["band_coin"]),
        ({"loops": ["gama"]}, 422, ["loops"]),
        ({"timing": "later"}, 422, ["timing"]),
        ({"rounds": 0}, 422, ["rounds"]),
        ({"surprise": 1}, 422, ["surprise"]),
    ],
)
def test_a_question_that_is_not_understood_is_refused_by_name(
    board: Board, body: dict[str, Any], status: int, words: list[str]
) -> None:
    response = ask(board, **body)
    assert response.status_code == status, response.text[:300]
    for word in words:
        assert word in response.json()["detail"]
