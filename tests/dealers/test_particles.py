"""E2: clouds of inventories that trades move and open interest weighs."""

import numpy as np
import pytest

from dealers.flow import InstrumentFlow
from dealers.particles import Block, Cloud, advance, blur, drift, seed_cloud, summarise
from greeks.conventions import FloatArray

BUY, SELL = 1.0, -1.0
INTEREST = np.array([100.0])


def cloud_of(position: FloatArray, interest: float = 100.0, seed: int = 1) -> Cloud:
    return seed_cloud(position, interest, InstrumentFlow(), np.random.default_rng(seed))


def block(*signed: float) -> Block:
    return Block(np.array(signed), np.zeros(len(signed), np.int64))


def spread(seed: int = 1) -> Cloud:
    return cloud_of(np.random.default_rng(seed).uniform(-100, 100, 600), seed=seed)


def mean_after(block: Block, interest: float, cloud: Cloud | None = None) -> float:
    rng = np.random.default_rng(2)
    moved = advance([cloud or spread()], [block], np.array([interest]), rng)
    return float(summarise(moved, np.array([interest])).mean[0])


def test_dealers_sell_what_customers_buy() -> None:
    start = cloud_of(np.zeros(4000), 1000.0)
    rng = np.random.default_rng(2)
    moved = drift([start], [block(*[BUY] * 100)], rng)[0].position_coin
    assert -93 < moved.mean() < -80, "more than a - c = .80, for prints that all buy tell a lean"


@pytest.mark.parametrize(
    ("sign", "step", "short"), [(BUY, 40, True), (BUY, -40, False), (SELL, 40, False)]
)
def test_a_step_of_open_interest_tells_the_side_of_the_dealers(
    sign: float, step: float, short: bool
) -> None:
    """Interest that rises on a customer's purchase says that dealers were not long."""
    cloud = spread()
    trades = block(*[sign * 10.0] * 4)
    told = mean_after(trades, 100.0 + step, cloud)
    neutral = mean_after(trades, 100.0, cloud)
    assert (told < neutral) if short else (told > neutral)


def test_open_interest_bounds_the_cloud() -> None:
    rng = np.random.default_rng(4)
    clouds, small = [spread()], np.array([20.0])
    for _ in range(4):
        clouds = advance(clouds, [block(0.5, -0.5)], small, rng)
    found = summarise(clouds, small)
    assert np.abs(found.quantiles).max() <= 20.0
    assert np.abs(clouds[0].position_coin).max() < 30.0


def test_an_empty_block_and_an_unchanged_interest_change_no_mean() -> None:
    cloud = spread()
    before = summarise([cloud], INTEREST).mean[0]
    assert mean_after(block(), 100.0, cloud) == pytest.approx(before)


def test_clouds_advance_apart() -> None:
    """Side by side with longer blocks, each cloud still only moves by its own trades."""
    rng = np.random.default_rng(2)
    still, moved = cloud_of(np.zeros(500)), cloud_of(np.zeros(500))
    found = advance([still, moved], [block(), block(5.0, 5.0, 5.0)], np.full(2, 100.0), rng)
    assert not np.any(found[0].position_coin)
    assert found[1].position_coin.mean() < -8
    assert (found[0].buys, found[1].buys, found[1].sells) == (0, 3, 0)


def test_the_same_seed_gives_the_same_cloud() -> None:
    first, again = (
        advance([spread()], [block(3.0, -1.0)], INTEREST, np.random.default_rng(5))[0]
        for _ in range(2)
    )
    assert np.array_equal(first.position_coin, again.position_coin)
    assert np.array_equal(first.log_weight, again.log_weight)


def test_holes_spread_a_cloud_once() -> None:
    flow = InstrumentFlow(seen=((1, 1), (11, 11)), squared_coin2=(8.0, 0, 0, 0, 0, 0), buys=2)
    cloud = cloud_of(np.zeros(4000))
    rng = np.random.default_rng(3)
    blurred = blur(cloud, flow, rng)
    assert flow.missing == 9
    assert blurred.position_coin.std() == pytest.approx(np.sqrt(9 * 4.0), rel=0.05)
    assert np.array_equal(blur(blurred, flow, rng).position_coin, blurred.position_coin)


def test_a_trade_of_unlike_class_moves_less_or_the_other_way() -> None:
    rng = np.random.default_rng(6)
    start, trades = cloud_of(np.zeros(4000), 1000.0), np.full(20, 5.0)
    means = [
        drift([start], [Block(trades, np.full(20, kind))], rng)[0].position_coin.mean()
        for kind in (0, 2, 4)
    ]
    assert means[0] < means[1] < 0 < means[2]


def test_no_clouds_is_fine() -> None:
    rng = np.random.default_rng(1)
    assert advance([], [], np.empty(0), rng) == []
    assert drift([], [], rng) == []
