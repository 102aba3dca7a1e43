"""Hedge flow against the reference values, an independent re-hedge, and its own laws."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealers.hedging import (
    HORIZONS_S,
    MOVES_PCT,
    HedgeFlow,
    compute_flow_contributions,
    compute_flow_draws,
    compute_hedge_flow,
    next_settlement_s,
)
from dealers.rules import PositionModel, position_from_rule
from greeks.black76 import compute_greeks
from greeks.chain import OptionChain
from greeks.conventions import (
    MS_PER_DAY,
    FloatArray,
    HedgeConvention,
    RowStatus,
    Settlement,
)
from greeks.settlement import averaged_options, compute_averaged_greeks
from tests.builders import AS_OF_MS, make_chain, make_venue_chain, with_columns

HOUR_S = 3600.0
DAY_S = 86_400.0
PARTS = ("gamma_coin", "charm_coin", "vanna_coin", "expiry_coin", "residual_coin")


def short_calls(
    *, days: float, strike: float = 100_000.0, coins: float = -1000.0, **more: object
) -> tuple[OptionChain, FloatArray]:
    chain = make_chain(strikes=(strike,), days=(days,), kinds="C", **more)
    return chain, np.array([coins])


def flow_of(
    chain: OptionChain,
    position: FloatArray,
    moves_pct: Sequence[float] = (0.0,),
    horizons_s: Sequence[float] = (0.0,),
    **more: object,
) -> HedgeFlow:
    return compute_hedge_flow(chain, position, np.array(moves_pct), np.array(horizons_s), **more)


def sample_book(seed: int = 3) -> tuple[OptionChain, FloatArray]:
    """A venue-like chain, a tenth of it linear, with a random inventory."""
    rng = np.random.default_rng(seed)
    chain = make_venue_chain(seed, strikes_per_expiry=12, twins_differ=0.2)
    settlement = np.where(rng.random(len(chain)) < 0.1, Settlement.LINEAR, Settlement.INVERSE)
    chain = with_columns(chain, settlement=settlement.astype(np.int8))
    return chain, rng.normal(0, 100, len(chain))


@pytest.mark.parametrize(
    ("days", "move_pct", "bought"),
    [
        (30, 1.0, 27.53),
        (30, 5.0, 131.28),
        (30, -5.0, -141.19),
        (1, 1.0, 147.73),
        (1, 5.0, 464.55),
        (2 / 24, 1.0, 405.21),
        (2 / 24, 5.0, 498.49),
    ],
)
def test_dealers_short_calls_buy_the_reference_amount_after_a_jump(
    days: float, move_pct: float, bought: float
) -> None:
    flow = flow_of(*short_calls(days=days), [move_pct])
    assert flow.flow_coin[0] == pytest.approx(bought, abs=0.01)
    assert flow.gamma_coin[0] == pytest.approx(flow.flow_coin[0], rel=1e-12)


@pytest.mark.parametrize(
    ("strike", "hours", "bought"),
    [
        (102_000, 1, -4.98),
        (102_000, 4, -21.58),
        (102_000, 23, -228.46),
        (98_000, 1, 4.76),
        (98_000, 4, 20.65),
        (98_000, 23, 216.14),
    ],
)
def test_time_alone_makes_them_trade_the_reference_charm_flow(
    strike: float, hours: float, bought: float
) -> None:
    flow = flow_of(*short_calls(days=1, strike=strike), horizons_s=[hours * HOUR_S])
    assert flow.charm_coin[0] == pytest.approx(bought, abs=0.01)
    assert flow.flow_coin[0] == pytest.approx(flow.charm_coin[0], rel=1e-12)


@pytest.mark.parametrize("convention", HedgeConvention)
def test_the_parts_of_a_flow_sum_to_it(convention: HedgeConvention) -> None:
    chain, position = sample_book()
    flow = flow_of(
        chain, position, MOVES_PCT, HORIZONS_S, iv_points_per_pct=-0.4, convention=convention
    )
    total = sum(getattr(flow, part) for part in PARTS)
    scale = np.abs(position).sum()
    np.testing.assert_allclose(total, flow.flow_coin, rtol=0, atol=1e-9)
    np.testing.assert_allclose(flow.residual_coin, 0, atol=1e-12 * scale)
    assert np.any(flow.vanna_coin != 0)
    assert np.any(flow.expiry_coin != 0), "the nearest expiry is 8 hours away"


def plain_rehedge(
    chain: OptionChain,
    position: FloatArray,
    move_pct: float,
    horizon_s: float,
    points: float,
    convention: HedgeConvention,
) -> float:
    """The flow of one scenario, option by option with `math`."""
    x, flow = move_pct / 100, 0.0
    for i in range(len(chain)):
        in_coin = convention is HedgeConvention.COIN and chain.settlement[i] == Settlement.INVERSE

        def hedge(
            forward: float, years: float, iv: float, i: int = i, in_coin: bool = in_coin
        ) -> float:
            sd = iv * math.sqrt(years)
            d1 = math.log(forward / chain.strike[i]) / sd + sd / 2
            cp = 1 if chain.is_call[i] else -1
            first = math.erfc(-cp * d1 / math.sqrt(2)) / 2
            second = math.erfc(-cp * (d1 - sd) / math.sqrt(2)) / 2
            price = cp * (forward * first - chain.strike[i] * second)
            return cp * first - (price / forward if in_coin else 0.0)

        years, iv = chain.years_to_expiry[i], chain.mark_iv[i]
        later = years - horizon_s / (365 * 86_400)
        kept = 1 / (1 + x) if in_coin else 1.0
        now = hedge(chain.forward[i], years, iv) * kept
        moved_iv = iv + points * move_pct / 100
        then = hedge(chain.forward[i] * (1 + x), later, moved_iv) if later > 0 else 0.0
        flow -= position[i] * (then - now)
    return flow


@pytest.mark.parametrize("convention", HedgeConvention)
def test_every_scenario_equals_a_plain_re_hedge_option_by_option(
    convention: HedgeConvention,
) -> None:
    chain, position = sample_book()
    flow = flow_of(
        chain,
        position,
        [-5, -1, 0, 1, 5],
        [0, DAY_S],
        iv_points_per_pct=-0.4,
        convention=convention,
    )
    for i, (move, horizon) in enumerate(zip(flow.move_pct, flow.horizon_s, strict=True)):
        plain = plain_rehedge(chain, position, move, horizon, -0.4, convention)
        assert flow.flow_coin[i] == pytest.approx(plain, rel=1e-9, abs=1e-9)


def test_the_opposite_inventory_trades_the_opposite_and_rules_mirror_each_other() -> None:
    chain = make_venue_chain()
    naive, reversed_ = (
        flow_of(chain, position_from_rule(chain, model), MOVES_PCT, HORIZONS_S).flow_coin
        for model in (PositionModel.NAIVE, PositionModel.REVERSED)
    )
    assert np.array_equal(naive, -reversed_)
    assert np.any(naive != 0)


def test_coin_neutral_dealers_trade_the_reference_charm_and_vanna() -> None:
    chain, position = short_calls(days=30, strike=110_000, coins=1.0)
    minute = flow_of(chain, position, horizons_s=[60.0], convention=HedgeConvention.COIN)
    per_day = minute.charm_coin[0] * DAY_S / 60
    assert per_day == pytest.approx(0.00330796, rel=1e-3)  # one minute stands for the derivative
    point = 1e-4
    scenario = {"iv_points_per_pct": point / 1e-6, "convention": HedgeConvention.COIN}
    tiny = flow_of(chain, position, [1e-6], **scenario)
    per_vol = tiny.vanna_coin[0] / (point * 0.01) * chain.index_price
    assert per_vol == pytest.approx(-39_695.575, rel=1e-4)


def test_a_small_move_makes_both_conventions_trade_plain_gamma() -> None:
    chain, position = short_calls(days=30, strike=110_000)
    greeks = compute_greeks(
        chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv, chain.is_call
    )
    for convention in HedgeConvention:
        flow = flow_of(chain, position, [0.01], convention=convention)
        linear = -position[0] * greeks.gamma[0] * chain.forward[0] * 1e-4
        assert flow.flow_coin[0] == pytest.approx(linear, rel=1e-3)


def test_the_conventions_differ_in_time_and_volatility_and_only_for_inverse_options() -> None:
    scenario = ([1.0], [DAY_S])
    for settlement, differs in ((Settlement.INVERSE, True), (Settlement.LINEAR, False)):
        book = short_calls(days=30, strike=110_000, settlements=(settlement,))
        usd = flow_of(*book, *scenario)
        coin = flow_of(*book, *scenario, convention=HedgeConvention.COIN)
        assert bool(usd.charm_coin[0] != coin.charm_coin[0]) is differs


def test_coin_neutral_dealers_trade_the_change_of_their_perpetual() -> None:
    chain, position = short_calls(days=30, strike=110_000)
    flow = flow_of(chain, position, [10.0], convention=HedgeConvention.COIN)

    def perpetual_usd(forward: float) -> float:
        greeks = compute_greeks(
            np.array([forward]), chain.strike, chain.years_to_expiry, chain.mark_iv, chain.is_call
        )
        return float(-position[0] * (forward * greeks.delta[0] - greeks.price[0]))

    traded_usd = perpetual_usd(110_000.0) - perpetual_usd(100_000.0)
    assert flow.flow_coin[0] == pytest.approx(traded_usd / 110_000, rel=1e-12)


def test_an_expiry_inside_the_horizon_only_unwinds_its_hedge() -> None:
    chain = make_chain(strikes=(90_000, 110_000), days=(0.5, 30))
    position = np.arange(1.0, len(chain) + 1)
    delta = compute_greeks(
        chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv, chain.is_call
    ).delta
    soon = chain.years_to_expiry < 1 / 365
    flow = flow_of(chain, position, [-5.0, 0.0, 5.0], [DAY_S], iv_points_per_pct=-1.0)
    assert flow.expiry_coin == pytest.approx(np.full(3, position[soon] @ delta[soon]), rel=1e-12)
    rest = flow_of(
        chain, np.where(soon, 0.0, position), [-5.0, 0.0, 5.0], [DAY_S], iv_points_per_pct=-1.0
    )
    for part in ("gamma_coin", "charm_coin", "vanna_coin"):
        assert getattr(flow, part) == pytest.approx(getattr(rest, part), rel=1e-9)
    assert not np.any(rest.expiry_coin)


def test_a_horizon_that_ends_at_the_expiry_unwinds_it() -> None:
    chain, position = short_calls(days=1)
    flow = flow_of(chain, position, horizons_s=[next_settlement_s(chain.as_of_ms)])
    assert flow.charm_coin[0] == 0
    assert flow.flow_coin[0] == flow.expiry_coin[0] != 0


def test_the_hedge_fades_with_the_settlement_average() -> None:
    """900 s left, K = F, half the average fixed at F, true volatility 0.5: delta .2502."""
    chain, position = short_calls(days=1, mark_iv=0.5 / math.sqrt(3))
    now = compute_greeks(
        chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv, chain.is_call
    ).delta[0]
    flow = flow_of(chain, position, horizons_s=[DAY_S - 900])
    assert now + flow.flow_coin[0] / 1000 == pytest.approx(0.2502, abs=1e-4)
    assert flow.expiry_coin[0] == 0


@pytest.mark.parametrize("convention", HedgeConvention)
@pytest.mark.parametrize("kind", ["C", "P"])
def test_nothing_jumps_when_the_averaging_begins_or_when_it_ends(
    kind: str, convention: HedgeConvention
) -> None:
    chain = make_chain(strikes=(99_990.0,), days=(1,), kinds=kind)
    seconds = np.array([DAY_S - 1801, DAY_S - 1799, DAY_S - 0.01, DAY_S])
    flow = flow_of(chain, np.array([-1000.0]), [0.1], seconds, convention=convention)
    start, begun, end, expired = flow.flow_coin
    assert begun == pytest.approx(start, abs=2.0)
    assert expired == pytest.approx(end, abs=2.0)
    assert abs(start - end) > 100, "most of the hedge is traded inside the window"


@pytest.mark.parametrize("average", [np.nan, 99_900.0])
def test_inside_the_settlement_window_a_small_move_trades_the_averaged_gamma(
    average: float,
) -> None:
    chain = make_chain(strikes=(99_950.0,), days=(900 / DAY_S,), mark_iv=0.3)
    chain = with_columns(chain, settlement_average=average)
    position = np.array([-1000.0, -500.0])
    options = averaged_options(chain, np.ones(len(chain), bool))
    greeks = compute_averaged_greeks(options)
    flow = flow_of(chain, position, [0.001])
    linear = -(position @ greeks.gamma) * options.forward[0] * 1e-5
    assert flow.flow_coin[0] == pytest.approx(linear, rel=1e-2)
    unwound = flow_of(chain, position, horizons_s=[900.0])
    assert unwound.expiry_coin[0] == pytest.approx(position @ greeks.delta, rel=1e-9)


def test_a_call_hedge_less_a_put_hedge_is_what_is_not_yet_fixed() -> None:
    """C - P = (1 - c)(F - K') on the venue's average, whatever the volatility."""
    chain = make_chain(strikes=(100_500.0,), days=(1,), kinds="CP")
    flow = flow_of(chain, np.array([-1.0, 1.0]), [-2.0, 0.0, 2.0], [DAY_S - 900, DAY_S])
    np.testing.assert_allclose(flow.flow_coin, [-0.5] * 3 + [-1.0] * 3, atol=1e-12)


def test_no_move_and_no_time_is_no_flow() -> None:
    assert flow_of(*sample_book()).flow_coin[0] == 0


def test_contributions_by_strike_and_by_expiry_sum_to_the_flow() -> None:
    chain, position = sample_book()
    for convention in HedgeConvention:
        whole = flow_of(chain, position, [-3.0], [DAY_S], convention=convention).flow_coin[0]
        parts = compute_flow_contributions(chain, position, -3.0, DAY_S, convention=convention)
        assert parts.strike_flow_coin.sum() == pytest.approx(whole, rel=1e-9)
        assert parts.expiry_flow_coin.sum() == pytest.approx(whole, rel=1e-9)
        assert np.all(np.diff(parts.strike_usd) > 0)
    first = chain.expiry_ms == chain.expiry_ms[0]
    alone = flow_of(chain, np.where(first, position, 0.0), [-3.0], [DAY_S], convention=convention)
    assert parts.expiry_flow_coin[0] == pytest.approx(alone.flow_coin[0], rel=1e-9)


def test_drawn_inventories_flow_as_each_of_them_alone() -> None:
    chain, position = sample_book()
    draws = np.stack([position, -2 * position, np.roll(position, 5)])
    scenarios = (np.array([-2.0, 1.0]), np.array([0.0, DAY_S]), -0.3)
    flows = compute_flow_draws(chain, draws, *scenarios)
    assert flows.shape == (4, 3)
    for drawn, flow in zip(draws, flows.T, strict=True):
        alone = compute_hedge_flow(chain, drawn, *scenarios).flow_coin
        assert flow == pytest.approx(alone, rel=1e-9, abs=1e-9)


def test_rows_that_cannot_be_computed_or_are_not_held_contribute_nothing() -> None:
    chain, position = sample_book()
    status = chain.status.copy()
    status[::7] = RowStatus.NO_IV
    iv = np.where(status == RowStatus.NO_IV, np.nan, chain.mark_iv)
    broken = with_columns(chain, status=status, mark_iv=iv)
    position[3::7] = np.nan
    usable = (status == RowStatus.OK) & np.isfinite(position)
    healthy = flow_of(chain.select(usable), position[usable], MOVES_PCT, HORIZONS_S)
    found = flow_of(broken, position, MOVES_PCT, HORIZONS_S)
    np.testing.assert_allclose(found.flow_coin, healthy.flow_coin, rtol=1e-9)


def test_an_empty_book_flows_nowhere() -> None:
    chain = make_chain()
    flow = flow_of(chain, np.zeros(len(chain)), MOVES_PCT, HORIZONS_S)
    assert flow.flow_coin.shape == (len(MOVES_PCT) * len(HORIZONS_S),)
    assert not np.any(flow.flow_coin)
    parts = compute_flow_contributions(chain, np.zeros(len(chain)), 1.0, 0.0)
    assert not np.any(parts.strike_flow_coin)


@pytest.mark.parametrize(
    "unpriced",
    [
        {"mark_iv": np.nan, "status": RowStatus.NO_IV},
        {"forward": np.nan, "status": RowStatus.NO_FORWARD},
        {"status": RowStatus.REJECTED},
    ],
)
def test_the_flow_of_a_book_that_cannot_be_priced_is_unknown(unpriced: dict[str, Any]) -> None:
    chain = make_chain(**unpriced)
    held = np.ones(len(chain))
    flow = flow_of(chain, held, MOVES_PCT, HORIZONS_S)
    for name in ("flow_coin", "gamma_coin", "charm_coin", "vanna_coin", "expiry_coin"):
        assert np.isnan(getattr(flow, name)).all(), name
    draws = np.stack([held, -held])
    assert np.isnan(compute_flow_draws(chain, draws, np.ones(1), np.zeros(1))).all()
    parts = compute_flow_contributions(chain, held, 1.0, 0.0)
    assert np.isnan(parts.strike_flow_coin).all()
    assert np.isnan(parts.expiry_flow_coin).all()


def test_an_expiry_and_a_strike_that_cannot_be_priced_have_an_unknown_share() -> None:
    chain = make_chain(strikes=(90_000.0, 100_000.0, 110_000.0), days=(1.0, 30.0))
    unknown = (chain.expiry_ms == chain.expiry_ms[0]) | (chain.strike == 90_000.0)
    iv = np.where(unknown, np.nan, chain.mark_iv)
    status = np.where(unknown, RowStatus.NO_IV, RowStatus.OK).astype(np.int8)
    chain = with_columns(chain, mark_iv=iv, status=status)
    held = np.ones(len(chain))
    parts = compute_flow_contributions(chain, held, 5.0, 0.0)
    assert np.isnan(parts.expiry_flow_coin).tolist() == [True, False]
    assert np.isnan(parts.strike_flow_coin).tolist() == [True, False, False]
    whole = flow_of(chain, held, [5.0]).flow_coin[0]
    assert np.nansum(parts.strike_flow_coin) == pytest.approx(whole, rel=1e-9)


def test_a_position_of_nothing_in_a_priced_book_flows_nowhere() -> None:
    """Known to be zero is not unknown, even where most of the book is."""
    chain = make_chain()
    position = np.full(len(chain), np.nan)
    position[0] = 0.0
    assert not np.any(flow_of(chain, position, MOVES_PCT, HORIZONS_S).flow_coin)


def test_the_flow_of_an_unknown_book_is_unknown() -> None:
    chain = make_chain()
    flow = flow_of(chain, np.full(len(chain), np.nan), MOVES_PCT, HORIZONS_S)
    for name in ("flow_coin", "gamma_coin", "charm_coin", "vanna_coin", "expiry_coin"):
        assert np.isnan(getattr(flow, name)).all()


def test_a_falling_volatility_stops_at_one_per_cent() -> None:
    chain, position = short_calls(days=30, mark_iv=0.3)
    flow = flow_of(chain, position, [10.0], iv_points_per_pct=-5.0)
    floored = flow_of(chain, position, [10.0], iv_points_per_pct=-2.9)
    assert flow.flow_coin[0] == pytest.approx(floored.flow_coin[0], rel=1e-12)


@given(move=st.floats(-90, 200), days=st.floats(0.01, 400), strike=st.floats(2e4, 5e5))
def test_one_option_never_trades_more_than_its_own_size(
    move: float, days: float, strike: float
) -> None:
    flow = flow_of(*short_calls(days=days, strike=strike), [move])
    assert abs(flow.flow_coin[0]) <= 1000
    assert flow.flow_coin[0] * move >= 0, "short calls are hedged by buying rallies"


def test_impossible_scenarios_and_shapes_are_refused() -> None:
    chain, position = short_calls(days=30)
    with pytest.raises(ValueError, match="above -100"):
        flow_of(chain, position, [-100.0])
    with pytest.raises(ValueError, match="expected 1 options, was 2"):
        flow_of(chain, np.zeros(2), [1.0])


def test_the_next_settlement_is_at_eight_utc() -> None:
    assert next_settlement_s(AS_OF_MS) == 86_400
    assert next_settlement_s(AS_OF_MS - 1) == 1
    assert next_settlement_s(AS_OF_MS + MS_PER_DAY // 2) == 43_200
