"""The exchange's own time: starts at any instant, runs at any speed. Knows nothing else."""

from collections.abc import Callable


class ExchangeClock:
    """Maps a monotonic machine clock to exchange time, in ms and µs UTC.

    `speed` is exchange seconds per machine second; 0 stands still. Everything a market says
    carries this time. Heartbeats and push cadences keep machine time (`monotonic`): they exist
    for the socket, not for the market.
    """

    def __init__(self, start_ms: int, speed: float, monotonic: Callable[[], float]) -> None:
        if speed < 0:
            raise ValueError(f"speed: expected zero or more, was {speed}")
        self.monotonic = monotonic
        self.speed = speed
        self._origin_us = start_ms * 1000
        self._started = monotonic()

    def now_us(self) -> int:
        """Return microseconds UTC."""
        return self._origin_us + int((self.monotonic() - self._started) * self.speed * 1e6)

    def now_ms(self) -> int:
        """Return milliseconds UTC."""
        return self.now_us() // 1000

    def set(self, now_ms: int, speed: float | None = None) -> None:
        """Jump to an instant, and keep the speed unless a new one is given."""
        self._origin_us = now_ms * 1000
        self._started = self.monotonic()
        if speed is not None:
            self.speed = speed
