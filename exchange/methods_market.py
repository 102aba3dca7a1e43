"""Methods about the market now: summaries, tickers, books."""

from exchange.call import Call
from exchange.methods_trades import trade_currency
from exchange.rpc import invalid_params
from exchange.specs import Kind
from exchange.wire import encode_order_book, encode_ticker

VOLUME_WORDS = ("calls_volume", "puts_volume", "futures_volume", "spot_volume")
DEPTHS = frozenset({1, 5, 10, 20, 50, 100, 1000, 10000})


def get_book_summary_by_currency(call: Call) -> object:
    """Show a row for every instrument of a currency."""
    currency, kind = trade_currency(call.params), call.params.optional("kind")
    if kind not in {None, "spot", *Kind}:
        raise invalid_params("invalid kind", "kind")
    kinds = tuple(k for k in Kind if kind in {None, k.value})
    return call.view.summaries(currency, kinds) if kinds else []


def get_book_summary_by_instrument(call: Call) -> object:
    """Show the summary row of one instrument."""
    return [call.view.summary_of(call.active_instrument())]


def ticker(call: Call) -> object:
    """Show a ticker."""
    return encode_ticker(call.state, call.active_instrument().name)


def get_order_book(call: Call) -> object:
    """Show a ticker with levels."""
    depth = call.params.integer("depth", 5)
    if depth not in DEPTHS:
        raise invalid_params("invalid depth", "depth")
    return encode_order_book(call.state, call.active_instrument().name, depth)


def get_order_book_by_instrument_id(call: Call) -> object:
    """Show a ticker with levels, found by number."""
    number, depth = call.params.integer("instrument_id"), call.params.integer("depth", 5)
    for instrument, _ in call.state.listed():
        if instrument.instrument_id == number and depth in DEPTHS:
            return encode_order_book(call.state, instrument.name, depth)
    raise invalid_params("instrument not found", "instrument_id")


def get_contract_size(call: Call) -> object:
    """Show an instrument's contract size alone."""
    return {"contract_size": call.instrument().contract_size}


def get_trade_volumes(call: Call) -> object:
    """Show the volume of the last 24 hours by currency."""
    volumes: dict[str, dict[str, float]] = {}
    for p in call.state.tape.between(0, call.state.now_ms):
        instrument = p.instrument
        row = volumes.setdefault(instrument.asset, dict.fromkeys(VOLUME_WORDS, 0.0))
        if instrument.kind is Kind.FUTURE:
            row["futures_volume"] += p.volume_coin
        elif instrument.option_type is not None:
            row[f"{instrument.option_type.value}s_volume"] += p.volume_coin
    return [
        {"currency": asset, **{word: round(coins, 8) for word, coins in row.items()}}
        for asset, row in sorted(volumes.items())
    ]
