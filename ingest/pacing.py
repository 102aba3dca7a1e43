"""How fast requests may go out: credits as the venue counts them, kept below its limits.

The limits hold per address, so all sockets of a process share one pacer.
"""

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


class Pacer:
    """Token buckets, one a tariff. Times are the caller's monotonic clock."""

    def __init__(self) -> None:
        self._levels: dict[Tariff, tuple[float, float]] = {}
        self._slow_until_s = 0.0

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

    def slow_down(self, now_s: float) -> None:
        """Halve the pace for a while and start from empty pools."""
        self._slow_until_s = now_s + PENALTY_S
        for tariff in (NORMAL, *TARIFFS.values()):
            self._levels[tariff] = (0.0, now_s)
