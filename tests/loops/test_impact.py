"""Price impact: the book's slope, its square-root cap, and the slope that returns show."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loops.impact import ImpactLaw, estimate_kyle_lambda, impact_per_usd, square_root_impact

BOOK = impact_per_usd(30e6)


@pytest.mark.parametrize("depth", [0.0, -1.0, float("nan")])
def test_no_depth_is_an_error_not_an_infinity(depth: float) -> None:
    with pytest.raises(ValueError, match="depth_usd"):
        impact_per_usd(depth)


@given(flow=st.floats(-1e12, 1e12), volume=st.floats(1e6, 1e12))
def test_impact_is_odd_and_never_above_the_book_or_the_square_root(
    flow: float, volume: float
) -> None:
    flows = np.array([flow, -flow])
    found = ImpactLaw(BOOK, 0.026, volume).of(flows)
    assert found[0] == -found[1]
    both = [BOOK * flows, square_root_impact(flows, 0.026, volume)]
    assert np.abs(found) == pytest.approx(np.min(np.abs(both), axis=0), rel=1e-15)


def test_small_orders_meet_the_book_and_large_ones_the_square_root() -> None:
    law = ImpactLaw(BOOK, daily_sd=0.026, volume_24h_usd=1e9)
    # both meet at Q = (s_d / lam)^2 / V
    border = (0.026 / BOOK) ** 2 / 1e9
    small, large = law.of(np.array([border / 4, border * 4]))
    assert small == pytest.approx(BOOK * border / 4)
    assert large == pytest.approx(2 * BOOK * border)


def test_without_a_volume_the_book_stands_alone() -> None:
    assert ImpactLaw(BOOK).of(np.array([1e9]))[0] == pytest.approx(1e9 * BOOK)


def test_a_volume_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="volume_24h_usd"):
        square_root_impact(np.ones(1), 0.026, 0.0)


def test_kyles_slope_is_found_with_an_error_that_covers_it() -> None:
    rng = np.random.default_rng(3)
    statistics = []
    for _ in range(400):
        flow = 1e6 * rng.standard_normal(1440)
        noise = rng.standard_normal(1440)
        returns = 2e-10 * flow + 2e-3 * (noise + 0.5 * np.roll(noise, 1))
        found = estimate_kyle_lambda(returns, flow)
        statistics.append((found.per_usd - 2e-10) / found.standard_error)
    # standard normal but for the small-sample bias of the variance: 400 draws put sd at +-0.035
    assert np.std(statistics) == pytest.approx(1.0, abs=0.15)
    assert found.t_statistic == pytest.approx(found.per_usd / found.standard_error)
    assert found.samples == 1440


def test_errors_that_follow_one_another_widen_the_error() -> None:
    rng = np.random.default_rng(4)
    shared = np.repeat(rng.standard_normal(144), 10)
    flow = 1e6 * (1 + 0.1 * rng.standard_normal(1440))
    returns = 1e-3 * shared
    plain = estimate_kyle_lambda(returns, flow, lags=0)
    robust = estimate_kyle_lambda(returns, flow)
    assert robust.per_usd == plain.per_usd
    assert robust.standard_error > 2 * plain.standard_error


def test_unknown_minutes_are_left_out_and_no_flow_says_nothing() -> None:
    returns, flow = np.array([0.01, np.nan, 0.02]), np.array([1e6, 1e6, 2e6])
    found = estimate_kyle_lambda(returns, flow)
    assert (found.per_usd, found.samples) == (pytest.approx(1e-8), 2)
    assert np.isnan(estimate_kyle_lambda(returns, np.zeros(3)).per_usd)
    with pytest.raises(ValueError, match="taker_usd"):
        estimate_kyle_lambda(returns, np.zeros(2))
