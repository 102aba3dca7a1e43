"""What moves a flip, and what would change the regime first."""

import numpy as np
import pytest

from dealers.rules import PositionModel, position_from_rule
from dealers.stability import FirstCause, compute_flip_stability, compute_regime_margin
from greeks.chain import OptionChain
from greeks.conventions import FloatArray
from tests.builders import make_chain, make_venue_chain

SEED = 4


def two_sided(days: float = 30.0) -> tuple[OptionChain, FloatArray]:
    """Dealers short puts at 90k, long calls at 110k; the flip has a closed form."""
    chain = make_chain(strikes=(90_000.0, 110_000.0), days=(days,))
    return chain, np.array([0.0, -1000.0, 1000.0, 0.0])


def closed_form(iv: float, days: float) -> float:
    return float(np.sqrt(90_000 * 110_000) * np.exp(-(iv**2) * days / 365 / 2))


def rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def test_shifts_of_the_flip_are_those_of_its_closed_form() -> None:
    chain, position = two_sided()
    found = compute_flip_stability(chain, position, rng())
    base = closed_form(0.5, 30)
    # the ladder finds a root to 0.01 %, a shift is the difference of two
    near = {"abs": 2e-4 * base}
    assert found.flip_usd == pytest.approx(base, **near)
    assert found.iv_up_usd == pytest.approx(closed_form(0.51, 30) - base, **near)
    assert found.iv_down_usd == pytest.approx(closed_form(0.49, 30) - base, **near)
    assert found.day_usd == pytest.approx(closed_form(0.5, 29) - base, **near)
    assert found.basis_up_usd == pytest.approx(base / 1.01 - base, **near)
    assert found.basis_down_usd == pytest.approx(base / 0.99 - base, **near)


def test_noise_on_positions_moves_the_flip_by_its_sensitivity() -> None:
    chain, position = two_sided()
    found = compute_flip_stability(chain, position, rng())
    # ln S* = ... + v^2 ln(q1/q2)/ln(K2/K1): 5 % on each of two legs
    expected = closed_form(0.5, 30) * 0.25 * 30 / 365 / np.log(11 / 9) * 0.05 * np.sqrt(2)
    assert found.oi_noise_usd == pytest.approx(expected, rel=0.25)  # 64 draws
    assert found.oi_noise_without_flip == 0


def test_a_book_without_a_flip_has_no_shift() -> None:
    chain = make_chain()
    found = compute_flip_stability(chain, np.ones(len(chain)), rng())
    assert np.isnan([found.flip_usd, found.oi_noise_usd, found.iv_up_usd, found.day_usd]).all()
    assert found.oi_noise_without_flip == 1
    margin = compute_regime_margin(chain, np.ones(len(chain)), found, 0.5, rng())
    assert margin.spot == margin.level == np.inf
    assert np.isfinite(margin.position)
    assert margin.first is FirstCause.POSITION


def test_margins_count_typical_days() -> None:
    chain, position = two_sided()
    stability = compute_flip_stability(chain, position, rng())
    margin = compute_regime_margin(chain, position, stability, 0.5, rng())
    distance = abs(np.log(stability.flip_usd / chain.index_price))
    assert margin.spot == pytest.approx(distance / (0.5 / np.sqrt(365)))
    largest = max(abs(stability.day_usd), abs(stability.iv_up_usd), abs(stability.iv_down_usd))
    assert margin.level == pytest.approx(distance / (largest / chain.index_price))
    assert margin.first is FirstCause.SPOT
    unknown = compute_regime_margin(chain, position, stability, np.nan, rng())
    assert unknown.spot == np.inf


def test_a_venue_like_book_is_stable_in_the_same_way_twice() -> None:
    chain = make_venue_chain(2)
    position = position_from_rule(chain, PositionModel.NAIVE)
    first, again = (compute_flip_stability(chain, position, rng()) for _ in range(2))
    assert first == again
    assert first.oi_noise_usd > 0
