"""A past for a market that has none: price and volatility bars, and delivery prices."""

import math
from datetime import UTC, datetime

import numpy as np

from exchange.calendar import last_roll
from exchange.candles import HOUR_MS, Candles
from exchange.paths import VOL_RETURN_BETA
from exchange.state import Delivery, Future, Index, MarketState, OptionTable
from exchange.tape import Earlier
from greeks.conventions import MS_PER_DAY, MS_PER_YEAR, FloatArray

DAYS = 30
OWN_VOLATILITY_OF_DVOL = 0.6
"""Yearly, of what the index's own moves do not explain."""
TYPICAL_FUNDING = 8e-5
PERPETUAL_TURNOVER, FUTURE_TURNOVER, OPTION_TURNOVER = 0.8, 0.1, 0.06
"""What trades in a day, as a share of open interest."""
PRINTS_A_DAY = 6000


def invent_past(state: MarketState, index: Index, vol: float, rng: np.random.Generator) -> None:
    """Give an index 30 days of history that end at its present values."""
    root = math.sqrt(HOUR_MS / MS_PER_YEAR)
    moves, own = rng.standard_normal((2, DAYS * 24)) * root
    moves *= vol
    index.price_history = Candles.invent(index.price, moves, state.now_ms, index.decimals, rng)
    if not math.isnan(index.volatility):
        levels = VOL_RETURN_BETA * moves + OWN_VOLATILITY_OF_DVOL * own
        index.volatility_history = Candles.invent(index.volatility, levels, state.now_ms, 2, rng)
    roll = last_roll(state.now_ms)
    closes = {at + HOUR_MS: close for at, close in index.price_history.closes()}
    state.delivery_prices[index.name] = [
        (datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d"), closes[at])
        for at in (roll - k * MS_PER_DAY for k in range(DAYS))
        if at in closes
    ]


def invent_funding(future: Future, index: Index, rng: np.random.Generator) -> None:
    """Give a perpetual hourly funding: most hours a little, many nothing."""
    if index.price_history is None:
        return
    hours = [at for at, _ in index.price_history.closes()]
    rates = np.round(np.maximum(rng.standard_normal(len(hours)), 0.0) * TYPICAL_FUNDING, 10)
    bars = zip(hours, rates.tolist(), strict=True)
    future.funding_history = Candles([(at, rate, rate, rate, rate) for at, rate in bars])


def invent_future_day(state: MarketState, future: Future, index: Index) -> None:
    """Give a future a day of volume, and a perpetual the day's prices of its index."""
    turnover = PERPETUAL_TURNOVER if future.instrument.is_perpetual else FUTURE_TURNOVER
    amount, name = future.open_interest * turnover, future.instrument.name
    inverse = index.name.endswith("_usd")
    coins = amount / index.price if inverse else amount
    usd = amount if inverse else amount * index.price
    if not future.instrument.is_perpetual or index.price_history is None:
        state.tape.begin(name, Earlier(state.now_ms, coins, usd))
        return
    bars = index.price_history.read(state.now_ms - MS_PER_DAY, state.now_ms, HOUR_MS)
    tick = future.instrument.tick_size
    prices = bars[0][1], bars[-1][4], max(bar[2] for bar in bars), min(bar[3] for bar in bars)
    first, last, high, low = (round(round(price / tick) * tick, 6) for price in prices)
    state.tape.begin(name, Earlier(state.now_ms, coins, usd, first, last, high, low))


def invent_settlement(state: MarketState, future: Future, index: Index) -> None:
    """Let a future that is older than the last roll have been settled at it."""
    roll, prices = last_roll(state.now_ms), state.delivery_prices.get(index.name)
    if prices and future.instrument.created_ms < roll:
        price = prices[0][1]
        held = future.open_interest
        state.deliveries.add(Delivery(roll, future.instrument, price, price, held))


def invent_option_day(
    state: MarketState, table: OptionTable, odds: FloatArray, rng: np.random.Generator
) -> None:
    """Give the options that `odds` say trade a day of volume; what hardly trades has none."""
    c, rate = table.columns, state.indices[table.price_index].price
    total = float(c.open_interest.sum()) * OPTION_TURNOVER
    prints = rng.poisson(odds * PRINTS_A_DAY)
    unit = rate if table.price_index.endswith("_usd") else 1.0
    for row in np.flatnonzero(prints).tolist():
        coins = round(total * int(prints[row]) / PRINTS_A_DAY, 1)
        usd = coins * c.mark_price.item(row) * unit
        state.tape.begin(table.instruments[row].name, Earlier(state.now_ms, coins, usd))
