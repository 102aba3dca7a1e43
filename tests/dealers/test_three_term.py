"""E1 against its own model by brute force, and at its limits."""

import numpy as np
import pytest

from dealers.attribution import ATTRIBUTIONS, TradeClass
from dealers.flow import FlowColumns
from dealers.three_term import OverlapPrior, estimate_three_term
from greeks.conventions import FloatArray

LIT = ATTRIBUTIONS[TradeClass.LIT]


def columns(
    signed: FloatArray,
    squared: FloatArray,
    start: FloatArray,
    *,
    knows_start: bool = False,
    missing: int = 0,
    kind: TradeClass = TradeClass.LIT,
) -> FlowColumns:
    n = len(signed)
    by_class = np.zeros((2, n, len(TradeClass)))
    by_class[0, :, kind], by_class[1, :, kind] = signed, squared
    return FlowColumns(
        signed_coin=by_class[0],
        squared_coin2=by_class[1],
        buys=np.full(n, 10),
        sells=np.full(n, 10),
        missing=np.full(n, missing),
        reaches_listing=np.full(n, knows_start),
        start_open_interest_coin=start,
        is_call=np.ones(n, bool),
    )


def by_sampling(
    signed: float, squared: float, start: float, interest: float, *, knows_start: bool
) -> tuple[float, float, float]:
    """The three terms drawn and weighed: mean, 5 % and 95 %."""
    rng, count = np.random.default_rng(3), 400_000
    first = np.zeros(count) if knows_start else rng.uniform(-start, start, count)
    q = first - rng.normal(0.95, 0.25, count) * signed
    q += np.sqrt(LIT.variance * squared) * rng.standard_normal(count)
    overlap = interest - np.abs(q)
    scale = 0.3 * (interest if knows_start else start)
    weight = np.where(overlap > 0, np.sqrt(np.maximum(overlap, 0)) * np.exp(-overlap / scale), 0.0)
    order = np.argsort(q)
    share = np.cumsum(weight[order]) / weight.sum()
    lo, hi = np.interp((0.05, 0.95), share, q[order])
    return float(weight @ q / weight.sum()), float(lo), float(hi)


@pytest.mark.parametrize("knows_start", [True, False])
@pytest.mark.parametrize("case", [(30.0, 200.0, 120.0, 100.0), (-80.0, 900.0, 60.0, 150.0)])
def test_the_grid_gives_what_weighted_draws_of_the_three_terms_give(
    case: tuple[float, float, float, float], knows_start: bool
) -> None:
    signed, squared, start, interest = case
    found = estimate_three_term(
        columns(
            np.array([signed]), np.array([squared]), np.array([start]), knows_start=knows_start
        ),
        np.array([interest]),
    )
    mean, lo, hi = by_sampling(*case, knows_start=knows_start)
    assert found.mean[0] == pytest.approx(mean, abs=0.01 * interest)
    assert found.lo[0] == pytest.approx(lo, abs=0.02 * interest)
    assert found.hi[0] == pytest.approx(hi, abs=0.02 * interest)


def test_its_interval_holds_the_truth_nine_times_in_ten_in_its_own_world() -> None:
    """Truth from E1's own model with e ~ N(.8, .15^2) and an unknown start."""
    rng, n = np.random.default_rng(7), 4000
    start = rng.uniform(50, 150, n)
    first, signed = rng.uniform(-start, start), rng.normal(0, 40, n)
    squared = np.full(n, 400.0)
    q = first - rng.normal(0.8, 0.15, n) * signed
    q += np.sqrt(0.35 * squared) * rng.standard_normal(n)
    interest = np.abs(q) + rng.gamma(1.5, 0.3 * start)
    found = estimate_three_term(columns(signed, squared, start), interest)
    inside = np.mean((found.lo <= q) & (q <= found.hi))
    assert inside == pytest.approx(0.90, abs=0.02)
    without = 2 * 1.645 * np.sqrt(start**2 / 3 + (0.25 * signed) ** 2 + 0.35 * squared)
    assert np.mean(found.hi - found.lo) < 0.8 * np.mean(without), "open interest narrows it"


def test_nothing_exceeds_the_open_interest_even_when_the_tape_contradicts_it() -> None:
    flow = columns(np.array([500.0]), np.array([1.0]), np.array([1.0]), knows_start=True)
    found = estimate_three_term(flow, np.array([10.0])).widened(np.array([10.0]))
    assert np.abs(found.quantiles).max() <= 10.0
    assert found.mean[0] < 0


def test_without_trades_the_sign_is_open() -> None:
    flow = columns(np.zeros(1), np.zeros(1), np.array([100.0]))
    found = estimate_three_term(flow, np.array([100.0]))
    assert found.mean[0] == pytest.approx(0.0, abs=1e-9)
    assert found.lo[0] == pytest.approx(-found.hi[0])
    assert found.hi[0] > 60


def test_a_listing_without_trades_holds_nothing_and_unknown_interest_is_unknown() -> None:
    flow = columns(np.zeros(3), np.zeros(3), np.array([0.0, 5.0, np.nan]))
    found = estimate_three_term(flow, np.array([0.0, np.nan, np.nan]))
    assert abs(found.quantiles[0]).max() < 1e-6
    assert np.isnan(found.mean[1:]).all()
    assert np.isnan(found.quantiles[1:]).all()


def test_missing_trades_widen_the_interval() -> None:
    start = np.array([1000.0])
    widths = []
    for missing in (0, 100):
        flow = columns(
            np.array([50.0]), np.array([200.0]), start, knows_start=True, missing=missing
        )
        found = estimate_three_term(flow, start)
        widths.append(found.hi[0] - found.lo[0])
    assert widths[1] > 1.2 * widths[0]


def test_a_block_tells_less_than_a_lit_trade_and_a_liquidated_maker_the_opposite() -> None:
    start = np.array([1000.0])
    means = {
        kind: estimate_three_term(
            columns(np.array([100.0]), np.array([500.0]), start, knows_start=True, kind=kind),
            start,
        ).mean[0]
        for kind in (TradeClass.LIT, TradeClass.BLOCK, TradeClass.MAKER_LIQUIDATED)
    }
    assert means[TradeClass.LIT] < means[TradeClass.BLOCK] < 0
    assert means[TradeClass.MAKER_LIQUIDATED] > 0


def test_the_prior_is_a_visible_parameter() -> None:
    flow = columns(np.array([50.0]), np.array([200.0]), np.array([100.0]), knows_start=True)
    weak = OverlapPrior(effectiveness=0.5)
    usual, weaker = (
        estimate_three_term(flow, np.array([100.0]), prior).mean[0] for prior in (None, weak)
    )
    assert usual < weaker < 0
