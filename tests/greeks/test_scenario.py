"""A moved chain: what moves, what stays, and that no boundary makes it jump."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks.conventions import Exposure, RowStatus
from greeks.exposure import compute_exposure
from greeks.scenario import Scenario, age_chain, move_chain
from greeks.surface import compute_surface
from tests.builders import array_columns, make_chain, make_venue_chain

CHAIN = make_venue_chain(12, days=(0.5, 2, 20, 90), strikes_per_expiry=16, twins_differ=0.1)
POSITION = CHAIN.open_interest_coin * np.where(CHAIN.is_call, 1.0, -1.0)
MINUTE_DAYS = 1 / 1440


def test_nothing_moves_nothing() -> None:
    assert move_chain(CHAIN, Scenario()) is CHAIN


@given(move=st.floats(-50, 100), shift=st.floats(-20, 40), hours=st.floats(0, 24 * 100))
def test_only_spot_forwards_volatility_and_the_clock_move(
    move: float, shift: float, hours: float
) -> None:
    moved = move_chain(CHAIN, Scenario(move, shift, hours))
    assert moved.index_price == CHAIN.index_price * (1 + move * 0.01)
    assert moved.forward == pytest.approx(CHAIN.forward * (1 + move * 0.01), rel=1e-12)
    left_s = (CHAIN.expiry_ms - moved.as_of_ms) / 1000
    of_whole = np.where(left_s > 0, np.minimum(left_s / 1800, 1), 1)  # inside the average
    iv = np.maximum(CHAIN.mark_iv + shift * 0.01, 0.01) * of_whole
    assert moved.mark_iv == pytest.approx(iv, rel=1e-12)
    assert moved.as_of_ms == CHAIN.as_of_ms + round(hours * 3_600_000)
    for name in {*array_columns(CHAIN)} - {"forward", "mark_iv", "settlement_average"}:
        assert getattr(moved, name) is getattr(CHAIN, name)


def test_an_unknown_volatility_stays_unknown() -> None:
    chain = make_chain(mark_iv=np.nan, status=RowStatus.NO_IV)
    assert np.isnan(move_chain(chain, Scenario(shift_pts=5.0)).mark_iv).all()


def test_two_steps_of_spot_are_one() -> None:
    there = move_chain(CHAIN, Scenario(move_pct=21.0))
    twice = move_chain(move_chain(CHAIN, Scenario(move_pct=10.0)), Scenario(move_pct=10.0))
    assert twice.forward == pytest.approx(there.forward, rel=1e-14)


@pytest.mark.parametrize(("move", "shift", "hours"), [(0, 0, 6), (5, 0, 0), (-8, 7, 30)])
def test_the_surface_says_the_same(move: float, shift: float, hours: float) -> None:
    moved = move_chain(CHAIN, Scenario(move, shift, hours))
    alive = CHAIN.expiry_ms > moved.as_of_ms
    there = compute_exposure(moved.select(alive), POSITION[alive], "test")
    cell = compute_surface(
        CHAIN, POSITION, np.array([float(move)]), np.array([float(shift)]), np.array([float(hours)])
    )
    for exposure, value in (
        (Exposure.GEX, cell.gex_usd_per_1pct),
        (Exposure.DELTA, cell.delta_coin),
        (Exposure.VEGA, cell.vega_usd_per_pt),
    ):
        tolerance = 1e-12 * there.gross_of(exposure)
        assert value.item() == pytest.approx(there.net_of(exposure), abs=tolerance)


@pytest.mark.parametrize("average", [np.nan, 100_200.0])
def test_inside_the_settlement_average_only_the_open_part_moves(average: float) -> None:
    chain = make_chain(
        days=(15 * MINUTE_DAYS, 7),
        forward=100_100.0,
        settlement_average=lambda _, years: np.where(years < 0.01, average, np.nan),
        mark_iv=0.6,
    )
    expiring = chain.expiry_ms == chain.expiry_ms.min()
    moved = move_chain(chain, Scenario(move_pct=1.0))
    shift = moved.forward - chain.forward
    # half the delivery is fixed; the open half stands near the index
    assert shift[expiring] == pytest.approx(500.0, rel=2e-3)
    assert shift[~expiring] == pytest.approx(1001.0)
    np.testing.assert_array_equal(moved.settlement_average, chain.settlement_average)


def test_time_averages_at_the_moved_index() -> None:
    chain = make_chain(
        days=(15 * MINUTE_DAYS,), forward=100_000.0, settlement_average=100_000.0, mark_iv=0.6
    )
    moved = move_chain(chain, Scenario(move_pct=1.0, hours=7.5 / 60))
    # half the window at 100,000, a quarter at 101,000
    assert moved.settlement_average == pytest.approx((2 * 100_000 + 101_000) / 3)


@pytest.mark.parametrize(("move", "hours"), [(-100.0, 0.0), (0.0, -1.0), (np.nan, 0.0)])
def test_an_impossible_scenario_is_refused(move: float, hours: float) -> None:
    with pytest.raises(ValueError, match="expected move above"):
        Scenario(move_pct=move, hours=hours)


def test_what_has_expired_and_what_was_not_averaged_stay_as_they_are() -> None:
    chain = make_chain(days=(-1, 0.01, 7))
    aged = age_chain(chain, chain.as_of_ms + 3_600_000)
    np.testing.assert_array_equal(aged.mark_iv, chain.mark_iv)
    assert np.isnan(aged.settlement_average).all()
