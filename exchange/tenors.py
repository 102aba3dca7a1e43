"""How open interest and volume spread over expiries. Pure functions of the calendar.

The shares are curves through the medians of recorded BTC chains of half a year, in percent of
everything listed; whoever uses them normalises.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from math import exp

import numpy as np

from exchange.calendar import expiry_period
from greeks.conventions import MS_PER_DAY, MS_PER_YEAR, FloatArray, IntArray

QUARTER = "quarter"
PLACED_DAYS = {"day": 1.0, "week": 5.0, "month": 22.0, QUARTER: 50.0}
"""How much longer the life ahead was when what is held now was bought and sold."""


def tenor_word(expiry_ms: int) -> str:
    """Return day, week, month or quarter."""
    period = expiry_period(expiry_ms)
    month = datetime.fromtimestamp(expiry_ms / 1000, UTC).month
    return QUARTER if period == "month" and month % 3 == 0 else period


def placed_years(expiry_ms: int, now_ms: int) -> float:
    """Return the life ahead that strikes and holdings of an expiry were chosen for."""
    return max(expiry_ms - now_ms, 0) / MS_PER_YEAR + PLACED_DAYS[tenor_word(expiry_ms)] / 365.0


def open_interest_share(word: str, days: float) -> float:
    """Return an expiry's share of open interest: the quarter ahead holds most of it."""
    return {
        "day": exp(-days / 1.5),
        "week": 7.0 * exp(-((days / 12.0) ** 2)),
        "month": 25.0 * exp(-((days / 52.0) ** 2)),
        QUARTER: 38.0 * exp(-days / 160.0),
    }[word]


def volume_share(word: str, days: float) -> float:
    """Return an expiry's share of a day's volume: what is near trades far more than it is held."""
    return {
        "day": 12.0 * exp(-days / 1.8),
        "week": 17.0 * exp(-((days / 15.0) ** 2)),
        "month": 26.0 * exp(-((days / 55.0) ** 2)),
        QUARTER: 31.0 * exp(-days / 55.0) + 1.5,
    }[word]


def spread_over_expiries(
    weight: FloatArray, expiry_ms: IntArray, now_ms: int, share: Callable[[str, float], float]
) -> FloatArray:
    """Scale row weights so that each expiry has its share; what has expired has none."""
    spread = np.zeros_like(weight)
    for ms in np.unique(expiry_ms).tolist():
        rows = expiry_ms == ms
        total = float(weight[rows].sum())
        if ms > now_ms and total > 0.0:
            spread[rows] = weight[rows] * share(tenor_word(ms), (ms - now_ms) / MS_PER_DAY) / total
    return spread
