"""Many inventories on one ladder: the same numbers as the profile of each alone."""

import numpy as np
import pytest

from dealers.ladder import GexLadder, gex_per_coin, nearest_sign_change
from dealers.rules import RULES, PositionModel, position_from_rule
from greeks.conventions import Exposure, RowStatus
from greeks.exposure import compute_exposure
from tests.builders import make_chain, make_venue_chain, with_columns


@pytest.fixture(scope="module")
def ladder() -> GexLadder:
    return GexLadder.of(make_venue_chain(4, twins_differ=0.1))


def test_net_gex_at_spot_is_that_of_the_exposure(ladder: GexLadder) -> None:
    chain = make_venue_chain(4, twins_differ=0.1)
    positions = np.stack([position_from_rule(chain, model) for model in RULES])
    nets = ladder.net_at_spot(positions)
    for net, position in zip(nets, positions, strict=True):
        snapshot = compute_exposure(chain, position, "test")
        gross = snapshot.gross_of(Exposure.GEX)
        assert net == pytest.approx(snapshot.net_of(Exposure.GEX), abs=1e-12 * gross)


def test_the_ladder_is_the_profile(ladder: GexLadder) -> None:
    chain = make_venue_chain(4, twins_differ=0.1)
    position = position_from_rule(chain, PositionModel.NAIVE)
    profile = compute_exposure(chain, position, "test").profile
    np.testing.assert_allclose(ladder.levels_usd, profile.spot_usd, rtol=1e-12)
    gex = profile.gex_usd_per_1pct
    np.testing.assert_allclose(
        position @ ladder.per_coin, gex, rtol=0, atol=1e-9 * np.abs(gex).max()
    )


def test_the_nearest_flip_agrees_with_the_exact_root(ladder: GexLadder) -> None:
    chain = make_venue_chain(4, twins_differ=0.1)
    rng = np.random.default_rng(2)
    naive = position_from_rule(chain, PositionModel.NAIVE)
    positions = naive * rng.lognormal(0, 0.3, (12, len(chain)))
    for flip, position in zip(ladder.flips(positions), positions, strict=True):
        exact = compute_exposure(chain, position, "test").levels.flip_usd
        assert exact is not None
        assert flip == pytest.approx(exact, rel=1e-4)


def test_an_inventory_of_one_sign_has_no_flip(ladder: GexLadder) -> None:
    positions = np.stack([np.ones(len(ladder.at_spot)), np.zeros(len(ladder.at_spot))])
    assert np.isnan(ladder.flips(positions)).all()


def test_zeros_beside_values_of_one_sign_are_no_change() -> None:
    levels = 1e5 * np.exp([-0.02, -0.01, 0.0, 0.01, 0.02])
    net = np.array(
        [[0, 0, -1, 0, 0], [-1, 0, -2, 0, -1], [0] * 5, [0, -1, 0, 1, 0], [1, -1, -1, -1, 3]],
        np.float64,
    )
    flips = nearest_sign_change(levels, net, 1e5)
    assert np.isnan(flips[:3]).all()
    assert flips[3:] == pytest.approx(1e5 * np.exp([0.0, 0.0125]))


def test_where_all_gamma_has_faded_there_is_no_sign() -> None:
    # short around spot; the larger long hill lies beyond the ladder and never reaches it
    chain = make_chain(strikes=(100_000.0, 170_000.0), days=(1 / 24,), kinds="C")
    chain = with_columns(chain, mark_iv=np.array([0.4, 0.1]))
    position = np.array([-1.0, 1.0])
    assert compute_exposure(chain, position, "test").levels.flip_usd is None
    assert np.isnan(GexLadder.of(chain).flips(position[None]))


def test_rows_that_cannot_be_computed_and_unknown_positions_count_nothing() -> None:
    chain = make_chain(strikes=(90_000, 110_000), days=(30,))
    status = np.array([RowStatus.OK, RowStatus.NO_IV, RowStatus.OK, RowStatus.OK], np.int8)
    iv = np.array([0.5, np.nan, 0.5, 0.5])
    broken = with_columns(chain, status=status, mark_iv=iv)
    whole, part = gex_per_coin(chain), gex_per_coin(broken)
    assert part[1] == 0
    assert np.array_equal(part[[0, 2, 3]], whole[[0, 2, 3]])
    net = GexLadder.of(chain).net_at_spot(np.array([[1.0, np.nan, 1.0, 1.0]]))
    assert net[0] == pytest.approx(whole[[0, 2, 3]].sum())


def test_inside_the_settlement_window_gamma_is_the_averages() -> None:
    chain = make_chain(strikes=(99_900.0,), days=(600 / 86_400,), mark_iv=0.3)
    gex = compute_exposure(chain, np.array([1.0, 1.0]), "test").by_option.column(Exposure.GEX)
    assert gex_per_coin(chain) == pytest.approx(gex, rel=1e-9)
