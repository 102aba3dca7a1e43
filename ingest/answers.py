"""What answers say that no session has to remember anything for: from results to events."""

from collections.abc import Callable

import msgspec

from ingest import messages, wire
from ingest.events import Event, PlatformState
from ingest.past_hours import parse_bars, parse_chart
from ingest.requests import Asked


def decode_answer(asked: Asked, result: msgspec.Raw) -> list[Event]:
    """Decode a result; one that only says "ok" says nothing."""
    decode = _ANSWERS.get(asked)
    return [] if decode is None else decode(result)


def _ticker(result: msgspec.Raw) -> list[Event]:
    return [messages.parse_ticker(wire.decode_one(result, wire.WireTicker))]


def _status(result: msgspec.Raw) -> list[Event]:
    locked = wire.decode_one(result, wire.WireStatus).locked_indices
    return [PlatformState(None, index, locked=True) for index in locked]


def _past_prices(result: msgspec.Raw) -> list[Event]:
    return [parse_chart(wire.decode_one(result, wire.WireChart))]


def _past_volatility(result: msgspec.Raw) -> list[Event]:
    return [parse_bars(wire.decode_one(result, wire.WireBars))]


_ANSWERS: dict[Asked, Callable[[msgspec.Raw], list[Event]]] = {
    Asked.TICKER: _ticker,
    Asked.STATUS: _status,
    Asked.PAST_PRICES: _past_prices,
    Asked.PAST_VOLATILITY: _past_volatility,
}
