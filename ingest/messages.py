"""From wire messages to events: the one place where units are converted.

Percent becomes a fraction, null becomes NaN, 0.0 on an empty book side too. What cannot be true
is refused row by row.
"""

import math

import msgspec

from dealers.tape import AggressorSide, Liquidation, Trade
from greeks.conventions import Settlement
from ingest.events import (
    BookUpdate,
    DeliveryEstimate,
    FutureTicker,
    IndexPrice,
    Instrument,
    InstrumentState,
    Kind,
    Mark,
    OptionTicker,
    PlatformState,
    Summary,
    Trades,
    VolatilityIndex,
)
from ingest.wire import (
    WireBook,
    WireEstimate,
    WireIndexPrice,
    WireInstrument,
    WireMark,
    WirePlatform,
    WireState,
    WireSummary,
    WireTicker,
    WireTrade,
    WireVolatility,
    decode_rows,
)

LIQUIDATIONS = {member.value: member for member in Liquidation}
READ = frozenset(Kind)
MAX_STRIKE_USD = 1e9
LAST_EXPIRY_MS = 4_102_444_800_000
"""An option beyond the year 2100 or this strike is a mistake of the list."""
PERCENT = 100.0
"""Wire volatilities are percent everywhere except in `markprice.options`."""


def parse_instrument(wire: WireInstrument) -> Instrument | None:
    """Return the instrument; None for a kind that the board does not read, and for half of one."""
    is_linear = wire.instrument_type == "linear"
    # lists of 2021 name no index for coin-margined instruments
    index = wire.price_index or (None if is_linear else f"{wire.base_currency.lower()}_usd")
    if wire.kind not in READ or not index or not wire.expiration_timestamp:
        return None
    is_option = wire.kind == Kind.OPTION
    if is_option and not (wire.option_type in {"call", "put"} and _can_be_option(wire)):
        return None
    return Instrument(
        instrument_name=wire.instrument_name,
        kind=Kind(wire.kind),
        asset=wire.base_currency,
        settlement=Settlement.LINEAR if is_linear else Settlement.INVERSE,
        price_index=index,
        expiry_ms=wire.expiration_timestamp,
        strike=_number(wire.strike),
        is_call=wire.option_type == "call",
        is_perpetual=wire.settlement_period == "perpetual",
        contract_size=wire.contract_size,
    )


def parse_instruments(rows: list[WireInstrument]) -> tuple[list[Instrument], int]:
    """Return what the board reads of a list, and how many rows of those kinds cannot be true."""
    parsed = [(row.kind in READ, parse_instrument(row)) for row in rows]
    rejected = sum(is_read and item is None for is_read, item in parsed)
    return [item for _, item in parsed if item is not None], rejected


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
        instrument_name=wire.instrument_name,
        ts_event=wire.timestamp,
        mark_price=_number(wire.mark_price),
        current_funding=_number(wire.current_funding),
        funding_8h=_number(wire.funding_8h),
        volume_24h_usd=_number(wire.stats.volume_usd if wire.stats else None),
        open_interest=_number(wire.open_interest),
    )


def parse_ticker(wire: WireTicker) -> OptionTicker | FutureTicker:
    """Convert any ticker: options are those that have a mark volatility."""
    return parse_future_ticker(wire) if wire.mark_iv is None else parse_option_ticker(wire)


def parse_book(wire: WireBook) -> BookUpdate:
    """Convert a book image or change; whatever is deleted has the amount 0."""
    return BookUpdate(
        instrument_name=wire.instrument_name,
        ts_event=wire.timestamp,
        change_id=wire.change_id,
        prev_change_id=wire.prev_change_id,
        is_image=wire.prev_change_id is None,
        bids=tuple((price, 0.0 if act == "delete" else size) for act, price, size in wire.bids),
        asks=tuple((price, 0.0 if act == "delete" else size) for act, price, size in wire.asks),
    )


def parse_estimate(index_name: str, wire: WireEstimate) -> DeliveryEstimate:
    """Convert an estimate of the delivery price; one without a time has the time 0."""
    return DeliveryEstimate(index_name, wire.timestamp or 0, wire.price, wire.is_estimated)


def parse_index_price(wire: WireIndexPrice) -> IndexPrice:
    """Convert an index price."""
    return IndexPrice(wire.index_name, wire.timestamp, wire.price)


def parse_volatility(wire: WireVolatility) -> VolatilityIndex:
    """Convert DVOL from percent."""
    return VolatilityIndex(wire.index_name, wire.timestamp, wire.volatility / PERCENT)


def parse_trade(wire: WireTrade) -> Trade | None:
    """Convert a trade; None when its direction or amount cannot be true.

    A volatility of 0 is the venue's word for none; its ceiling, 500 %, is kept.
    """
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
        iv=_number(wire.iv or None) / PERCENT,
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
    return PlatformState(
        wire.maintenance,
        wire.price_index,
        wire.locked,
        wire.allow_unauthenticated_public_requests,
    )


def parse_trades(raw: msgspec.Raw) -> Trades:
    """Decode and convert a list of trades; what cannot be true is counted.

    A combo's own print is left out: its legs print on their own instruments.
    """
    rows, rejected = decode_rows(raw, WireTrade)
    parsed = [parse_trade(row) for row in rows if not row.legs]
    trades = tuple(trade for trade in parsed if trade is not None)
    sizes = {row.trade_id: row.amount / row.contracts for row in rows if row.contracts}
    return Trades(trades, rejected + len(parsed) - len(trades), sizes)


def _can_be_option(wire: WireInstrument) -> bool:
    is_dated = (wire.expiration_timestamp or 0) < LAST_EXPIRY_MS
    return is_dated and 0 < _number(wire.strike) <= MAX_STRIKE_USD


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _positive(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0
