"""Typed wire messages of the Deribit API, and the one place where units are converted.

Unknown fields are ignored. A row without a required field is rejected and counted while its
neighbours live; a frame that is not the protocol at all is a `ProtocolError` that keeps it.
"""

import math
from typing import TypeVar

import msgspec

from dealers.tape import AggressorSide, Liquidation, Trade
from greeks.conventions import Settlement
from ingest.events import (
    FutureTicker,
    IndexPrice,
    Instrument,
    InstrumentState,
    Kind,
    Mark,
    OptionTicker,
    PlatformState,
    Summary,
    VolatilityIndex,
)

LIQUIDATIONS = {member.value: member for member in Liquidation}
PERCENT = 100.0
"""Wire volatilities are percent everywhere except in `markprice.options`."""


class ProtocolError(ValueError):
    """A frame that does not follow the protocol. `payload` keeps its first bytes."""

    def __init__(self, reason: str, payload: bytes | str) -> None:
        super().__init__(f"{reason}: {payload[:200]!r}")
        self.payload = payload


class WireError(msgspec.Struct):
    """The error object of a response."""

    code: int
    message: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class Params(msgspec.Struct):
    """Parameters of a notification: a channel's data, or a heartbeat's type."""

    channel: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    type: str | None = None


class Envelope(msgspec.Struct):
    """Any frame from the venue: a response (id) or a notification (method)."""

    id: int | str | None = None
    method: str | None = None
    params: Params | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: WireError | None = None
    usOut: int | None = None  # noqa: N815 - the wire's own name
    testnet: bool = False


class WireInstrument(msgspec.Struct):
    """One row of get_instruments, or the data of instrument.creation."""

    instrument_name: str
    kind: str
    base_currency: str
    price_index: str
    expiration_timestamp: int
    instrument_type: str = "reversed"
    settlement_period: str = ""
    strike: float | None = None
    option_type: str | None = None
    state: str = "open"


class WireMark(msgspec.Struct):
    """One row of markprice.options; iv is a fraction here and only here."""

    instrument_name: str
    timestamp: int
    iv: float | None = None
    mark_price: float | None = None


class WireSummary(msgspec.Struct):
    """One option of get_book_summary_by_currency."""

    instrument_name: str
    creation_timestamp: int
    open_interest: float | None = None
    mark_iv: float | None = None
    mark_price: float | None = None
    bid_price: float | None = None
    ask_price: float | None = None
    underlying_price: float | None = None
    underlying_index: str = ""
    volume: float | None = None


class WireTicker(msgspec.Struct):
    """The ticker of any instrument."""

    instrument_name: str
    timestamp: int
    mark_price: float | None = None
    open_interest: float | None = None
    mark_iv: float | None = None
    bid_iv: float | None = None
    ask_iv: float | None = None
    best_bid_price: float | None = None
    best_ask_price: float | None = None
    underlying_price: float | None = None
    underlying_index: str = ""
    current_funding: float | None = None


class WireIndexPrice(msgspec.Struct):
    """The data of deribit_price_index."""

    index_name: str
    timestamp: int
    price: float


class WireVolatility(msgspec.Struct):
    """The data of deribit_volatility_index."""

    index_name: str
    timestamp: int
    volatility: float


class WireTrade(msgspec.Struct):
    """One public trade."""

    trade_id: str
    trade_seq: int
    timestamp: int
    instrument_name: str
    direction: str
    amount: float
    price: float
    index_price: float | None = None
    iv: float | None = None
    block_trade_id: str | None = None
    block_rfq_id: int | str | None = None
    combo_id: str | None = None
    liquidation: str | None = None


class WireTradePage(msgspec.Struct):
    """A page of past trades."""

    trades: msgspec.Raw
    has_more: bool = False


class WireState(msgspec.Struct):
    """The data of instrument.state."""

    instrument_name: str
    state: str
    timestamp: int


class WirePlatform(msgspec.Struct):
    """The data of platform_state: one of two shapes."""

    maintenance: bool | None = None
    price_index: str | None = None
    locked: bool | None = None


_envelope = msgspec.json.Decoder(Envelope)
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_T = TypeVar("_T")


def decode_envelope(frame: bytes | str) -> Envelope:
    """Decode any frame; `ProtocolError` when it is not a JSON-RPC object."""
    try:
        return _envelope.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"expected a JSON-RPC object ({error})", frame) from error


