"""Funding against the venues' rules, and the laws of the loop that it closes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loops.funding import (
    CAP,
    DEAD_BAND,
    PremiumLoop,
    Push,
    continuous_rate,
    funding_loop_gain,
    funding_usd,
    interval_rate,
    read_funding,
)

PREMIUMS = st.floats(-0.1, 0.1)
RATES = st.floats(0, 20)
SPANS = st.floats(0.05, 20)


@pytest.mark.parametrize(
    ("premium", "continuous", "interval"),
    [
        (-1, -0.5, -0.95),
        (-0.1, -0.075, -0.05),
        (-0.025, 0, 0.01),
        (0, 0, 0.01),
        (0.01, 0, 0.01),
        (0.025, 0, 0.01),
        (0.06, 0.035, 0.01),
        (0.1, 0.075, 0.05),
        (1, 0.5, 0.95),
    ],
)
def test_the_two_rules_in_per_cent(premium: float, continuous: float, interval: float) -> None:
    # rounding of one subtraction of fractions near 1e-4
    assert 100 * continuous_rate(premium / 100) == pytest.approx(continuous, abs=1e-12)
    assert 100 * interval_rate(premium / 100) == pytest.approx(interval, abs=1e-12)


@pytest.mark.parametrize("steps", [1, 7, 480])
def test_a_million_long_at_a_premium_of_a_tenth_of_a_per_cent_pays_750(steps: int) -> None:
    rate = float(continuous_rate(0.001))
    paid = math.fsum(funding_usd(1e6, rate, 8 / steps) for _ in range(steps))
    assert paid == pytest.approx(750, rel=1e-12)
    assert funding_usd(-1e6, rate, 8) == pytest.approx(-750, rel=1e-12)


@given(PREMIUMS, PREMIUMS)
def test_continuous_funding_is_odd_rises_with_the_premium_and_keeps_to_its_cap(
    one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert continuous_rate(low) <= continuous_rate(high)
    assert continuous_rate(-low) == -continuous_rate(low)
    assert abs(continuous_rate(low)) <= CAP
    assert (continuous_rate(low) == 0) == (abs(low) <= DEAD_BAND)


def test_an_unknown_premium_has_unknown_funding() -> None:
    assert np.isnan(continuous_rate(math.nan))
    assert np.isnan(interval_rate(math.nan))


def test_a_reading_says_what_a_day_and_a_year_cost() -> None:
    found = read_funding(0.0001, 0.00005, 800e6, 5e6)
    assert found.per_year == pytest.approx(0.1095, rel=1e-12)
    assert found.paid_usd_per_day == pytest.approx(240_000, rel=1e-12)
    assert found.realised_8h == 0.00005


@pytest.mark.parametrize(
    ("rate", "gex", "stacked", "pushes"),
    [
        (0.0001, -5e6, True, Push.DOWN),
        (-0.0001, -5e6, True, Push.UP),
        (0.0001, 5e6, False, None),
        (0.0, -5e6, False, None),
        (math.nan, -5e6, None, None),
        (0.0001, math.nan, None, None),
    ],
)
def test_funding_and_short_gamma_stack(
    rate: float, gex: float, stacked: bool | None, pushes: Push | None
) -> None:
    found = read_funding(rate, rate, 800e6, gex)
    assert (found.is_stacked, found.pushes) == (stacked, pushes)


def test_a_reading_of_nothing_is_unknown_not_zero() -> None:
    found = read_funding(math.nan, math.nan, math.nan, math.nan)
    assert np.isnan([found.rate_8h, found.per_year, found.paid_usd_per_day]).all()
    assert np.isnan(read_funding(0.0001, 0.0001, math.nan, 0.0).paid_usd_per_day)


def test_the_funding_loop_dampens_where_a_move_changes_funding() -> None:
    gain = funding_loop_gain(0.0001, 800e6, 5e-11, unwind=10)
    assert gain == pytest.approx(-0.4, rel=1e-12)
    for still in (0.0, CAP, -CAP):
        assert funding_loop_gain(still, 800e6, 5e-11) == 0
    for inputs in ((math.nan, 1.0, 1.0), (1e-4, math.nan, 1.0), (0.0, 1.0, math.nan)):
        assert math.isnan(funding_loop_gain(*inputs))


@given(RATES, RATES, st.floats(0, 1), SPANS, SPANS)
def test_no_premium_grows_unless_momentum_outruns_arbitrage(
    arbitrage: float, unwind: float, share: float, delay: float, memory: float
) -> None:
    loop = PremiumLoop(arbitrage, unwind, share * arbitrage, delay, memory)
    # eigenvalues of a matrix with entries up to 40, near a double root
    assert loop.growth_rate() <= 1e-6


def test_a_premium_that_momentum_feeds_swings_ever_wider() -> None:
    loop = PremiumLoop(arbitrage=1.0, unwind=4.0, entry=6.0)
    assert loop.growth_rate() > 0
    assert np.abs(np.linalg.eigvals(loop.matrix()).imag).max() > 0
    assert PremiumLoop(arbitrage=1.0, unwind=4.0, entry=0.9).growth_rate() < 0
