"""The hedge on a grid against the exact re-hedge between its nodes."""

import numpy as np
import pytest

from dealers.hedging import compute_hedge_flow
from greeks.conventions import PCT, RowStatus
from loops.hedge_surface import HedgeSurface, compute_hedge_surface, log_nodes
from tests.builders import make_chain, make_venue_chain, with_columns

DAY = np.arange(289) * 300.0
WIDTH = 0.5 / 365**0.5


@pytest.mark.parametrize("beta", [0.0, -0.8])
def test_between_the_nodes_a_thousand_options_are_hedged_as_exactly(beta: float) -> None:
    chain = make_venue_chain()
    rng = np.random.default_rng(2)
    position = chain.open_interest_coin * rng.choice([-1.0, 1.0], len(chain))
    surface = compute_hedge_surface(chain, position, DAY, log_nodes(WIDTH), beta)
    gross = np.abs(position).sum()
    # the first expiry is at step 100.8: the last steps before it are the worst
    worst = []
    for step in (0, 1, 30, 80, 95, 99, 100, 101, 200, 288):
        moves = rng.normal(0.0, WIDTH, 200)
        flow = compute_hedge_flow(chain, position, np.expm1(moves) / PCT, DAY[[step]], beta)
        assert surface.vanna(step, moves) == pytest.approx(flow.vanna_coin, abs=3e-5 * gross)
        worst.append(np.abs(surface.target(step, moves) - flow.flow_coin).max() / gross)
    assert max(worst) < 5e-4
    assert np.median(worst) < 1e-5


def test_a_week_is_hedged_as_exactly_where_few_times_are_computed() -> None:
    chain = make_venue_chain()
    rng = np.random.default_rng(3)
    position = chain.open_interest_coin * rng.choice([-1.0, 1.0], len(chain))
    week = np.arange(505) * 1200.0
    surface = compute_hedge_surface(chain, position, week, log_nodes(WIDTH * 7**0.5))
    gross = np.abs(position).sum()
    for step in (3, 27, 28, 100, 171, 300, 385, 386, 450, 501):
        moves = rng.normal(0.0, WIDTH * 7**0.5, 200)
        flow = compute_hedge_flow(chain, position, np.expm1(moves) / PCT, week[[step]]).flow_coin
        assert surface.target(step, moves) == pytest.approx(flow, abs=5e-4 * gross)


def test_now_and_here_nothing_is_asked() -> None:
    chain = make_venue_chain()
    surface = compute_hedge_surface(chain, chain.open_interest_coin, DAY[:3], log_nodes(WIDTH))
    assert abs(surface.target(0, np.zeros(1))[0]) < 1e-9


def test_the_nodes_are_dense_in_the_middle_and_hold_zero() -> None:
    nodes = log_nodes(0.02)
    steps = np.diff(nodes)
    assert nodes[len(nodes) // 2] == 0
    assert (nodes == -nodes[::-1]).all()
    assert steps.argmin() in (len(steps) // 2, len(steps) // 2 - 1)
    assert steps.min() > 0
    with pytest.raises(ValueError, match="width"):
        log_nodes(0.0)


def test_a_book_of_which_nothing_is_known_has_an_unknown_hedge() -> None:
    chain = with_columns(make_chain(), status=RowStatus.NO_IV)
    surface = compute_hedge_surface(chain, np.ones(len(chain)), DAY[:20], log_nodes(WIDTH))
    assert np.isnan(surface.target_coin).all()
    partly = np.where(np.arange(len(chain)) < 3, np.nan, 1.0)
    surface = compute_hedge_surface(make_chain(), partly, DAY[:20], log_nodes(WIDTH))
    assert np.isfinite(surface.target_coin).all()


def test_a_surface_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="target_coin"):
        HedgeSurface(np.zeros(3), np.zeros(2), np.zeros((3, 2)), np.zeros((2, 3)))
