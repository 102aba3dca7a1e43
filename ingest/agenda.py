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


class NameQueue:
    """Names to ask about one by one, each at most once a period; bounded."""

    def __init__(self, period_s: float, capacity: int = 1_000) -> None:
        self.dropped = 0
        self._period_s = period_s
        self._capacity = capacity
        self._due_s: dict[str, float] = {}
        self._asked_s: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._due_s)

    def add(self, name: str, at_s: float) -> None:
        """Queue a name for a time, or for when its period has passed."""
        earliest_s = self._asked_s.get(name, -math.inf) + self._period_s
        self._due_s.setdefault(name, max(at_s, earliest_s))
        if len(self._due_s) > self._capacity:
            del self._due_s[next(iter(self._due_s))]
            self.dropped += 1

    def take(self, now_s: float, most: int) -> list[str]:
        """Hand out up to `most` names that are due."""
        due = [name for name, at_s in self._due_s.items() if now_s >= at_s][:most]
        if due:
            recent = now_s - self._period_s
            self._asked_s = {name: at_s for name, at_s in self._asked_s.items() if at_s > recent}
        for name in due:
            del self._due_s[name]
            self._asked_s[name] = now_s
        return due
