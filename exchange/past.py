"""A past for a market that has none: price and volatility bars, and delivery prices."""

import math
from datetime import UTC, datetime

import numpy as np

from exchange.calendar import last_roll
from exchange.candles import HOUR_MS, Candles
from exchange.state import Future, Index, MarketState
from greeks.conventions import MS_PER_DAY

DAYS = 30
VOLATILITY_OF_DVOL = 0.9
TYPICAL_FUNDING = 8e-5


def invent_past(state: MarketState, index: Index, vol: float, rng: np.random.Generator) -> None:
    """Give an index 30 days of history that end at its present values."""
    index.price_history = Candles.invent(index.price, vol, state.now_ms, index.decimals, rng)
    if not math.isnan(index.volatility):
        index.volatility_history = Candles.invent(
            index.volatility, VOLATILITY_OF_DVOL, state.now_ms, 2, rng
        )
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
