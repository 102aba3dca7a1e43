"""Risk limits as the board answers them: breaches, what is left, what is unknown and why."""

import csv
import dataclasses
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest

from app.hub import BoardState
from app.limits_schemas import LimitSummary, PortfolioLimit, StrikeLimit
from app.limits_views import Allowed, limits
from app.loop_rows import Impact
from app.views import rows
from dealers.rules import PositionModel
from greeks.conventions import Exposure
from tests.app.test_positions import reading_of, traded_feed
from tests.processes import Board, Launcher


@pytest.fixture(scope="module")
def state() -> BoardState:
    feed = traded_feed()
    shown = feed.publish(reading_of(feed))
    return dataclasses.replace(shown, position=PositionModel.CUSTOMER_LONG)


def answer(state: BoardState, depth_usd: float | None = 30e6, permanence: float = 0.3,
           allowed: Allowed | None = None) -> dict[str, Any]:  # fmt: skip
    assert state.snapshot is not None
    impact = Impact.of(state, depth_usd, permanence)
    found = limits(state.snapshot, impact, allowed or Allowed())
    sent = orjson.loads(
        orjson.dumps(
            {
                "strikes": rows(found.strikes),
                "expiries": found.expiries,
                "portfolio": found.portfolio,
                "summary": found.summary,
            }
        )
    )
    for row in sent["strikes"]:
        StrikeLimit.model_validate(row)
    PortfolioLimit.model_validate(sent["portfolio"])
    LimitSummary.model_validate(sent["summary"])
    return dict(sent)


def test_the_worked_example_is_the_default(state: BoardState) -> None:
    summary = answer(state)["summary"]
    assert summary["limit_usd_per_1pct"] == pytest.approx(15e6, rel=1e-12)
    assert (summary["utilisation"], summary["max_gain"], summary["permanence"]) == (0.25, 0.2, 0.3)
    assert (summary["depth_source"], summary["reason"]) == ("stated", None)


def test_what_is_breached_is_listed_and_has_too_much_to_sell(state: BoardState) -> None:
    use = [row["use"] for row in answer(state)["strikes"]]
    # a depth at which some strikes are within their limit and some beyond it
    found = answer(state, depth_usd=30e6 * float(np.median(use)))
    beyond = [row["strike"] for row in found["strikes"] if row["breached"]]
    assert 0 < len(beyond) < len(found["strikes"])
    assert found["summary"]["breached_strikes"] == beyond
    limit = found["summary"]["limit_usd_per_1pct"]
    for row in (*found["strikes"], *found["expiries"]):
        gex = row["gex_usd_per_1pct"]
        assert gex < 0, "customers are long of everything"
        assert row["use"] == pytest.approx(-gex / limit, rel=1e-12)
        assert row["breached"] is (row["use"] > 1) is (row["headroom_coin"] < 0)
        assert row["headroom_usd_per_1pct"] == pytest.approx(limit + gex, rel=1e-12)
        assert row["headroom_option"].startswith("BTC-")
    late = [row["expiry"] for row in found["expiries"] if row["breached"]]
    assert found["summary"]["breached_expiries"] == late


def test_the_whole_book_may_use_its_gain(state: BoardState) -> None:
    assert state.snapshot is not None
    gex = state.snapshot.net_of(Exposure.GEX)
    whole = answer(state)["portfolio"]
    assert whole["gex_usd_per_1pct"] == gex
    assert whole["limit_usd_per_1pct"] == pytest.approx(40e6, rel=1e-12)
    assert whole["gain"] == pytest.approx(-100 * gex * 0.3 * 0.005 / 30e6, rel=1e-12)
    assert whole["use"] == pytest.approx(whole["gain"] / 0.2, rel=1e-12)
    assert whole["breached"] is (whole["gain"] > 0.2)
    at_limit = answer(state, allowed=Allowed(max_gain=whole["gain"]))["portfolio"]
    # the gain is what it is allowed to be, to the rounding of both
    assert at_limit["use"] == pytest.approx(1, rel=1e-12)
    assert abs(at_limit["headroom_usd_per_1pct"]) < 1e-9 * abs(gex)


def test_a_book_that_dampens_uses_nothing_of_the_gain(state: BoardState) -> None:
    long = dataclasses.replace(state, position=PositionModel.NAIVE)
    assert long.snapshot is not None
    whole = answer(long)["portfolio"]
    assert (whole["use"] > 0) is (long.snapshot.net_of(Exposure.GEX) < 0)


def test_without_a_depth_there_is_no_limit_and_the_reason_is_said(state: BoardState) -> None:
    found = answer(state, depth_usd=None)
    assert found["summary"]["reason"] == "no_market_depth: state depth_usd"
    assert found["summary"]["limit_usd_per_1pct"] is None
    assert (found["summary"]["breached_strikes"], found["summary"]["depth_source"]) == ([], None)
    for row in (*found["strikes"], *found["expiries"], found["portfolio"]):
        assert row["gex_usd_per_1pct"] < 0
        assert row["use"] is row["breached"] is row["headroom_coin"] is None


def test_under_a_model_that_knows_nothing_all_is_null() -> None:
    feed = traded_feed()
    bare = dataclasses.replace(feed.publish(), position=PositionModel.FLOW)
    found = answer(bare)
    assert found["summary"]["reason"] == "net_gex_unknown"
    assert found["summary"]["limit_usd_per_1pct"] == pytest.approx(15e6, rel=1e-12)
    assert found["summary"]["portfolio_breached"] is None
    assert all(row["use"] is None and row["headroom_coin"] is None for row in found["strikes"])


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("limits")).board("demo") as running:
        yield running.wait_ready()


def test_the_rows_are_a_table_and_stand_for_the_selected_part(board: Board) -> None:
    body = board.get("/BTC/limits", expiry="next", position="customer_long")
    strikes = board.get("/BTC/strikes", expiry="next", seq=body["seq"])["data"]
    assert [row["strike"] for row in body["data"]] == [row["strike"] for row in strikes]
    assert len(body["expiries"]) == 1
    feedback = board.get("/BTC/feedback", seq=body["seq"], expiry="next", position="customer_long")
    assert body["portfolio"]["gain"] == pytest.approx(feedback["data"]["loop_gain"], rel=1e-12)
    assert body["summary"]["depth_usd"] == feedback["data"]["depth_usd"]
    asked = {"expiry": "next", "position": "customer_long", "seq": body["seq"], "format": "csv"}
    file = board.client.get("/api/v1/BTC/limits", params=asked)
    listed = list(csv.DictReader(io.StringIO(file.text, newline=""), strict=True))
    assert [float(row["use"]) for row in listed] == [row["use"] for row in body["data"]]
    assert [row["breached"] == "true" for row in listed] == [r["breached"] for r in body["data"]]


@pytest.mark.parametrize(
    "query",
    ["utilisation=0", "utilisation=1.5", "utilisation=nan", "max_gain=0", "max_gain=2",
     "depth_usd=0", "depth_usd=-1", "permanence=0"],
)  # fmt: skip
def test_a_limit_that_is_none_is_refused_by_name(board: Board, query: str) -> None:
    response = board.client.get(f"/api/v1/BTC/limits?{query}")
    assert response.status_code == 422, response.text
    assert query.partition("=")[0] in response.json()["detail"]


@pytest.mark.parametrize("query", ["depth_usd=5e-324", "depth_usd=1e308", "permanence=5e-324",
                                   "utilisation=5e-324", "max_gain=5e-324"])  # fmt: skip
def test_an_absurd_limit_is_answered(board: Board, query: str) -> None:
    assert board.client.get(f"/api/v1/BTC/limits?{query}").status_code == 200
