"""Flips, walls and max pain on books whose answers are known."""

import numpy as np
import pytest

from greeks.chain import OptionChain
from greeks.conventions import Exposure, FlipDirection, FlipReason, FloatArray, RowStatus
from greeks.exposure import compute_exposure
from greeks.levels import Levels, find_walls, max_pain
from tests.builders import make_chain

STRIKES = (90_000.0, 110_000.0)


def two_sided(
    short_put: float = -1000.0, long_call: float = 1000.0, **arguments: object
) -> tuple[OptionChain, FloatArray]:
    """Dealers short 30-day puts at 90k and long calls at 110k."""
    chain = make_chain(strikes=STRIKES, days=(30,), **arguments)
    position = np.zeros(len(chain))
    position[(chain.strike == STRIKES[0]) & ~chain.is_call] = short_put
    position[(chain.strike == STRIKES[1]) & chain.is_call] = long_call
    return chain, position


def levels_of(chain: OptionChain, position: FloatArray) -> Levels:
    return compute_exposure(chain, position, "test").levels


def test_the_flip_of_a_flat_smile_is_the_closed_form() -> None:
    chain, position = two_sided()
    exact = np.sqrt(STRIKES[0] * STRIKES[1]) * np.exp(-0.5 * 0.5**2 * 30 / 365)
    assert exact == pytest.approx(98481.7297, abs=1e-4)
    levels = levels_of(chain, position)
    assert levels.flip_usd == pytest.approx(exact, abs=1e-6)
    assert [flip.direction for flip in levels.flips] == [FlipDirection.LONG_ABOVE]
    gex = compute_exposure(chain, position, "test").net_of(Exposure.GEX)
    assert gex == pytest.approx(323_930, abs=1)


def test_the_flip_of_a_skewed_smile_is_its_reference_value() -> None:
    chain, position = two_sided(mark_iv=lambda k, _: 0.5 - 0.3 * k + 0.5 * k**2)
    snapshot = compute_exposure(chain, position, "test")
    assert snapshot.net_of(Exposure.GEX) == pytest.approx(458_011, abs=1)
    assert snapshot.levels.flip_usd == pytest.approx(97835.03, abs=0.01)


def test_an_all_long_book_has_no_flip_and_says_why() -> None:
    chain = make_chain()
    levels = levels_of(chain, np.ones(len(chain)))
    assert levels.flips == ()
    assert levels.flip_usd is None
    assert levels.flip_reason is FlipReason.ALWAYS_LONG
    assert levels_of(chain, -np.ones(len(chain))).flip_reason is FlipReason.ALWAYS_SHORT
    assert levels_of(chain, np.zeros(len(chain))).flip_reason is FlipReason.NO_EXPOSURE


def test_a_butterfly_has_two_flips_in_opposite_directions() -> None:
    chain = make_chain(strikes=(90_000, 100_000, 110_000), days=(30,), kinds="C")
    levels = levels_of(chain, np.array([-1000.0, 2500.0, -1000.0]))
    assert [flip.direction for flip in levels.flips] == [
        FlipDirection.LONG_ABOVE,
        FlipDirection.SHORT_ABOVE,
    ]
    nearest = min(levels.flips, key=lambda flip: abs(np.log(flip.spot_usd / 1e5)))
    assert levels.flip_usd == nearest.spot_usd


def test_an_extra_crowd_of_puts_in_the_next_expiry_makes_three_flips() -> None:
    strikes = (80_000, 99_000, 99_500, 105_000)
    chain = make_chain(index_price=95_000.0, strikes=strikes, days=(1, 30))
    position = np.zeros(len(chain))
    far = chain.expiry_ms == chain.expiry_ms.max()
    position[far & (chain.strike == 80_000) & ~chain.is_call] = -3000
    position[far & (chain.strike == 105_000) & chain.is_call] = 3000
    crowd = ~far & ~chain.is_call & np.isin(chain.strike, (99_000, 99_500))
    position[crowd] = -200
    flips = levels_of(chain, position).flips
    assert [flip.direction for flip in flips] == [
        FlipDirection.LONG_ABOVE,
        FlipDirection.SHORT_ABOVE,
        FlipDirection.LONG_ABOVE,
    ]


def test_max_pain_is_the_strike_that_pays_least() -> None:
    strikes = np.array([90.0, 95, 100, 105, 110])
    calls, puts = np.array([10.0, 20, 50, 80, 60]), np.array([70.0, 60, 40, 20, 5])
    assert max_pain(strikes, calls, puts) == 100
    assert max_pain(strikes, calls * 0, puts * 0) is None


def test_walls_are_the_extreme_strikes_within_reach() -> None:
    strikes = np.array([60.0, 90, 100, 110, 160])
    calls = np.array([0.0, 1, 2, 5, 99])
    puts = np.array([-99.0, -4, -2, -1, 0])
    call_walls, put_walls = find_walls(strikes, calls, puts, 100.0)
    assert [wall.strike_usd for wall in call_walls] == [110, 100]
    assert [wall.strike_usd for wall in put_walls] == [90, 100]
    assert call_walls[0].dominance == pytest.approx(5 / 8)
    assert (put_walls[0].gex_usd_per_1pct, put_walls[0].dominance) == (-4, pytest.approx(4 / 7))
    assert find_walls(strikes, -calls, -puts, 100.0) == ((), ())


def test_a_chain_of_unusable_rows_has_no_levels() -> None:
    chain = make_chain(status=RowStatus.NO_IV)
    levels = levels_of(chain, np.ones(len(chain)))
    assert (levels.flip_usd, levels.call_wall_usd, levels.put_wall_usd) == (None, None, None)
