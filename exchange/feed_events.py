"""Channels of things that happen: trades, candles, states, listings, the platform's condition."""

import random
from collections.abc import Callable

from exchange.instruments import Instrument, Wire
from exchange.specs import Kind
from exchange.tape import Print
from exchange.view import View
from exchange.wire import encode_notice

type_of = type


class TradesFeed:
    """Says the prints that match, batched by its period."""

    def __init__(self, view: View, matches: Callable[[Instrument], bool], period_s: float) -> None:
        self.period_s = period_s
        self._view = view
        self._matches = matches
        self._next = view.state.tape.next_serial

    def first(self) -> list[object]:
        """Say nothing: history is asked for, not pushed."""
        return []

    def poll(self) -> list[object]:
        """Say the new prints, oldest first."""
        tape = self._view.state.tape
        if tape.next_serial == self._next:
            return []
        new = [p.wire for p in tape.since(self._next) if self._matches(p.instrument)]
        self._next = tape.next_serial
        return [new] if new else []


class CandleFeed:
    """Says the running candle of an instrument on each trade."""

    period_s = 1.0

    def __init__(self, view: View, name: str, resolution_ms: int) -> None:
        self._view = view
        self._name = name
        self._resolution = resolution_ms
        self._next = view.state.tape.next_serial

    def first(self) -> list[object]:
        """Say nothing before the next trade."""
        return []

    def poll(self) -> list[object]:
        """Say the candle when a trade touched it."""
        tape = self._view.state.tape
        new = [p for p in tape.since(self._next) if p.instrument.name == self._name]
        self._next = tape.next_serial
        if not new:
            return []
        tick = new[-1].timestamp // self._resolution * self._resolution
        day = [p for p in tape.of(self._name) if p.timestamp >= tick]
        return [build_candle(tick, day)]


class NoticesFeed:
    """Says new states, or new listings, of the instruments that match."""

    period_s = 0.1

    def __init__(
        self, view: View, matches: Callable[[Instrument], bool], *, created: bool
    ) -> None:
        self._view = view
        self._matches = matches
        self._created = created
        self._next = len(view.state.notices)

    def first(self) -> list[object]:
        """Say nothing: only what happens from now on."""
        return []

    def poll(self) -> list[object]:
        """Say one push a notice. A listing is also the state `open` of a new instrument."""
        notices = self._view.state.notices[self._next :]
        self._next = len(self._view.state.notices)
        return [
            encode_notice(notice) if self._created else _state(notice)
            for notice in notices
            if self._matches(notice.instrument) and (notice.created or not self._created)
        ]
