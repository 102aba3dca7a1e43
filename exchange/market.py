"""The synthetic market: seeded, deterministic, and with dealers whose inventory is known.

Time moves in beats on a fixed grid of the UTC day, so that the same seed, start and sequence of
`advance` calls give the same market. A wide step takes coarser beats.
"""

from functools import partial

import numpy as np

from exchange import roll
from exchange.config import ExchangeConfig
from exchange.future_market import FutureMarket
from exchange.instruments import Instrument
from exchange.lifecycle import Lifecycle
from exchange.marks import WINDOW_MS
from exchange.option_market import OptionMarket
from exchange.paths import IndexPaths
from exchange.smile import atm_vol
from exchange.specs import BookSpec, select_books
from exchange.state import Future, Index, MarketState, Notice
from exchange.universe import (
    initial_created,
    list_future,
    list_options,
    list_perpetual,
    option_expiries,
)
from exchange.calendar import Expiry, listed_expiries
from greeks.conventions import BoolArray

BEATS_MS = ((15_000, 400), (3_600_000, 5_000))
"""(step up to, beat): finer steps than the last use `COARSE_BEAT_MS`; all divide a day."""
COARSE_BEAT_MS = 60_000
MARK_MS = 1000
USDC_BASIS = 1.00004
FORGET_MS = 60_000


class SyntheticMarket:
    """Moves a `MarketState` through exchange time."""

    def __init__(self, config: ExchangeConfig, start_ms: int) -> None:
        seeds = np.random.SeedSequence(config.seed).spawn(4)
        path_rng, flow_rng, depth_rng, life_rng = (np.random.default_rng(s) for s in seeds)
        books = select_books(config.assets)
        begin_ms = (start_ms - config.history_s * 1000) // COARSE_BEAT_MS * COARSE_BEAT_MS
        assets = tuple(dict.fromkeys(book.asset for book in books))
        self.state = MarketState(begin_ms)
        self._paths = IndexPaths(assets, config.index_script, start_ms, path_rng)
        self._options = [OptionMarket(self.state, b, flow_rng, config.activity) for b in books]
        self._futures = [FutureMarket(self.state, b, depth_rng, config.activity) for b in books]
        self._beat_ms = self._marked_ms = self._forgot_ms = begin_ms
        self._move_indices()
        for options, futures in zip(self._options, self._futures, strict=True):
            self._open(options, futures)
        self._lifecycle = Lifecycle(self, begin_ms, life_rng)
        self._mark()
        for minute in range(begin_ms + 60_000, start_ms, 60_000):
            self.advance(minute)
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

    def true_dealer_position_coin(self) -> dict[str, float]:
        """Return the dealers' true net inventory of every listed option, + is long."""
        return {
            name: coins
            for options in self._options
            for name, coins in options.true_position_coin().items()
        }

    def sample_average(self, expiry_ms: int) -> None:  # noqa: ARG002 - one average serves all
        """Add one index sample to the settlement average."""
        roll.sample_averages(self.state)

    def settle(self, expiry_ms: int) -> None:
        """Mark once more at the hour, then fix delivery prices."""
        self._mark()
        roll.settle(self.state, expiry_ms)

    def pause(self, expiry_ms: int) -> None:
        """Put every book into settlement."""
        roll.pause(self.state, expiry_ms)

    def deliver(self, expiry_ms: int) -> None:
        """Let what expired leave."""
        roll.deliver(self.state, expiry_ms, self._drop)

    def reopen(self, expiry_ms: int) -> None:
        """Open the books again."""
        roll.reopen(self.state, expiry_ms)

    def archive(self, expiry_ms: int) -> None:
        """Let what was delivered become history."""
        roll.archive(self.state, expiry_ms)

    def list_expiries(self, at_ms: int) -> None:
        """List the futures and options of new expiries."""
        for options, futures in zip(self._options, self._futures, strict=True):
            for expiry in listed_expiries(at_ms):
                if future := list_future(self.state, options.book, expiry, at_ms):
                    self.state.notices.append(_created(at_ms, future.instrument))
            self._list(options, futures, at_ms)
        self._mark()

    def list_strikes(self, at_ms: int) -> None:
        """List the strikes that the present forwards ask for."""
        for options, futures in zip(self._options, self._futures, strict=True):
            self._list(options, futures, at_ms)
        self._mark()

    def _beat(self, now_ms: int, pace: int) -> None:
        start, self._beat_ms = self._beat_ms, now_ms
        self.state.now_ms = now_ms
        self._paths.step(now_ms, now_ms - start)
        self._move_indices()
        for futures in self._futures:
            index, coin = self._of(futures.book)
            futures.move_perpetual(index, coin, now_ms)
        self._lifecycle.step(now_ms)
        if now_ms - self._marked_ms >= pace:
            self._mark()
        for options, futures in zip(self._options, self._futures, strict=True):
            index = self.state.indices[options.book.price_index]
            options.trade(start, now_ms, index)
            futures.trade(start, now_ms, index)
        if now_ms - self._forgot_ms >= FORGET_MS:
            self._forgot_ms = now_ms
            self._forget(now_ms)
