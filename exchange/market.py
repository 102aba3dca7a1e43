"""The synthetic market: seeded, deterministic, and with dealers whose inventory is known.

Time moves in beats on a fixed grid of the UTC day, so that the same seed, start and sequence of
`advance` calls give the same market. A wide step takes coarser beats.
"""

from typing import Protocol

import numpy as np

from exchange.calendar import listed_expiries
from exchange.config import ExchangeConfig
from exchange.future_market import FutureMarket
from exchange.future_spreads import FutureSpreadMarket
from exchange.instruments import Instrument
from exchange.lifecycle import Lifecycle
from exchange.marks import WINDOW_MS
from exchange.option_market import OptionMarket
from exchange.past import (
    invent_funding,
    invent_future_day,
    invent_option_day,
    invent_past,
    invent_settlement,
)
from exchange.paths import CoinPath, IndexPaths
from exchange.specs import BookSpec, select_books
from exchange.state import Index, MarketState, Notice
from exchange.structures import StructureMarket
from exchange.universe import (
    initial_created,
    list_future,
    list_options,
    list_perpetual,
    option_expiries,
)
from greeks.conventions import BoolArray

BEATS_MS = ((15_000, 500), (3_600_000, 5_000))
"""(step up to, beat): finer steps than the last use `COARSE_BEAT_MS`; all divide a day."""
COARSE_BEAT_MS = 60_000
MARK_MS = 1000
USDC_BASIS = 1.00004
BUSIEST_SPEED = 60.0
"""Beyond this speed trades thin out, so that a machine second never has more of them."""
FORGET_MS = 60_000
PAST_STEP_MS = 120_000
DVOL_INDICES = frozenset({"btc_usd", "eth_usd"})
DVOL_OVER_ATM = 1.04


class Trader(Protocol):
    """Whoever makes trades in one book."""

    book: BookSpec

    def due(self, start_ms: int, end_ms: int) -> list[int]:
        """Draw the times at which something trades between two instants."""

    def trade_at(self, timestamp: int, index: Index) -> None:
        """Trade once."""


