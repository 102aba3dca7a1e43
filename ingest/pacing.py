"""How fast requests and reconnects may go out: below what the venue allows.

The limits hold per address, so all sockets of a process share one pacer.
"""

import math
from dataclasses import dataclass

SHARE = 0.8
"""Of the venue's pool and refill that is used; the rest is for whoever else shares the address."""
PENALTY_S = 600.0
"""How long the pace stays halved after the venue said that it was too fast."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Credits of one request, the pool they come from, and how fast it refills."""

    cost: float
    pool: float
    refill_per_s: float


NORMAL = Tariff(500.0, 50_000.0, 10_000.0)
TARIFFS = {
    "public/get_instruments": Tariff(10_000.0, 500_000.0, 10_000.0),
    "public/subscribe": Tariff(3_000.0, 30_000.0, 10_000.0),
}
UNPACED = "public/test"
"""The answer to a heartbeat cannot wait; it is paid for all the same."""
RECONNECT_PERIOD_S = 1.0
"""However many sockets break at once, they come back one by one."""


class Pacer:
    """Token buckets, one a tariff, and turns to reconnect. Times are a monotonic clock."""

    def __init__(self) -> None:
        self._levels: dict[Tariff, tuple[float, float]] = {}
        self._slow_until_s = 0.0
        self._next_reconnect_s = -math.inf

    def spend(self, method: str, now_s: float) -> bool:
        """Pay for a request; False when it has to wait."""
        tariff = TARIFFS.get(method, NORMAL)
        share = SHARE / 2 if now_s < self._slow_until_s else SHARE
        level, then_s = self._levels.get(tariff, (tariff.pool * share, now_s))
        refilled = level + max(now_s - then_s, 0.0) * tariff.refill_per_s * share
        level = min(refilled, tariff.pool * share)
        is_paid = level >= tariff.cost or method == UNPACED
        self._levels[tariff] = (level - tariff.cost if is_paid else level, now_s)
        return is_paid

    def reconnect_in(self, now_s: float) -> float:
        """Take the next turn to reconnect; returns the seconds until then."""
        turn_s = max(now_s, self._next_reconnect_s)
        self._next_reconnect_s = turn_s + RECONNECT_PERIOD_S
        return turn_s - now_s

    def slow_down(self, now_s: float) -> None:
        """Halve the pace for a while and start from empty pools."""
        self._slow_until_s = now_s + PENALTY_S
        for tariff in (NORMAL, *TARIFFS.values()):
            self._levels[tariff] = (0.0, now_s)
