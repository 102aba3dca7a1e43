"""Methods about what exists: instruments, expirations, currencies, indices."""

from exchange.calendar import expiry_code
from exchange.call import Call
from exchange.methods_trades import CURRENCIES
from exchange.rpc import invalid_params
from exchange.specs import Kind
from exchange.strangers import strangers
from exchange.wire import encode_instrument
from greeks.conventions import MS_PER_DAY

YIELDING = frozenset({"usde", "steth", "usdc", "buidl"})
MOST_DAYS = 365
KINDS = frozenset({None, "spot", *Kind})
COINS = {"BTC": "Bitcoin", "ETH": "Ethereum", "USDC": "USD Coin", "USDT": "Tether", "EURR": "Euro"}


def get_instruments(call: Call) -> object:
    """List instruments, delivered ones when `expired`."""
    currency = call.params.text("currency", "any")
    kind = call.params.optional("kind")
    if currency != "any" and currency not in CURRENCIES:
        raise invalid_params("invalid currency", "currency")
    if kind not in KINDS:
        raise invalid_params("invalid kind", "kind")
    state = call.state
    if call.params.flag("expired"):
        rows = [(instrument, "archivized") for instrument in state.retired.values()]
    else:
        rows = state.listed()
    listed = [
        encode_instrument(instrument, word)
        for instrument, word in rows
        if currency in {"any", instrument.currency} and kind in {None, instrument.kind.value}
    ]
    return listed + strangers(currency, kind) if call.view.lists_strangers else listed


def get_instrument(call: Call) -> object:
    """Show one instrument."""
    instrument = call.instrument()
    return encode_instrument(instrument, call.state.state_of(instrument.name))


def get_expirations(call: Call) -> object:
    """List expiry codes by kind."""
    currency, kind = call.params.text("currency"), call.params.text("kind")
    if currency not in CURRENCIES | {"any"}:
        raise invalid_params("invalid currency", "currency")
    if kind not in {"option", "future", "any"}:
        raise invalid_params("invalid kind", "kind")
    wanted = {"option", "future"} if kind == "any" else {kind}
    found: dict[str, dict[int, str]] = {word: {} for word in ("option", "future") if word in wanted}
    for instrument, _ in call.state.listed():
        if currency not in {"any", instrument.currency} or instrument.kind.value not in found:
            continue
        code = "PERPETUAL" if instrument.is_perpetual else expiry_code(instrument.expiry_ms)
        found[instrument.kind.value][instrument.expiry_ms] = code
    ordered = {word: [code for _, code in sorted(codes.items())] for word, codes in found.items()}
    return ordered if currency == "any" else {currency.lower(): ordered}


def get_currencies(_call: Call) -> object:
    """List currencies."""
    return [
        {
            "currency": name,
            "currency_long": long_name,
            "coin_type": name,
            "decimals": 8 if name in {"BTC", "USDC"} else 6,
            "min_confirmations": 1,
            "min_withdrawal_fee": 0.0001,
            "withdrawal_fee": 0.0001,
            "withdrawal_priorities": [],
            "network_fee": 0.00001,
            "network_currency": name,
            "apr": 0.0,
            "in_cross_collateral_pool": True,
        }
        for name, long_name in COINS.items()
    ]


def get_apr_history(call: Call) -> object:
    """Show the yield of a token, newest day first: a constant, nothing here pays any."""
    if call.params.text("currency") not in YIELDING:
        raise invalid_params("invalid currency", "currency")
    today = call.state.now_ms // MS_PER_DAY
    before = call.params.integer("before", today + 1)
    limit = min(max(call.params.integer("limit", MOST_DAYS), 1), MOST_DAYS)
    newest = min(max(before, 1), today + 1) - 1
    days = range(newest, max(newest - limit, -1), -1)
    return {"data": [{"day": day, "apr": 0.0} for day in days], "continuation": days[-1]}


def get_index_price(call: Call) -> object:
    """Show an index and the delivery price it points to."""
    index = call.state.indices.get(call.params.text("index_name"))
    if index is None:
        raise invalid_params("invalid index", "index_name")
    return {"index_price": index.price, "estimated_delivery_price": index.delivery_estimate}


def get_index_price_names(call: Call) -> object:
    """List the indices."""
    names = sorted(call.state.indices)
    if not call.params.flag("extended"):
        return names
    return [{"name": n, "future_combo_enabled": True, "option_combo_enabled": True} for n in names]


def get_supported_index_names(call: Call) -> object:
    """List the names of the indices: all of them have derivatives, and all are spot prices."""
    if call.params.text("type", "all") not in {"all", "spot", "derivative"}:
        raise invalid_params("invalid type", "type")
    return sorted(call.state.indices)
