"""The venue's limits per client address: connections and credits. Knows no socket."""

from dataclasses import dataclass, field

from exchange.config import LimitSettings


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a class of methods costs, and how its pool fills."""

    cost: float
    pool: float
    refill_per_s: float


NORMAL = Tariff(500, 50_000, 10_000)
SUBSCRIBE = Tariff(3_000, 30_000, 10_000)
TARIFFS = {
    "public/get_instruments": Tariff(10_000, 500_000, 10_000),
    "public/subscribe": SUBSCRIBE,
    "private/subscribe": SUBSCRIBE,
}


@dataclass(slots=True)
class Client:
    """What one address has open and has left to spend."""

    connections: int = 0
    pools: dict[Tariff, tuple[float, float]] = field(default_factory=dict)

    def spend(self, method: str, now: float) -> bool:
        """Pay for one request; False when the credits are gone."""
        tariff = TARIFFS.get(method, NORMAL)
        level, then = self.pools.get(tariff, (tariff.pool, now))
        level = min(level + (now - then) * tariff.refill_per_s, tariff.pool) - tariff.cost
        self.pools[tariff] = (max(level, 0.0), now)
        return level >= 0.0


class Limits:
    """Counts every client address of an exchange."""

    def __init__(self, settings: LimitSettings) -> None:
        self.settings = settings
        self._clients: dict[str, Client] = {}

    def connect(self, address: str) -> bool:
        """Count one more connection; False when the address has too many."""
        client = self._clients.setdefault(address, Client())
        most = self.settings.connections
        if most is not None and client.connections >= most:
            return False
        client.connections += 1
        return True

    def disconnect(self, address: str) -> None:
        """Count one admitted connection less."""
        self._clients[address].connections -= 1

    def spend(self, address: str, method: str, now: float) -> bool:
        """Pay for one request; False when the credits of the address are gone."""
        if not self.settings.method_credits:
            return True
        return self._clients.setdefault(address, Client()).spend(method, now)
