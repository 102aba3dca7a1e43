"""Methods about block quote requests that traded, put together from their prints on the tape."""

from collections.abc import Sequence

from exchange.call import Call
from exchange.instruments import Wire
from exchange.methods_trades import trade_currency
from exchange.rpc import invalid_params
from exchange.specs import Kind
from exchange.tape import Print

MOST = 1000
DIRECTION = {1: "buy", -1: "sell"}
COMBOS = {Kind.OPTION_COMBO, Kind.FUTURE_COMBO}


def get_block_rfq_trades(call: Call) -> Wire:
    """Show the quote requests of a currency that traded, newest first."""
    currency, count = trade_currency(call.params), call.params.integer("count", 20)
    if not 1 <= count <= MOST:
        raise invalid_params(f"must be between 1 and {MOST}", "count")
    before = _serial(call.params.optional("continuation"))
    found: dict[int, list[Print]] = {}
    for p in call.state.tape.between(0, call.state.now_ms):
        number = p.wire.get("block_rfq_id")
        is_leg = p.instrument.kind not in COMBOS and p.instrument.currency == currency
        if isinstance(number, int) and number < before and is_leg:
            found.setdefault(number, []).append(p)
    numbers = sorted(found, reverse=True)
    page = numbers[:count]
    more = len(numbers) > len(page)
    return {
        "block_rfqs": [_encode(number, found[number]) for number in page],
        "continuation": f"{found[page[-1]][0].timestamp}:{page[-1]}" if more else None,
    }


def _encode(number: int, legs: Sequence[Print]) -> Wire:
    """Write one request: it was bought when its first leg was, and costs what its legs cost."""
    first = legs[0]
    amount = min(leg.amount for leg in legs)
    sides = {"buy": 1, "sell": -1}
    signs = [sides[str(leg.wire["direction"])] for leg in legs]
    options = [(leg, s) for leg, s in zip(legs, signs, strict=True) if leg.instrument.option_type]

    def cost(field: str) -> float:
        parts = (s * float(str(leg.wire[field])) * leg.amount / amount for leg, s in options)
        return round(signs[0] * sum(parts), 9)

    direction = DIRECTION[signs[0]]
    return {
        "id": number,
        "timestamp": first.timestamp,
        "amount": amount,
        "direction": direction,
        "mark_price": cost("mark_price"),
        "trades": [{"price": cost("price"), "amount": amount, "direction": direction}],
        "legs": [
            {
                "price": leg.price,
                "direction": DIRECTION[sign * signs[0]],
                "instrument_name": leg.instrument.name,
                "ratio": max(round(leg.amount / amount), 1),
            }
            for leg, sign in options
        ],
        "combo_id": first.wire.get("combo_id"),
        "index_prices": {first.instrument.price_index: first.wire["index_price"]},
    }


def _serial(continuation: str | None) -> int:
    """Return the number that a page continues before."""
    if continuation is None:
        return 1 << 62
    number = continuation.rpartition(":")[2]
    if not number.isdecimal():
        raise invalid_params("invalid continuation", "continuation")
    return int(number)
