"""Distributions, one an option, and their joint draws."""

import numpy as np
import pytest

from dealers.marginals import Marginals, from_weights, merge

RNG_SEED = 11


def normal(mean: float, sd: float, loading: float = 0.0) -> Marginals:
    grid = np.linspace(mean - 6 * sd, mean + 6 * sd, 801)[None, :]
    return from_weights(
        grid, np.exp(-(((grid - mean) / sd) ** 2) / 2), np.array([[loading, 0.0, 0.0]])
    )


def stack(*parts: Marginals) -> Marginals:
    return Marginals(
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.quantiles for part in parts]),
        np.concatenate([part.loadings for part in parts]),
    )


def test_weighted_points_have_the_quantiles_of_their_distribution() -> None:
    found = normal(5.0, 2.0)
    assert found.mean[0] == pytest.approx(5.0)
    assert found.lo[0] == pytest.approx(5.0 - 2 * 1.6449, abs=0.01)
    assert found.hi[0] == pytest.approx(5.0 + 2 * 1.6449, abs=0.01)
    assert np.all(np.diff(found.quantiles) >= 0)


def test_a_single_point_is_certain() -> None:
    found = from_weights(np.full((1, 3), 7.0), np.array([[1.0, 2.0, 1.0]]), np.zeros((1, 3)))
    assert found.lo[0] == found.mean[0] == found.hi[0] == 7.0


def test_draws_keep_every_options_own_distribution() -> None:
    both = stack(normal(0.0, 1.0, 0.6), normal(10.0, 3.0, -0.6))
    draws = both.draw(20_000, np.random.default_rng(RNG_SEED))
    # 20,000 draws: the standard error of a mean is 0.7 % of the deviation
    assert draws.mean(axis=0) == pytest.approx([0.0, 10.0], abs=0.1)
    assert draws.std(axis=0) == pytest.approx([1.0, 3.0], rel=0.03)
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(-0.36, abs=0.03)


def test_shared_errors_do_not_cancel_in_a_sum() -> None:
    alone = stack(*[normal(0.0, 1.0, 0.0) for _ in range(40)])
    together = stack(*[normal(0.0, 1.0, 0.5) for _ in range(40)])
    spread = [
        found.draw(4000, np.random.default_rng(RNG_SEED)).sum(axis=1).std()
        for found in (alone, together)
    ]
    assert spread[0] == pytest.approx(np.sqrt(40), rel=0.06)
    assert spread[1] == pytest.approx(np.sqrt(40 * (1 + 39 * 0.25)), rel=0.06)


def test_the_same_seed_draws_the_same() -> None:
    found = stack(normal(0.0, 1.0), normal(1.0, 1.0))
    first, again = (found.draw(5, np.random.default_rng(RNG_SEED)) for _ in range(2))
    assert np.array_equal(first, again)


def test_the_surer_an_interval_the_more_it_is_widened_and_never_past_the_bound() -> None:
    bound = np.array([10.0])
    for sd in (0.5, 2.0, 4.0):
        raw = normal(0.0, sd).bounded(bound)
        wide = raw.widened(bound, 0.5)
        span = (raw.hi[0] - raw.lo[0]) / 20
        expected = min(raw.hi[0] * (1 + 0.5 * (1 - span)), 10.0)
        assert wide.hi[0] == pytest.approx(expected)
        assert np.abs(wide.quantiles).max() <= 10.0
    nothing = normal(0.0, 1.0).widened(np.zeros(1), 0.5)
    assert not np.any(nothing.quantiles)


def test_better_rows_replace_their_own_and_no_others() -> None:
    base = stack(normal(0.0, 1.0), normal(1.0, 1.0), normal(2.0, 1.0))
    found = merge(base, normal(9.0, 1.0, 0.3), np.array([False, True, False]))
    assert found.mean == pytest.approx([0.0, 9.0, 2.0], abs=1e-9)
    assert found.loadings[:, 0].tolist() == [0.0, 0.3, 0.0]
    assert base.mean[1] == pytest.approx(1.0), "values are not changed in place"
