"""The synthetic market of one option book: smile, marks, quotes and who trades what."""

import math

import numpy as np

from exchange.agents import AgentBooks, Fill
from exchange.instruments import Wire
from exchange.marks import mark_options, quote_options, refresh_amounts
from exchange.smile import smile_iv
from exchange.specs import BookSpec
from exchange.state import Index, MarketState, OptionTable
from exchange.tape import Deal, Print
from exchange.tenors import spread_over_expiries, volume_share
from exchange.universe import Listing, initial_lots
from greeks.conventions import DAYS_PER_YEAR, MS_PER_YEAR, BoolArray, FloatArray

REFIT_MS = 12_000
"""An expiry's smile is refitted this often; in between every option keeps its volatility."""
TYPICAL_LOTS = 3.0
SIZE_SPREAD = 1.5
"""Sizes are lognormal: half of the trades are small, a few per cent carry half the volume."""
MOST_LOTS = 10_000.0


class OptionMarket:
    """Moves one option table: the venue's marks above, the agents' books below."""

    def __init__(
        self, state: MarketState, book: BookSpec, rng: np.random.Generator, activity: float
    ) -> None:
        self.book = book
        self.table = OptionTable(book.price_index)
        self.agents = AgentBooks(rng)
        self._state = state
        self._rng = rng
        self._rate = book.option_trades_per_s * activity
        self._fitted: dict[int, int] = {}
        self._odds: FloatArray = np.empty(0)
        state.options[book.price_index] = self.table

    def open_books(self, now_ms: int, vol_level: float) -> None:
        """Give the first listing its open interest and its holders."""
        c = self.table.columns
        lots = initial_lots(self.book, c, now_ms, vol_level, self._rng)
        self.agents.append(lots, c.is_call)
        c.open_interest = self._coins(lots)

    def append(self, listing: Listing) -> None:
        """List more options; nobody holds them yet."""
        columns = listing.columns()
        self.table.append(listing.instruments, listing.underlying, columns)
        self._fitted.clear()

    def open_empty(self) -> None:
        """Give rows that were listed later empty books."""
        fresh = len(self.table.instruments) - len(self.agents.longs)
        if fresh:
            is_call = self.table.columns.is_call[-fresh:]
            self.agents.append(np.zeros(fresh, dtype=np.int64), is_call)

    def keep(self, mask: BoolArray) -> None:
        """Forget delivered rows."""
        self.table.keep(mask)
        self.agents.keep(mask)
        self._odds = np.empty(0)

    def set_forwards(self, forwards: dict[int, float]) -> None:
        """Take the forward of each expiry."""
        per_expiry = np.array([forwards[int(ms)] for ms in self.table.expiries])
        if len(per_expiry):
            self.table.columns.forward = per_expiry[self.table.expiry_row]

    def mark(self, now_ms: int, vol_level: float) -> None:
        """Refit the smiles that are due, then mark, quote and weigh every option."""
        c = self.table.columns
        if not len(c.strike):
            return
        self._refit(now_ms, vol_level)
        mark_options(c, self.book.settlement, now_ms)
        refresh_amounts(c, self.book, self._rng)
        quote_options(c, self.book)
        self._weigh(now_ms)
        first = self._state.take_change_ids(self.book.currency, len(c.strike))
        self.table.first_change_id = first
        self.table.version += 1

    @property
    def is_trading(self) -> bool:
        """Whether there is anything to trade and the books are open."""
        return len(self._odds) > 0 and self.table.state[0] == "open"

    def due(self, start_ms: int, end_ms: int) -> list[int]:
        """Draw the times at which agents trade between two instants."""
        count = int(self._rng.poisson(self._rate * (end_ms - start_ms) / 1000.0))
        return self._rng.integers(start_ms + 1, end_ms + 1, count).tolist() if count else []

    def trade_at(self, timestamp: int, index: Index, **extras: object) -> None:
        """Let two agents trade one option at the touch."""
        if index.locked or not self.is_trading:
            return
        row, c = self.pick(), self.table.columns
        fill = self.agents.trade(row, self.draw_lots())
        touch = float(c.ask[row] if fill.sign > 0 else c.bid[row])
        self.print_fill(fill, timestamp, touch or self.mark_on_tick(row), index, extras)

    def true_position_coin(self) -> dict[str, float]:
        """Return the dealers' true inventory of every listed option, + is long."""
        names = [instrument.name for instrument in self.table.instruments]
        return dict(zip(names, self._coins(self.agents.dealer_lots()).tolist(), strict=True))

    def print_fill(
        self, fill: Fill, timestamp: int, price: float, index: Index, extras: Wire
    ) -> Print:
        """Print one fill and let open interest follow from the agents' books."""
        row, c = fill.row, self.table.columns
        c.open_interest[row] = round(self.agents.open_lots(row) * self.book.min_amount, 6)
        mark = float(c.mark_price[row])
        unit = float(c.forward[row]) if self.book.is_inverse else 1.0
        point = max(float(c.vega[row]) / unit, 1e-9)
        iv = min(max(float(c.mark_iv[row]) + (price - mark) / point, 0.0), 500.0)
        deal = Deal(
            timestamp=timestamp,
            direction="buy" if fill.sign > 0 else "sell",
            amount=round(fill.lots * self.book.min_amount, 6),
            price=price,
            mark_price=mark,
            index_price=index.price,
            iv=round(iv, 2),
            extras=extras,
        )
        printed = self._state.tape.record(self.table.instruments[row], deal)
        self._write_day(row)
        return printed

    def odds(self) -> FloatArray:
        """Return each row's share of the trades."""
        return np.diff(self._odds, prepend=0.0)

    def pick(self) -> int:
        """Draw a row by how much such options trade."""
        return int(np.searchsorted(self._odds, self._rng.random()))

    def draw_lots(self, scale: float = 1.0) -> int:
        """Draw a trade size in whole lots."""
        size = TYPICAL_LOTS * scale * float(self._rng.lognormal(0.0, SIZE_SPREAD))
        return max(1, round(min(size, MOST_LOTS)))

    def mark_on_tick(self, row: int) -> float:
        """Return a row's mark on its tick, never below one tick."""
        mark = float(self.table.columns.mark_price[row])
        tick = self.table.instruments[row].tick_at(mark)
        return max(round(round(mark / tick) * tick, 6), self.book.tick_size)

    def write_days(self, names: list[str]) -> None:
        """Take over the day's statistics of the named options that are listed here."""
        for name in names:
            if (row := self.table.rows.get(name)) is not None:
                self._write_day(row)

    def _write_day(self, row: int) -> None:
        day, c = self._state.tape.days[self.table.instruments[row].name], self.table.columns
        c.last[row], c.high[row], c.low[row] = day.last, day.high, day.low
        c.price_change[row] = day.price_change
        c.volume[row], c.volume_usd[row] = round(day.volume, 6), round(day.volume_usd, 2)
        self.table.version += 1

    def _refit(self, now_ms: int, vol_level: float) -> None:
        c = self.table.columns
        for i, ms in enumerate(self.table.expiries.tolist()):
            slot = (now_ms + i * 1000) // REFIT_MS
            if self._fitted.get(ms) == slot:
                continue
            self._fitted[ms] = slot
            rows = np.flatnonzero(self.table.expiry_row == i)
            years = np.full(len(rows), max(ms - now_ms, 0) / MS_PER_YEAR)
            x = np.log(c.strike[rows] / c.forward[rows])
            c.mark_iv[rows] = np.round(
                smile_iv(x, years, vol_level, self.book.asset.atm_vol) * 100.0, 2
            )

    def _weigh(self, now_ms: int) -> None:
        c = self.table.columns
        years = np.maximum(c.expiry_ms - now_ms, 0) / MS_PER_YEAR
        sd = c.mark_iv / 100.0 * np.sqrt(years + 0.5 / DAYS_PER_YEAR)
        x = np.log(c.strike / c.forward)
        out = np.where(c.is_call, x, -x) / sd
        shape = np.exp(-0.5 * ((out - 0.6) / 1.1) ** 2)
        shape *= np.where(c.strike % self.book.asset.round_strike == 0, 2.0, 1.0)
        weight = spread_over_expiries(shape, c.expiry_ms, now_ms, volume_share)
        total = weight.sum()
        self._odds = (
            np.cumsum(weight) / total if total > 0 and math.isfinite(total) else np.empty(0)
        )

    def _coins(self, lots: np.ndarray) -> FloatArray:
        return np.asarray(np.round(lots * self.book.min_amount, 6))
