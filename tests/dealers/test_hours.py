"""Hours seen by the board, and the venue's own past until there are enough of them."""

import numpy as np
import pytest

from dealers.hours import HOUR_MS, Hour, HourLog
from dealers.response import VolatilitySource

START_MS = 1_795_600_800_000


def week(hours: int, slope: float, level: float = 0.4, seed: int = 1) -> list[Hour]:
    """Hours whose volatility moves `slope` points for +1 % of spot, exactly."""
    moves = np.random.default_rng(seed).normal(0, 0.005, hours)
    spot = 90_000 * np.exp(np.cumsum(moves))
    iv = level + slope * np.log(spot / 90_000)
    return [
        Hour(START_MS + k * HOUR_MS, float(s), float(v))
        for k, (s, v) in enumerate(zip(spot, iv, strict=True))
    ]


def seen(hours: list[Hour]) -> HourLog:
    log = HourLog()
    for hour in hours:
        log = log.observe(hour.start_ms, hour.spot_usd, hour.atm_iv)
    return log


def test_the_venues_past_stands_in_until_a_day_was_seen() -> None:
    past = week(168, slope=-0.4, level=0.6)
    young = seen(week(24, slope=-0.8)).spot_vol_beta(past)
    assert young.measured_on is VolatilitySource.VOLATILITY_INDEX
    assert young.used == pytest.approx(-0.4, rel=1e-9)
    assert young.samples == 167
    grown = seen(week(25, slope=-0.8)).spot_vol_beta(past)
    assert grown.measured_on is VolatilitySource.ATM_IV
    assert grown.used == pytest.approx(-0.8, rel=1e-9)


def test_without_a_past_a_young_board_says_what_it_lacks() -> None:
    young = seen(week(3, slope=-0.8)).spot_vol_beta()
    assert young.used == 0
    assert young.reason == "expected 24 samples, was 2"
    assert young.measured_on is VolatilitySource.ATM_IV


def test_a_missing_hour_is_no_change() -> None:
    hours = week(60, slope=-0.5)
    holed = [hour for k, hour in enumerate(hours) if k != 30]
    assert seen(holed).spot_vol_beta().samples == 57
