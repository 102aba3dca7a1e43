"""How one channel speaks: what it says straight after the ack, and what it says when polled.

A feed is shared by every session that subscribed to its channel, and remembers what it last
said, so that a change always continues what its readers have.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from exchange.instruments import Wire
from exchange.view import View

UNCHANGED_KEYS = frozenset({"type", "instrument_name", "timestamp"})
STILL_POLLS, REPEATED_ROWS = 3, 25
"""A chain that has not moved for so many polls repeats so many rows: it is still, not silent."""


class Feed(Protocol):
    """The source of one channel's pushes."""

    period_s: float

    def first(self) -> list[object]:
        """Return what a new reader gets straight after its ack."""

    def poll(self) -> list[object]:
        """Return what has happened since the last poll, often nothing."""


class ValueFeed:
    """Says one object whenever its version changes."""

    def __init__(
        self, period_s: float, read: Callable[[], object], version: Callable[[], object]
    ) -> None:
        self.period_s = period_s
        self._read = read
        self._version = version
        self._said: object = None

    def first(self) -> list[object]:
        """Say the present value."""
        value = self._read()
        return [] if value is None else [value]

    def poll(self) -> list[object]:
        """Say the value when its version is new."""
        version = self._version()
        if version == self._said:
            return []
        self._said = version
        return self.first()


class IncrementalTickerFeed:
    """Says a whole ticker once, then only the fields that changed."""

    period_s = 1.0

    def __init__(self, read: Callable[[], Wire | None]) -> None:
        self._read = read
        self._said: Wire = {}

    def first(self) -> list[object]:
        """Say the ticker as its readers have it."""
        if not self._said:
            self._said = self._read() or {}
        return [{"type": "snapshot", **self._said}] if self._said else []

    def poll(self) -> list[object]:
        """Say what changed."""
        ticker = self._read()
        if ticker is None:
            return []
        changed = {
            key: value
            for key, value in ticker.items()
            if key not in UNCHANGED_KEYS and self._said.get(key) != value
        }
        self._said = ticker
        if not changed:
            return []
        head = {"instrument_name": ticker["instrument_name"], "timestamp": ticker["timestamp"]}
        return [{"type": "change", **head, **changed}]


class MarkPricesFeed:
    """Says the whole chain once, then every second the rows whose mark or volatility changed."""

    period_s = 1.0

    def __init__(self, view: View, price_index: str) -> None:
        self._view = view
        self._table = view.state.options[price_index]
        self._said: dict[str, tuple[float, float]] = {}
        self._next_repeat = 0
        self._still = 0

    def first(self) -> list[object]:
        """Say every option."""
        self._said = self._said or self._marks()
        return [self._rows(list(range(len(self._table.instruments))))]

    def poll(self) -> list[object]:
        """Say the changed rows; a chain that stands still repeats a few in turn."""
        marks, said = self._marks(), self._said
        changed = [row for row, (name, mark) in enumerate(marks.items()) if said.get(name) != mark]
        self._said = marks
        self._still = 0 if changed else self._still + 1
        rows = self._repeat() if self._still >= STILL_POLLS else changed
        return [self._rows(rows)] if rows else []

    def _marks(self) -> dict[str, tuple[float, float]]:
        c = self._table.columns
        marks = zip(np.round(c.mark_price, 4).tolist(), c.mark_iv.tolist(), strict=True)
        return dict(zip(self._table.rows, marks, strict=True))

    def _repeat(self) -> list[int]:
        n = len(self._table.instruments)
        rows = [(self._next_repeat + k) % n for k in range(min(REPEATED_ROWS, n))]
        self._next_repeat = (rows[-1] + 1) % n if rows else 0
        return rows

    def _rows(self, rows: list[int]) -> list[Wire]:
        c, now_ms = self._table.columns, self._view.state.now_ms
        marks = np.round(c.mark_price[rows], 4).tolist()
        ivs = np.round(c.mark_iv[rows] / 100.0, 4).tolist()
        return [
            {
                "timestamp": now_ms,
                "iv": iv,
                "instrument_name": self._table.instruments[row].name,
                "mark_price": mark,
            }
            for row, mark, iv in zip(rows, marks, ivs, strict=True)
        ]
