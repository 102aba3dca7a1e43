"""Hedge flow as the board shows it: parts, intervals, the market beside it, whom it is of."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from app import flows, page_views, views
from app.board import NO_TAPE, compute_models
from app.flows import By, FlowBasis
from app.hub import BoardState
from app.views import Columns, rows
from dealers.liquidity import Liquidity
from dealers.response import Slope
from dealers.rules import PositionModel
from greeks.conventions import Exposure, HedgeConvention, RowStatus
from tests.app.test_positions import reading_of, traded_feed
from tests.builders import make_chain

MARKET = Liquidity(10e6, 20e6, 30e6, 40e6, 1440e6)
BETA = Slope(-0.3, 0.4, -5.0, 100, -0.3, None)


@pytest.fixture(scope="module")
def state() -> BoardState:
    feed = traded_feed()
    tape = dataclasses.replace(reading_of(feed), beta=BETA)
    return dataclasses.replace(feed.publish(tape), liquidity=MARKET)


def basis_of(state: BoardState, model: PositionModel = PositionModel.NAIVE) -> FlowBasis:
    return FlowBasis.of(state, state.models[model])


def column(columns: Columns, name: str) -> np.ndarray:
    return np.array(columns[name], dtype=np.float64)


@pytest.mark.parametrize("model", PositionModel)
def test_the_parts_of_every_scenario_sum_to_its_flow(
    state: BoardState, model: PositionModel
) -> None:
    table = flows.scenario_table(basis_of(state, model))
    parts = ("gamma_coin", "charm_coin", "vanna_coin", "expiry_coin", "residual_coin")
    whole, total = column(table, "flow_coin"), sum(column(table, part) for part in parts)
    scale = np.abs(whole).max()
    np.testing.assert_allclose(total, whole, atol=1e-9 * scale)
    assert np.abs(column(table, "residual_coin")).max() <= 1e-9 * scale
    assert np.abs(column(table, "vanna_coin")).max() > 0, "volatility answers as measured"


def test_the_headline_and_the_page_say_what_the_table_says(state: BoardState) -> None:
    snapshot = state.models[PositionModel.NAIVE]
    now = {
        row["move_pct"]: row
        for row in rows(flows.scenario_table(basis_of(state)))
        if row["horizon_s"] == 0
    }
    headline: Any = views.summary(state, snapshot, state.models)["hedge_flow"]
    assert headline["up_1pct_coin"] == pytest.approx(now[1.0]["flow_coin"], rel=1e-12)
    assert headline["down_1pct_usd"] == pytest.approx(now[-1.0]["flow_usd"], rel=1e-12)
    drawn: Any = page_views.board(state, snapshot, state.models)["hedge_flow"]
    at = drawn["move_pct"].index(2.0)
    assert drawn["flow_coin"][at] == pytest.approx(now[2.0]["flow_coin"], rel=1e-12)
    assert drawn["share_of_depth"][at] == pytest.approx(now[2.0]["share_of_depth"], rel=1e-12)


def test_gamma_times_move_stands_beside_the_exact_flow(state: BoardState) -> None:
    table = flows.scenario_table(basis_of(state))
    snapshot = state.models[PositionModel.NAIVE]
    at = table["move_pct"].index(1.0)
    expected = -snapshot.net_of(Exposure.GEX) / snapshot.chain.index_price
    assert column(table, "linear_coin")[at] == pytest.approx(expected, rel=1e-12)
    error = column(table, "linear_coin") - column(table, "gamma_coin")
    np.testing.assert_allclose(column(table, "linear_error_coin"), error)


def test_only_a_model_with_error_has_an_interval(state: BoardState) -> None:
    for model in PositionModel:
        for table in (
            flows.scenario_table(basis_of(state, model)),
            flows.charm_path(basis_of(state, model)),
        ):
            lo, flow, hi = (column(table, f"flow_coin{end}") for end in ("_lo", "", "_hi"))
            if model is not PositionModel.POSTERIOR:
                assert np.isnan([lo, hi]).all()
                continue
            moved = np.abs(flow) > 1e-9
            assert np.all(lo[moved] < hi[moved])
            inside = (lo <= flow) & (flow <= hi)
            assert inside[moved].mean() > 0.9


def test_buying_takes_asks_and_selling_takes_bids(state: BoardState) -> None:
    table = flows.scenario_table(basis_of(state))
    usd = column(table, "flow_usd")
    side = np.where(usd > 0, MARKET.ask_half_pct_usd, MARKET.bid_half_pct_usd)
    np.testing.assert_allclose(column(table, "share_of_depth"), np.abs(usd) / side)
    np.testing.assert_allclose(column(table, "minutes_of_volume"), np.abs(usd) / 1e6)


def test_an_unknown_market_leaves_the_shares_unknown_with_a_reason(state: BoardState) -> None:
    blind = dataclasses.replace(state, liquidity=Liquidity())
    basis = basis_of(blind)
    table = flows.scenario_table(basis)
    for name in ("share_of_depth", "share_of_depth_1pct", "share_of_volume", "minutes_of_volume"):
        assert np.isnan(column(table, name)).all()
    market: Any = flows.conditions(basis, blind)["market"]
    assert market["reason"] == "no depth and no volume of the perpetual is known"
    idle = Liquidity(1e6, 1e6, 2e6, 2e6, volume_24h_usd=0.0)
    silent: Any = flows.conditions(basis_of(dataclasses.replace(state, liquidity=idle)), state)
    assert silent["market"]["volume_24h_usd"] == 0.0
    assert silent["market"]["reason"] == "the perpetual shows no volume"
    known: Any = flows.conditions(basis_of(state), state)["market"]
    assert known["reason"] is None


def test_strikes_and_expiries_each_sum_to_the_flow_of_their_scenario(state: BoardState) -> None:
    basis = basis_of(state, PositionModel.POSTERIOR)
    table = rows(flows.scenario_table(basis))
    wanted = next(row for row in table if row["move_pct"] == -5.0 and row["horizon_s"] == 3600)
    for by in By:
        parts = flows.contributions(basis, -5.0, 3600.0, by)
        assert sum(parts["flow_coin"]) == pytest.approx(wanted["flow_coin"], rel=1e-9)
    by_expiry = flows.contributions(basis, -5.0, 3600.0, By.EXPIRY)
    assert len(by_expiry["expiry"]) == 2


def test_the_charm_path_ends_at_the_settlement_and_knows_its_window(state: BoardState) -> None:
    path = flows.charm_path(basis_of(state))
    assert path["at_ms"][-1] % 86_400_000 == 8 * 3_600_000
    inside = np.array(path["in_settlement_window"])
    left_s = (path["at_ms"][-1] - np.array(path["at_ms"])) / 1000
    assert np.array_equal(inside, left_s < 1800)
    settled = rows(flows.scenario_table(basis_of(state)))
    assert path["horizon_s"][-1] in {row["horizon_s"] for row in settled}
    still = next(
        row for row in settled if row["move_pct"] == 0 and row["horizon_s"] == path["horizon_s"][-1]
    )
    assert path["flow_coin"][-1] == pytest.approx(still["flow_coin"], rel=1e-9)


def test_the_expected_size_is_that_of_the_scenarios(state: BoardState) -> None:
    found = flows.expected_flow(basis_of(state, PositionModel.CUSTOMER_LONG))
    size, mean = column(found, "mean_abs_coin"), column(found, "mean_coin")
    up, down = column(found, "up_sd_coin"), column(found, "down_sd_coin")
    assert np.all(size >= np.abs(mean))
    assert np.all(np.diff(column(found, "sd_pct")) > 0)
    # a book that is short everything buys rallies and sells dips; E|z| = 0.80 of a deviation
    assert np.all(up > 0)
    assert np.all(down < 0)
    assert np.all((size > 0.5 * (up - down) / 2) & (size < 1.2 * (up - down) / 2))


def test_a_given_response_replaces_the_measured_one(state: BoardState) -> None:
    snapshot = state.models[PositionModel.NAIVE]
    still = flows.scenario_table(FlowBasis.of(state, snapshot, 0.0))
    assert not column(still, "vanna_coin").any()
    coin = flows.scenario_table(FlowBasis.of(state, snapshot, 0.0, HedgeConvention.COIN))
    assert not np.allclose(column(coin, "charm_coin"), column(still, "charm_coin"))


def test_how_volatility_answers_is_said_with_its_evidence(state: BoardState) -> None:
    snapshot = state.models[PositionModel.NAIVE]
    found: Any = flows.volatility_response(state, snapshot)
    assert found["spot_vol_beta"]["samples"] == 100
    assert found["vega_impact"]["reason"] is not None
    assert math.isnan(found["vega_pressure"]["iv_points"])
    vega = snapshot.net_of(Exposure.VEGA)
    assert found["vega_pressure"]["vega_usd_per_pt"] == -vega


def test_without_a_tape_a_flow_is_unknown_and_volatility_holds_still() -> None:
    state = traded_feed().publish()
    basis = basis_of(state, PositionModel.POSTERIOR)
    for table in (
        flows.scenario_table(basis),
        flows.charm_path(basis),
        flows.expected_flow(basis),
        flows.contributions(basis, 1.0, 0.0, By.STRIKE),
    ):
        for name in ("flow_coin", "mean_coin", "mean_abs_coin", "share_of_volume"):
            assert np.isnan(column(table, name)).all() if name in table else True
    assert state.tape.beta.used == 0.0
    assert state.tape.beta.reason == "expected 24 samples, was 0"


def test_a_selection_that_cannot_be_priced_has_no_flow_though_its_interest_is_known() -> None:
    chain = make_chain(days=(7.0,), mark_iv=np.nan, status=RowStatus.NO_IV)
    state = dataclasses.replace(traded_feed().publish(), models=compute_models(chain, NO_TAPE))
    snapshot = state.models[PositionModel.NAIVE]
    assert np.isfinite(snapshot.position_coin).all(), "open interest is known"
    basis = basis_of(state)
    for table in (
        flows.scenario_table(basis),
        flows.charm_path(basis),
        flows.expected_flow(basis),
        flows.contributions(basis, 1.0, 0.0, By.STRIKE),
        flows.contributions(basis, 1.0, 0.0, By.EXPIRY),
    ):
        for name in ("flow_coin", "flow_usd", "mean_coin", "mean_abs_coin", "share_of_volume"):
            assert np.isnan(column(table, name)).all() if name in table else True
    headline: Any = views.summary(state, snapshot, state.models)["hedge_flow"]
    assert all(math.isnan(value) for value in headline.values())
