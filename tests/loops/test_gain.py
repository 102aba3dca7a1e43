"""Loop gain against the worked example of its definition."""

import pytest

from loops.gain import amplification, gamma_loop_gain
from loops.impact import impact_per_usd


def test_the_worked_example() -> None:
    lam = impact_per_usd(30e6)
    assert lam == pytest.approx(1.6667e-10, rel=1e-4)
    assert gamma_loop_gain(-50e6, lam, permanence=1.0) == pytest.approx(0.8333, rel=1e-4)
    gain = gamma_loop_gain(-50e6, lam)
    assert gain == pytest.approx(0.25, rel=1e-12)
    assert amplification(gain) == pytest.approx(4 / 3, rel=1e-12)


def test_long_gamma_dampens() -> None:
    gain = gamma_loop_gain(50e6, impact_per_usd(30e6))
    assert gain == pytest.approx(-0.25)
    assert amplification(gain) == pytest.approx(0.8)


def test_a_gain_of_one_has_no_amplification() -> None:
    assert amplification(1.0) is None
    assert amplification(2.5) is None
