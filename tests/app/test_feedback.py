"""Every feedback loop with what it rests on, and the cascade of a hypothetical ladder."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from app.feedback_schemas import Feedback
from app.feedback_views import feedback
from app.hub import BoardState
from app.loop_rows import Asked
from dealers.perpetual import UNKNOWN_PERPETUAL, Perpetual
from dealers.response import Slope
from dealers.rules import PositionModel
from greeks.conventions import Exposure
from greeks.exposure import compute_exposure
from loops.funding import UNWIND
from loops.liquidation import LEVERAGE_MIX
from tests.app.test_positions import reading_of, traded_feed
from tests.processes import Board, Launcher

HOURS = tuple((3_600_000 * h, 100_000.0 + 50 * h) for h in range(24))
PERPETUAL = Perpetual("BTC-PERPETUAL", rate_8h=1e-4, realised_8h=5e-5, mark_usd=1e5,
                      open_interest_usd=8e8, ts_event=1, hours=HOURS)  # fmt: skip
STATED = Asked(depth_usd=30e6)


@pytest.fixture(scope="module")
def state() -> BoardState:
    feed = traded_feed()
    return dataclasses.replace(feed.publish(reading_of(feed)), perpetual=PERPETUAL)


def answer(state: BoardState, asked: Asked = STATED, **changes: Any) -> Any:
    perpetual = dataclasses.replace(state.perpetual, **changes)
    assert state.snapshot is not None
    found = feedback(dataclasses.replace(state, perpetual=perpetual), state.snapshot, asked)
    return as_sent(found)


def as_sent(found: Any) -> Any:
    """The answer as it is on the wire: what is unknown is null."""
    return Feedback.model_validate_json(orjson.dumps(found)).model_dump()


def loop(found: Any, name: str) -> Any:
    (row,) = [row for row in found["loops"] if row["loop"] == name]
    return row


def test_the_row_of_gamma_is_the_loop_gain(state: BoardState) -> None:
    found = answer(state)
    row = loop(found, "gamma")
    assert row["gain"] == found["loop_gain"]
    assert row["amplification"] == found["amplification"] == 1 / (1 - row["gain"])
    assert row["basis"] == "position_model"
    assert row["direction"] == ("amplifies" if row["gain"] > 0 else "dampens")
    assert {each["name"]: each["value"] for each in row["assumptions"]} == {
        "position": "naive", "permanence": 0.3,
    }  # fmt: skip


def test_funding_costs_what_it_says_and_dampens(state: BoardState) -> None:
    found = answer(state)
    facts, row = found["funding"], loop(found, "funding")
    assert (facts["current_funding"], facts["funding_8h"]) == (1e-4, 5e-5)
    assert facts["funding_per_year"] == pytest.approx(0.1095, rel=1e-12)
    assert facts["paid_usd_per_day"] == pytest.approx(240_000, rel=1e-12)
    is_short = found["gex_usd_per_1pct"] < 0
    assert facts["stacked"] is is_short
    assert facts["stacked_push"] == ("down" if is_short else None)
    assert row["gain"] == pytest.approx(-UNWIND * 8e8 * 0.3 * 0.005 / 30e6, rel=1e-12)
    assert (row["direction"], row["basis"]) == ("dampens", "modelled")
    still = loop(answer(state, rate_8h=0.0), "funding")
    assert (still["gain"], still["direction"]) == (0, "neither")


def test_the_liquidation_loop_is_the_ladders_near_spot(state: BoardState) -> None:
    found = answer(state)
    facts, row = found["liquidation"], loop(found, "liquidation")
    ladder = facts["ladder"]
    low, high = np.array(ladder["low_usd"]), np.array(ladder["high_usd"])
    forced, branching = np.array(ladder["forced_usd"]), np.array(ladder["branching"])
    assert (low[1:] == high[:-1]).all()
    below = high <= facts["spot_usd"] * (1 + 1e-9)
    assert (forced[below] <= 0).all()
    assert (forced[~below] >= 0).all()
    assert abs(forced).sum() <= 8e8
    assert facts["long_share"] == pytest.approx(0.58, rel=1e-12)
    near = low >= facts["spot_usd"] * math.exp(-0.05) * (1 - 1e-9)
    lam_eff = 0.3 * 0.005 / 30e6
    gain_down = lam_eff * -forced[below & near].sum() / 0.05
    assert facts["gain_down"] == pytest.approx(gain_down, rel=1e-9)
    assert facts["gain_down"] == pytest.approx(branching[below & near].mean(), rel=1e-9)
    assert row["gain"] == max(facts["gain_down"], facts["gain_up"])
    assert facts["drop_pct"] <= -1 <= 1 <= facts["rise_pct"]
    assert (facts["label"], row["basis"]) == ("modelled", "modelled")
    assert {each["leverage"] for each in facts["leverage_mix"]} == set(LEVERAGE_MIX)


def test_what_is_assumed_may_be_set(state: BoardState) -> None:
    longs = answer(state, dataclasses.replace(STATED, long_share=1.0, leverage_mix={50.0: 1.0}))
    facts = longs["liquidation"]
    assert facts["long_share"] == 1
    assert facts["leverage_mix"] == [{"leverage": 50.0, "share": 1.0}]
    assert max(facts["ladder"]["forced_usd"]) == 0
    deeper = answer(state, dataclasses.replace(STATED, depth_usd=60e6))
    for name in ("gamma", "funding", "liquidation"):
        whole, half = loop(answer(state), name)["gain"], loop(deeper, name)["gain"]
        assert half == pytest.approx(whole / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "funding", "liquidation"),
    [
        ({"rate_8h": math.nan}, "no_funding", "no_funding: state long_share"),
        ({"open_interest_usd": math.nan}, "no_open_interest", "no_open_interest"),
        ({"hours": ()}, None, "no_past_prices"),
    ],
)
def test_what_is_unknown_is_null_with_a_reason(
    state: BoardState, changes: dict[str, Any], funding: str | None, liquidation: str
) -> None:
    found = answer(state, **changes)
    assert loop(found, "funding")["reason"] == funding
    row = loop(found, "liquidation")
    assert (row["gain"], row["direction"], row["reason"]) == (None, None, liquidation)
    assert found["liquidation"]["ladder"]["forced_usd"] == []
    assert found["liquidation"]["drop_pct"] is None
    if "rate_8h" in changes:
        assert found["funding"]["stacked"] is None
        assert loop(answer(state, dataclasses.replace(STATED, long_share=0.5), **changes),
                    "liquidation")["gain"] > 0  # fmt: skip


def test_a_board_that_knows_no_market_has_no_gain_at_all(state: BoardState) -> None:
    bare = dataclasses.replace(state, perpetual=UNKNOWN_PERPETUAL)
    found = answer(bare, Asked())
    assert all(row["gain"] is None and row["reason"] for row in found["loops"])
    assert found["funding"]["instrument_name"] is None
    assert found["liquidation"]["entry_hours"] == 0
    without_depth = answer(state, Asked())
    of_the_market = [row for row in without_depth["loops"] if row["loop"] != "vega"]
    assert {row["reason"] for row in of_the_market} == {"no_market_depth: state depth_usd"}
    assert without_depth["liquidation"]["ladder"]["forced_usd"], "the ladder needs no depth"


# Volatility


MEASURED = Slope(-0.4, 0.5, -9.0, 168, -0.4, None)


def measured(state: BoardState, impact: float = 2e-7, beta: Slope = MEASURED) -> BoardState:
    """The state with both answers of volatility established."""
    vega_impact = Slope(impact, 0.2, 4.0, 168, impact, None)
    tape = dataclasses.replace(state.tape, beta=beta, vega_impact=vega_impact)
    return dataclasses.replace(state, tape=tape)


def short(state: BoardState) -> BoardState:
    """Customers long of everything: dealers are short gamma and vega."""
    return dataclasses.replace(state, position=PositionModel.CUSTOMER_LONG)


def test_short_vega_that_is_bought_back_amplifies_volatility(state: BoardState) -> None:
    known = measured(short(state))
    assert known.snapshot is not None
    vega = known.snapshot.net_of(Exposure.VEGA)
    assert vega < 0
    row = loop(answer(known), "vega")
    assert row["gain"] == pytest.approx(-vega * 2e-7, rel=1e-12)
    assert (row["direction"], row["basis"], row["unit"]) == (
        "amplifies",
        "modelled",
        "point per point",
    )
    assert (row["gain_lo"], row["gain_hi"]) == (None, None)
    half = loop(answer(known, dataclasses.replace(STATED, vega_reaction_per_pt=0.5)), "vega")
    assert half["gain"] == pytest.approx(row["gain"] / 2, rel=1e-12)


def test_an_impact_that_is_not_established_is_null_and_not_none(state: BoardState) -> None:
    found = answer(short(state))
    row = loop(found, "vega")
    assert row["gain"] is None
    assert row["reason"].startswith("vega_impact_not_established: expected |t| 2")
    assert found["coupled"]["gains"][1][1] is None
    assert (
        found["coupled"]["reason"] == loop(found, "coupled")["reason"] == f"vega: {row['reason']}"
    )
    assert (found["coupled"]["stable"], found["coupled"]["response"]) == (None, None)


def test_dealers_who_are_long_vega_buy_none(state: BoardState) -> None:
    assert state.snapshot is not None
    long = compute_exposure(state.snapshot.chain, np.ones(len(state.snapshot.chain)), "naive")
    row = loop(as_sent(feedback(state, long, STATED)), "vega")
    assert (row["gain"], row["direction"], row["reason"]) == (0, "neither", None)


def test_spot_and_volatility_are_one_loop(state: BoardState) -> None:
    found = answer(measured(short(state)))
    facts, row = found["coupled"], loop(found, "coupled")
    (spot, vanna), (beta, vega) = facts["gains"]
    gamma, liquidations = (loop(found, name)["gain"] for name in ("gamma", "liquidation"))
    assert spot == pytest.approx(gamma + liquidations, rel=1e-12)
    per_pt = row["inputs"]["vanna_usd_per_pt"]
    assert vanna == pytest.approx(-100 * per_pt * 0.3 * 0.005 / 30e6, rel=1e-12)
    assert vanna != 0
    assert (beta, vega) == (-0.4, loop(found, "vega")["gain"])
    assert facts["stable"] is (facts["spectral_radius"] < 1) is True
    back = (np.eye(2) - facts["gains"]) @ facts["response"]
    np.testing.assert_allclose(back, np.eye(2), atol=1e-12)
    assert row["amplification"] == pytest.approx(facts["response"][0][0], rel=1e-12)
    assert row["gain"] == pytest.approx(spot + vanna * beta / (1 - vega), rel=1e-9)


def test_a_loop_whose_rounds_grow_has_no_response(state: BoardState) -> None:
    asked = dataclasses.replace(STATED, vega_reaction_per_pt=100.0)
    found = answer(measured(short(state), impact=1e-3), asked)
    facts, row = found["coupled"], loop(found, "coupled")
    assert facts["spectral_radius"] > 1
    assert (facts["stable"], facts["response"]) == (False, None)
    assert row["gain"] is None
    assert row["reason"] == facts["reason"] == "rounds_grow: the spectral radius is 1 or more"
    assert loop(found, "vega")["amplification"] is None


def test_volatility_that_stays_is_said_to_be_assumed(state: BoardState) -> None:
    sticky = Slope(0.1, 0.01, 1.0, 168, 0.0, "expected R^2 0.05, was 0.010")

    def said(found: Any) -> dict[str, Any]:
        return {each["name"]: each for each in loop(found, "coupled")["assumptions"]}

    assert "volatility" not in said(answer(measured(short(state))))
    found = answer(measured(short(state), beta=sticky))
    assert said(found)["volatility"]["value"] == "sticky strike"
    assert said(found)["volatility"]["meaning"] == sticky.reason
    assert said(found)["lending_collateral"]["value"] == "left out"
    # nothing comes back through volatility
    assert loop(found, "coupled")["gain"] == pytest.approx(
        found["coupled"]["gains"][0][0], rel=1e-9
    )


@pytest.mark.parametrize("depth_usd", [5e-324, 1e-300, 1e-100, 1e-6, 1e308])
def test_a_depth_beyond_reason_is_answered_all_the_same(
    state: BoardState, depth_usd: float
) -> None:
    found = answer(state, dataclasses.replace(STATED, depth_usd=depth_usd))
    assert found["depth_usd"] == depth_usd
    rise = found["liquidation"]["rise_pct"]
    assert rise is None or rise >= 1


def test_an_asset_without_a_margin_schedule_is_not_taken_for_another(state: BoardState) -> None:
    assert state.snapshot is not None
    chain = dataclasses.replace(state.snapshot.chain, asset="XRP")
    snapshot = dataclasses.replace(state.snapshot, chain=chain)
    found: Any = feedback(state, snapshot, STATED)
    assert found["liquidation"]["reason"] == "no_margin_schedule"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("feedback")).board("demo") as running:
        yield running.wait_ready()


def test_the_board_reads_funding_and_a_week_of_prices(board: Board) -> None:
    for asset in ("BTC", "ETH"):
        found = board.get(f"/{asset}/feedback")["data"]
        assert found["funding"]["instrument_name"] == f"{asset}-PERPETUAL"
        assert found["funding"]["open_interest_usd"] > 0
        assert found["liquidation"]["entry_hours"] == 168
        assert [row["loop"] for row in found["loops"]][:3] == ["gamma", "funding", "liquidation"]
        assert loop(found, "liquidation")["gain"] > 0


@pytest.mark.parametrize(
    "query",
    ["leverage_mix=10", "leverage_mix=10:2", "leverage_mix=0.5:1", "leverage_mix=10:0",
     "leverage_mix=nan:nan", "leverage_mix=", "leverage_mix=200:1",
     "unwind=-1", "shock_pct=0", "long_share=1.5"],
)  # fmt: skip
def test_a_bad_assumption_is_named(board: Board, query: str) -> None:
    response = board.client.get(f"/api/v1/BTC/feedback?{query}")
    assert response.status_code == 422
    assert query.partition("=")[0] in response.json()["detail"]


def test_shares_of_leverage_need_not_add_up(board: Board) -> None:
    query = "leverage_mix=10:0.5&leverage_mix=12.5:1"
    body = board.client.get(f"/api/v1/BTC/feedback?{query}").json()
    mix = body["data"]["liquidation"]["leverage_mix"]
    assert mix == [{"leverage": 10, "share": 0.5}, {"leverage": 12.5, "share": 1}]


def cascade(board: Board, **body: Any) -> httpx.Response:
    ladder = [{"trigger_pct": -0.1 - 0.5 * step, "collateral_coin": 50} for step in range(60)]
    asked = {"asset": "BTC", "ladder": ladder, "depth_usd": 30e6, **body}
    return board.client.post("/api/v1/simulations/collateral", json=asked)


def test_a_hypothetical_ladder_falls_further_than_the_shock(board: Board) -> None:
    response = cascade(board, shock_pct=5, pool_usd=1e9)
    assert response.status_code == 200, response.text
    data = response.json()["data"]
    assert data["label"] == "hypothetical ladder"
    assert data["shocked_usd"] == pytest.approx(0.95 * data["spot_usd"], rel=1e-12)
    assert data["final_usd"] < data["shocked_usd"]
    impact = data["impact_per_coin_usd"]
    assert impact == pytest.approx(0.3 * 0.005 / 30e6 * data["spot_usd"] ** 2, rel=1e-12)
    sold = sum(each["sold_coin"] for each in data["rounds"])
    assert data["final_usd"] == pytest.approx(data["shocked_usd"] - impact * sold, rel=1e-12)
    assert data["multiplier"] == pytest.approx(data["drop_pct"] / -5, rel=1e-12)
    assert 1 < data["multiplier"] < 1 / (1 - data["branching"]) * 1.1
    assert data["de_peg_pct"] == pytest.approx(data["bad_debt_usd"] / 1e7, rel=1e-12)
    kept = sum(loan["left_coin"] for loan in data["loans"])
    assert kept + sold == pytest.approx(3000, rel=1e-12)
    calm = cascade(board, shock_pct=0).json()["data"]
    assert (calm["drop_pct"], calm["multiplier"], calm["sold_coin"]) == (0, None, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("shock_pct", 100), ("shock_pct", -1), ("ladder", []), ("bonus", 2), ("permanence", 0),
     ("ladder", [{"trigger_pct": 1, "collateral_coin": 1}]), ("unknown", 1)],
)  # fmt: skip
def test_a_ladder_that_is_none_is_refused(board: Board, field: str, value: Any) -> None:
    response = cascade(board, **{field: value})
    assert response.status_code == 422
    assert field in response.json()["detail"]
