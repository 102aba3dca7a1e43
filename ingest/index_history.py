"""The recent prices of one index by exchange time, in whatever order they arrive.

Everything asked here depends on the set of prices alone: an early, late or repeated one changes
nothing. Prices kept reach back over the settlement window and any summary in use.
"""

import math
from bisect import bisect_left, bisect_right

MAX_JUMP = 0.10
CONFIRM_PUSHES = 3
"""A price further than 10 % from the one before is believed when three in a row stay there."""
KEPT = 4_096
"""Newest prices kept: over an hour of an index that ticks once a second."""


class IndexHistory:
    """Prices of one spot index, with a guard against impossible jumps."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._prices: list[float] = []
        self._believed: list[float] = []  # after each price, in order of time
        self._doubted: list[int] = []  # how many in a row were not believed

    @property
    def newest_ms(self) -> int:
        """Exchange time of the newest price, 0 before the first."""
        return self._times[-1] if self._times else 0

    @property
    def price(self) -> float:
        """The newest believed price, NaN before the first."""
        return self._believed[-1] if self._believed else math.nan

    def add(self, ts_event: int, price: float) -> bool:
        """Take a price; returns whether anything changed. What cannot be a price is dropped."""
        if not 0 < price < math.inf:
            return False
        at = bisect_left(self._times, ts_event)
        if at < len(self._times) and self._times[at] == ts_event:
            if price <= self._prices[at]:
                return False
            self._prices[at] = price  # two prices of one instant: the same one, whoever is first
        else:
            self._times.insert(at, ts_event)
            self._prices.insert(at, price)
            self._believed.insert(at, math.nan)
            self._doubted.insert(at, 0)
        self._judge_from(at)
        if len(self._times) >= 2 * KEPT:
            for column in (self._times, self._prices, self._believed, self._doubted):
                del column[:-KEPT]
        return True

    def at(self, ts_ms: int) -> float:
        """Return the believed price at a time; before the first one known, that one."""
        if not self._times:
            return math.nan
        return self._believed[max(bisect_right(self._times, ts_ms) - 1, 0)]

    def average(self, from_ms: int, to_ms: int) -> tuple[float, int]:
        """Return the mean of the prices after `from_ms` up to `to_ms`, and their number."""
        first, last = bisect_right(self._times, from_ms), bisect_right(self._times, to_ms)
        samples = self._believed[first:last]
        return (math.fsum(samples) / len(samples) if samples else math.nan), len(samples)

    def _judge_from(self, start: int) -> None:
        """Believe or doubt each price from `start` on; one that arrives in order costs one step."""
        believed = self._believed[start - 1] if start else math.nan
        doubted = self._doubted[start - 1] if start else 0
        for i in range(start, len(self._prices)):
            price = self._prices[i]
            is_jump = abs(price / believed - 1) > MAX_JUMP  # never, as long as none is known
            doubted = doubted + 1 if is_jump else 0
            if doubted in {0, CONFIRM_PUSHES}:
                believed, doubted = price, 0
            self._believed[i], self._doubted[i] = believed, doubted
