"""The coming hours: charm path into the settlement, expected size of the flow."""

import numpy as np
import pytest

from dealers.hedging import compute_hedge_flow, next_settlement_s
from dealers.outlook import charm_path_horizons_s, compute_charm_path, estimate_expected_flow
from greeks.black76 import compute_greeks
from tests.builders import AS_OF_MS, make_chain

HOUR_MS = 3_600_000


def test_the_charm_path_runs_hour_by_hour_into_the_settlement() -> None:
    horizons = charm_path_horizons_s(AS_OF_MS)
    assert horizons[:22].tolist() == [3600.0 * hour for hour in range(1, 23)]
    assert horizons[-1] == 86_400
    assert np.diff(horizons)[-6:].tolist() == [300.0] * 6
    assert charm_path_horizons_s(AS_OF_MS - 600_000).tolist() == [300, 600]
    assert charm_path_horizons_s(AS_OF_MS - 1).tolist() == [1]


def test_the_charm_path_ends_with_every_hedge_of_the_expiry_unwound() -> None:
    chain = make_chain(days=(1, 30), strikes=(99_000, 101_000))
    position = np.array([-100.0, 50.0, -200.0, 30.0, 0.0, 0.0, 0.0, 0.0])
    path = compute_charm_path(chain, position)
    assert path.horizon_s[-1] == next_settlement_s(chain.as_of_ms)
    delta = compute_greeks(
        chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv, chain.is_call
    ).delta
    assert path.flow_coin[-1] == pytest.approx(position @ delta, rel=1e-12)
    assert not np.any(path.gamma_coin)
    assert not np.any(path.vanna_coin)
    assert path.flow_coin == pytest.approx(path.charm_coin + path.expiry_coin)
    steps = np.abs(np.diff(path.flow_coin))
    assert steps.max() < 0.3 * np.abs(path.flow_coin).max(), "no jump at any step of the path"


def test_the_expected_flow_of_a_small_move_is_that_of_constant_gamma() -> None:
    chain = make_chain(strikes=(100_000,), days=(30,), kinds="C")
    position = np.array([-1000.0])
    expected = estimate_expected_flow(chain, position, atm_iv=0.5, horizon_s=60)
    gamma = compute_greeks(
        chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv, chain.is_call
    ).gamma[0]
    sd_usd = expected.sd_pct / 100 * chain.index_price
    normal_mean_size = np.sqrt(2 / np.pi)
    # a move of 0.07 % changes gamma itself by less than a thousandth
    assert expected.mean_abs_coin == pytest.approx(
        1000 * gamma * sd_usd * normal_mean_size, rel=1e-3
    )
    assert expected.up_coin == pytest.approx(1000 * gamma * sd_usd, rel=0.01)
    assert expected.down_coin == pytest.approx(-1000 * gamma * sd_usd, rel=0.01)


@pytest.mark.parametrize("days", [(0.5, 7, 30), (1 + 5 / 1440,), (1 + 1 / 24,)])
def test_the_expected_flow_is_the_mean_over_a_dense_grid_of_moves(days: tuple[float, ...]) -> None:
    chain = make_chain(days=days)
    position = np.linspace(-300, 200, len(chain))
    horizon, iv = 86_400.0, 0.6
    expected = estimate_expected_flow(chain, position, iv, horizon, iv_points_per_pct=-0.3)
    z = np.linspace(-8, 8, 20_001)
    sd = iv * np.sqrt(1 / 365)
    weight = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    moves = 100 * np.expm1(sd * z - sd * sd / 2)
    flow = compute_hedge_flow(chain, position, moves, np.array([horizon]), -0.3).flow_coin
    size = weight @ np.abs(flow)
    assert expected.mean_coin == pytest.approx(weight @ flow, abs=2e-3 * size)
    assert expected.mean_abs_coin == pytest.approx(size, rel=2e-3)
    assert expected.horizon_s == horizon


def test_an_unknown_volatility_gives_no_expectation() -> None:
    chain = make_chain()
    expected = estimate_expected_flow(chain, np.ones(len(chain)), np.nan, 3600)
    assert np.isnan([expected.sd_pct, expected.mean_coin, expected.mean_abs_coin]).all()
