"""Liquidation prices, the modelled ladder and the cascade that it sets off."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks.conventions import FloatArray, Settlement
from loops.liquidation import (
    DERIBIT_MARGINS,
    LEVERAGE_MIX,
    REACH,
    Assumed,
    Ladder,
    Leveraged,
    cascade_count,
    estimate_ladders,
    expected_drop,
    liquidation_price,
    long_share,
)

LONG, SHORT = Leveraged.LONG, Leveraged.SHORT
SHARES = st.floats(0.1, 0.9)


@pytest.mark.parametrize(
    ("leverage", "prices"),
    [
        (10, (0.91818, 1.10000, 0.90909, 1.08911)),
        (25, (0.97115, 1.03125, 0.96970, 1.02970)),
        (50, (0.99020, 1.01020, 0.98990, 1.00990)),
    ],
)
def test_reference_liquidation_prices(leverage: float, prices: tuple[float, ...]) -> None:
    cases = [(book, side) for book in Settlement for side in (LONG, SHORT)]
    found = [liquidation_price(1.0, leverage, 0.01, *case) for case in cases]
    assert found == pytest.approx(prices, abs=5e-6)  # five decimals


@given(st.floats(1.5, 80), st.floats(0.001, 0.012), st.sampled_from([LONG, SHORT]))
def test_at_its_liquidation_price_a_position_has_its_maintenance_left(
    leverage: float, maintenance: float, side: Leveraged
) -> None:
    sign = 1.0 if side is LONG else -1.0
    price = float(liquidation_price(100.0, leverage, maintenance, Settlement.INVERSE, side))
    # one USD of an inverse contract: margin and result in coins
    equity = 1 / 100 / leverage + sign * (1 / 100 - 1 / price)
    assert equity == pytest.approx(maintenance / price, rel=1e-9)
    price = float(liquidation_price(100.0, leverage, maintenance, Settlement.LINEAR, side))
    equity = 100 / leverage + sign * (price - 100)
    assert equity == pytest.approx(maintenance * price, rel=1e-9)


def test_a_leverage_that_is_liquidated_at_once_is_refused() -> None:
    for leverage in (0.5, 100.0, 200.0, math.nan):
        with pytest.raises(ValueError, match="leverage: expected 1 to below 100"):
            liquidation_price(1.0, leverage, 0.01, Settlement.LINEAR, LONG)
    assert liquidation_price(1.0, 1, 0.01, Settlement.INVERSE, SHORT) == math.inf


def test_the_venues_margins_grow_with_the_position() -> None:
    btc, eth, sol = (DERIBIT_MARGINS[asset] for asset in ("BTC", "ETH", "SOL"))
    assert btc.max_leverage == eth.max_leverage == 50
    assert sol.max_leverage == 25
    # examples of the venue's own page: 25 and 350 BTC, 6,000 SOL
    assert btc.maintenance_of(25) == pytest.approx(0.01125, rel=1e-12)
    assert btc.maintenance_of(350) == pytest.approx(0.0275, rel=1e-12)
    assert sol.maintenance_of(6000) == pytest.approx(0.05, rel=1e-12)
    assert eth.maintenance_of(1000) == pytest.approx(0.014, rel=1e-12)


@pytest.mark.parametrize(
    ("rate", "share"),
    [(0, 0.5), (0.0005, 0.9), (-0.0005, 0.1), (0.01, 0.9), (0.0001, 0.58)],
)
def test_the_side_that_pays_is_the_larger_one(rate: float, share: float) -> None:
    assert long_share(rate) == pytest.approx(share, rel=1e-12)


def ladders(entries: FloatArray, share: float = 0.5) -> dict[Leveraged, Ladder]:
    return estimate_ladders(entries, 100.0, 1e6, Assumed(share, 0.01))


def test_positions_opened_now_are_liquidated_at_their_leverages_prices() -> None:
    found = ladders(np.array([100.0]), share=0.6)
    expected = {LONG: 600_000, SHORT: 400_000}
    for side, usd in expected.items():
        ladder = found[side]
        assert ladder.usd.sum() == pytest.approx(usd, rel=1e-12)
        for leverage, weight in LEVERAGE_MIX.items():
            price = liquidation_price(1.0, leverage, 0.01, Settlement.INVERSE, side)
            row = int(abs(np.log(price)) / ladder.edges[1])
            assert ladder.usd[row] == pytest.approx(usd * weight, rel=1e-12)


def test_what_a_fall_has_liquidated_is_no_longer_there() -> None:
    # those who bought at 100 with 10x and more were gone at 90
    found = ladders(np.array([100.0, 90.0]))[LONG]
    alive = {5.0: 2, 10.0: 1, 25.0: 1, 50.0: 1}
    assert found.usd.sum() <= 500_000
    five = LEVERAGE_MIX[5.0] * 1 / sum(LEVERAGE_MIX[x] * n for x, n in alive.items())
    price = liquidation_price(100.0, 5, 0.01, Settlement.INVERSE, LONG)
    row = int(abs(np.log(price / 100)) / found.edges[1])
    assert found.usd[row] == pytest.approx(500_000 * five, rel=1e-12)
    # 10x from 100 would go at 91.8: nothing of it is left
    gone = int(abs(np.log(0.91818)) / found.edges[1])
    assert found.usd[gone] == 0


@given(st.lists(st.floats(60, 160), min_size=1, max_size=40), SHARES)
def test_no_more_is_liquidated_than_there_is(entries: list[float], share: float) -> None:
    found = ladders(np.array([*entries, 100.0]), share)  # someone entered just now
    assert found[LONG].usd.min() >= 0
    assert found[LONG].usd.sum() <= 1e6 * share * (1 + 1e-12)
    assert found[SHORT].usd.sum() <= 1e6 * (1 - share) * (1 + 1e-12)


def test_a_ladder_of_nothing_is_unknown_not_empty() -> None:
    assert np.isnan(ladders(np.array([]))[LONG].usd).all()
    assert np.isnan(ladders(np.array([60.0]))[SHORT].usd).all()  # nobody is left of those
    unknown = estimate_ladders(np.array([100.0]), 100.0, math.nan, Assumed(0.5, 0.01))
    assert np.isnan(unknown[SHORT].usd).all()


def test_a_leverage_that_the_venue_does_not_grant_is_nobodys() -> None:
    found = estimate_ladders(np.array([100.0]), 100.0, 1e6, Assumed(1.0, 0.02, Settlement.LINEAR))
    assert found[LONG].usd.sum() == pytest.approx(1e6, rel=1e-12)
    assert np.count_nonzero(found[LONG].usd) == 3


def even(usd_per_log: float) -> Ladder:
    edges = np.linspace(0, REACH, 61)
    return Ladder(edges, usd_per_log * np.diff(edges))


@given(st.floats(0, 0.9), st.floats(0.001, 0.02))
def test_a_constant_branching_ratio_multiplies_the_shock(branching: float, shock: float) -> None:
    ladder = even(1e9)
    assert ladder.mean_per_log(0.05) == pytest.approx(1e9, rel=1e-12)
    assert ladder.branching(branching / 1e9) == pytest.approx(branching, rel=1e-9)
    drop = ladder.drop(shock, branching / 1e9)
    assert drop == pytest.approx(expected_drop(shock, branching), rel=1e-9)


def test_at_a_ratio_of_one_the_ladder_is_run_through_to_its_end() -> None:
    assert expected_drop(0.01, 1.0) == math.inf
    assert even(1e9).drop(0.01, 1.2e-9) == pytest.approx(0.01 + 1.2 * REACH, rel=1e-12)


@given(st.lists(st.floats(0, 1e8), min_size=60, max_size=60), st.floats(0, 0.1), st.floats(0, 5e-9))
def test_the_drop_is_the_first_fixed_point(usd: list[float], shock: float, lam: float) -> None:
    ladder = Ladder(np.linspace(0, REACH, 61), np.array(usd))
    drop = ladder.drop(shock, lam)
    traded = np.interp(drop, ladder.edges, np.append(0.0, np.cumsum(ladder.usd)))
    assert drop == pytest.approx(shock + lam * traded, rel=1e-9, abs=1e-12)
    assert drop >= shock * (1 - 1e-12)  # the last digit of an interpolation


@pytest.mark.parametrize(
    ("branching", "multiplier", "variance"),
    [(0.3, 1.4286, 14.58), (0.6, 2.5, 78.1), (0.8, 5.0, 625)],
)
def test_the_count_of_a_cascade(branching: float, multiplier: float, variance: float) -> None:
    found = cascade_count(0.1, 50, branching)
    assert found.mean / 5 == pytest.approx(multiplier, rel=1e-4)
    assert found.variance == pytest.approx(variance, rel=1e-3)

    rng = np.random.default_rng(8)
    born = rng.poisson(5, 40_000)
    total = born.copy()
    while born.any():
        born = rng.poisson(branching * born)
        total += born
    assert total.mean() == pytest.approx(found.mean, rel=0.02)
    assert total.var() == pytest.approx(found.variance, rel=0.05)


def test_a_cascade_that_runs_on_has_no_count() -> None:
    found = cascade_count(0.1, 50, 1.0)
    assert (found.mean, found.variance) == (math.inf, math.inf)
