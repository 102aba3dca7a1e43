"""Channels of things that happen: trades, candles, states, listings, the platform's condition."""

from collections.abc import Callable
from itertools import cycle

from exchange.candles import DAY_OPENS_MS, slot_of
from exchange.instruments import Instrument
from exchange.tape import build_candle
from exchange.view import View
from exchange.wire import encode_listing, encode_state
from greeks.conventions import MS_PER_DAY

CHATTER_INDICES = ("sol_usdc", "xrp_usdc", "avax_usdc", "trx_usdc", "hype_usdc", "paxg_usdc")
"""The venue keeps saying that indices of coins nobody asked about are unlocked."""


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
        origin = DAY_OPENS_MS if self._resolution == MS_PER_DAY else 0
        tick = slot_of(new[-1].timestamp, self._resolution, origin)
        day = [p for p in tape.of(self._name) if p.timestamp >= tick]
        return [build_candle(tick, day)]


class NoticesFeed:
    """Says new states, or new listings, of the instruments that match."""

    period_s = 0.1

    def __init__(self, view: View, matches: Callable[[Instrument], bool], *, created: bool) -> None:
        self._view = view
        self._matches = matches
        self._created = created
        self._next = view.state.notices.next_serial

    def first(self) -> list[object]:
        """Say nothing: only what happens from now on."""
        return []

    def poll(self) -> list[object]:
        """Say one push a notice. A listing is also the state `open` of a new instrument."""
        log = self._view.state.notices
        if log.next_serial == self._next:
            return []
        new = [n for n in log.since(self._next) if self._matches(n.instrument)]
        self._next = log.next_serial
        if self._created:
            return [encode_listing(notice) for notice in new if notice.created]
        return [encode_state(notice) for notice in new]


class PlatformFeed:
    """Says what changes about the platform, amid chatter about unlocked indices."""

    period_s = 0.385

    def __init__(self, view: View) -> None:
        self._view = view
        self._chatter = cycle(CHATTER_INDICES)
        self._said = self._condition()

    def first(self) -> list[object]:
        """Say what is wrong now, if anything is."""
        return self._differences((False, frozenset()), self._condition())

    def poll(self) -> list[object]:
        """Say what changed, or chatter."""
        old, self._said = self._said, self._condition()
        changed = self._differences(old, self._said)
        return changed or [{"price_index": next(self._chatter), "locked": False, "reasons": []}]

    def _condition(self) -> tuple[bool, frozenset[str]]:
        locked = frozenset(i.name for i in self._view.state.indices.values() if i.locked)
        return self._view.platform.maintenance, locked

    def _differences(
        self, old: tuple[bool, frozenset[str]], new: tuple[bool, frozenset[str]]
    ) -> list[object]:
        changes: list[object] = [
            {"price_index": name, "locked": name in new[1], "reasons": []}
            for name in sorted(old[1] ^ new[1])
        ]
        if old[0] != new[0]:
            changes.append({"maintenance": new[0]})
        return changes
