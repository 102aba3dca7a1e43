"""What happens at 08:00 UTC: settlement average, settlement, delivery, and the next listings.

The order of a roll: expiring options show their final values, every book pauses in state
`settlement`, expired ones are delivered and leave, the others reopen, and 13 to 24 s after the
hour the new expiries are listed. Knows when things happen; `roll` and the `Venue` know how.
"""

import heapq
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Protocol

import numpy as np

from exchange import roll
from exchange.calendar import last_roll
from exchange.marks import WINDOW_MS
from exchange.state import MarketState
from greeks.conventions import MS_PER_DAY, BoolArray

PAUSE_MS, DELIVER_MS, REOPEN_MS, ARCHIVE_MS = 400, 2_000, 2_600, 60_000
LISTING_MS = (13_000, 24_000)
INTRADAY_LISTINGS_MS = (2 * 3_600_000 + 59 * 60_000, 12 * 3_600_000 + 60_000)
"""02:59:00 and 12:01:00 UTC: strikes that a moved market asks for."""


class Venue(Protocol):
    """What a driver of a market adds to its timetable."""

    def mark_finally(self) -> None:
        """Bring marks up to date before delivery prices are fixed."""

    def drop(self, price_index: str, mask: BoolArray) -> None:
        """Lose the options of one index where the mask is false."""

    def list_expiries(self, at_ms: int) -> None:
        """List what the calendar asks for."""

    def list_strikes(self, at_ms: int) -> None:
        """List the strikes that are missing around the present forwards."""


class Lifecycle:
    """Runs a market's timetable up to an instant."""

    def __init__(self, state: MarketState, venue: Venue, rng: np.random.Generator) -> None:
        self._state = state
        self._venue = venue
        self._rng = rng
        self._order = count()
        self._tasks: list[tuple[int, int, Callable[[], None]]] = []
        self._next_roll = last_roll(state.now_ms) + MS_PER_DAY
        midnight = state.now_ms // MS_PER_DAY * MS_PER_DAY
        for offset in INTRADAY_LISTINGS_MS:
            at = midnight + offset
            self._plan_strikes(at if at > state.now_ms else at + MS_PER_DAY)

    def next_due(self) -> int:
        """Return the next instant at which something happens."""
        return min(self._next_roll, self._tasks[0][0] if self._tasks else self._next_roll)

    def step(self, now_ms: int) -> None:
        """Do what is due, in order."""
        if self._next_roll - WINDOW_MS < now_ms <= self._next_roll:
            roll.sample_averages(self._state)
        if now_ms >= self._next_roll:
            at, self._next_roll = self._next_roll, self._next_roll + MS_PER_DAY
            self._venue.mark_finally()
            roll.settle(self._state, at)
            self._plan_roll(at)
        while self._tasks and self._tasks[0][0] <= now_ms:
            heapq.heappop(self._tasks)[2]()

    def _plan_roll(self, at: int) -> None:
        state, venue = self._state, self._venue
        self._plan(at + PAUSE_MS, partial(roll.pause, state))
        self._plan(at + DELIVER_MS, partial(roll.deliver, state, at, venue.drop))
        self._plan(at + REOPEN_MS, partial(roll.reopen, state))
        listing = at + int(self._rng.integers(*LISTING_MS))
        self._plan(listing, partial(venue.list_expiries, listing))
        self._plan(at + ARCHIVE_MS, partial(roll.archive, state, at))

    def _plan_strikes(self, at: int) -> None:
        def list_strikes() -> None:
            self._venue.list_strikes(at)
            self._plan_strikes(at + MS_PER_DAY)

        self._plan(at, list_strikes)

    def _plan(self, at: int, task: Callable[[], None]) -> None:
        heapq.heappush(self._tasks, (at, next(self._order), task))
