"""The perpetual beside the options: its funding, its open interest, what its holders paid.

Knows prices and the times that it is handed with; reads no clock.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from dealers.hours import HOUR_MS, KEPT_HOURS
from greeks.conventions import FloatArray, Settlement

Prices = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Perpetual:
    """What the perpetuals of one asset show. NaN is unknown, a time of 0 never.

    Attributes
    ----------
    instrument_name : the one that funding is read from: the inverse one where it exists.
    settlement : of that one.
    rate_8h : its present funding, a fraction for eight hours; + means that longs pay.
    realised_8h : what it came to over the last eight hours.
    mark_usd : its mark.
    open_interest_usd : of all perpetuals of the asset.
    ts_event : exchange ms of its ticker.
    hours : start of an hour, exchange ms, and price in it; the last week, oldest first.
    """

    instrument_name: str | None = None
    settlement: Settlement = Settlement.INVERSE
    rate_8h: float = np.nan
    realised_8h: float = np.nan
    mark_usd: float = np.nan
    open_interest_usd: float = np.nan
    ts_event: int = 0
    hours: Prices = ()

    @property
    def entries_usd(self) -> FloatArray:
        """(h,) prices of the last week's hours, oldest first."""
        return np.array([usd for _, usd in self.hours])


UNKNOWN_PERPETUAL = Perpetual()


class PriceWeek:
    """The price of one market, the first in each hour of the last week."""

    def __init__(self) -> None:
        self._hours: deque[tuple[int, float]] = deque()

    def record(self, at_ms: int, usd: float) -> None:
        """Note the price at a time, which need not rise: what is later than it is forgotten."""
        hours, start_ms = self._hours, at_ms // HOUR_MS * HOUR_MS
        while hours and hours[-1][0] > start_ms:
            hours.pop()
        if usd > 0 and not (hours and hours[-1][0] == start_ms):
            hours.append((start_ms, usd))
        while hours and hours[0][0] <= start_ms - KEPT_HOURS * HOUR_MS:
            hours.popleft()

    def after(self, told: Prices) -> Prices:
        """The week, hours of `told` standing in where nothing was noted."""
        if not self._hours:
            return ()
        now_ms = self._hours[-1][0]
        since_ms = now_ms - KEPT_HOURS * HOUR_MS
        known = {at: usd for at, usd in told if since_ms < at <= now_ms}
        return tuple(sorted((known | dict(self._hours)).items()))
