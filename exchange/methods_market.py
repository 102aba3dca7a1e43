"""Methods about the market now: summaries, tickers, books, volatility and delivery prices."""

from exchange.call import Call
from exchange.candles import Bar
from exchange.methods_trades import trade_currency
from exchange.rpc import invalid_params
from exchange.specs import Kind
from exchange.wire import encode_order_book, encode_ticker

DEPTHS = frozenset({1, 5, 10, 20, 50, 100, 1000, 10000})
DVOL_RESOLUTIONS_S = {"1": 1, "60": 60, "3600": 3600, "43200": 43200, "1D": 86400}
MAX_BARS = 1000


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


def get_volatility_index_data(call: Call) -> object:
    """Show bars of the volatility index, newest page first."""
    currency = call.params.text("currency")
    start, end = call.params.integer("start_timestamp"), call.params.integer("end_timestamp")
    if (step := DVOL_RESOLUTIONS_S.get(call.params.text("resolution"))) is None:
        raise invalid_params("invalid resolution", "resolution")
    index = call.state.indices.get(f"{currency.lower()}_usd")
    if index is None or index.volatility_history is None:
        raise invalid_params("invalid currency", "currency")
    bars = index.volatility_history.read(start, end, max(step, 60) * 1000)
    return _page(bars)


def get_delivery_prices(call: Call) -> object:
    """Show past delivery prices, newest first."""
    name = call.params.text("index_name")
    if name not in call.state.indices:
        raise invalid_params("invalid index", "index_name")
    prices = call.state.delivery_prices.get(name, [])
    offset, count = call.params.integer("offset", 0), call.params.integer("count", 10)
    page = prices[offset : offset + count]
    rows = [{"date": day, "delivery_price": price} for day, price in page]
    return {"records_total": len(prices), "data": rows}


def _page(bars: list[Bar]) -> dict[str, object]:
    """Return the newest bars, and where the next older page ends."""
    page, older = bars[-MAX_BARS:], bars[:-MAX_BARS]
    return {"data": page, "continuation": older[-1][0] if older else None}
