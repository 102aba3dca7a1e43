"""The simulated market: exact where a law is exact, within its standard error where it is not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks.conventions import SECONDS_PER_YEAR, FloatArray
from loops.fold import find_equilibria
from loops.fundamental import Jumps, draw_fundamental
from loops.hedge_surface import HedgeSurface, compute_hedge_surface, log_nodes
from loops.impact import ImpactLaw
from loops.market import MarketPaths, simulate_market
from loops.reading import realised_volatility
from loops.trading import ALL_LOOPS, Friction, HedgeTiming, Hedging, Loop
from soak.market import (
    BAND_RATIOS,
    DECAY,
    IMPACT,
    SD,
    STEP,
    VARIANCE_RATIOS,
    linear_market,
    linear_surface,
    option_book_slopes,
    variance_ratios,
)
from tests.builders import make_chain

SHOCKS = SD * np.random.default_rng(5).standard_normal((200, 50))
ONE_SHOCK = np.vstack([np.full((1, 3), 0.01), np.zeros((5, 3))])
TWO_DAYS = np.arange(277) * 600.0
"""Two days in steps of ten minutes, up to twelve steps before the expiry."""


def returns_of(market: MarketPaths) -> FloatArray:
    return np.diff(market.log_price, axis=0)


@pytest.fixture(scope="module")
def two_day_book() -> HedgeSurface:
    """Dealers short 20,000 calls at the money."""
    chain = make_chain(strikes=(100_000.0,), days=(2.0,), kinds="C")
    return compute_hedge_surface(chain, np.array([-20_000.0]), TWO_DAYS, log_nodes(0.03))


def times(surface: HedgeSurface, factor: float) -> HedgeSurface:
    return replace(surface, target_coin=factor * surface.target_coin)


def whole_impact(permanence: float = 1.0, decay_per_s: float = 0.0) -> Friction:
    return Friction(ImpactLaw(IMPACT), 1.0, permanence, decay_per_s)


# hedging inside the step: (i)
@given(gain=st.floats(-5.0, 0.95))
def test_hedging_at_rest_moves_every_step_by_one_over_one_less_the_gain(gain: float) -> None:
    market = linear_market(gain, SHOCKS[:20])
    assert returns_of(market) == pytest.approx(SHOCKS[:20] / (1 - gain), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize(("gain", "ratio"), [(0.3, 1.4286), (0.5, 2.0), (-0.5, 0.6667), (-1, 0.5)])
def test_the_ratios_of_deviations_of_the_theory(gain: float, ratio: float) -> None:
    assert returns_of(linear_market(gain, SHOCKS)).std() / SHOCKS.std() == pytest.approx(
        ratio, abs=5e-5
    )


@pytest.mark.parametrize(("rounds", "ratio"), [(1, 1.5), (2, 1.75), (3, 1.875), (20, 2 - 2**-20)])
def test_a_few_rounds_of_hedging_answer_a_shock_in_part(rounds: int, ratio: float) -> None:
    market = linear_market(0.5, ONE_SHOCK, Hedging(HedgeTiming.ROUNDS, rounds))
    assert market.log_price[1] == pytest.approx(0.01 * ratio, rel=1e-12)
    # what a step leaves open is hedged in the next ones
    assert market.log_price[-1] == pytest.approx(0.02, rel=0.02)


# hedging a step late: (ii)
def test_late_hedging_is_an_autoregression_of_order_one() -> None:
    found = returns_of(linear_market(0.5, SHOCKS, Hedging(HedgeTiming.LATE)))
    expected = np.zeros(SHOCKS.shape[1])
    for shock, row in zip(SHOCKS, found, strict=True):
        expected = shock + 0.5 * expected
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("gain", [0.5, -0.5])
def test_late_hedging_has_the_deviation_and_autocorrelation_of_the_theory(gain: float) -> None:
    shocks = SD * np.random.default_rng(6).standard_normal((600, 500))
    found = returns_of(linear_market(gain, shocks, Hedging(HedgeTiming.LATE)))[50:]
    # 275,000 steps: the error of the ratio is below 0.2 %, of the correlation 0.002
    assert found.std() / SD == pytest.approx((1 - gain**2) ** -0.5, rel=0.01)
    lagged = np.mean(found[1:] * found[:-1]) / found.var()
    assert lagged == pytest.approx(gain, abs=0.01)
    long_run = found.sum(axis=0).std() / SD / np.sqrt(len(found))
    # 500 sums: an error of 3.2 %
    assert long_run == pytest.approx(1 / (1 - gain), rel=0.13)


# impact that decays: (iii)
@pytest.mark.parametrize("gain", [0.5, -1.0])
def test_decaying_impact_follows_its_recursion_on_every_path(gain: float) -> None:
    kept, spread = np.exp(-0.1), -np.expm1(-0.1) / 0.1
    market = linear_market(gain, SHOCKS, permanence=0.0, decay_per_step=0.1)
    impact = np.zeros(SHOCKS.shape[1])
    for shock, row in zip(SHOCKS, returns_of(market), strict=True):
        move = (shock - (1 - kept) * impact) / (1 - gain * spread)
        impact = kept * impact + gain * spread * move
        assert row == pytest.approx(move, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("gain", VARIANCE_RATIOS)
def test_variance_ratios_fall_or_rise_with_the_horizon_as_the_theory_says(gain: float) -> None:
    taus = list(VARIANCE_RATIOS[gain])[:-1]
    found, errors = variance_ratios(
        gain,
        [round(tau / STEP) for tau in taus],
        steps=400_000,
        seed=8,
        permanence=0.0,
        decay_per_step=DECAY * STEP,
    )
    for tau, ratio, error in zip(taus, found, errors, strict=True):
        # four errors of the estimate, and what steps of a finite length change: half of kap A dt
        tolerance = 4 * error + VARIANCE_RATIOS[gain][tau] * DECAY * STEP / (1 - gain)
        assert ratio == pytest.approx(VARIANCE_RATIOS[gain][tau], abs=tolerance)


def test_a_band_lowers_short_horizons_and_leaves_the_long_run() -> None:
    hedging = Hedging(HedgeTiming.ROUNDS, band_coin=3 * SD)
    found, errors = variance_ratios(0.5, list(BAND_RATIOS)[:2], 400_000, 9, hedging)
    for (_, expected), ratio, error in zip(BAND_RATIOS.items(), found, errors, strict=False):
        # the vectors have two decimals
        assert ratio**0.5 == pytest.approx(expected, abs=0.01 + 4 * error / (2 * ratio**0.5))


# a real option book
@pytest.mark.parametrize("position", [-20_000.0, 20_000.0])
def test_the_slope_of_return_on_shock_is_one_over_one_less_the_gain(position: float) -> None:
    for gain, slope, law, error in option_book_slopes(position, paths=40, nodes=801):
        # a step moves the price within its bucket: the law is exact for small steps alone
        assert slope == pytest.approx(law, abs=0.003 * law + 4 * error), gain


def test_short_gamma_widens_and_long_gamma_narrows(two_day_book: HedgeSurface) -> None:
    fundamental = draw_fundamental(2, 2000, TWO_DAYS, 0.5)
    volatility, furthest = {}, {}
    for name, factor in (("short", 1.0), ("none", 0.0), ("long", -1.0)):
        surface = times(two_day_book, factor)
        found = simulate_market(surface, fundamental, whole_impact(), Hedging())
        volatility[name] = np.median(realised_volatility(found.log_price, TWO_DAYS))
        furthest[name] = np.quantile(np.abs(found.log_price).max(axis=0), 0.99)
    assert volatility == pytest.approx({"short": 0.621, "none": 0.499, "long": 0.401}, abs=0.02)
    assert furthest == pytest.approx({"short": 0.112, "none": 0.102, "long": 0.090}, abs=0.01)


# laws of the whole
def test_without_loops_the_price_is_the_fundamental_with_its_volatility(
    two_day_book: HedgeSurface,
) -> None:
    fundamental = draw_fundamental(3, 1000, TWO_DAYS, 0.5)
    found = simulate_market(two_day_book, fundamental, whole_impact(), Hedging(), frozenset())
    assert np.abs(found.log_price - fundamental).max() < 1e-12
    # 276,000 steps: an error of 0.13 %
    sd = np.sqrt(np.mean(realised_volatility(fundamental, TWO_DAYS) ** 2))
    assert sd == pytest.approx(0.5, rel=0.02)
    assert found.silent_coin == pytest.approx(two_day_book.target(-1, fundamental[-1]), abs=1e-7)
    assert np.abs(found.dealer_coin).max() < 1e-7


@pytest.mark.parametrize("loops", [ALL_LOOPS, frozenset({Loop.GAMMA}), frozenset({Loop.CHARM})])
@pytest.mark.parametrize("timing", HedgeTiming)
def test_the_price_is_the_sum_of_its_parts_and_the_books_balance(
    two_day_book: HedgeSurface, loops: frozenset[Loop], timing: HedgeTiming
) -> None:
    hedging = Hedging(timing, rounds=3, band_coin=20.0, most_coin_per_s=0.5)
    friction = whole_impact(permanence=0.3, decay_per_s=1 / 3600)
    found = simulate_market(
        times(two_day_book, 0.4),
        draw_fundamental(4, 50, TWO_DAYS, 0.5),
        friction,
        hedging,
        loops,
        forced=lambda x: np.full_like(x, 2e5),
    )
    parts = found.fundamental + found.permanent + found.transient
    assert np.abs(found.log_price - parts).max() < 1e-12
    traded = found.dealer_coin + found.forced_coin
    assert found.permanent[-1] == pytest.approx(0.3 * IMPACT * traded.sum(axis=0), abs=1e-12)
    asked = found.gamma_coin + found.vanna_coin + found.charm_coin
    booked = found.dealer_coin.sum(axis=0) + found.silent_coin + found.waiting_coin
    assert asked == pytest.approx(booked, abs=1e-7)
    assert np.abs(found.dealer_coin).max() <= 0.5 * 600 * (1 + 1e-12)


def test_a_seed_gives_the_same_paths_and_another_one_others() -> None:
    jumps = Jumps(per_day=3.0, mean=-0.02, deviation=0.03)
    first, again = (draw_fundamental(1, 20, TWO_DAYS, 0.5, jumps) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, draw_fundamental(2, 20, TWO_DAYS, 0.5, jumps))


def test_jumps_come_as_often_and_as_large_as_asked() -> None:
    seconds = np.arange(145) * 600.0
    paths = draw_fundamental(9, 4000, seconds, 0.0, Jumps(2.4, -0.05, 0.06))
    assert (np.diff(paths, axis=0) != 0).sum() / 4000 == pytest.approx(2.4, rel=0.04)
    assert paths[-1].mean() == pytest.approx(-0.05 * 2.4, rel=0.08)


def test_a_shock_is_a_move_of_every_path_in_the_first_step() -> None:
    calm, shocked = (draw_fundamental(1, 5, TWO_DAYS, 0.5, shock=s) for s in (0.0, -0.03))
    assert shocked[1:] - calm[1:] == pytest.approx(-0.03)


def test_a_shock_past_the_fold_lands_on_the_far_equilibrium(two_day_book: HedgeSurface) -> None:
    # two hours before the expiry, and eight times the book: between the roots no trade rests
    last = len(TWO_DAYS) - 1
    target = 8 * (two_day_book.target_coin[last] - two_day_book.target(last, np.zeros(1)))
    nodes = two_day_book.log_move
    flat = np.broadcast_to(target, (2, len(nodes)))
    surface = HedgeSurface(nodes, np.array([0.0, 60.0]), flat, np.zeros((2, len(nodes))))
    for shock in (0.0005, -0.0005, 0.02):
        fundamental = np.vstack([np.zeros(1), np.full(1, shock)])
        found = simulate_market(surface, fundamental, whole_impact(), Hedging()).log_price[-1, 0]
        roots = find_equilibria(nodes, target, IMPACT, shock)
        ahead = roots[(roots > shock) if shock > 0 else (roots < shock)]
        assert found == pytest.approx(min(ahead, key=abs), rel=1e-9)
        assert abs(found) > 0.05


def test_forced_selling_multiplies_a_fall_by_its_branching_ratio_once() -> None:
    surface = linear_surface(0.0, 4)
    falls = np.array([0.0, -0.01, 0.0, -0.01, -0.03])
    found = simulate_market(
        surface,
        falls[:, None],
        Friction(ImpactLaw(1.0), 1.0, 1.0),
        Hedging(),
        forced=lambda x: np.full_like(x, 0.6),
    )
    # 0.01 / (1 - 0.6) at first; back and down again forces nobody twice
    assert found.log_price[:4, 0] == pytest.approx([0, -0.025, -0.015, -0.025])
    assert found.log_price[4, 0] == pytest.approx(-0.03 / (1 - 0.6))


def test_liquidations_and_hedges_add_up_to_one_gain() -> None:
    # 1 / (1 - .2 - .6), and 1 / (1 - .3 - .3)
    for gain, branching, factor in ((0.2, 0.6, 5.0), (0.3, 0.3, 2.5)):
        found = simulate_market(
            linear_surface(gain, 1),
            np.array([[0.0], [-0.01]]),
            Friction(ImpactLaw(1.0), 1.0, 1.0),
            Hedging(),
            forced=lambda x, n=branching: np.full_like(x, n),
        )
        assert found.log_price[1, 0] == pytest.approx(-0.01 * factor, rel=1e-9)


def test_a_square_root_impact_tames_large_hedges(two_day_book: HedgeSurface) -> None:
    fundamental = draw_fundamental(5, 200, TWO_DAYS, 0.5)
    capped = replace(whole_impact(), law=ImpactLaw(IMPACT, 0.026, 2e6))
    plain, tamed = (
        returns_of(simulate_market(two_day_book, fundamental, friction, Hedging())).std()
        for friction in (whole_impact(), capped)
    )
    assert 0.5 * np.sqrt(600 / SECONDS_PER_YEAR) < tamed < plain


def test_wrong_shapes_and_rules_are_refused(two_day_book: HedgeSurface) -> None:
    with pytest.raises(ValueError, match="fundamental: expected 277 times, was 2"):
        simulate_market(two_day_book, np.zeros((2, 1)), whole_impact(), Hedging())
    with pytest.raises(ValueError, match="rounds"):
        Hedging(HedgeTiming.ROUNDS, rounds=0)
    with pytest.raises(ValueError, match="forced"):
        simulate_market(
            two_day_book,
            np.zeros((277, 1)),
            whole_impact(),
            Hedging(),
            forced=lambda x: -np.ones_like(x),
        )
