"""Methods about what was: bars, funding, deliveries, settlements, realised volatility."""

import math
from collections.abc import Callable
from itertools import pairwise
from statistics import stdev

from exchange.call import Call
from exchange.candles import DAY_OPENS_MS, HOUR_MS, Bar, Candles, slot_of
from exchange.instruments import Wire
from exchange.methods_trades import trade_currency
from exchange.rpc import RpcError, invalid_params
from exchange.specs import Kind
from exchange.state import Delivery, Future, Index
from exchange.tape import Print, build_candle
from greeks.conventions import MS_PER_DAY

DVOL_RESOLUTIONS_S = {"1": 1, "60": 60, "3600": 3600, "43200": 43200, "1D": 86400}
CHART_RESOLUTIONS_M = {
    **{str(m): m for m in (1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720)}, "1D": 1440,
}  # fmt: skip
FUNDING_SPANS_MS = {"8h": 8 * HOUR_MS, "24h": MS_PER_DAY, "1m": 30 * MS_PER_DAY}
INDEX_SPANS_MS = {
    "1h": HOUR_MS, "1d": MS_PER_DAY, "2d": 2 * MS_PER_DAY, "1m": 30 * MS_PER_DAY,
}  # fmt: skip
MAX_BARS = 1000
SETTLEMENT_TYPES = {None, "settlement", "delivery", "bankruptcy"}
HOURS_PER_YEAR = 8760
CHART_COLUMNS = ("ticks", "open", "high", "low", "close", "volume", "cost")


def get_volatility_index_data(call: Call) -> object:
    """Show bars of the volatility index, newest page first."""
    currency = call.params.text("currency")
    start, end = call.params.integer("start_timestamp"), call.params.integer("end_timestamp")
    if (step := DVOL_RESOLUTIONS_S.get(call.params.word("resolution"))) is None:
        raise invalid_params("invalid resolution", "resolution")
    index = call.state.indices.get(f"{currency.lower()}_usd")
    if index is None or index.volatility_history is None:
        raise invalid_params("invalid currency", "currency")
    return _page(index.volatility_history.read(start, end, max(step, 60) * 1000))


def get_delivery_prices(call: Call) -> object:
    """Show past delivery prices, newest first."""
    prices = call.state.delivery_prices.get(_index(call).name, [])
    offset = call.params.offset("offset")
    page = prices[offset : offset + call.params.count(10)]
    rows = [{"date": day, "delivery_price": price} for day, price in page]
    return {"records_total": len(prices), "data": rows}


def get_index_chart_data(call: Call) -> object:
    """Show the closes of an index over a span."""
    span = INDEX_SPANS_MS.get(call.params.text("range", "1d"))
    if span is None:
        raise invalid_params("invalid range", "range")
    history = _index(call).price_history
    begin = call.state.now_ms - span
    return [] if history is None else [[at, p] for at, p in history.closes() if at >= begin]


def get_historical_volatility(call: Call) -> object:
    """Show the realised volatility of each hour's last day, in percent."""
    index = call.state.indices.get(f"{call.params.text('currency').lower()}_usd")
    if index is None or index.price_history is None:
        raise invalid_params("invalid currency", "currency")
    bars = index.price_history.read(0, call.state.now_ms, HOUR_MS)
    moves = [math.log(new[4] / old[4]) for old, new in pairwise(bars)]
    return [
        [bars[k][0], 100.0 * stdev(moves[k - 24 : k]) * math.sqrt(HOURS_PER_YEAR)]
        for k in range(24, len(moves))
    ]


def get_mark_price_history(call: Call) -> object:
    """Show no bars: the venue keeps marks only of the few options that make its DVOL."""
    call.instrument()
    call.params.integer("start_timestamp")
    call.params.integer("end_timestamp")
    return []


def get_funding_rate_history(call: Call) -> object:
    """Show the funding of each hour."""
    future, index = _perpetual(call)
    start, end = call.params.integer("start_timestamp"), call.params.integer("end_timestamp")
    bars = _history(future.funding_history).read(start, end, HOUR_MS)
    prices = {b[0]: b for b in _history(index.price_history).read(start - HOUR_MS, end, HOUR_MS)}
    return [
        {
            "timestamp": bar[0],
            "index_price": prices[bar[0]][4],
            "prev_index_price": prices[bar[0]][1],
            "interest_8h": bar[4],
            "interest_1h": bar[4] / 8.0,
        }
        for bar in bars
        if bar[0] in prices
    ]


def get_funding_rate_value(call: Call) -> object:
    """Show the funding paid over a span, as a fraction."""
    future, _ = _perpetual(call)
    start, end = call.params.integer("start_timestamp"), call.params.integer("end_timestamp")
    bars = _history(future.funding_history).read(start, end, HOUR_MS)
    return sum(bar[4] / 8.0 for bar in bars)


