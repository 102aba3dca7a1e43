"""Risk limits: their worked example, what a strike uses with spot at it, what is left of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealers.hedging import compute_hedge_flow
from greeks.chain import OptionChain
from greeks.conventions import PCT, Exposure, FloatArray, RowStatus
from greeks.exposure import compute_exposure
from greeks.profile import Book
from greeks.scenario import Scenario, move_chain
from loops.gain import gamma_loop_gain
from loops.impact import impact_per_usd
from loops.limits import (
    book_limit,
    gex_per_coin,
    group_limit,
    use_by_expiry,
    use_by_group,
    use_by_strike,
)
from tests.builders import AS_OF_MS, make_chain, make_venue_chain

CHAIN = make_venue_chain(12, days=(0.5, 2, 20, 90), strikes_per_expiry=16, twins_differ=0.1)
POSITION = CHAIN.open_interest_coin * np.where(CHAIN.is_call, 1.0, -1.3)
AVERAGING = make_chain(
    as_of_ms=AS_OF_MS - 12 * 60_000, strikes=(99_800.0, 100_000.0, 100_300.0), days=(1 / 120, 7),
    settlement_average=lambda _k, years: np.where(years < 1e-3, 100_100.0, np.nan),
)  # fmt: skip


def gex_at(chain: OptionChain, position: FloatArray, spot_usd: float) -> FloatArray:
    """GEX of each option on the chain as it would stand with spot there."""
    move_pct = (spot_usd / chain.index_price - 1) / PCT
    moved = move_chain(chain, Scenario(move_pct=move_pct))
    return compute_exposure(moved, position, "test").by_option.column(Exposure.GEX)


def test_the_worked_example() -> None:
    assert group_limit(30e6, 0.25) == pytest.approx(15e6, rel=1e-12)


def test_at_its_limit_the_hedge_of_half_a_per_cent_takes_that_share_of_depth() -> None:
    chain = make_chain(strikes=(100_000.0,), days=(365,), kinds="C")
    per_coin = gex_per_coin(chain, np.zeros(1))[0]
    position = np.array([-group_limit(30e6, 0.25) / per_coin])
    _, found = use_by_strike(chain, position, group_limit(30e6, 0.25))
    assert found.use == pytest.approx([1.0], rel=1e-9)
    flow = compute_hedge_flow(chain, position, np.array([-0.5, 0.5]), np.zeros(1))
    hedge_usd = np.abs(flow.flow_coin).mean() * chain.index_price
    # the mean of both sides leaves the third order of half a per cent of a year's option
    assert hedge_usd == pytest.approx(0.25 * 30e6, rel=1e-3)


def test_at_the_limit_of_the_book_the_gain_is_the_largest_allowed() -> None:
    lam_eff = 0.3 * impact_per_usd(30e6)
    limit = book_limit(0.2, lam_eff)
    assert limit == pytest.approx(40e6, rel=1e-12)
    assert gamma_loop_gain(-limit, lam_eff, 1.0) == pytest.approx(0.2, rel=1e-12)
    assert book_limit(0.2, 0.0) == np.inf


def test_a_strike_uses_what_its_own_options_have_with_spot_there() -> None:
    strikes, found = use_by_strike(CHAIN, POSITION, 15e6)
    assert strikes.tolist() == sorted(set(CHAIN.strike.tolist()))
    for at, strike in enumerate(strikes):
        gex = gex_at(CHAIN, POSITION, strike)[CHAIN.strike == strike]
        # calls and puts nearly cancel: relative to their sizes
        size = np.abs(gex).sum()
        assert found.gex_usd_per_1pct[at] == pytest.approx(gex.sum(), abs=1e-9 * size)
    np.testing.assert_array_equal(found.use, np.abs(found.gex_usd_per_1pct) / 15e6)


def test_inside_a_settlement_average_a_strike_uses_what_its_own_profile_says() -> None:
    position = np.where(AVERAGING.is_call, 10.0, -13.0)
    strikes, found = use_by_strike(AVERAGING, position, 15e6)
    for at, strike in enumerate(strikes):
        here = AVERAGING.strike == strike
        alone = Book.of(AVERAGING.select(here), position[here])
        expected = alone.net_gex_at(np.array([strike]))
        assert found.gex_usd_per_1pct[at] == pytest.approx(expected[0], rel=1e-9)


@pytest.mark.parametrize("chain", [CHAIN, AVERAGING], ids=["venue", "averaging"])
def test_an_expiry_uses_what_it_has_at_spot(chain: OptionChain) -> None:
    position = chain.open_interest_coin * np.where(chain.is_call, 1.0, -1.3)
    snapshot = compute_exposure(chain, position, "test")
    expiries, found = use_by_expiry(chain, position, 15e6)
    np.testing.assert_array_equal(expiries, snapshot.by_expiry.expiry_ms)
    np.testing.assert_allclose(
        found.gex_usd_per_1pct,
        snapshot.by_expiry.exposures.column(Exposure.GEX),
        rtol=0,
        atol=1e-9 * snapshot.gross_of(Exposure.GEX),
    )


@given(st.floats(0.05, 20.0), st.sampled_from([-1.0, 1.0]))
def test_going_short_of_the_headroom_reaches_the_limit_and_no_option_reaches_it_sooner(
    limit_share: float, sign: float
) -> None:
    snapshot = compute_exposure(CHAIN, sign * POSITION, "test")
    limit = limit_share * float(np.abs(snapshot.by_expiry.exposures.column(Exposure.GEX)).mean())
    per_coin = gex_per_coin(CHAIN, np.zeros(len(CHAIN)))
    expiries, found = use_by_expiry(CHAIN, sign * POSITION, limit)
    shorter = sign * POSITION.copy()
    shorter[found.option] -= found.headroom_coin
    _, after = use_by_expiry(CHAIN, shorter, limit)
    # the two sums differ in how they round
    np.testing.assert_allclose(after.gex_usd_per_1pct, -limit, rtol=1e-6)
    np.testing.assert_allclose(after.headroom_coin, 0, atol=1e-6 * np.abs(shorter).max())
    for at, expiry in enumerate(expiries):
        assert per_coin[found.option[at]] == per_coin[CHAIN.expiry_ms == expiry].max()
    is_too_short = found.gex_usd_per_1pct < -limit
    np.testing.assert_array_equal(is_too_short, found.headroom_coin < 0)
    assert found.is_breached[is_too_short].all()


@given(st.floats(1e-3, 1e3))
def test_use_knows_no_unit_of_money_nor_of_position(scale: float) -> None:
    _, one = use_by_strike(CHAIN, POSITION, 15e6)
    _, other = use_by_strike(CHAIN, scale * POSITION, scale * 15e6)
    np.testing.assert_allclose(other.use, one.use, rtol=1e-12)
    np.testing.assert_allclose(other.headroom_coin, scale * one.headroom_coin, rtol=1e-9)


def test_long_gamma_beyond_the_limit_breaches_it_and_leaves_room_to_go_short() -> None:
    chain = make_chain(strikes=(100_000.0,), days=(30,), kinds="C")
    per_coin = gex_per_coin(chain, np.zeros(1))[0]
    _, found = use_by_strike(chain, np.array([2.0]), per_coin)
    assert found.is_breached.tolist() == [True]
    assert found.headroom_coin == pytest.approx([3.0], rel=1e-12), "two to be flat, one more short"


def test_what_is_unknown_uses_an_unknown_part() -> None:
    status = [RowStatus.OK, RowStatus.NO_IV, RowStatus.OK, RowStatus.OK]
    chain = make_chain(
        strikes=(90_000.0, 100_000.0), days=(30,), status=status,
        mark_iv=[0.5, np.nan, 0.5, 0.5],
    )  # fmt: skip
    _, found = use_by_strike(chain, np.array([1.0, 1.0, np.nan, np.nan]), 15e6)
    per_coin = gex_per_coin(chain, np.log(chain.strike / chain.index_price))
    assert np.isnan(per_coin[1])
    assert found.gex_usd_per_1pct[0] == per_coin[0], "of the call alone"
    assert np.isnan(found.use[1])
    assert not found.is_breached[1]
    assert np.isnan(found.headroom_coin[1])
    _, without_depth = use_by_strike(chain, np.ones(4), np.nan)
    assert np.isfinite(without_depth.gex_usd_per_1pct).all()
    assert np.isnan(without_depth.use).all()


def test_a_group_without_gamma_has_no_size() -> None:
    certain = use_by_group(np.zeros(2, np.int64), 1, np.ones(2), np.zeros(2), 15e6)
    assert (certain.use.tolist(), certain.option.tolist()) == ([0.0], [-1])
    assert np.isnan(certain.headroom_coin).all()
    nothing = use_by_group(np.zeros(0, np.int64), 1, np.zeros(0), np.zeros(0), 15e6)
    assert (nothing.use.tolist(), nothing.option.tolist()) == ([0.0], [-1])
