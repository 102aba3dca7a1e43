"""The flattening programme against its reference and a search over all pairs."""

from itertools import combinations

import numpy as np
import pytest

from dealers.flatten import HedgeMenu, build_menu, compute_flattening, position_after
from greeks.black76 import compute_greeks
from greeks.conventions import Exposure, FloatArray
from greeks.exposure import compute_exposure
from tests.builders import make_chain

LISTED = (
    *((90_000, 7, "P"), (95_000, 7, "P"), (100_000, 7, "C"), (105_000, 7, "C"), (110_000, 7, "C")),
    *((90_000, 30, "P"), (100_000, 30, "C"), (110_000, 30, "C")),
    *((80_000, 90, "P"), (100_000, 90, "C"), (120_000, 90, "C")),
)
GAMMA, VEGA = -1_500_000.0, -60_000.0


def menu_of(size: float = 3000.0) -> HedgeMenu:
    strike, days, kinds = (np.array(column) for column in zip(*LISTED, strict=True))
    forward = np.full(len(strike), 100_000.0)
    greeks = compute_greeks(
        forward, strike.astype(float), days / 365, np.full(len(strike), 0.5), kinds == "C"
    )
    sizes = np.full(len(strike), size)
    return HedgeMenu(
        row=np.arange(len(strike)),
        gamma_usd_per_1pct=greeks.gamma * forward**2 * 0.01,
        vega_usd_per_pt=greeks.vega * 0.01,
        delta_coin=greeks.delta,
        cost_usd=np.maximum(30.0, 0.02 * greeks.price) + 10.0,
        buy_coin=sizes,
        sell_coin=sizes,
    )


def test_the_reference_book_is_flattened_with_two_options() -> None:
    menu = menu_of()
    found = compute_flattening(menu, GAMMA, VEGA)
    held = {LISTED[i]: coins for i, coins in enumerate(found.trade_coin) if coins}
    assert held == {
        (105_000, 7, "C"): pytest.approx(238.70, abs=0.1),
        (80_000, 90, "P"): pytest.approx(421.31, abs=0.1),
    }
    assert found.cost_usd == pytest.approx(32_508.42, abs=0.1)
    assert found.gamma_price_usd * 1000 == pytest.approx(4.596, abs=0.001)
    assert found.vega_price_usd == pytest.approx(0.4269, abs=0.0001)
    assert found.is_flat


def test_no_pair_of_options_is_cheaper() -> None:
    menu = menu_of()
    target = -np.array([GAMMA, VEGA])
    costs = []
    for pair in combinations(range(len(LISTED)), 2):
        rows = list(pair)
        if LISTED[rows[0]][1] == LISTED[rows[1]][1]:
            continue  # within one expiry vega is in proportion to gamma
        greeks = np.stack([menu.gamma_usd_per_1pct[rows], menu.vega_usd_per_pt[rows]])
        trade = np.linalg.solve(greeks, target)
        if np.all(np.abs(trade) <= 3000):
            costs.append(menu.cost_usd[rows] @ np.abs(trade))
    assert compute_flattening(menu, GAMMA, VEGA).cost_usd == pytest.approx(min(costs), rel=1e-6)


def test_prices_are_what_one_more_dollar_costs() -> None:
    menu = menu_of()
    base = compute_flattening(menu, GAMMA, VEGA)
    more_gamma = compute_flattening(menu, GAMMA - 1000.0, VEGA).cost_usd - base.cost_usd
    more_vega = compute_flattening(menu, GAMMA, VEGA - 1.0).cost_usd - base.cost_usd
    assert base.gamma_price_usd == pytest.approx(more_gamma / 1000, rel=1e-3)
    assert base.vega_price_usd == pytest.approx(more_vega, rel=1e-3)


def test_a_long_book_is_flattened_by_the_opposite_trades() -> None:
    menu = menu_of()
    short, long = (compute_flattening(menu, sign * GAMMA, sign * VEGA) for sign in (1, -1))
    np.testing.assert_allclose(short.trade_coin, -long.trade_coin, atol=1e-6)


def test_too_small_a_menu_leaves_something_and_says_so() -> None:
    found = compute_flattening(menu_of(size=20.0), GAMMA, VEGA)
    assert not found.is_flat
    assert GAMMA < found.left_gamma_usd_per_1pct < 0
    assert VEGA < found.left_vega_usd_per_pt < 0
    assert np.isnan([found.gamma_price_usd, found.vega_price_usd]).all()
    np.testing.assert_allclose(found.trade_coin, 20.0, err_msg="all that is offered helps")


def test_an_empty_menu_changes_nothing() -> None:
    chain = make_chain()
    none = np.zeros(len(chain))
    found = compute_flattening(build_menu(chain, none, none), GAMMA, VEGA)
    assert not found.is_flat
    assert found.left_gamma_usd_per_1pct == GAMMA


def test_a_flat_book_needs_no_trade() -> None:
    found = compute_flattening(menu_of(), 0.0, 0.0)
    assert found.is_flat
    assert not np.any(found.trade_coin)
    assert found.cost_usd == 0


def test_the_flattened_chain_has_neither_gamma_nor_vega_left() -> None:
    rng = np.random.default_rng(1)
    chain = make_chain(
        days=(7, 30, 90),
        bid_iv=0.49,
        ask_iv=0.51,
    )
    position = rng.normal(0, 50, len(chain))
    sizes = np.full(len(chain), 500.0)

    def net(inventory: FloatArray, exposure: Exposure) -> float:
        return compute_exposure(chain, inventory, "test").net_of(exposure)

    menu = build_menu(chain, sizes, sizes)
    found = compute_flattening(menu, net(position, Exposure.GEX), net(position, Exposure.VEGA))
    after = position_after(position, menu, found)
    assert found.is_flat
    assert net(after, Exposure.GEX) == pytest.approx(0, abs=1e-6 * abs(net(position, Exposure.GEX)))
    assert net(after, Exposure.VEGA) == pytest.approx(0, abs=1e-4)
    delta_moved = net(after, Exposure.DELTA) - net(position, Exposure.DELTA)
    assert found.perpetual_coin == pytest.approx(-delta_moved)


def test_only_options_quoted_on_both_sides_with_size_are_on_the_menu() -> None:
    chain = make_chain(strikes=(100_000,), days=(30,), bid_iv=[0.49, np.nan], ask_iv=0.51)
    menu = build_menu(chain, np.array([5.0, 5.0]), np.array([np.nan, 5.0]))
    assert menu.row.tolist() == [0]
    assert (menu.buy_coin[0], menu.sell_coin[0]) == (0.0, 5.0)
    greeks = compute_greeks(
        chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv, chain.is_call
    )
    assert menu.cost_usd[0] == pytest.approx(greeks.vega[0] * 0.01 + 30.0)
