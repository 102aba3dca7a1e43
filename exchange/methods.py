"""The table of public methods: name -> handler. Each handler reads the view and answers JSON."""

from collections.abc import Callable
from dataclasses import dataclass

from exchange.calendar import expiry_code
from exchange.instruments import Instrument
from exchange.rpc import (
    METHOD_NOT_FOUND,
    MUST_BE_WEBSOCKET,
    UNAUTHORIZED,
    Params,
    RpcError,
    invalid_params,
)
from exchange.session import Session
from exchange.specs import BOOKS, Kind
from exchange.trade_queries import (
    get_last_trades_by_currency,
    get_last_trades_by_currency_and_time,
    get_last_trades_by_instrument,
    get_last_trades_by_instrument_and_time,
)
from exchange.view import View
from exchange.wire import encode_instrument, encode_order_book, encode_ticker

VERSION = "1.2.26"
