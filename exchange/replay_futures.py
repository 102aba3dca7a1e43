"""Futures of a recorded snapshot: recorded ones, and those its options settle into."""

import math
import re
from statistics import median

import numpy as np

from exchange.depth import move_book
from exchange.errors import ConfigError
from exchange.instruments import PERPETUAL_EXPIRY_MS, Instrument, Wire
from exchange.replay_state import book_of, read_instrument
from exchange.state import Future, MarketState

PLAIN_FUTURE = re.compile(r"[A-Z0-9]+(_[A-Z]+)?-\d{1,2}[A-Z]{3}\d{2}")
FUTURE_FIELDS = {
    "open_interest": "open_interest", "settlement_price": "settlement_price",
    "min_price": "min_price", "max_price": "max_price", "funding_8h": "funding_8h",
    "current_funding": "current_funding", "interest_value": "interest_value",
    "last": "last_price",
}  # fmt: skip
STATS = ("high", "low", "price_change", "volume", "volume_usd")
TYPICAL_USD = 20_000.0


def read_futures(
    state: MarketState, rows: list[Wire], options: list[Wire], at_ms: int, rng: np.random.Generator
) -> dict[str, Future]:
    """Return the futures of a snapshot.

    An option whose underlying is a plain future proves that the future stood at that price. A
    perpetual that was not recorded stands at the index. A volume that was not recorded is NaN.
    """
    futures = {str(row["instrument_name"]): _recorded(state, row, rng) for row in rows}
    prices: dict[str, list[float]] = {}
    for row in options:
        name, price = str(row["underlying_index"]), row["underlying_price"]
        if PLAIN_FUTURE.fullmatch(name) and isinstance(price, int | float):
            prices.setdefault(name, []).append(float(price))
    for option in options:
        name = f"{str(option['instrument_name']).partition('-')[0]}-PERPETUAL"
        index = state.indices[str(option["price_index"])]
        prices.setdefault(name, [index.price])
    for name, values in prices.items():
        if name not in futures:
            row = {"instrument_name": name, "timestamp": at_ms, "mark_price": median(values)}
            futures[name] = _derived(state, row, rng)
    return futures


def _recorded(state: MarketState, row: Wire, rng: np.random.Generator) -> Future:
    future = _derived(state, row, rng)
    for field, key in FUTURE_FIELDS.items():
        if isinstance(value := row.get(key), int | float):
            setattr(future, field, value)
    stats = row.get("stats")
    for key in STATS:
        if isinstance(stats, dict) and isinstance(value := stats.get(key), int | float):
            setattr(future, key, value)
    future.bids = _with_best(future.bids, row, "bid", 1)
    future.asks = _with_best(future.asks, row, "ask", -1)
    return future


def _derived(state: MarketState, row: Wire, rng: np.random.Generator) -> Future:
    known = state.futures.get(str(row["instrument_name"]))
    instrument = known.instrument if known else read_instrument(row, state.take_instrument_id())
    mark, timestamp = row["mark_price"], row["timestamp"]
    if not isinstance(mark, int | float) or not isinstance(timestamp, int):
        raise ConfigError(f"replay: expected mark_price and timestamp of {instrument.name}")
    future = Future(
        instrument, float(mark), timestamp=timestamp, volume=math.nan, volume_usd=math.nan
    )
    future.version = known.version + 1 if known else 1
    move_book(future, 1 if _is_perpetual(instrument) else 4, _typical(instrument, future), rng)
    future.change_id = state.take_change_ids(instrument.currency)
    tick = instrument.tick_size
    future.min_price = round(round(future.mark_price * 0.985 / tick) * tick, 6)
    future.max_price = round(round(future.mark_price * 1.015 / tick) * tick, 6)
    future.settlement_price = future.mark_price
    return future


def _typical(instrument: Instrument, future: Future) -> float:
    return TYPICAL_USD / (1.0 if book_of(instrument.name).is_inverse else future.mark_price)


def _is_perpetual(instrument: Instrument) -> bool:
    return instrument.expiry_ms == PERPETUAL_EXPIRY_MS


def _with_best(
    side: dict[float, float], row: Wire, word: str, direction: int
) -> dict[float, float]:
    """Put the recorded best level in front of levels that stand behind it."""
    price, amount = row.get(f"best_{word}_price"), row.get(f"best_{word}_amount")
    if not isinstance(price, int | float) or not price or not isinstance(amount, int | float):
        return side
    behind = {p: a for p, a in side.items() if (price - p) * direction > 0}
    return {float(price): float(amount), **behind}
