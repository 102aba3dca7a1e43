"""What methods and channels read: the market's state, the clock, and the platform's condition."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import orjson

from exchange.clock import ExchangeClock
from exchange.instruments import Instrument, Wire
from exchange.rpc import ENCODE
from exchange.specs import Kind
from exchange.state import MarketState
from exchange.wire import encode_future_summary, encode_option_summary
from exchange.wire_combos import encode_combo_summaries, encode_combo_summary

SUMMARY_FROZEN_S = 2.0
"""The venue republishes its summaries only this often."""


class Market(Protocol):
    """A driver of a market's state: synthetic or replayed."""

    @property
    def state(self) -> MarketState:
        """The state as of the last `advance`."""

    def advance(self, now_ms: int) -> None:
        """Move to an instant of exchange time."""

    def jump(self, asset: str, factor: float) -> None:
        """Multiply a coin's index, or all of them, at once."""


@dataclass(slots=True)
class Platform:
    """The venue's condition as `status` and platform_state say it."""

    maintenance: bool = False
    public_access: bool = True


@dataclass(slots=True)
class View:
    """The one reading place of every method and channel."""

    market: Market
    clock: ExchangeClock
    testnet: bool = False
    platform: Platform = field(default_factory=Platform)
    keeps_summaries: bool = False  # a fault: summaries stay as they were
    lists_strangers: bool = False  # a fault: lists hold what nobody asked about
    _summaries: dict[tuple[str, Kind], tuple[float, bytes]] = field(default_factory=dict)

    @property
    def state(self) -> MarketState:
        """The market's state."""
        return self.market.state

    def summaries(self, currency: str, kinds: tuple[Kind, ...]) -> orjson.Fragment:
        """Return the book summaries of a currency as JSON, frozen for about two seconds."""
        parts = [self._summary(currency, kind) for kind in kinds]
        rows = b",".join(part[1:-1] for part in parts if part != b"[]")
        return orjson.Fragment(b"[" + rows + b"]")

    def summary_of(self, instrument: Instrument) -> Wire | None:
        """Return the summary of one instrument, fresh."""
        if future := self.state.futures.get(instrument.name):
            return encode_future_summary(self.state, future)
        if combo := self.state.combos.get(instrument.name):
            return encode_combo_summary(self.state, combo)
        row = self.state.find_option(instrument.name)
        return None if row is None else encode_option_summary(self.state, *row)

    def _summary(self, currency: str, kind: Kind) -> bytes:
        now = self.clock.monotonic()
        made, encoded = self._summaries.get((currency, kind), (-1e9, b""))
        if now - made >= SUMMARY_FROZEN_S and not (encoded and self.keeps_summaries):
            encoded = orjson.dumps(SUMMARY_ROWS[kind](self.state, currency), option=ENCODE)
            self._summaries[currency, kind] = (now, encoded)
        return encoded


def _option_rows(state: MarketState, currency: str) -> list[Wire]:
    return [
        encode_option_summary(state, table, row)
        for table in state.options.values()
        for row, instrument in enumerate(table.instruments)
        if instrument.currency == currency
    ]


def _future_rows(state: MarketState, currency: str) -> list[Wire]:
    return [
        encode_future_summary(state, future)
        for future in state.futures.values()
        if future.instrument.currency == currency
    ]


SUMMARY_ROWS: dict[Kind, Callable[[MarketState, str], list[Wire]]] = {
    Kind.OPTION: _option_rows,
    Kind.FUTURE: _future_rows,
    Kind.OPTION_COMBO: partial(encode_combo_summaries, kind=Kind.OPTION_COMBO),
    Kind.FUTURE_COMBO: partial(encode_combo_summaries, kind=Kind.FUTURE_COMBO),
}
