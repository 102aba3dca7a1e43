"""Marks, quotes and published greeks of a whole option table at once. Pure array work."""

import numpy as np

from exchange.specs import BookSpec
from exchange.state import OptionColumns
from greeks.black76 import compute_greeks
from greeks.conventions import MS_PER_YEAR, PCT, VOL_POINT, FloatArray, IntArray, Settlement

WINDOW_MS = 30 * 60_000
"""Length of the settlement average before an expiry."""
HALF_SPREAD_VOL = 0.6  # vol points
HALF_SPREAD_PRICE = 0.012  # of the mark


def mark_options(columns: OptionColumns, settlement: Settlement, now_ms: int) -> None:
    """Write mark prices and greeks from forward, mark_iv and the time left."""
    price = write_greeks(columns, np.full_like(columns.expiry_ms, now_ms))
    unit = columns.forward if settlement is Settlement.INVERSE else 1.0
    columns.mark_price = np.round(price / unit, 8)
    columns.timestamp = np.full_like(columns.timestamp, now_ms)


def write_greeks(columns: OptionColumns, at_ms: IntArray) -> FloatArray:
    """Write the five published greeks, rounded as the venue rounds them; return USD prices.

    Theta is the decay of one day or of the life left, never more than the option is worth; delta
    and gamma fade linearly over the settlement window.
    """
    c = columns
    left_ms = np.maximum(c.expiry_ms - at_ms, 0)
    years = left_ms / MS_PER_YEAR
    g = compute_greeks(c.forward, c.strike, years, c.mark_iv * VOL_POINT, c.is_call)
    fade = np.minimum(left_ms / WINDOW_MS, 1.0)
    day = np.minimum(years * 365.0, 1.0)
    # adding zero turns -0.0, which no venue prints, into 0.0
    c.delta = np.round(g.delta * fade, 5) + 0.0
    c.gamma = np.round(g.gamma * fade, 5)
    c.vega = np.round(g.vega * VOL_POINT, 5)
    c.theta = np.round(np.maximum(g.theta / 365.0 * day, -g.price), 5) + 0.0
    c.rho = np.round(g.rho * PCT, 5) + 0.0
    return g.price


def quote_options(columns: OptionColumns, book: BookSpec) -> None:
    """Write bids and asks around the marks, on the tick, and the volatilities they imply.

    A bid below one tick is no bid: its price is 0.0, as the venue's tickers say it.
    """
    c = columns
    unit = c.forward if book.is_inverse else np.ones_like(c.forward)
    half = np.maximum(c.vega / unit * HALF_SPREAD_VOL, HALF_SPREAD_PRICE * c.mark_price)
    half = np.maximum(half, book.tick_size / 2)
    c.bid = _on_tick(book, c.mark_price - half, -1e-9)
    c.ask = _on_tick(book, c.mark_price + half, 1.0 - 1e-9)
    c.bid = np.where(c.bid_amount > 0, c.bid, 0.0)
    c.ask = np.where(c.ask_amount > 0, c.ask, 0.0)
    imply_quotes(c, inverse=book.is_inverse)
    price_bands(c, book)


def imply_quotes(columns: OptionColumns, *, inverse: bool) -> None:
    """Write the volatilities of bids and asks, one vega step away from the mark."""
    c = columns
    point = np.maximum(c.vega / (c.forward if inverse else 1.0), 1e-12)
    bid_iv = c.mark_iv - (c.mark_price - c.bid) / point
    ask_iv = c.mark_iv + (c.ask - c.mark_price) / point
    c.bid_iv = np.where(c.bid > 0, np.round(np.clip(bid_iv, 0.0, 500.0), 2), 0.0)
    c.ask_iv = np.where(c.ask > 0, np.round(np.clip(ask_iv, 0.0, 500.0), 2), 0.0)


def price_bands(columns: OptionColumns, book: BookSpec) -> None:
    """Write the lowest and highest price an order may have."""
    band = 0.1 * columns.mark_price + 100 * book.tick_size
    low = _on_tick(book, columns.mark_price - band, 0.0)
    columns.min_price = np.maximum(low, book.tick_size)
    columns.max_price = _on_tick(book, columns.mark_price + band, 1.0)


def refresh_amounts(columns: OptionColumns, book: BookSpec, rng: np.random.Generator) -> None:
    """Let one quote in twenty change its size; one side in fifteen stands empty."""
    n = len(columns.strike)
    for name in ("bid_amount", "ask_amount"):
        amounts: FloatArray = getattr(columns, name)
        touched = (rng.random(n) < 0.05) | ((amounts == 0) & (rng.random(n) < 0.05))
        lots = np.ceil(rng.lognormal(3.0, 1.0, n)) * (rng.random(n) > 1 / 15)
        setattr(columns, name, np.where(touched, np.round(lots * book.min_amount, 4), amounts))


def tick_of(book: BookSpec, price: FloatArray) -> FloatArray:
    """Return the tick that applies at each price."""
    tick = np.full_like(price, book.tick_size)
    for above, step in book.tick_steps:
        tick = np.where(price > above, step, tick)
    return tick


def _on_tick(book: BookSpec, price: FloatArray, lift: float) -> FloatArray:
    """Put prices on their grid: down with a lift of about zero, up with about one."""
    tick = tick_of(book, price)
    return np.maximum(np.round(np.floor(price / tick + lift) * tick, 6), 0.0)
