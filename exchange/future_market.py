"""The synthetic market of one book's futures: marks, order books, funding and trades."""

import math

import numpy as np

from exchange.depth import best, move_book
from exchange.instruments import Wire
from exchange.paths import CoinPath, forward_factor
from exchange.specs import BookSpec
from exchange.state import Future, Index, MarketState
from exchange.tape import Deal, Print
from greeks.conventions import MS_PER_YEAR

PERPETUAL_SHARE = 0.92
QUOTE_TURNS = 3
FUNDING_DEAD_BAND = 2.5e-4
FUNDING_CAP = 5e-3
EIGHT_HOURS_MS = 8 * 3_600_000


class FutureMarket:
    """Moves the futures of one book."""

    def __init__(
        self, state: MarketState, book: BookSpec, rng: np.random.Generator, activity: float
    ) -> None:
        self.book = book
        self._index = book.price_index
        self._state = state
        self._rng = rng
        self._rate = book.future_trades_per_s * activity

    def futures(self) -> list[Future]:
        """Return the book's listed futures."""
        futures = self._state.futures.values()
        return [future for future in futures if future.instrument.price_index == self._index]

    def forwards(
        self, index: Index, coin: CoinPath, now_ms: int, window_ms: int
    ) -> dict[int, float]:
        """Return the forward of every dated future; an expiring one drifts to the average."""
        return {
            future.instrument.expiry_ms: self._forward(future, index, coin, now_ms, window_ms)
            for future in self.futures()
            if not future.instrument.is_perpetual
        }

    def open_interest(self) -> None:
        """Give the first listing its open interest: most in the perpetual."""
        lot, total = self.book.future_contract, self.book.future_open_interest
        for future in self.futures():
            share = 0.7 if future.instrument.is_perpetual else 0.02 * self._rng.lognormal(0.0, 0.8)
            future.open_interest = round(round(total * float(share) / lot) * lot, 6)

    def move(self, index: Index, coin: CoinPath, forwards: dict[int, float], now_ms: int) -> None:
        """Mark every future and quote the perpetual; the books of dated ones move in turn."""
        for turn, future in enumerate(self.futures()):
            if future.instrument.is_perpetual:
                self._move_perpetual(future, index, coin, now_ms)
                continue
            future.mark_price = forwards[future.instrument.expiry_ms]
            future.timestamp = now_ms
            future.version += 1
            if not future.bids or (now_ms // 1000 + turn) % QUOTE_TURNS == 0:
                self.quote(future, now_ms)

    def move_perpetual(self, index: Index, coin: CoinPath, now_ms: int) -> None:
        """Mark and quote the perpetual alone, which moves between the full marks."""
        future = self._state.futures[f"{self.book.prefix}-PERPETUAL"]
        self._move_perpetual(future, index, coin, now_ms)

    def _move_perpetual(self, future: Future, index: Index, coin: CoinPath, now_ms: int) -> None:
        future.mark_price = round(index.price * (1.0 + coin.premium), index.decimals)
        self._fund(future, index, now_ms)
        self.quote(future, now_ms)

    def quote(self, future: Future, now_ms: int) -> None:
        """Move the order book to the mark."""
        perpetual = future.instrument.is_perpetual
        notional = 40_000.0 if perpetual else 12_000.0
        size = notional if self.book.is_inverse else notional / future.mark_price
        move_book(future, 1 if perpetual else 4, size, self._rng)
        future.timestamp = now_ms
        future.change_id = self._state.take_change_ids(self.book.currency)
        tick = future.instrument.tick_size
        future.min_price = round(round(future.mark_price * 0.985 / tick) * tick, 6)
        future.max_price = round(round(future.mark_price * 1.015 / tick) * tick, 6)
        future.version += 1

    def due(self, start_ms: int, end_ms: int) -> list[int]:
        """Draw the times at which takers come between two instants."""
        count = int(self._rng.poisson(self._rate * (end_ms - start_ms) / 1000.0))
        return self._rng.integers(start_ms + 1, end_ms + 1, count).tolist() if count else []

    def trade_at(self, timestamp: int, index: Index) -> None:
        """Let one taker hit a book, most often the perpetual's."""
        future = self._state.futures[f"{self.book.prefix}-PERPETUAL"]
        if self._rng.random() > PERPETUAL_SHARE:
            futures = self.futures()
            future = futures[int(self._rng.integers(len(futures)))]
        if not index.locked and future.state == "open" and future.bids:
            self.trade_one(future, timestamp, index, {})

    def trade_one(self, future: Future, timestamp: int, index: Index, extras: Wire) -> None:
        """Print one trade at the touch; it takes a part of what stands there."""
        sign = 1 if self._rng.random() < 0.5 else -1
        price, available = best(future.asks) if sign > 0 else best(future.bids)
        lot = self.book.future_contract
        wanted = math.ceil(available / lot * self._rng.uniform(0.05, 0.7) ** 2) * lot
        self.print_trade(future, sign, round(max(wanted, lot), 6), price, timestamp, index, extras)

    def print_trade(
        self, future: Future, sign: int, amount: float, price: float, timestamp: int, index: Index,
        extras: Wire,
    ) -> Print:  # fmt: skip
        """Print one trade; a third of them open interest, a third of them close it."""
        change = amount * (int(self._rng.integers(3)) - 1)
        future.open_interest = round(max(future.open_interest + change, 0.0), 6)
        deal = Deal(
            timestamp=timestamp,
            direction="buy" if sign > 0 else "sell",
            amount=amount,
            price=price,
            mark_price=future.mark_price,
            index_price=index.price,
            extras=extras,
        )
        printed = self._state.tape.record(future.instrument, deal)
        self._write_day(future)
        return printed

    def write_days(self, names: list[str]) -> None:
        """Take over the day's statistics of the named futures of this book."""
        for future in self.futures():
            if future.instrument.name in names:
                self._write_day(future)

    def _write_day(self, future: Future) -> None:
        day = self._state.tape.days[future.instrument.name]
        future.last, future.high, future.low = day.last, day.high, day.low
        future.price_change = day.price_change
        future.volume, future.volume_usd = round(day.volume, 8), round(day.volume_usd, 2)
        future.version += 1

    def _forward(
        self, future: Future, index: Index, coin: CoinPath, now_ms: int, window_ms: int
    ) -> float:
        left_ms = max(future.instrument.expiry_ms - now_ms, 0)
        forward = index.price * forward_factor(coin.basis, left_ms / MS_PER_YEAR)
        if left_ms < window_ms and index.average_count:
            done = 1.0 - left_ms / window_ms
            forward = done * index.delivery_estimate + (1.0 - done) * index.price
        return round(forward, index.decimals)

    def _fund(self, future: Future, index: Index, now_ms: int) -> None:
        """Funding is the premium beyond a dead band, per 8 hours; the 8-hour average trails it."""
        premium = future.mark_price / index.price - 1.0
        beyond = max(abs(premium) - FUNDING_DEAD_BAND, 0.0)
        future.current_funding = round(math.copysign(min(beyond, FUNDING_CAP), premium), 8) + 0.0
        dt = max(now_ms - future.timestamp, 0) if future.timestamp else 0
        keep = math.exp(-dt / EIGHT_HOURS_MS)
        future.funding_8h = keep * future.funding_8h + (1.0 - keep) * future.current_funding
        if future.funding_history is not None:
            future.funding_history.add(now_ms, future.current_funding)
        future.interest_value += future.current_funding * dt / EIGHT_HOURS_MS
