"""What lies far ahead of the exchange's clock waits until the exchange says what time it is.

Nothing newer would ever follow a time that is wrong, it would stay. But an exchange may run fast,
and ours may have been asleep: who knows is asked, and until the answer nothing is thrown away.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from ingest.clock import ExchangeClock
from ingest.events import (
    DeliveryEstimate,
    Event,
    FutureTicker,
    Gap,
    GapCause,
    IndexPrice,
    MarkPrices,
    OptionTicker,
    Summaries,
    Trades,
)

CAPACITY = 2_000
"""Events that may wait; beyond it the longest waiting one leaves and counts as refused."""


class _Timed(Protocol):
    @property
    def ts_event(self) -> int: ...


_T = TypeVar("_T", bound=_Timed)


class Doubts:
    """Events of one session whose time waits for the exchange's word."""

    def __init__(self, clock: ExchangeClock, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._waiting: deque[Event] = deque()
        self._refused = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def sift(self, events: Iterable[Event], now_s: float) -> list[Event]:
        """Return what can be of this time; the rest waits."""
        near: list[Event] = []
        for event in events:
            credible, doubtful = self._part(event, now_s)
            near += credible
            self._waiting.extend(doubtful)
        while len(self._waiting) > self._capacity:
            self._waiting.popleft()
            self._refused += 1
        return near

    def settle(self, now_s: float) -> list[Event]:
        """Return what waited, now that the exchange told its time; a gap for what is still far."""
        waited = list(self._waiting)
        self._waiting.clear()
        near = self.sift(waited, now_s)
        refused = self._refused + len(self._waiting)
        self._waiting.clear()
        self._refused = 0
        if refused:
            near.append(Gap(GapCause.FAR_AHEAD, f"{refused} messages"))
        return near

    def _part(self, event: Event, now_s: float) -> tuple[list[Event], list[Event]]:
        match event:
            case IndexPrice() | FutureTicker() | DeliveryEstimate() | OptionTicker():
                near = self._clock.take(event.ts_event, now_s)
                return ([event], []) if near else ([], [event])
            case MarkPrices():
                marks, far = self._part_rows(event.marks, now_s)
                if far:
                    return [replace(event, marks=marks)], [replace(event, marks=far, rejected=0)]
            case Summaries():
                rows, late = self._part_rows(event.rows, now_s)
                if late:
                    return [replace(event, rows=rows)], [replace(event, rows=late, rejected=0)]
            case Trades():
                trades, ahead = self._part_rows(event.trades, now_s)
                if ahead:
                    doubtful = replace(event, trades=ahead, rejected=0)
                    return [replace(event, trades=trades)], [doubtful]
            case _:
                pass
        return [event], []

    def _part_rows(
        self, rows: tuple[_T, ...], now_s: float
    ) -> tuple[tuple[_T, ...], tuple[_T, ...]]:
        limit_ms = self._clock.far_ms(now_s)
        far = tuple(row for row in rows if row.ts_event > limit_ms)
        return (
            (tuple(row for row in rows if not row.ts_event > limit_ms), far) if far else (rows, ())
        )
