"""A price through time as minute bars: remembered going forward, invented going back."""

import numpy as np

from greeks.conventions import FloatArray

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
KEPT = 50_000
WICK = 0.37
"""How far a bar reaches beyond its ends, in deviations of an hour's change."""
DAY_OPENS_MS = 8 * HOUR_MS
"""A day of candles opens when books are settled."""

Bar = tuple[int, float, float, float, float]


def slot_of(at_ms: int, resolution_ms: int, origin_ms: int = 0) -> int:
    """Return when the bar of an instant opened, bars being counted from `origin_ms`."""
    return (at_ms - origin_ms) // resolution_ms * resolution_ms + origin_ms


class Candles:
    """Open, high, low and close of one value; the newest bar is still open."""

    def __init__(self, past: list[Bar]) -> None:
        self._bars = past

    @classmethod
    def invent(
        cls,
        value: float,
        steps: FloatArray,
        now_ms: int,
        decimals: int,
        rng: np.random.Generator,
    ) -> "Candles":
        """Invent hourly bars that end at a value, one for each of the log changes `steps`."""
        hours = len(steps)
        closes = value * np.exp(np.concatenate([-np.cumsum(steps[::-1])[::-1], [0.0]]))
        spread = np.abs(rng.standard_normal((2, hours))) * WICK * steps.std()
        begin = now_ms // HOUR_MS * HOUR_MS - hours * HOUR_MS
        bars: list[Bar] = []
        for k in range(hours):
            start, end = float(closes[k]), float(closes[k + 1])
            high = max(start, end) * (1 + float(spread[0, k]))
            low = min(start, end) * (1 - float(spread[1, k]))
            opening, highest, lowest, closing = np.round([start, high, low, end], decimals).tolist()
            bars.append((begin + k * HOUR_MS, opening, highest, lowest, closing))
        return cls(bars)

    def add(self, now_ms: int, value: float) -> None:
        """Remember a value."""
        minute = now_ms // MINUTE_MS * MINUTE_MS
        if self._bars and self._bars[-1][0] == minute:
            at, start, high, low, _ = self._bars[-1]
            self._bars[-1] = (at, start, max(high, value), min(low, value), value)
            return
        self._bars.append((minute, value, value, value, value))
        if len(self._bars) > KEPT:
            del self._bars[: KEPT // 10]

    def read(self, start_ms: int, end_ms: int, resolution_ms: int, origin_ms: int = 0) -> list[Bar]:
        """Return bars of a resolution whose opening lies in [start, end], oldest first."""
        merged: dict[int, Bar] = {}
        for at, start, high, low, end in self._bars:
            slot = slot_of(at, resolution_ms, origin_ms)
            if not start_ms - resolution_ms < slot <= end_ms:
                continue
            old = merged.get(slot)
            merged[slot] = (
                (slot, start, high, low, end)
                if old is None
                else (slot, old[1], max(old[2], high), min(old[3], low), end)
            )
        return [bar for slot, bar in sorted(merged.items()) if slot >= start_ms]

    def closes(self) -> list[tuple[int, float]]:
        """Return (time, close) of every bar."""
        return [(bar[0], bar[4]) for bar in self._bars]
