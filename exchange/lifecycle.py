"""What happens at 08:00 UTC: settlement average, settlement, delivery, and the next listings.

The order of a roll: expiring options show their final values, every book pauses in state
`settlement`, expired ones are delivered and leave, the others reopen, and 13 to 24 s after the
hour the new expiries are listed. Knows when, not what: a `Venue` does it.
"""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Protocol

import numpy as np

from exchange.calendar import last_roll
from exchange.marks import WINDOW_MS
from greeks.conventions import MS_PER_DAY

PAUSE_MS, DELIVER_MS, REOPEN_MS, ARCHIVE_MS = 400, 2_000, 2_600, 60_000
LISTING_MS = (13_000, 24_000)
INTRADAY_LISTINGS_MS = (2 * 3_600_000 + 59 * 60_000, 12 * 3_600_000 + 60_000)
"""02:59:00 and 12:01:00 UTC: strikes that a moved market asks for."""


class Venue(Protocol):
    """What a roll does to a market."""

    def sample_average(self, expiry_ms: int) -> None:
        """Add one index sample to the settlement average."""

    def settle(self, expiry_ms: int) -> None:
        """Fix delivery prices and show the final values of what expires."""

    def pause(self, expiry_ms: int) -> None:
        """Put every book into settlement."""

    def deliver(self, expiry_ms: int) -> None:
        """Let what expired leave."""

    def reopen(self, expiry_ms: int) -> None:
        """Open the other books again."""

    def archive(self, expiry_ms: int) -> None:
        """Say that what was delivered is now history."""

    def list_expiries(self, at_ms: int) -> None:
        """List what the calendar asks for."""

    def list_strikes(self, at_ms: int) -> None:
        """List the strikes that are missing around the present forwards."""


class Lifecycle:
    """Runs a venue's timetable up to an instant."""

    def __init__(self, venue: Venue, now_ms: int, rng: np.random.Generator) -> None:
        self._venue = venue
        self._rng = rng
        self._order = count()
        self._tasks: list[tuple[int, int, Callable[[int], None], int]] = []
        self._next_roll = last_roll(now_ms) + MS_PER_DAY
        self._plan_strikes(now_ms)

    @property
    def next_roll(self) -> int:
        """The next 08:00 UTC."""
        return self._next_roll

    def next_due(self) -> int:
        """Return the next instant at which something happens."""
        return min(self._next_roll, self._tasks[0][0] if self._tasks else self._next_roll)

    def step(self, now_ms: int) -> None:
        """Do what is due, in order."""
        if self._next_roll - WINDOW_MS < now_ms <= self._next_roll:
            self._venue.sample_average(self._next_roll)
        if now_ms >= self._next_roll:
            roll = self._next_roll
            self._next_roll += MS_PER_DAY
            self._venue.settle(roll)
            self._plan_roll(roll)
        while self._tasks and self._tasks[0][0] <= now_ms:
            _, _, task, argument = heapq.heappop(self._tasks)
            task(argument)

    def _plan_roll(self, roll: int) -> None:
        self._at(roll + PAUSE_MS, self._venue.pause, roll)
        self._at(roll + DELIVER_MS, self._venue.deliver, roll)
        self._at(roll + REOPEN_MS, self._venue.reopen, roll)
        listing = roll + int(self._rng.integers(*LISTING_MS))
        self._at(listing, self._venue.list_expiries, listing)
        self._at(roll + ARCHIVE_MS, self._venue.archive, roll)

    def _plan_strikes(self, now_ms: int) -> None:
        midnight = now_ms // MS_PER_DAY * MS_PER_DAY
        for offset in INTRADAY_LISTINGS_MS:
            at = midnight + offset
            first = at if at > now_ms else at + MS_PER_DAY
            self._at(first, self._list_strikes, first)

    def _list_strikes(self, at_ms: int) -> None:
        self._venue.list_strikes(at_ms)
        self._at(at_ms + MS_PER_DAY, self._list_strikes, at_ms + MS_PER_DAY)

    def _at(self, at_ms: int, task: Callable[[int], None], argument: int) -> None:
        heapq.heappush(self._tasks, (at_ms, next(self._order), task, argument))