def decode_one(raw: msgspec.Raw, shape: type[_T]) -> _T:
    """Decode one object; `ProtocolError` when it has not the shape."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"expected {shape.__name__} ({error})", bytes(raw)) from error


def decode_rows(raw: msgspec.Raw, shape: type[_T]) -> tuple[list[_T], int]:
    """Decode a list of rows; returns the good rows and how many were rejected.

    The whole list is decoded at once; only when that fails is each row tried alone.
    """
    try:
        return msgspec.json.decode(raw, type=list[shape]), 0  # type: ignore[valid-type]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        items = _raw_list.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"expected a list of {shape.__name__} ({error})", bytes(raw)) from error
    rows = []
    for item in items:
        try:
            rows.append(msgspec.json.decode(item, type=shape))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return rows, len(items) - len(rows)


def parse_instrument(wire: WireInstrument) -> Instrument | None:
    """Return the instrument, or None for a kind that the board does not read."""
    if wire.kind not in {Kind.OPTION, Kind.FUTURE} or not 0 < wire.expiration_timestamp < 2**53:
        return None
    is_option = wire.kind == Kind.OPTION
    if is_option and (wire.option_type not in {"call", "put"} or not _positive(wire.strike)):
        return None
    return Instrument(
        instrument_name=wire.instrument_name,
        kind=Kind(wire.kind),
        asset=wire.base_currency,
        settlement=Settlement.LINEAR if wire.instrument_type == "linear" else Settlement.INVERSE,
        price_index=wire.price_index,
        expiry_ms=wire.expiration_timestamp,
        strike=_number(wire.strike),
        is_call=wire.option_type == "call",
        is_perpetual=wire.settlement_period == "perpetual",
    )


def parse_mark(wire: WireMark) -> Mark:
    """Convert one row of markprice.options, whose iv already is a fraction."""
    return Mark(wire.instrument_name, wire.timestamp, _number(wire.iv), _number(wire.mark_price))


def parse_summary(wire: WireSummary) -> Summary:
    """Convert one row of the book summary: percent to fractions."""
    return Summary(
        instrument_name=wire.instrument_name,
        ts_event=wire.creation_timestamp,
        open_interest_coin=_number(wire.open_interest),
        mark_iv=_number(wire.mark_iv) / PERCENT,
        mark_price=_number(wire.mark_price),
        bid_price=_number(wire.bid_price),
        ask_price=_number(wire.ask_price),
        underlying_price=_number(wire.underlying_price),
        underlying_index=wire.underlying_index,
        volume_coin=_number(wire.volume),
    )


def parse_option_ticker(wire: WireTicker) -> OptionTicker:
    """Convert an option's ticker, where 0.0 on the wire means an empty book side."""
    return OptionTicker(
        summary=Summary(
            instrument_name=wire.instrument_name,
            ts_event=wire.timestamp,
            open_interest_coin=_number(wire.open_interest),
            mark_iv=_number(wire.mark_iv) / PERCENT,
            mark_price=_number(wire.mark_price),
            bid_price=_number(wire.best_bid_price or None),
            ask_price=_number(wire.best_ask_price or None),
            underlying_price=_number(wire.underlying_price),
            underlying_index=wire.underlying_index,
            volume_coin=math.nan,
        ),
        bid_iv=_number(wire.bid_iv or None) / PERCENT,
        ask_iv=_number(wire.ask_iv or None) / PERCENT,
    )


def parse_future_ticker(wire: WireTicker) -> FutureTicker:
    """Convert a future's ticker."""
    return FutureTicker(
        wire.instrument_name,
        wire.timestamp,
        _number(wire.mark_price),
        _number(wire.current_funding),
    )


def parse_index_price(wire: WireIndexPrice) -> IndexPrice:
    """Convert an index price."""
    return IndexPrice(wire.index_name, wire.timestamp, wire.price)


def parse_volatility(wire: WireVolatility) -> VolatilityIndex:
    """Convert DVOL from percent."""
    return VolatilityIndex(wire.index_name, wire.timestamp, wire.volatility / PERCENT)


def parse_trade(wire: WireTrade) -> Trade | None:
    """Convert a trade; None when its direction, amount or price cannot be true."""
    if wire.direction not in {"buy", "sell"} or not _positive(wire.amount):
        return None
    return Trade(
        trade_id=wire.trade_id,
        trade_seq=wire.trade_seq,
        ts_event=wire.timestamp,
        instrument_name=wire.instrument_name,
        side=AggressorSide(wire.direction),
        amount_coin=wire.amount,
        price=wire.price,
        iv=_number(wire.iv) / PERCENT,
        index_price_usd=_number(wire.index_price),
        block_trade_id=wire.block_trade_id,
        block_rfq_id=None if wire.block_rfq_id is None else str(wire.block_rfq_id),
        combo_id=wire.combo_id,
        liquidation=LIQUIDATIONS.get(wire.liquidation or ""),
    )


def parse_state(wire: WireState) -> InstrumentState:
    """Convert a state change; every word but "open" means that it cannot trade."""
    return InstrumentState(wire.instrument_name, wire.state == "open", wire.timestamp)


def parse_platform(wire: WirePlatform) -> PlatformState:
    """Convert a platform notice."""
    return PlatformState(wire.maintenance, wire.price_index, wire.locked)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _positive(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0
