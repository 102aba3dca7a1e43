"""Time moved into the settlement average: every view of one scenario says the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealers.flip_term import HOUR_MS, compute_flip_term
from dealers.hedging import compute_hedge_flow
from greeks.chain import OptionChain
from greeks.conventions import Exposure, FloatArray
from greeks.exposure import compute_exposure
from greeks.scenario import Scenario, age_chain, move_chain
from greeks.surface import compute_surface
from tests.builders import AS_OF_MS, make_chain, with_columns

MINUTE_DAYS = 1 / 1440
STRIKES = np.array([99_000.0, 99_700.0, 100_000.0, 100_400.0, 101_500.0])


def book(minutes: float, average: float = np.nan) -> tuple[OptionChain, FloatArray]:
    """An expiry in so many minutes beside a longer one."""
    chain = make_chain(
        strikes=STRIKES,
        days=(minutes * MINUTE_DAYS, 7),
        mark_iv=0.4,
        settlement_average=lambda _, years: np.where(years < 1e-4, average, np.nan),
    )
    return chain, np.random.default_rng(3).normal(size=len(chain)) * 100


def what_if_flow(chain: OptionChain, position: FloatArray, scenario: Scenario) -> float:
    """What dealers trade on the way into the moved chain, coins."""
    moved = move_chain(chain, scenario)
    alive = moved.expiry_ms > moved.as_of_ms
    before = compute_exposure(chain, position, "any")
    after = compute_exposure(moved.select(alive), position[alive], "any")
    return before.net_of(Exposure.DELTA) - after.net_of(Exposure.DELTA)


@given(now=st.floats(2, 90), passed=st.floats(0, 1), move=st.floats(-1, 1))
@settings(max_examples=60)
def test_the_flow_of_a_what_if_is_that_of_the_hedge_flow(
    now: float, passed: float, move: float
) -> None:
    chain, position = book(now)
    hours = round(passed * (now - 1)) / 60
    there = what_if_flow(chain, position, Scenario(move_pct=move, hours=hours))
    flow = compute_hedge_flow(chain, position, np.array([move]), np.array([hours * 3600]))
    # a mark is lognormal in the whole delivery, the hedge flow in its open part
    assert there == pytest.approx(flow.flow_coin[0], abs=3e-4 * np.abs(position).sum())


@given(now=st.floats(1, 90), passed=st.floats(0, 1.2), average=st.booleans())
@settings(max_examples=40)
def test_the_surfaces_net_delta_falls_by_the_hedge_flow(
    now: float, passed: float, average: bool
) -> None:
    chain, position = book(now, 100_150.0 if average and now < 30 else np.nan)
    moves, hours = np.array([-1.0, -0.1, 0.0, 0.2, 2.0]), np.array([passed * now / 60])
    surface = compute_surface(chain, position, moves, np.zeros(1), hours)
    flow = compute_hedge_flow(chain, position, moves, hours * 3600).flow_coin
    before = compute_exposure(chain, position, "any").net_of(Exposure.DELTA)
    rounding = 1e-9 * np.abs(position).sum()
    assert before - surface.delta_coin[0, 0] == pytest.approx(flow, abs=rounding)


@pytest.mark.parametrize("average", [np.nan, 100_150.0])
def test_a_surface_begins_at_the_board_also_where_payoffs_are_certain(average: float) -> None:
    # a strike at 60,000 ten minutes before 08:00: the mean is above it whatever the index does
    chain, _ = book(10, average)
    chain = with_columns(chain, strike=np.where(chain.strike == STRIKES[0], 60_000.0, chain.strike))
    position = np.linspace(50.0, -120.0, len(chain))
    board = compute_exposure(chain, position, "any")
    now = compute_surface(chain, position, np.zeros(1), np.zeros(1), np.zeros(1))
    for exposure, value in (
        (Exposure.GEX, now.gex_usd_per_1pct),
        (Exposure.DELTA, now.delta_coin),
        (Exposure.VEGA, now.vega_usd_per_pt),
    ):
        rounding = 1e-12 * board.gross_of(exposure)
        assert value.item() == pytest.approx(board.net_of(exposure), abs=rounding)


def test_known_samples_count_the_same_in_both() -> None:
    chain, position = book(20, average=100_150.0)
    for move in (-0.3, 0.2):
        there = what_if_flow(chain, position, Scenario(move_pct=move, hours=0.15))
        flow = compute_hedge_flow(chain, position, np.array([move]), np.array([540.0]))
        assert there == pytest.approx(flow.flow_coin[0], abs=3e-4 * np.abs(position).sum())


@pytest.mark.parametrize("left", [29, 20, 10, 5, 2])
def test_gamma_at_the_money_is_that_of_a_deviation_that_shrinks_with_root_time(left: float) -> None:
    chain = make_chain(
        strikes=(100_000.0,), days=((60 + left) * MINUTE_DAYS,), kinds="C", mark_iv=0.4
    )
    position = np.array([-1000.0])
    v = 0.4 * np.sqrt(left / (365 * 1440))
    gex = -1000 * (left / 30) * np.exp(-v * v / 8) / np.sqrt(2 * np.pi) / v * 100_000 * 0.01
    moved = move_chain(chain, Scenario(hours=1.0))
    assert compute_exposure(moved, position, "any").net_of(Exposure.GEX) == pytest.approx(
        gex, rel=1e-5
    )
    term = compute_flip_term(chain, position)
    at = term.at_ms.tolist().index(AS_OF_MS + HOUR_MS)
    assert term.gex_at_spot[at] == pytest.approx(gex, rel=1e-5)
    surface = compute_surface(chain, position, np.zeros(1), np.zeros(1), np.ones(1))
    assert surface.gex_usd_per_1pct.item() == pytest.approx(gex, rel=1e-9)


@given(now=st.floats(0.5, 90), first=st.floats(0, 1), second=st.floats(0, 1))
def test_time_in_two_steps_is_time_in_one(now: float, first: float, second: float) -> None:
    chain, _ = book(now, average=100_100.0 if now < 30 else np.nan)
    left_ms = int(chain.expiry_ms[0]) - AS_OF_MS - 1  # an expired mark says nothing
    early, late = sorted((AS_OF_MS + int(first * left_ms), AS_OF_MS + int(second * left_ms)))
    twice, once = age_chain(age_chain(chain, early), late), age_chain(chain, late)
    assert twice.as_of_ms == once.as_of_ms
    np.testing.assert_allclose(twice.mark_iv, once.mark_iv, rtol=1e-12)
    np.testing.assert_allclose(twice.settlement_average, once.settlement_average, rtol=1e-9)
