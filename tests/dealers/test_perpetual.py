"""The week of prices: the first of each hour, the venue's where nothing was seen."""

import numpy as np

from dealers.hours import HOUR_MS
from dealers.perpetual import UNKNOWN_PERPETUAL, PriceWeek

NOW = 1_000 * HOUR_MS


def test_each_hour_keeps_its_first_price_and_unknown_ones_are_none() -> None:
    week = PriceWeek()
    for at, usd in ((0, np.nan), (1, 100.0), (2, 101.0), (HOUR_MS + 5, 102.0)):
        week.record(NOW + at, usd)
    assert week.after(()) == ((NOW, 100.0), (NOW + HOUR_MS, 102.0))


def test_the_venues_hours_stand_in_and_what_is_a_week_old_or_yet_to_come_does_not() -> None:
    week = PriceWeek()
    week.record(NOW, 100.0)
    told = tuple((NOW + h * HOUR_MS, 90.0 + h) for h in (-169, -168, -1, 0, 1))
    expected = ((NOW - 168 * HOUR_MS, -78.0), (NOW - HOUR_MS, 89.0), (NOW, 100.0))
    assert week.after(told) == expected
    assert PriceWeek().after(told) == (), "nothing says what time it is"


def test_a_clock_that_went_back_forgets_what_is_yet_to_come() -> None:
    week = PriceWeek()
    for hour in (0, 1, 2, 200, 1):
        week.record(NOW + hour * HOUR_MS, 100.0 + hour)
    assert week.after(()) == ((NOW + HOUR_MS, 101.0),), "200 hours on, the first were forgotten"


def test_a_perpetual_of_which_nothing_is_known_has_no_entries() -> None:
    assert UNKNOWN_PERPETUAL.entries_usd.tolist() == []
    assert np.isnan(UNKNOWN_PERPETUAL.open_interest_usd)
