"""Squeezes, cascades and exhaustion, each on a path made to be one."""

import numpy as np
import pytest

from greeks.conventions import SECONDS_PER_YEAR, FloatArray
from loops.fundamental import draw_fundamental
from loops.market import MarketPaths
from loops.reading import is_large_move, label_paths, realised_volatility, window_steps

SECONDS = np.arange(37) * 600.0
"""Six hours; an hour is six steps."""
HOUR_SD = 0.5 * (3600 / SECONDS_PER_YEAR) ** 0.5
E = 1e-6


def path(others: FloatArray, dealers: FloatArray, forced: FloatArray) -> MarketPaths:
    """A path whose log moves come from three hands, each given as log moves step by step."""
    columns = [np.concatenate([[0.0], np.cumsum(part)])[:, None] for part in (others, dealers)]
    fundamental, impact = columns[0], columns[1] + np.append(0, np.cumsum(forced))[:, None]
    nothing = np.zeros(1)
    return MarketPaths(
        seconds=SECONDS,
        log_price=fundamental + impact,
        fundamental=fundamental,
        permanent=impact,
        transient=np.zeros_like(impact),
        dealer_coin=dealers[:, None] / E,
        forced_coin=forced[:, None] / E,
        gamma_coin=nothing,
        vanna_coin=nothing,
        charm_coin=nothing,
        silent_coin=nothing,
        waiting_coin=nothing,
    )


def burst(size_sd: float, first: int = 6, steps: int = 6) -> FloatArray:
    """A move of so many hourly deviations, even over some steps."""
    out = np.zeros(36)
    out[first : first + steps] = size_sd * HOUR_SD / steps
    return out


NONE = np.zeros(36)


def labels_of(others: FloatArray, dealers: FloatArray, forced: FloatArray = NONE) -> list[bool]:
    found = label_paths(path(others, dealers, forced), E, 0.5)
    columns = (found.is_large, found.is_squeeze, found.is_cascade, found.is_exhausted)
    return [bool(column[0]) for column in columns]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_large_move_is_named_after_who_traded_it(sign: float) -> None:
    assert labels_of(sign * burst(2.9), NONE) == [False, False, False, False]
    assert labels_of(sign * burst(4.0), NONE) == [True, False, False, False]
    assert labels_of(sign * burst(2.5), sign * burst(1.5))[:3] == [True, False, False]
    assert labels_of(sign * burst(2.0), sign * burst(1.8))[:3] == [True, True, False]
    fall = labels_of(sign * burst(1.0), sign * burst(1.0), sign * burst(2.0))
    assert fall[:3] == [True, False, True]


def test_dealers_who_lean_against_a_move_squeeze_nobody() -> None:
    assert labels_of(burst(8.0), -burst(4.0))[:2] == [True, False]


def test_a_squeeze_is_exhausted_when_flow_ends_and_the_price_stays() -> None:
    assert labels_of(burst(2.0), burst(3.0))[3]
    # dealers' flow ends and the price comes back with it
    back = -burst(4.5, first=12, steps=3)
    assert not labels_of(burst(2.0) + back, burst(3.0))[3]
    # dealers buy to the end
    assert not labels_of(burst(2.0, steps=30), burst(12.0, steps=30))[3]


def test_volatility_is_that_of_the_draw() -> None:
    seconds = np.arange(289) * 300.0
    found = realised_volatility(draw_fundamental(1, 200, seconds, 0.6), seconds)
    # 57,600 steps: an error of 0.3 %
    assert np.sqrt(np.mean(found**2)) == pytest.approx(0.6, rel=0.012)


def test_a_run_shorter_than_an_hour_is_one_window() -> None:
    seconds = np.arange(4) * 300.0
    assert window_steps(seconds) == 3
    assert is_large_move(np.array([[0.0], [0.0], [0.0], [0.02]]), seconds, 0.5).tolist() == [[True]]
    assert window_steps(np.array([0.0, 7200.0, 14400.0])) == 1
