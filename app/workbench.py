"""Heavy answers to single questions, one at a time and off the event loop.

What-if runs, surfaces and pictures share the cores with the board; the board comes first.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from app.problems import Problem

MAX_WAITING = 16
RETRY_S = 2
_T = TypeVar("_T")


class Workbench:
    """Runs one computation at a time in a thread; a long queue is refused with 429."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._turn = asyncio.Semaphore(1)
        self._max_waiting = max_waiting
        self._inside = 0

    async def run(self, compute: Callable[[], _T]) -> _T:
        """Return what `compute` returns, or raise the problem that too many wait."""
        if self._inside > self._max_waiting:
            raise Problem(
                429,
                "Busy",
                f"{self._max_waiting} simulations and pictures wait already",
                {"Retry-After": str(RETRY_S)},
            )
        self._inside += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(compute)
        finally:
            self._inside -= 1
