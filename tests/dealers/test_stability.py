"""What moves a flip, and what would change the regime first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealers.rules import PositionModel, position_from_rule
from dealers.stability import FirstCause, compute_flip_stability, compute_regime_margin
from greeks.chain import OptionChain
from greeks.conventions import FloatArray
from greeks.exposure import compute_exposure
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
    near = {"abs": 1e-12 * base}  # a shift is the difference of two exact roots
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


@pytest.mark.parametrize("days", [(1 / 24,), (4 / 24,), (4 / 24, 1.0), (1.0,), (7.0,)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_book_of_one_sign_has_no_flip_however_narrow_its_gamma(
    days: tuple[float, ...], sign: float
) -> None:
    chain = make_chain(strikes=np.arange(98_000.0, 102_001.0, 1_000.0), days=days, mark_iv=0.4)
    found = compute_flip_stability(chain, np.full(len(chain), sign * 100), rng())
    shifts = (found.iv_up_usd, found.iv_down_usd, found.basis_up_usd, found.day_usd)
    assert np.isnan([found.flip_usd, found.oi_noise_usd, *shifts]).all()
    assert found.oi_noise_without_flip == 1


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_flip_is_that_of_the_levels(seed: int) -> None:
    chain = make_venue_chain(seed, days=(0.1, 2, 40), strikes_per_expiry=8)
    position = np.random.default_rng(seed).normal(size=len(chain))
    flip = compute_exposure(chain, position, "any").levels.flip_usd
    assert compute_flip_stability(chain, position, rng()).flip_usd == pytest.approx(
        np.nan if flip is None else flip, rel=1e-14, nan_ok=True
    )


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
