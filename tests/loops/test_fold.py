"""Equilibria and folds of a short option book against the theory's vectors."""

import numpy as np
import pytest

from loops.fold import FOLD_NODES, find_equilibria, find_fold
from loops.hedge_surface import compute_hedge_surface, log_nodes
from soak.market import IMPACT, call_target
from tests.builders import make_chain

HOURS_2 = 7200.0
NODES = log_nodes(0.02, FOLD_NODES)


def two_hour_book(short_coin: float) -> np.ndarray:
    return call_target(-short_coin, HOURS_2, NODES)


@pytest.mark.parametrize(
    ("short_coin", "shock_pct", "roots_pct"),
    [
        (20_000, 0.0, [-0.442, 0.0, 0.433]),
        (20_000, 0.05, [0.683]),
        (20_000, 0.1, [0.822]),
        (20_000, 0.4, [1.316]),
        (40_000, 0.0, [-1.989, 0.0, 1.976]),
        (40_000, 0.4, [-1.516, -0.391, 2.391]),
    ],
)
def test_every_equilibrium_of_the_theory_is_found(
    short_coin: float, shock_pct: float, roots_pct: list[float]
) -> None:
    found = find_equilibria(NODES, two_hour_book(short_coin), IMPACT, shock_pct / 100)
    # the vectors have three decimals
    assert 100 * found == pytest.approx(roots_pct, abs=6e-4)


def test_the_re_hedge_of_a_chain_has_the_same_equilibria() -> None:
    chain = make_chain(strikes=(100_000.0,), days=(1 / 12,), kinds="C")
    surface = compute_hedge_surface(chain, np.array([-20_000.0]), np.zeros(1), NODES)
    found = find_equilibria(NODES, surface.target_coin[0], IMPACT, 0.004)
    assert 100 * found == pytest.approx([1.316], abs=6e-4)


def test_above_a_gain_of_one_any_shock_jumps() -> None:
    fold = find_fold(NODES, two_hour_book(20_000), IMPACT)
    assert fold.gain == pytest.approx(1.056, abs=1e-3)
    # d1 = v/2 at spot: the steepest hedge is a little below, so that the way up is past it
    assert fold.up.shock == pytest.approx(0, abs=1e-9)
    assert fold.up.jump_to == pytest.approx(0.00433, abs=1e-5)
    assert fold.down.shock == pytest.approx(0, abs=1e-9)


def test_between_folds_a_small_shock_is_followed_and_a_larger_one_jumps() -> None:
    v = 0.5 * np.sqrt(HOURS_2 / 31_536_000)
    # calls struck 1 % above spot: their gamma waits there
    target = call_target(-20_000, HOURS_2, NODES - 0.01) - call_target(-20_000, HOURS_2, -0.01)
    fold = find_fold(NODES, target, IMPACT)
    assert fold.gain < 1
    assert 0 < fold.up.shock < fold.up.jump_from < fold.up.jump_to
    assert np.isnan(fold.down.shock)
    just_below = find_equilibria(NODES, target, IMPACT, 0.999 * fold.up.shock)
    just_above = find_equilibria(NODES, target, IMPACT, 1.001 * fold.up.shock)
    assert len(just_below) == 3
    assert len(just_above) == 1
    assert just_below[0] == pytest.approx(fold.up.jump_from, rel=0.1)
    assert just_above[0] == pytest.approx(fold.up.jump_to, rel=0.01)
    # at the fold g = 1, which two-sided differentiation of the book says too
    g = IMPACT * 20_000 * np.exp(-(((fold.up.jump_from - 0.01) / v + v / 2) ** 2) / 2)
    assert g / np.sqrt(2 * np.pi) / v == pytest.approx(1.0, abs=0.01)


def test_the_push_of_a_squeeze_ends_where_delta_saturates() -> None:
    target = two_hour_book(20_000)
    fold = find_fold(NODES, target, IMPACT)
    delta_now = target[FOLD_NODES // 2] / 20_000
    assert fold.up.push == pytest.approx(IMPACT * 20_000 * (1 - delta_now), rel=1e-9)
    assert fold.down.push == pytest.approx(-IMPACT * 20_000 * delta_now, rel=1e-9)


def test_long_gamma_has_one_equilibrium_no_fold_and_no_push() -> None:
    target = two_hour_book(-40_000)
    fold = find_fold(NODES, target, IMPACT)
    assert np.isnan([fold.up.shock, fold.down.shock, fold.up.jump_to, fold.down.jump_to]).all()
    assert (fold.up.push, fold.down.push) == (0.0, 0.0)
    assert len(find_equilibria(NODES, target, IMPACT, 0.03)) == 1
