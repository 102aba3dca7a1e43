"""What each channel says: from the data of a push to events."""

import math
from collections.abc import Callable
from dataclasses import replace

import msgspec

from ingest import messages, wire
from ingest.events import DeliveryEstimate, Event, Listed, MarkPrices


def decode_push(channel: str, data: msgspec.Raw, now_ms: float) -> list[Event]:
    """Decode the data of one push; a channel that nobody reads says nothing.

    `now_ms` is the exchange's time: an estimate that names none is of now.
    """
    if channel.startswith("book.") and channel.count(".") > 2:
        return []  # a grouped window
    for prefix, decode in _CHANNELS.items():
        if channel.startswith(prefix):
            event = decode(channel, data)
            if isinstance(event, DeliveryEstimate) and event.ts_event == 0 and now_ms > 0:
                event = replace(event, ts_event=int(now_ms))
            return [event]
    return []


def _marks(channel: str, data: msgspec.Raw) -> Event:
    rows, rejected = wire.decode_rows(data, wire.WireMark)
    index = channel.removeprefix("markprice.options.")
    return MarkPrices(index, tuple(map(messages.parse_mark, rows)), rejected)


def _index(_channel: str, data: msgspec.Raw) -> Event:
    price = messages.parse_index_price(wire.decode_one(data, wire.WireIndexPrice))
    if not 0 < price.price < math.inf:  # else the index would seem to tick
        raise wire.ProtocolError(f"expected an index price, was {price.price}", bytes(data))
    return price


def _estimate(channel: str, data: msgspec.Raw) -> Event:
    index = channel.removeprefix("estimated_expiration_price.")
    return messages.parse_estimate(index, wire.decode_one(data, wire.WireEstimate))


def _volatility(_channel: str, data: msgspec.Raw) -> Event:
    return messages.parse_volatility(wire.decode_one(data, wire.WireVolatility))


def _ticker(_channel: str, data: msgspec.Raw) -> Event:
    return messages.parse_ticker(wire.decode_one(data, wire.WireTicker))


def _book(_channel: str, data: msgspec.Raw) -> Event:
    return messages.parse_book(wire.decode_one(data, wire.WireBook))


def _trades(_channel: str, data: msgspec.Raw) -> Event:
    return messages.parse_trades(data)


def _state(_channel: str, data: msgspec.Raw) -> Event:
    return messages.parse_state(wire.decode_one(data, wire.WireState))


def _creation(channel: str, data: msgspec.Raw) -> Event:
    item = messages.parse_instrument(wire.decode_one(data, wire.WireInstrument))
    created = () if item is None else (item,)
    return Listed(channel.rsplit(".", 1)[-1], None, created, complete=False)


def _platform(_channel: str, data: msgspec.Raw) -> Event:
    return messages.parse_platform(wire.decode_one(data, wire.WirePlatform))


_CHANNELS: dict[str, Callable[[str, msgspec.Raw], Event]] = {
    "markprice.options.": _marks,
    "deribit_price_index.": _index,
    "ticker.": _ticker,
    "book.": _book,
    "trades.option.": _trades,
    "deribit_volatility_index.": _volatility,
    "estimated_expiration_price.": _estimate,
    "instrument.state.": _state,
    "instrument.creation.": _creation,
    "platform_state": _platform,
}
