"""The table of methods: name -> handler, and the rules that come before any of them."""

from exchange.call import Call, Handler
from exchange.hub import Hub
from exchange.methods_combos import get_combo_details, get_combo_ids, get_combos
from exchange.methods_history import (
    get_delivery_prices,
    get_funding_chart_data,
    get_funding_rate_history,
    get_funding_rate_value,
    get_historical_volatility,
    get_index_chart_data,
    get_last_settlements_by_currency,
    get_last_settlements_by_instrument,
    get_mark_price_history,
    get_tradingview_chart_data,
    get_volatility_index_data,
)
from exchange.methods_market import (
    get_book_summary_by_currency,
    get_book_summary_by_instrument,
    get_contract_size,
    get_order_book,
    get_order_book_by_instrument_id,
    get_trade_volumes,
    ticker,
)
from exchange.methods_reference import (
    get_apr_history,
    get_currencies,
    get_expirations,
    get_index_price,
    get_index_price_names,
    get_instrument,
    get_instruments,
    get_supported_index_names,
)
from exchange.methods_rfq import get_block_rfq_trades
from exchange.methods_trades import (
    get_last_trades_by_currency,
    get_last_trades_by_currency_and_time,
    get_last_trades_by_instrument,
    get_last_trades_by_instrument_and_time,
)
from exchange.rpc import (
    MAINTENANCE,
    METHOD_NOT_FOUND,
    UNAUTHORIZED,
    Request,
    RpcError,
    invalid_params,
)
from exchange.session import Session
from exchange.view import View

VERSION = "1.2.26"
MIN_HEARTBEAT_S = 10


def dispatch(view: View, hub: Hub, request: Request, session: Session | None) -> object:
    """Answer one request with its result, or raise its refusal."""
    handler = METHODS.get(request.method.removeprefix("/"))
    if handler is None:
        raise UNAUTHORIZED if request.method.startswith("private/") else METHOD_NOT_FOUND
    if request.method not in SESSION_METHODS:
        if view.platform.maintenance:
            raise MAINTENANCE
        if not view.platform.public_access:
            raise UNAUTHORIZED
    return handler(Call(view, hub, request.params, session))


def _hello(call: Call) -> object:
    call.params.text("client_name")
    call.params.text("client_version")
    return {"version": VERSION}


def _test(call: Call) -> object:
    if call.session is not None:
        call.session.answered()
    if call.params.optional("expected_result") == "exception":
        raise RpcError(11094, "internal_server_error")
    return {"version": VERSION}


def _get_time(call: Call) -> object:
    return call.view.clock.now_ms()


def _status(call: Call) -> object:
    indices = call.state.indices.values()
    locked = sorted(index.name for index in indices if index.locked)
    if not locked:
        return {"locked": "false"}
    return {
        "locked": "true" if len(locked) == len(indices) else "partial",
        "locked_indices": locked,
    }


def _get_announcements(_call: Call) -> object:
    return []


def _set_heartbeat(call: Call) -> object:
    session = call.need_session()
    interval = call.params.integer("interval")
    if interval < MIN_HEARTBEAT_S:
        raise invalid_params(f"must be at least {MIN_HEARTBEAT_S}", "interval")
    session.set_heartbeat(interval, call.view.clock.monotonic())
    return "ok"


def _disable_heartbeat(call: Call) -> object:
    call.need_session().disable_heartbeat()
    return "ok"


def _auth(call: Call) -> object:
    """Let anyone in: there are no accounts here, and raw channels ask only for a name."""
    session = call.session
    if session is not None:
        session.is_authenticated = True
    return {
        "access_token": "local",
        "refresh_token": "local",
        "expires_in": 31_536_000,
        "scope": call.params.text("scope", "connection mainaccount"),
        "token_type": "bearer",
    }


def _subscribe_privately(call: Call) -> object:
    if not call.need_session().is_authenticated:
        raise UNAUTHORIZED
    return _subscribe(call)


def _subscribe(call: Call) -> object:
    return call.hub.subscribe(call.need_session(), call.params.texts("channels"))


def _unsubscribe(call: Call) -> object:
    return call.hub.unsubscribe(call.need_session(), call.params.texts("channels"))


def _unsubscribe_all(call: Call) -> object:
    call.hub.leave(call.need_session())
    return "ok"


SESSION_METHODS: dict[str, Handler] = {
    "public/hello": _hello,
    "public/test": _test,
    "public/get_time": _get_time,
    "public/status": _status,
    "public/set_heartbeat": _set_heartbeat,
    "public/disable_heartbeat": _disable_heartbeat,
    "public/auth": _auth,
    "public/subscribe": _subscribe,
    "private/subscribe": _subscribe_privately,
    "public/unsubscribe": _unsubscribe,
    "public/unsubscribe_all": _unsubscribe_all,
}
"""What a client may do even in maintenance."""

METHODS: dict[str, Handler] = {
    **SESSION_METHODS,
    "public/get_instruments": get_instruments,
    "public/get_instrument": get_instrument,
    "public/get_expirations": get_expirations,
    "public/get_currencies": get_currencies,
    "public/get_index_price": get_index_price,
    "public/get_index_price_names": get_index_price_names,
    "public/get_supported_index_names": get_supported_index_names,
    "public/get_book_summary_by_currency": get_book_summary_by_currency,
    "public/get_book_summary_by_instrument": get_book_summary_by_instrument,
    "public/ticker": ticker,
    "public/get_order_book": get_order_book,
    "public/get_order_book_by_instrument_id": get_order_book_by_instrument_id,
    "public/get_last_trades_by_currency": get_last_trades_by_currency,
    "public/get_last_trades_by_currency_and_time": get_last_trades_by_currency_and_time,
    "public/get_last_trades_by_instrument": get_last_trades_by_instrument,
    "public/get_last_trades_by_instrument_and_time": get_last_trades_by_instrument_and_time,
    "public/get_volatility_index_data": get_volatility_index_data,
    "public/get_delivery_prices": get_delivery_prices,
    "public/get_index_chart_data": get_index_chart_data,
    "public/get_historical_volatility": get_historical_volatility,
    "public/get_mark_price_history": get_mark_price_history,
    "public/get_funding_rate_history": get_funding_rate_history,
    "public/get_funding_rate_value": get_funding_rate_value,
    "public/get_funding_chart_data": get_funding_chart_data,
    "public/get_tradingview_chart_data": get_tradingview_chart_data,
    "public/get_last_settlements_by_currency": get_last_settlements_by_currency,
    "public/get_last_settlements_by_instrument": get_last_settlements_by_instrument,
    "public/get_contract_size": get_contract_size,
    "public/get_trade_volumes": get_trade_volumes,
    "public/get_combos": get_combos,
    "public/get_combo_ids": get_combo_ids,
    "public/get_combo_details": get_combo_details,
    "public/get_block_rfq_trades": get_block_rfq_trades,
    "public/get_apr_history": get_apr_history,
    "public/get_announcements": _get_announcements,
}
