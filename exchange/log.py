"""An append-only log of bounded memory that many readers follow by serial number."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Log(Generic[T]):
    """Keeps the newest entries; a reader holds the serial of the next entry it wants."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._entries: list[T] = []
        self._first = 0

    @property
    def next_serial(self) -> int:
        """The serial that the next entry will have."""
        return self._first + len(self._entries)

    def add(self, entry: T) -> None:
        """Append one entry and, now and then, forget the oldest."""
        self._entries.append(entry)
        if len(self._entries) > 2 * self._keep:
            cut = len(self._entries) - self._keep
            del self._entries[:cut]
            self._first += cut

    def since(self, serial: int) -> list[T]:
        """Return the entries from a serial on."""
        return self._entries[max(0, serial - self._first) :]
