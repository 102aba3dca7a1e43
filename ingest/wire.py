"""Typed wire messages of the Deribit API, as they are on the wire: no unit is converted here.

Unknown fields are ignored. A row without a required field is rejected and counted while its
neighbours live; a frame that is not the protocol at all is a `ProtocolError` that keeps it.
"""

from typing import Annotated, TypeVar

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Times and sequence numbers: what lies beyond cannot be one."""


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
    usIn: Count | None = None  # noqa: N815 - the wire's own name
    usOut: Count | None = None  # noqa: N815
    testnet: bool = False


class WireInstrument(msgspec.Struct):
    """One row of get_instruments, or the data of instrument.creation."""

    instrument_name: str
    kind: str
    base_currency: str
    price_index: str | None = None  # these two are null on some combos
    expiration_timestamp: Count | None = None
    instrument_type: str = "reversed"
    settlement_period: str | None = None
    strike: float | None = None
    option_type: str | None = None
    contract_size: float | None = None
    state: str = "open"


class WireMark(msgspec.Struct):
    """One row of markprice.options; iv is a fraction here and only here."""

    instrument_name: str
    timestamp: Count
    iv: float | None = None
    mark_price: float | None = None


class WireSummary(msgspec.Struct):
    """One option of get_book_summary_by_currency."""

    instrument_name: str
    creation_timestamp: Count
    open_interest: float | None = None
    mark_iv: float | None = None
    mark_price: float | None = None
    bid_price: float | None = None
    ask_price: float | None = None
    underlying_price: float | None = None
    underlying_index: str = ""
    volume: float | None = None


class WireStats(msgspec.Struct):
    """The last 24 hours, as part of a ticker."""

    volume_usd: float | None = None


class WireTicker(msgspec.Struct):
    """The ticker of any instrument. Only options have a `mark_iv`."""

    instrument_name: str
    timestamp: Count
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
    funding_8h: float | None = None
    stats: WireStats | None = None


class WireBook(msgspec.Struct):
    """The data of an ungrouped book channel: `[action, price, amount]` rows."""

    instrument_name: str
    timestamp: Count
    change_id: Count
    bids: list[tuple[str, float, float]]
    asks: list[tuple[str, float, float]]
    type: str | None = None  # absent in images of 2019
    prev_change_id: Count | None = None


class WireIndexPrice(msgspec.Struct):
    """The data of deribit_price_index."""

    index_name: str
    timestamp: Count
    price: float


class WireEstimate(msgspec.Struct):
    """The data of estimated_expiration_price; its index is named by the channel alone."""

    price: float
    timestamp: Count | None = None  # seen here, not documented
    is_estimated: bool = False


class WireVolatility(msgspec.Struct):
    """The data of deribit_volatility_index."""

    index_name: str
    timestamp: Count
    volatility: float


class WireBars(msgspec.Struct):
    """Bars of the volatility index, a page of them: `[ms, open, high, low, close]` rows."""

    data: list[tuple[Count, float, float, float, float]]


class WireChart(msgspec.Struct):
    """Bars of an instrument, as columns."""

    ticks: list[Count] = []
    open: list[float] = []


class WireTrade(msgspec.Struct):
    """One public trade."""

    trade_id: str
    trade_seq: Count
    timestamp: Count
    instrument_name: str
    direction: str
    amount: float
    price: float
    contracts: float | None = None
    index_price: float | None = None
    iv: float | None = None
    block_trade_id: str | None = None
    block_rfq_id: int | str | None = None
    combo_id: str | None = None
    liquidation: str | None = None
    legs: list[object] | None = None  # only a combo's own print has them


class WireTradePage(msgspec.Struct):
    """A page of past trades."""

    trades: msgspec.Raw
    has_more: bool = False


class WireState(msgspec.Struct):
    """The data of instrument.state."""

    instrument_name: str
    state: str
    timestamp: Count


class WirePlatform(msgspec.Struct):
    """The data of platform_state, one of two shapes, or of its public_methods_state."""

    maintenance: bool | None = None
    price_index: str | None = None
    locked: bool | None = None
    allow_unauthenticated_public_requests: bool | None = None


class WireStatus(msgspec.Struct):
    """The answer to public/status: which indices stand still."""

    locked_indices: list[str] = []


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
