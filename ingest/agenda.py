"""What has to be asked again, and when: one due time a key."""

import math
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)


class Agenda(Generic[_K]):
    """Due times by key; what was taken is asked for and not due until it is put back."""

    def __init__(self) -> None:
        self._due_s: dict[_K, float] = {}

    def __contains__(self, key: _K) -> bool:
        return key in self._due_s

    def __iter__(self) -> Iterator[_K]:
        return iter(self._due_s)

    def put(self, key: _K, at_s: float) -> None:
        """Make a key due at a time, whatever was known of it."""
        self._due_s[key] = at_s

    def add(self, key: _K, at_s: float) -> None:
        """Make a key due unless it is on the agenda."""
        self._due_s.setdefault(key, at_s)

    def drop(self, key: _K) -> None:
        """Forget a key."""
        self._due_s.pop(key, None)

    def take(self, now_s: float, most: int | None = None) -> list[_K]:
        """Hand out up to `most` keys that are due, the first added first."""
        due = [key for key, at_s in self._due_s.items() if now_s >= at_s][:most]
        self._due_s |= dict.fromkeys(due, math.inf)
        return due
