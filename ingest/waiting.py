"""What is said of options that are not listed yet waits for their listing, the newest of it.

A new option's first mark and trade may arrive before its listing, and at the start of a session
the marks of the whole chain before the lists.
"""

from itertools import chain

from ingest.events import Mark, OptionTicker, Summary

Early = Mark | Summary | OptionTicker
CAPACITY = 10_000
OF_A_KIND = 3


class WaitingRoom:
    """Newest early values by option name; beyond its capacity the longest waiting name leaves."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.dropped = 0
        self._capacity = capacity
        self._early: dict[str, dict[type, list[Early]]] = {}

    def keep(self, event: Early) -> None:
        """Let a value wait among the newest few of its kind."""
        values = self._early.setdefault(_name(event), {}).setdefault(type(event), [])
        values.append(event)
        if len(values) > OF_A_KIND:
            values.remove(min(values, key=_time))
        if len(self._early) > self._capacity:
            del self._early[next(iter(self._early))]
            self.dropped += 1

    def take(self, instrument_name: str) -> tuple[Early, ...]:
        """Hand over what waits for an option, once."""
        return tuple(chain.from_iterable(self._early.pop(instrument_name, {}).values()))

    def names(self) -> tuple[str, ...]:
        """Names that are waited for."""
        return tuple(self._early)


def _name(event: Early) -> str:
    return (
        event.summary.instrument_name if isinstance(event, OptionTicker) else event.instrument_name
    )


def _time(event: Early) -> int:
    return event.summary.ts_event if isinstance(event, OptionTicker) else event.ts_event
