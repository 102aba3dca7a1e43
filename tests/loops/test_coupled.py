"""The two-factor loop against its worked example, its geometric series, and a change of units."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dealers.hedging import compute_hedge_flow
from greeks.conventions import Exposure
from greeks.exposure import compute_exposure
from loops.coupled import couple, vanna_loop_gain, vega_loop_gain
from loops.gain import amplification, gamma_loop_gain
from loops.impact import impact_per_usd
from tests.builders import make_chain

GAINS = st.floats(-3, 3)
SCALES = st.floats(1e-3, 1e3)


def test_the_worked_example() -> None:
    loop = couple(0.3, 0.05, -0.4, 0.25)
    # the reference has five digits
    assert loop.radius == pytest.approx(0.30822, abs=5e-6)
    assert loop.is_stable
    assert loop.response is not None
    expected = [[1.3761, 0.0917], [-0.7339, 1.2844]]
    np.testing.assert_allclose(loop.response, expected, atol=5e-5)


@pytest.mark.parametrize(("gamma", "liquidations", "expected"), [(0.3, 0.3, 2.5), (0.2, 0.6, 5.0)])
def test_liquidations_add_to_the_gain_of_gamma(
    gamma: float, liquidations: float, expected: float
) -> None:
    loop = couple(gamma + liquidations, 0.0, 0.0, 0.0)
    assert loop.response is not None
    assert loop.response[0, 0] == pytest.approx(expected, rel=1e-12)
    assert loop.response[0, 0] == pytest.approx(amplification(gamma + liquidations), rel=1e-12)


@given(GAINS, GAINS, GAINS, GAINS)
@example(1.0, 0.0, 0.0, 1.0)
@example(-1.0, 0.0, 0.0, 0.0)
@example(1.0, 1.0, 0.0, 1.0)
def test_it_is_stable_exactly_where_the_rounds_die_out_and_answers_with_their_sum(
    a: float, b: float, c: float, d: float
) -> None:
    loop = couple(a, b, c, d)
    assume(abs(loop.radius - 1) > 1e-3 or loop.radius == 1)
    # 2^16 rounds: at a radius of 0.999 what is left of them is exp(-65)
    rounds, power = np.eye(2), loop.gains
    for _ in range(16):
        if np.abs(power).max() > 1e100:
            break
        rounds, power = rounds + power @ rounds, power @ power
    assert loop.is_stable is bool(np.abs(power).max() < 1e-6)
    assert (loop.response is not None) is loop.is_stable
    if loop.response is not None:
        # relative to the largest entry: the others cancel
        largest = np.abs(rounds).max()
        np.testing.assert_allclose(loop.response, rounds, rtol=0, atol=1e-9 * largest)


@given(GAINS, GAINS, GAINS, GAINS, SCALES)
def test_another_unit_of_volatility_changes_no_radius_and_no_answer(
    a: float, b: float, c: float, d: float, scale: float
) -> None:
    one, other = couple(a, b, c, d), couple(a, b / scale, c * scale, d)
    # eigenvalues of a defective matrix are good to the root of the rounding, of the larger one
    error = 1e-7 * max(np.abs(one.gains).max(), np.abs(other.gains).max())
    assert other.radius == pytest.approx(one.radius, abs=error)
    if one.radius < 0.99 and one.response is not None and other.response is not None:
        in_first_unit = other.response * [[1, scale], [1 / scale, 1]]
        # a determinant near 0 is a difference of numbers up to 16
        determinant = float(np.linalg.det(np.eye(2) - one.gains))
        error = 1e-12 / determinant
        np.testing.assert_allclose(in_first_unit, one.response, rtol=error, atol=1e-300)


@given(GAINS, GAINS, GAINS, GAINS)
@example(-0.5, -1.0, 1.0, 1.0)
@example(-0.9, -1.0, 1.0, 1.2)
def test_the_gain_of_spot_counts_the_way_through_volatility(
    a: float, b: float, c: float, d: float
) -> None:
    loop = couple(a, b, c, d)
    # a determinant near 0 has lost its digits
    assume(not loop.is_stable or np.linalg.det(np.eye(2) - loop.gains) > 1e-6)
    if loop.response is None or d >= 1:
        assert math.isnan(loop.spot_gain)
    elif d < 1 - 1e-6:
        # both sides are 1 - something
        size = 1 + abs(b * c) / (1 - d)
        assert loop.spot_gain == pytest.approx(a + b * c / (1 - d), abs=1e-9 * size)
        assert amplification(loop.spot_gain) == pytest.approx(loop.response[0, 0], rel=1e-9)


@given(st.floats(-0.9, 0.9), GAINS, st.floats(-0.9, 0.9))
def test_one_way_couplings_never_make_a_loop_of_two_stable_ones(
    spot: float, coupling: float, vega: float
) -> None:
    assert couple(spot, coupling, 0.0, vega).is_stable
    alone = couple(spot, 0.0, 0.0, vega).response
    assert alone is not None
    expected = np.diag([1 / (1 - spot), 1 / (1 - vega)])
    np.testing.assert_allclose(alone, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("unknown", range(4))
def test_what_one_unknown_entry_would_do_is_unknown(unknown: int) -> None:
    gains = [0.1, 0.1, 0.1, 0.1]
    gains[unknown] = math.nan
    loop = couple(*gains)
    assert math.isnan(loop.radius)
    assert (loop.is_stable, loop.response) == (None, None)


# The gains in their units


@given(
    st.floats(-1e8, 1e8), st.floats(1e-14, 1e-8), st.floats(-1e8, 1e8), st.floats(-1e-7, 1e-7),
    st.floats(0.01, 10),
)  # fmt: skip
def test_gains_are_the_same_in_points_as_in_fractions(
    vanna: float, lam_eff: float, vega: float, impact: float, reaction: float
) -> None:
    # per 1.00 of volatility: 100 times the USD, for a return that is a fraction
    assert vanna_loop_gain(vanna, lam_eff) == pytest.approx(-(100 * vanna) * lam_eff, rel=1e-12)
    per_point = vega_loop_gain(vega, impact, reaction)
    # vega per 1.00 is 100 times that per point, k_v a fraction per USD of it, the reaction per 1.00
    per_one = vega_loop_gain(100 * vega, impact / 100 / 100, 100 * reaction)
    assert per_one == pytest.approx(per_point, rel=1e-12)


def test_the_gain_of_vanna_is_that_of_the_exact_hedge() -> None:
    """A point of volatility: what dealers buy for it, times impact, over one point."""
    chain = make_chain(strikes=(90_000.0, 110_000.0), days=(30,), kinds="C")
    position = np.array([-500.0, 800.0])
    lam_eff = 0.3 * impact_per_usd(30e6)
    snapshot = compute_exposure(chain, position, "test")
    vanna_usd = snapshot.net_of(Exposure.VANNA) * chain.index_price
    # a move so small that what comes of it is volatility's answer alone: 1 point per 0.01 %
    flow = compute_hedge_flow(chain, position, np.array([1e-4]), np.zeros(1), 1e2)
    iv_points = 1e-4 * 1e2
    exact = float(flow.vanna_coin[0]) * chain.index_price * lam_eff / (iv_points / 100)
    # the second order of a hundredth of a point
    assert vanna_loop_gain(vanna_usd, lam_eff) == pytest.approx(exact, rel=1e-3)
    assert vanna_loop_gain(vanna_usd, lam_eff) != 0


def test_the_gain_of_gamma_is_of_the_same_kind() -> None:
    """Both are what is bought for a hundredth, times impact, over a hundredth."""
    assert vanna_loop_gain(-50e6, 1e-10) == gamma_loop_gain(-50e6, 1e-10, 1.0)


def test_only_dealers_who_are_short_vega_buy_it_back() -> None:
    assert vega_loop_gain(-2e6, 1e-7) == pytest.approx(0.2)
    assert vega_loop_gain(-2e6, 1e-7, 0.5) == pytest.approx(0.1)
    assert vega_loop_gain(2e6, 1e-7) == 0
    assert vega_loop_gain(2e6, math.nan) == 0, "there is nothing to buy"
    assert math.isnan(vega_loop_gain(-2e6, math.nan)), "an impact not established is not none"
    assert math.isnan(vega_loop_gain(math.nan, 1e-7))
