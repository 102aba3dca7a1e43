"""Regressions: what is established is used, what is not is said."""

import numpy as np
import pytest

from dealers.response import estimate_spot_vol_beta, estimate_vega_impact, estimate_vega_pressure

RNG = np.random.default_rng(5)
RETURNS = RNG.normal(0, 0.005, 168)
NOISE = RNG.normal(0, 0.002, 168)


def test_a_spot_vol_beta_is_found_and_agrees_with_least_squares() -> None:
    changes = -0.5 * RETURNS + NOISE
    beta = estimate_spot_vol_beta(RETURNS, changes)
    slope, _ = np.polyfit(RETURNS, changes, 1)
    assert beta.slope == pytest.approx(slope, rel=1e-9)
    assert beta.used == beta.slope
    assert beta.reason is None
    assert beta.samples == 168
    assert beta.r_squared == pytest.approx(np.corrcoef(RETURNS, changes)[0, 1] ** 2, rel=1e-9)


def test_a_weak_or_short_sample_means_sticky_strike_and_says_so() -> None:
    weak = estimate_spot_vol_beta(RETURNS, NOISE)
    assert weak.used == 0
    assert weak.reason is not None
    assert "R^2" in weak.reason
    short = estimate_spot_vol_beta(RETURNS[:5], -RETURNS[:5])
    assert short.used == 0
    assert short.reason == "expected 24 samples, was 5"
    flat = estimate_spot_vol_beta(np.zeros(100), NOISE[:100])
    assert flat.used == 0


def test_unknown_hours_are_left_out() -> None:
    returns = RETURNS.copy()
    returns[::3] = np.nan
    assert estimate_spot_vol_beta(returns, -0.5 * RETURNS).samples == 112


def test_vega_pressure_moves_volatility_only_when_the_impact_is_established() -> None:
    vega = RNG.normal(0, 1e5, 168)
    impact = estimate_vega_impact(vega, 2e-6 * vega + RNG.normal(0, 0.1, 168))
    assert impact.used == pytest.approx(2e-6, rel=0.2)
    pressure = estimate_vega_pressure(-300_000.0, impact)
    assert pressure.vega_usd_per_pt == 300_000.0
    assert pressure.iv_points == pytest.approx(0.6, rel=0.2)
    unknown = estimate_vega_impact(vega[:40], np.tile([0.1, -0.1], 20))
    assert unknown.reason is not None
    assert np.isnan(estimate_vega_pressure(-300_000.0, unknown).iv_points)


def test_a_perfect_fit_is_established() -> None:
    assert estimate_vega_impact(RETURNS, 2 * RETURNS).used == pytest.approx(2.0)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="equal shapes"):
        estimate_spot_vol_beta(RETURNS, NOISE[:3])
