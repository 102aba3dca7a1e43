"""Pinning: reference probabilities and the strike that draws."""

import numpy as np
import pytest

from greeks.exposure import compute_exposure
from greeks.pin import pin_probability
from tests.builders import make_chain


@pytest.mark.parametrize(
    ("beta", "xi", "expected"),
    [
        (0.5, 0, 0.1808),
        (1, 0, 0.3290),
        (2, 0, 0.5497),
        (5, 0, 0.8639),
        (1, 1, 0.2149),
        (2, 1, 0.3837),
        (2, 0.5, 0.5055),
        (0, 0, 0.0),
        (-3, 0, 0.0),
    ],
)
def test_reference_probabilities(beta: float, xi: float, expected: float) -> None:
    assert pin_probability(beta, xi) == pytest.approx(expected, abs=1e-4)


def test_the_pin_is_the_next_expirys_strike_where_dealers_are_long_near_spot() -> None:
    chain = make_chain(strikes=(95_000, 100_000, 105_000), days=(4 / 24, 7), open_interest=0.0)
    position = np.where((chain.strike == 100_000) & chain.is_call, 2000.0, -50.0)
    pin = compute_exposure(chain, position, "test").levels.pin
    assert pin is not None
    assert (pin.strike_usd, pin.expiry_ms) == (100_000, chain.expiry_ms.min())
    assert (pin.position_coin, pin.distance) == (1950, 0)
    # n = 2000, E = 5e-6, s = 0.5, 4 h: 0.312 without the average; with it time and sd are less
    assert 0.312 < pin.probability(5e-6 * 2000 / 1950) < 0.35


def test_where_dealers_are_short_everywhere_nothing_pins() -> None:
    chain = make_chain(days=(1,))
    assert compute_exposure(chain, -np.ones(len(chain)), "test").levels.pin is None