def get_funding_chart_data(call: Call) -> object:
    """Show the funding of a recent span, point by point."""
    future, index = _perpetual(call)
    span = FUNDING_SPANS_MS.get(call.params.text("length"))
    if span is None:
        raise invalid_params("invalid length", "length")
    begin = call.state.now_ms - span
    prices = dict(_history(index.price_history).closes())
    points = [
        {"timestamp": at, "index_price": prices[at], "interest_8h": rate}
        for at, rate in _history(future.funding_history).closes()
        if at >= begin and at in prices
    ]
    return {
        "current_interest": future.current_funding,
        "interest_8h": future.funding_8h,
        "data": points,
    }


def get_tradingview_chart_data(call: Call) -> object:
    """Show an instrument's candles as columns; a perpetual's older bars are its index's."""
    instrument = call.instrument()
    start, end = call.params.integer("start_timestamp"), call.params.integer("end_timestamp")
    if (minutes := CHART_RESOLUTIONS_M.get(call.params.word("resolution"))) is None:
        raise invalid_params("invalid resolution", "resolution")
    step = minutes * 60_000
    origin = DAY_OPENS_MS if step == MS_PER_DAY else 0
    candles = _trade_candles(call.state.tape.of(instrument.name), start, end, step, origin)
    history = call.state.indices[instrument.price_index].price_history
    if instrument.is_perpetual and history is not None:
        bars = {bar[0]: bar for bar in history.read(start, end, step, origin)}
        candles = {at: _index_candle(bar) for at, bar in bars.items()} | candles
    rows = [candle for _, candle in sorted(candles.items())]
    names = {"ticks": "tick"}
    columns = {name: [row[names.get(name, name)] for row in rows] for name in CHART_COLUMNS}
    return {"status": "ok" if rows else "no_data", **columns}


def get_last_settlements_by_currency(call: Call) -> object:
    """Show daily settlements and deliveries of a currency, newest first."""
    currency = trade_currency(call.params)
    return _settlements(call, lambda d: d.instrument.currency == currency)


def get_last_settlements_by_instrument(call: Call) -> object:
    """Show settlements and the delivery of one instrument, newest first."""
    name = call.instrument().name
    return _settlements(call, lambda d: d.instrument.name == name)


def _settlements(call: Call, matches: Callable[[Delivery], bool]) -> Wire:
    wanted = call.params.optional("type")
    if wanted not in SETTLEMENT_TYPES:
        raise invalid_params("invalid type", "type")
    count, skip = call.params.count(20), call.params.offset("continuation")
    until = call.params.integer("search_start_timestamp", call.state.now_ms)
    found = [
        row
        for delivery in reversed(call.state.deliveries.since(0))
        if matches(delivery) and delivery.timestamp <= until
        if wanted in {None, _request_word(row := _settlement(delivery))}
    ]
    more = skip + count < len(found)
    page = found[skip : skip + count]
    return {"settlements": page, "continuation": str(skip + count) if more else None}


def _settlement(delivery: Delivery) -> Wire:
    instrument = delivery.instrument
    expired = instrument.expiry_ms <= delivery.timestamp
    word = "settlement"
    if expired:
        word = "exercise" if instrument.kind is Kind.OPTION else "delivery"
    return {
        "type": word,
        "timestamp": delivery.timestamp,
        "instrument_name": instrument.name,
        "index_price": delivery.index_price,
        "mark_price": delivery.mark_price,
        "position": delivery.position,
        "profit_loss": 0.0,
        "session_profit_loss": 0.0,
    }


def _request_word(row: Wire) -> object:
    """Requests say delivery for what options show as an exercise."""
    return "delivery" if row["type"] == "exercise" else row["type"]


def _trade_candles(
    prints: list[Print], start: int, end: int, step: int, origin: int
) -> dict[int, Wire]:
    slots: dict[int, list[Print]] = {}
    for p in prints:
        if start <= p.timestamp <= end:
            slots.setdefault(slot_of(p.timestamp, step, origin), []).append(p)
    return {slot: build_candle(slot, group) for slot, group in slots.items()}


def _index_candle(bar: Bar) -> Wire:
    at, first, high, low, last = bar
    return {
        "tick": at, "open": first, "high": high, "low": low, "close": last,
        "volume": 0.0, "cost": 0.0,
    }  # fmt: skip


def _page(bars: list[Bar]) -> Wire:
    """Return the newest bars, and where the next older page ends."""
    page, older = bars[-MAX_BARS:], bars[:-MAX_BARS]
    return {"data": page, "continuation": older[-1][0] if older else None}


def _index(call: Call) -> Index:
    index = call.state.indices.get(call.params.text("index_name"))
    if index is None:
        raise invalid_params("invalid index", "index_name")
    return index


def _perpetual(call: Call) -> tuple[Future, Index]:
    future = call.state.futures.get(call.instrument().name)
    if future is None or not future.instrument.is_perpetual:
        raise RpcError(-32602, "Invalid params", {"reason": "not a perpetual"})
    return future, call.state.indices[future.instrument.price_index]


def _history(candles: Candles | None) -> Candles:
    return Candles([]) if candles is None else candles