class SyntheticMarket:
    """Moves a `MarketState` through exchange time."""

    def __init__(self, config: ExchangeConfig, start_ms: int) -> None:
        seeds = np.random.SeedSequence(config.seed).spawn(4)
        path_rng, flow_rng, depth_rng, life_rng = (np.random.default_rng(s) for s in seeds)
        books = select_books(config.assets)
        activity = config.activity * min(1.0, BUSIEST_SPEED / max(config.speed, 1.0))
        begin_ms = (start_ms - config.history_s * 1000) // COARSE_BEAT_MS * COARSE_BEAT_MS
        assets = tuple(dict.fromkeys(book.asset for book in books))
        self.state = MarketState(begin_ms)
        self._paths = IndexPaths(assets, config.index_script, start_ms, path_rng)
        self.option_markets = [OptionMarket(self.state, b, flow_rng, activity) for b in books]
        self._futures = [FutureMarket(self.state, b, depth_rng, activity) for b in books]
        structures = [
            StructureMarket(self.state, options, futures, flow_rng, activity)
            for options, futures in zip(self.option_markets, self._futures, strict=True)
        ]
        spreads = [FutureSpreadMarket(self.state, f, flow_rng, activity) for f in self._futures]
        self._traders: list[Trader] = [
            *self.option_markets, *self._futures, *structures, *spreads,
        ]  # fmt: skip
        self._beat_ms = self._marked_ms = self._forgot_ms = begin_ms
        past_rng = np.random.default_rng(config.seed)
        self._open_indices(past_rng)
        for options, futures in zip(self.option_markets, self._futures, strict=True):
            self._open(options, futures)
            perpetual = self.state.futures[f"{options.book.prefix}-PERPETUAL"]
            invent_funding(perpetual, self.state.indices[options.book.price_index], past_rng)
        self._lifecycle = Lifecycle(self.state, self, life_rng)
        self._mark()
        self._settle_yesterday()
        self._invent_day(past_rng)
        for past_ms in range(begin_ms + PAST_STEP_MS, start_ms, PAST_STEP_MS):
            self.advance(past_ms)
        self.advance(start_ms)
        self._mark()

    def advance(self, now_ms: int) -> None:
        """Move the market to an instant; going back is not possible and does nothing."""
        gap = now_ms - self._beat_ms
        beat = next((beat for limit, beat in BEATS_MS if gap <= limit), COARSE_BEAT_MS)
        pace = max(MARK_MS, gap // 2)
        while (following := self._beat_ms // beat * beat + beat) <= now_ms:
            self._beat(following, pace)
        self.state.now_ms = max(now_ms, self.state.now_ms)

    def jump(self, asset: str, factor: float) -> None:
        """Multiply a coin's index, or all, at once; a script goes on from the new level."""
        for coin in self._paths.coins.values():
            if asset in {"", coin.asset.name}:
                coin.spot *= factor
                coin.script = tuple((at, price * factor) for at, price in coin.script)

    def true_dealer_position_coin(self) -> dict[str, float]:
        """Return the dealers' true net inventory of every listed option, + is long."""
        return {
            name: coins
            for options in self.option_markets
            for name, coins in options.true_position_coin().items()
        }

    def mark_finally(self) -> None:
        """Mark once more at the hour."""
        self._mark()

    def drop(self, price_index: str, mask: BoolArray) -> None:
        """Lose delivered options and whoever held them."""
        next(o for o in self.option_markets if o.book.price_index == price_index).keep(mask)

    def list_expiries(self, at_ms: int) -> None:
        """List the futures and options of new expiries."""
        for options, futures in zip(self.option_markets, self._futures, strict=True):
            for expiry in listed_expiries(at_ms):
                if future := list_future(self.state, options.book, expiry, at_ms):
                    self.state.notices.add(_created(at_ms, future.instrument))
            self._list(options, futures, at_ms)
        self._mark()

    def list_strikes(self, at_ms: int) -> None:
        """List the strikes that the present forwards ask for."""
        for options, futures in zip(self.option_markets, self._futures, strict=True):
            self._list(options, futures, at_ms)
        self._mark()

    def _beat(self, now_ms: int, pace: int) -> None:
        start, self._beat_ms = self._beat_ms, now_ms
        self.state.now_ms = now_ms
        self._paths.step(now_ms, now_ms - start)
        self._move_indices()
        self._lifecycle.step(now_ms)
        if now_ms - self._marked_ms >= pace:
            self._mark()
        elif pace == MARK_MS:
            self._move_perpetuals()
        self._trade(start, now_ms)
        if now_ms - self._forgot_ms >= FORGET_MS:
            self._forgot_ms = now_ms
            self._forget()

    def _trade(self, start_ms: int, end_ms: int) -> None:
        """Let all books trade between two instants, in one order of time."""
        due = [
            (at, number)
            for number, trader in enumerate(self._traders)
            for at in trader.due(start_ms, end_ms)
        ]
        for at, number in sorted(due):
            trader = self._traders[number]
            trader.trade_at(at, self.state.indices[trader.book.price_index])

    def _of(self, book: BookSpec) -> tuple[Index, CoinPath]:
        return self.state.indices[book.price_index], self._paths.coins[book.asset.name]

    def _open_indices(self, rng: np.random.Generator) -> None:
        """Open the price indices with an invented past."""
        for book in (options.book for options in self.option_markets):
            self.state.indices[book.price_index] = Index(
                book.price_index, 0.0, book.asset.index_decimals
            )
        self._move_indices()
        for index in self.state.indices.values():
            coin = self._paths.coins[index.name.partition("_")[0].upper()]
            invent_past(self.state, index, coin.asset.drift_vol, rng)

    def _move_indices(self) -> None:
        for options in self.option_markets:
            book = options.book
            coin = self._paths.coins[book.asset.name]
            name = book.price_index
            index = self.state.indices[name]
            if not index.locked:
                basis = 1.0 if book.is_inverse else USDC_BASIS
                index.price = round(coin.spot * basis, index.decimals)
            if name in DVOL_INDICES:
                index.volatility = round(coin.vol_level * DVOL_OVER_ATM * 100.0, 2)
            index.remember(self._beat_ms)

    def _move_perpetuals(self) -> None:
        for futures in self._futures:
            index, coin = self._of(futures.book)
            futures.move_perpetual(index, coin, self._beat_ms)

    def _mark(self) -> None:
        now_ms = self._marked_ms = self._beat_ms
        for options, futures in zip(self.option_markets, self._futures, strict=True):
            index, coin = self._of(futures.book)
            forwards = futures.forwards(index, coin, now_ms, WINDOW_MS)
            futures.move(index, coin, forwards, now_ms)
            options.set_forwards(forwards)
            options.mark(now_ms, coin.vol_level)

    def _open(self, options: OptionMarket, futures: FutureMarket) -> None:
        """List everything that stands when the market begins, and give it holders."""
        now_ms, book = self._beat_ms, options.book
        expiries = listed_expiries(now_ms)
        for expiry in expiries:
            list_future(self.state, book, expiry, initial_created(expiry, now_ms))
        list_perpetual(self.state, book)
        self._list(options, futures, now_ms)
        index, coin = self._of(book)
        options.set_forwards(futures.forwards(index, coin, now_ms, WINDOW_MS))
        options.open_books(now_ms, coin.vol_level)
        futures.open_interest()

    def _settle_yesterday(self) -> None:
        """Give what stands a settlement price, as if the last roll had been at these marks."""
        for options in self.option_markets:
            c = options.table.columns
            c.settlement_price = c.mark_price.copy()
        for future in self.state.futures.values():
            future.settlement_price = future.mark_price

    def _invent_day(self, rng: np.random.Generator) -> None:
        """Give what stands a day of trading before the tape begins."""
        for options in self.option_markets:
            invent_option_day(self.state, options.table, options.odds(), rng)
        for future in self.state.futures.values():
            index = self.state.indices[future.instrument.price_index]
            invent_future_day(self.state, future, index)
            invent_settlement(self.state, future, index)
        self._write_days(list(self.state.tape.days))

    def _list(self, options: OptionMarket, futures: FutureMarket, at_ms: int) -> None:
        """List the strikes that are missing in every expiry that carries options."""
        index, coin = self._of(options.book)
        forwards = futures.forwards(index, coin, at_ms, WINDOW_MS)
        opening = not options.table.instruments
        for expiry in option_expiries(options.book, at_ms):
            created = initial_created(expiry, at_ms) if opening else at_ms
            listing = list_options(
                self.state,
                options.book,
                expiry,
                forwards[expiry.ms],
                coin.vol_level,
                at_ms,
                created,
            )
            options.append(listing)
            if not opening:
                for option in listing.instruments:
                    self.state.notices.add(_created(at_ms, option))
        if not opening:
            options.open_empty()

    def _forget(self) -> None:
        """Let the tape and the day's statistics lose what is older than 24 hours."""
        self._write_days(self.state.forget())

    def _write_days(self, changed: list[str]) -> None:
        for options in self.option_markets:
            options.write_days(changed)
        for futures in self._futures:
            futures.write_days(changed)


def _created(at_ms: int, instrument: Instrument) -> Notice:
    return Notice(at_ms, instrument, "open", created=True)
