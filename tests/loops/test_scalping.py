"""The scalping identity on seeded paths, the noise of hedging in steps, the two parts of a P&L."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks.conventions import FloatArray
from loops.scalping import HedgedOption, hedging_noise_usd, scalp, split_pnl

OPTION = HedgedOption(strike_usd=1e5, years=30 / 365, implied_vol=0.5)
PATHS = 4000
STANDARD_ERRORS = 3.5
"""Once in two thousand draws the mean of as many paths lies further off; the seeds are fixed."""


def draw_paths(realised_vol: float, hedges: int, seed: int) -> FloatArray:
    """(P, n + 1) lognormal paths of a fair forward from 100,000 USD."""
    rng = np.random.default_rng(seed)
    sd = realised_vol * np.sqrt(OPTION.years / hedges)
    steps = sd * rng.standard_normal((PATHS, hedges)) - sd**2 / 2
    logs = np.concatenate([np.zeros((PATHS, 1)), np.cumsum(steps, axis=1)], axis=1)
    return np.asarray(1e5 * np.exp(logs))


def price(iv: float) -> float:
    return float(OPTION.greeks(np.array([1e5]), OPTION.years, iv).price[0])


def standard_error(values: FloatArray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


# n hedges, and the deviation of the gap that 20,000 reference paths had
@pytest.mark.parametrize(("hedges", "gap_usd"), [(30, 1183.0), (180, 503.0), (720, 251.0)])
def test_a_hedged_option_earns_what_realised_volatility_has_over_implied(
    hedges: int, gap_usd: float
) -> None:
    found = scalp(OPTION, draw_paths(0.6, hedges, seed=hedges), 0.6)
    expected = price(0.6) - price(0.5)
    assert 1138 < expected < 1151, "the reference's own range"
    for values in (found.pnl_usd, found.identity_usd):
        assert abs(values.mean() - expected) < STANDARD_ERRORS * standard_error(values)
    gap = found.pnl_usd - found.identity_usd
    assert abs(gap.mean()) < STANDARD_ERRORS * standard_error(gap)
    # the deviation of 4,000 heavy-tailed gaps is good to 2 % or so
    assert gap.std(ddof=1) == pytest.approx(gap_usd, rel=0.06)


# the reference's simulated deviations beside the formula's
@pytest.mark.parametrize(
    ("hedges", "formula_usd", "simulated_usd"), [(30, 923, 883), (180, 377, 371), (720, 188, 186)]
)
def test_hedging_in_steps_is_noise_that_falls_with_their_root(
    hedges: int, formula_usd: float, simulated_usd: float
) -> None:
    vega = float(OPTION.greeks(np.array([1e5]), OPTION.years, 0.5).vega[0])
    noise = hedging_noise_usd(vega, 0.5, hedges)
    assert noise == pytest.approx(formula_usd, abs=0.6)
    assert hedging_noise_usd(vega, 0.5, 4 * hedges) == pytest.approx(noise / 2, rel=1e-12)
    found = scalp(OPTION, draw_paths(0.5, hedges, seed=7 + hedges), 0.5)
    assert (found.identity_usd == 0).all()
    pnl = found.pnl_usd
    assert abs(pnl.mean()) < STANDARD_ERRORS * standard_error(pnl)
    assert pnl.std(ddof=1) == pytest.approx(simulated_usd, rel=0.06)
    assert pnl.std(ddof=1) == pytest.approx(noise, rel=0.06)


def test_a_path_that_stands_still_costs_the_premium_in_time() -> None:
    still = np.full((1, 2881), 1e5)
    found = scalp(OPTION, still, 0.0)
    assert found.pnl_usd[0] == -price(0.5)
    # theta summed over steps: its singular end leaves the root of one step
    assert found.identity_usd[0] == pytest.approx(-price(0.5), rel=2 / np.sqrt(2880))


@pytest.mark.parametrize("shape", [(3,), (3, 1), (0, 1)])
def test_paths_without_a_step_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="paths_usd"):
        scalp(OPTION, np.full(shape, 1e5), 0.5)


@given(st.floats(0.7, 1.4), st.floats(0.01, 1.0), st.floats(0.05, 2.0))
def test_the_parts_of_a_pnl_are_gamma_with_theta_and_vega(
    move: float, years_left: float, iv: float
) -> None:
    before, after = np.array([1e5]), np.array([1e5 * move])
    left = OPTION.years * years_left
    found = split_pnl(OPTION, before, after, left, iv)
    start = OPTION.greeks(before, OPTION.years, 0.5)
    end = OPTION.greeks(after, left, iv).price
    total = end - start.price - start.delta * (after - before)
    # prices to 1e-16 of the forward
    np.testing.assert_allclose(found.total_usd, total, rtol=0, atol=1e-9)
    assert found.vega_usd[0] * np.sign(iv - 0.5) >= -1e-9, "an option rises with its volatility"
    calm = split_pnl(OPTION, before, after, left, 0.5)
    assert (calm.vega_usd == 0).all(), "a volatility that stays brings nothing"


def test_a_small_step_scalps_gamma_against_theta_and_sold_volatility_is_vega() -> None:
    before, day = np.array([1e5]), 1 / 365
    greeks = OPTION.greeks(before, OPTION.years, 0.5)
    gain = split_pnl(OPTION, before, np.array([100_500.0]), OPTION.years - day, 0.5)
    scalped = 0.5 * greeks.gamma * 500.0**2 + greeks.theta * day
    # the third order of a day
    np.testing.assert_allclose(gain.gamma_theta_usd, scalped, rtol=0.05)
    # one that moves by its implied volatility breaks even
    even = 1e5 * (1 + 0.5 * np.sqrt(day))
    quiet = split_pnl(OPTION, before, np.array([even]), OPTION.years - day, 0.5)
    assert abs(quiet.total_usd[0]) < 0.05 * abs(greeks.theta[0] * day)
    sold = split_pnl(OPTION, before, before, OPTION.years, 0.49)
    np.testing.assert_allclose(sold.vega_usd, -greeks.vega * 0.01, rtol=1e-3)
    assert (sold.gamma_theta_usd == 0).all()
