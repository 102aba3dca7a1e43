"""Listing: which options and futures exist at an instant, and what they start with."""

import math
from dataclasses import dataclass, replace

import numpy as np

from exchange.calendar import Expiry, created_ms, listed_expiries
from exchange.instruments import Instrument, build_future, build_option, build_perpetual
from exchange.smile import atm_vol
from exchange.specs import BookSpec, OptionType
from exchange.state import Future, MarketState, OptionColumns
from exchange.strikes import balance_puts, initial_open_interest, strike_ladder
from exchange.tenors import open_interest_share, placed_years, spread_over_expiries
from greeks.conventions import DAYS_PER_YEAR, MS_PER_YEAR, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Listing:
    """New options of one book, with the future each settles into."""

    instruments: list[Instrument]
    underlying: list[str]

    def columns(self) -> OptionColumns:
        """Return columns for the new rows."""
        return OptionColumns.blank(self.instruments)


def option_expiries(book: BookSpec, now_ms: int) -> tuple[Expiry, ...]:
    """Return the expiries that carry options in a book."""
    return listed_expiries(now_ms)[: book.tenors]


def list_options(
    state: MarketState, book: BookSpec, expiry: Expiry, forward: float, vol_level: float,
    now_ms: int, created: int | None = None,
) -> Listing:  # fmt: skip
    """List the strikes of an expiry that its ladder wants and that do not exist yet."""
    years = max(expiry.ms - now_ms, 0) / MS_PER_YEAR
    vol = float(atm_vol(vol_level, book.asset.atm_vol, np.array([years]))[0])
    sd = max(vol * math.sqrt(years + 1.0 / DAYS_PER_YEAR), 0.012)
    placed = vol * math.sqrt(placed_years(expiry.ms, now_ms))
    born = now_ms if created is None else created
    known = state.options[book.price_index].rows
    instruments = [
        option
        for strike in strike_ladder(book, forward, sd, placed)
        for side in OptionType
        if (option := build_option(book, expiry, strike, side, born, 0)).name not in known
    ]
    numbered = [_numbered(state, option) for option in instruments]
    future = build_future(book, expiry, born, 0).name
    return Listing(numbered, [future] * len(numbered))


def list_future(state: MarketState, book: BookSpec, expiry: Expiry, created: int) -> Future | None:
    """List the dated future of an expiry unless it exists."""
    future = build_future(book, expiry, created, state.take_instrument_id())
    if future.name in state.futures:
        return None
    state.futures[future.name] = Future(future, math.nan, timestamp=created)
    return state.futures[future.name]


def list_perpetual(state: MarketState, book: BookSpec) -> Future:
    """List the perpetual of a book."""
    perpetual = build_perpetual(book, 124_972 + len(state.futures))
    state.futures[perpetual.name] = Future(perpetual, math.nan)
    return state.futures[perpetual.name]


def initial_created(expiry: Expiry, now_ms: int) -> int:
    """Return a listing time in the past for what stands when the market begins."""
    return min(created_ms(expiry), now_ms - 1000)


def initial_lots(
    book: BookSpec, columns: OptionColumns, now_ms: int, vol_level: float, rng: np.random.Generator
) -> IntArray:  # fmt: skip
    """Return the open interest of a fresh book in whole lots; one option in six has none."""
    years: FloatArray = (columns.expiry_ms - now_ms) / MS_PER_YEAR
    vol = atm_vol(vol_level, book.asset.atm_vol, years)
    sd = vol * np.sqrt(years + 1.0 / DAYS_PER_YEAR)
    placed = vol * np.sqrt([placed_years(ms, now_ms) for ms in columns.expiry_ms.tolist()])
    n = len(years)
    noise = rng.lognormal(-0.18, 0.6, n) * (rng.random(n) > 1 / 6)
    x = np.log(columns.strike / columns.forward)
    shape = initial_open_interest(
        columns.strike, columns.is_call, x, placed, book.asset.round_strike, noise
    )
    share = spread_over_expiries(shape, columns.expiry_ms, now_ms, open_interest_share)
    weight = balance_puts(share, columns.is_call, x, sd)
    total = book.open_interest_coin / book.min_amount
    return np.asarray(np.round(weight / weight.sum() * total), dtype=np.int64)


def _numbered(state: MarketState, option: Instrument) -> Instrument:
    return replace(option, instrument_id=state.take_instrument_id())
