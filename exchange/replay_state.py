"""From a recorded snapshot to a market's state: recorded values as recorded, the rest derived.

Derived are only what a venue must say and a recording did not keep: contract terms, greeks and
quote volatilities, the amounts behind a recorded price, futures and books around recorded marks.
"""

from dataclasses import replace

import numpy as np

from exchange.calendar import Expiry, expiry_period, parse_expiry
from exchange.instruments import (
    PERPETUAL_EXPIRY_MS,
    Instrument,
    Wire,
    build_future,
    build_option,
    build_perpetual,
    parse_strike,
)
from exchange.marks import imply_quotes, price_bands, write_greeks
from exchange.specs import BOOKS, BookSpec, OptionType
from exchange.state import OptionColumns
from greeks.conventions import FloatArray, Settlement

TICKER_FIELDS = frozenset(
    {"timestamp", "settlement_price", "index_price", "last_price", "min_price", "max_price",
     "open_interest", "mark_price", "best_ask_price", "best_bid_price", "best_ask_amount",
     "best_bid_amount", "interest_rate", "mark_iv", "bid_iv", "ask_iv", "underlying_price",
     "underlying_index", "estimated_delivery_price", "state", "instrument_state", "stats",
     "greeks", "interest_value", "funding_8h", "current_funding", "bids", "asks", "change_id"}
)  # fmt: skip
PLAIN_COLUMNS = {
    "forward": "underlying_price", "mark_iv": "mark_iv", "mark_price": "mark_price",
    "open_interest": "open_interest", "last": "last_price", "settlement_price": "settlement_price",
}  # fmt: skip
QUOTE_COLUMNS = {
    "bid": "best_bid_price", "ask": "best_ask_price", "bid_amount": "best_bid_amount",
    "ask_amount": "best_ask_amount",
}  # fmt: skip
STATS = {
    "high": "high", "low": "low", "price_change": "price_change", "volume": "volume",
    "volume_usd": "volume_usd",
}  # fmt: skip
GREEKS = ("delta", "gamma", "vega", "theta", "rho")


def book_of(name: str) -> BookSpec:
    """Return the book of an instrument by its name; an unknown coin gets the terms of a known."""
    prefix = name.partition("-")[0]
    for book in BOOKS:
        if book.prefix == prefix:
            return book
    linear = "_" in prefix
    like = next(b for b in BOOKS if b.is_inverse is not linear)
    return replace(like, asset=replace(like.asset, name=prefix.partition("_")[0]))


def read_instrument(row: Wire, number: int) -> Instrument:
    """Return the instrument of a row: derived terms, recorded ones on top."""
    name = str(row["instrument_name"])
    parts = name.split("-")
    expiry_ms = row.get("expiration_timestamp")
    if not isinstance(expiry_ms, int):
        perpetual = parts[1] == "PERPETUAL"
        expiry_ms = PERPETUAL_EXPIRY_MS if perpetual else parse_expiry(parts[1])
    created = row.get("creation_timestamp")
    born = (
        created if isinstance(created, int) else min(expiry_ms, _int(row["timestamp"])) - 86_400_000
    )
    book, expiry = book_of(name), Expiry(expiry_ms, _period(row, expiry_ms))
    if len(parts) == 4:
        side = OptionType.CALL if parts[3] == "C" else OptionType.PUT
        instrument = build_option(book, expiry, parse_strike(parts[2]), side, born, number)
    elif expiry_ms == PERPETUAL_EXPIRY_MS:
        instrument = build_perpetual(book, number)
    else:
        instrument = build_future(book, expiry, born, number)
    recorded = {key: value for key, value in row.items() if key not in TICKER_FIELDS}
    return replace(instrument, name=name, terms=instrument.terms | recorded)


def read_columns(rows: list[Wire], instruments: list[Instrument]) -> OptionColumns:
    """Return the columns of option rows of one book."""
    c = OptionColumns.blank(instruments)
    c.timestamp = np.array([_int(row["timestamp"]) for row in rows], dtype=np.int64)
    for name, key in PLAIN_COLUMNS.items():
        setattr(c, name, _numbers(rows, key))
    for name, key in QUOTE_COLUMNS.items():
        setattr(c, name, np.nan_to_num(_numbers(rows, key)))
    for name, key in STATS.items():
        setattr(c, name, _nested(rows, "stats", key))
    c.open_interest = np.nan_to_num(c.open_interest)
    lots = np.array([instrument.min_amount for instrument in instruments])
    c.bid_amount = np.where((c.bid > 0) & (c.bid_amount == 0), lots, c.bid_amount)
    c.ask_amount = np.where((c.ask > 0) & (c.ask_amount == 0), lots, c.ask_amount)
    inverse = bool(instruments) and instruments[0].settlement is Settlement.INVERSE
    write_greeks(c, c.timestamp)
    imply_quotes(c, inverse=inverse)
    price_bands(c, book_of(instruments[0].name))
    for name in (*GREEKS, "bid_iv", "ask_iv", "min_price", "max_price"):
        recorded = _nested(rows, "greeks", name) if name in GREEKS else _numbers(rows, name)
        setattr(c, name, np.where(np.isnan(recorded), getattr(c, name), recorded))
    return c


def _numbers(rows: list[Wire], key: str) -> FloatArray:
    return np.array([_float(row.get(key)) for row in rows])


def _nested(rows: list[Wire], group: str, key: str) -> FloatArray:
    groups = [inner if isinstance(inner := row.get(group), dict) else {} for row in rows]
    return np.array([_float(inner.get(key)) for inner in groups])


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _int(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _period(row: Wire, expiry_ms: int) -> str:
    recorded = row.get("settlement_period")
    return recorded if isinstance(recorded, str) else expiry_period(expiry_ms)
