"""The exchange's own time: starts at any instant, runs at any speed. Knows nothing else."""

from collections.abc import Callable


class ExchangeClock:
    """Maps a monotonic machine clock to exchange time, in ms and µs UTC.

    `speed` is exchange seconds per machine second; 0 stands still. Everything a market says
    carries this time. Heartbeats and push cadences keep machine time (`monotonic`): they exist
    for the socket, not for the market.
    """

    def __init__(self, start_ms: int, speed: float, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self.speed = speed
        self.set(start_ms, speed)

    def now_us(self) -> int:
        """Return microseconds UTC."""
        return self._origin_us + int((self.monotonic() - self._started) * self.speed * 1e6)

    def now_ms(self) -> int:
        """Return milliseconds UTC."""
        return self.now_us() // 1000

    def set(self, now_ms: int, speed: float | None = None) -> None:
        """Jump to an instant, and keep the speed unless a new one is given."""
        self.speed = self.speed if speed is None else speed
        if not 0 <= self.speed < float("inf"):
            raise ValueError(f"speed: expected zero or more, was {self.speed}")
        self._origin_us = now_ms * 1000
        self._started = self.monotonic()
