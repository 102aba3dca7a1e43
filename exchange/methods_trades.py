"""The four trade methods: the last 24 hours by currency or instrument, by time, id or sequence."""

from collections.abc import Callable

from exchange.call import Call
from exchange.channels import TRADE_KINDS
from exchange.instruments import Wire
from exchange.rpc import Params, RpcError, invalid_params
from exchange.specs import Kind
from exchange.tape import Print

FOREVER = 1 << 62
CURRENCIES = frozenset({"BTC", "ETH", "USDC", "USDT", "EURR", "SOL", "XRP", "PAXG", "BNB"})


def trade_currency(params: Params) -> str:
    """Read the currency of a request that must name one."""
    currency = params.text("currency")
    if currency not in CURRENCIES:
        raise invalid_params("invalid currency", "currency")
    return currency


def get_last_trades_by_currency(call: Call) -> Wire:
    """Answer by currency, newest first unless asked otherwise."""
    params = call.params
    currency, kinds = trade_currency(params), _kinds(params)
    start, end = _number(params, "start_id", 0), _number(params, "end_id", FOREVER)

    def matches(p: Print) -> bool:
        instrument = p.instrument
        return (
            instrument.currency == currency
            and instrument.kind in kinds
            and start <= p.number <= end
        )

    return _answer(
        call.state.tape.between(*_span(params)),
        matches,
        params,
        ascending="start_id" in params.values,
    )


def get_last_trades_by_currency_and_time(call: Call) -> Wire:
    """Answer by currency within a span that must be named."""
    call.params.integer("start_timestamp")
    call.params.integer("end_timestamp")
    return get_last_trades_by_currency(call)


def get_last_trades_by_instrument(call: Call) -> Wire:
    """Answer by instrument, newest first unless asked otherwise."""
    params, name = call.params, call.instrument().name
    start, end = params.integer("start_seq", 0), params.integer("end_seq", FOREVER)
    low, high = _span(params)

    def matches(p: Print) -> bool:
        return start <= p.trade_seq <= end and low <= p.timestamp <= high

    return _answer(
        call.state.tape.of(name), matches, params, ascending="start_seq" in params.values
    )


def get_last_trades_by_instrument_and_time(call: Call) -> Wire:
    """Answer by instrument within a span that may be open at either end."""
    return get_last_trades_by_instrument(call)


def _answer(
    prints: list[Print], matches: Callable[[Print], bool], params: Params, *, ascending: bool
) -> Wire:
    count = params.count(10)
    sorting = params.text("sorting", "default")
    if sorting not in {"asc", "desc", "default"}:
        raise RpcError(-32602, "Invalid params", {"reason": "invalid sorting", "param": "sorting"})
    forward = sorting == "asc" or (sorting == "default" and ascending)
    trades: list[Wire] = []
    for p in prints if forward else reversed(prints):
        if not matches(p):
            continue
        if len(trades) == count:
            return {"trades": trades, "has_more": True}
        trades.append(p.wire)
    return {"trades": trades, "has_more": False}


def _span(params: Params) -> tuple[int, int]:
    return params.integer("start_timestamp", 0), params.integer("end_timestamp", FOREVER)


def _number(params: Params, name: str, default: int) -> int:
    text = str(params.values.get(name, default)).rpartition("-")[2]
    if not text.isdigit():
        raise invalid_params("invalid trade id", name)
    return int(text)


def _kinds(params: Params) -> frozenset[Kind]:
    word = params.text("kind", "any")
    if word not in TRADE_KINDS:
        raise invalid_params("invalid kind", "kind")
    return TRADE_KINDS[word]
