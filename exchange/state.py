"""What a market looks like at one instant: the values that drivers write and the wire reads.

Options of one price index are a structure of arrays, one row an option; volatilities are percent
and prices in the quote unit, exactly as the wire says them. NaN is unknown and leaves as null.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from exchange.candles import Candles
from exchange.instruments import Instrument
from exchange.log import Log
from exchange.specs import OptionType
from exchange.tape import Tape
from greeks.conventions import BoolArray, FloatArray, IntArray

NOTICES_KEPT = 20_000
DELIVERIES_KEPT = 20_000
COMBOS_LISTED = 400
FIRST_CHANGE_IDS = {"BTC": 136_069_961_946, "ETH": 81_557_212_004, "USDC": 193_809_623_552}
"""One counter a settlement currency numbers the changes of all its books."""


@dataclass(slots=True)
class OptionColumns:
    """One value an option and column, aligned with `OptionTable.instruments`."""

    strike: FloatArray
    expiry_ms: IntArray
    is_call: BoolArray
    timestamp: IntArray
    forward: FloatArray  # underlying_price
    mark_iv: FloatArray
    mark_price: FloatArray
    bid: FloatArray  # 0.0 is an empty side
    ask: FloatArray
    bid_amount: FloatArray
    ask_amount: FloatArray
    bid_iv: FloatArray
    ask_iv: FloatArray
    open_interest: FloatArray
    last: FloatArray
    high: FloatArray
    low: FloatArray
    price_change: FloatArray
    volume: FloatArray
    volume_usd: FloatArray
    settlement_price: FloatArray
    min_price: FloatArray
    max_price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    rho: FloatArray

    @classmethod
    def blank(cls, instruments: list[Instrument]) -> "OptionColumns":
        """Return columns that know the contracts and nothing of the market yet."""
        n = len(instruments)
        columns = cls(*(np.full(n, np.nan) for _ in fields(cls)))
        columns.strike = np.array([i.strike for i in instruments], dtype=np.float64)
        columns.expiry_ms = np.array([i.expiry_ms for i in instruments], dtype=np.int64)
        columns.is_call = np.array(
            [i.option_type is OptionType.CALL for i in instruments], dtype=np.bool_
        )
        columns.timestamp = np.zeros(n, dtype=np.int64)
        for name in ("bid", "ask", "bid_amount", "ask_amount", "bid_iv", "ask_iv"):
            setattr(columns, name, np.zeros(n))
        columns.open_interest = np.zeros(n)
        columns.volume, columns.volume_usd = np.zeros(n), np.zeros(n)
        return columns

    def map(self, change: Callable[[str, np.ndarray], np.ndarray]) -> "OptionColumns":
        """Return columns with each array replaced."""
        return OptionColumns(*(change(f.name, getattr(self, f.name)) for f in fields(self)))


@dataclass(slots=True)
class OptionTable:
    """The options of one price index. `version` rises with every change a reader may see."""

    price_index: str
    instruments: list[Instrument] = field(default_factory=list)
    underlying_index: list[str] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    columns: OptionColumns = field(default_factory=lambda: OptionColumns.blank([]))
    rows: dict[str, int] = field(default_factory=dict)
    expiries: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    expiry_row: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    version: int = 0
    first_change_id: int = 0  # of row 0; every mark numbers all books anew
    mark_decimals: int = 4  # of a ticker; a recording keeps its own

    def ticker_mark(self, row: int) -> float:
        """Return a mark as tickers and mark pushes say it."""
        return round(self.columns.mark_price.item(row), self.mark_decimals)

    def append(
        self, instruments: list[Instrument], underlying: list[str], columns: OptionColumns
    ) -> None:
        """List more options; rows keep their order and new ones come last."""
        old = self.columns
        self.columns = columns.map(lambda name, new: np.concatenate([getattr(old, name), new]))
        self.instruments = self.instruments + instruments
        self.underlying_index = self.underlying_index + underlying
        self.state = self.state + ["open"] * len(instruments)
        self._reindex()

    def replace(
        self, instruments: list[Instrument], underlying: list[str], columns: OptionColumns
    ) -> None:
        """Become another chain."""
        self.instruments, self.underlying_index, self.columns = instruments, underlying, columns
        self.state = ["open"] * len(instruments)
        self._reindex()

    def keep(self, mask: BoolArray) -> None:
        """Drop the rows where `mask` is false."""
        index = np.flatnonzero(mask)
        self.columns = self.columns.map(lambda _, old: old[index])
        self.instruments = [self.instruments[i] for i in index]
        self.underlying_index = [self.underlying_index[i] for i in index]
        self.state = [self.state[i] for i in index]
        self._reindex()

    def _reindex(self) -> None:
        self.rows = {instrument.name: i for i, instrument in enumerate(self.instruments)}
        self.expiries, self.expiry_row = np.unique(self.columns.expiry_ms, return_inverse=True)
        self.version += 1


@dataclass(slots=True)
class Future:
    """One dated future or perpetual: its mark, its book and its day."""

    instrument: Instrument
    mark_price: float
    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)
    open_interest: float = 0.0
    timestamp: int = 0
    change_id: int = 0
    settlement_price: float = float("nan")
    min_price: float = float("nan")
    max_price: float = float("nan")
    current_funding: float = 0.0
    funding_8h: float = 0.0
    interest_value: float = 0.0
    funding_history: Candles | None = None
    last: float = float("nan")
    high: float = float("nan")
    low: float = float("nan")
    price_change: float = float("nan")
    volume: float = 0.0
    volume_usd: float = 0.0
    state: str = "open"
    version: int = 0


@dataclass(slots=True)
class Index:
    """A price index and the average that becomes the next delivery price."""

    name: str
    price: float
    decimals: int = 2
    locked: bool = False
    average_sum: float = 0.0
    average_count: int = 0
    volatility: float = float("nan")  # DVOL, percent; NaN where the venue has none
    price_history: Candles | None = None
    volatility_history: Candles | None = None

    def remember(self, now_ms: int) -> None:
        """Add the present values to the histories."""
        if self.price_history is not None:
            self.price_history.add(now_ms, self.price)
        if self.volatility_history is not None and not math.isnan(self.volatility):
            self.volatility_history.add(now_ms, self.volatility)

    @property
    def delivery_estimate(self) -> float:
        """The average of the settlement window so far, outside it the index."""
        if self.average_count == 0:
            return self.price
        return round(self.average_sum / self.average_count, self.decimals)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to an instrument: a new state, or its listing."""

    timestamp: int
    instrument: Instrument
    state: str
    created: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an instrument settled at, at a daily settlement or at its expiry."""

    timestamp: int
    instrument: Instrument
    mark_price: float
    index_price: float
    position: float


@dataclass(slots=True)
class MarketState:
    """Everything a venue would say about its market now."""

    now_ms: int
    indices: dict[str, Index] = field(default_factory=dict)
    options: dict[str, OptionTable] = field(default_factory=dict)
    futures: dict[str, Future] = field(default_factory=dict)
    combos: dict[str, Instrument] = field(default_factory=dict)
    retired: dict[str, Instrument] = field(default_factory=dict)
    notices: Log[Notice] = field(default_factory=lambda: Log(NOTICES_KEPT))
    deliveries: Log[Delivery] = field(default_factory=lambda: Log(DELIVERIES_KEPT))
    delivery_prices: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    tape: Tape = field(default_factory=Tape)
    forward_fault: float | None = None  # what tickers and summaries say instead of each forward
    change_ids: dict[str, int] = field(default_factory=dict)
    next_instrument_id: int = 700_001
    next_block: int = 289_556
    next_rfq: int = 51_234

    def find(self, name: str) -> Instrument | None:
        """Return a listed instrument by name."""
        if future := self.futures.get(name):
            return future.instrument
        if combo := self.combos.get(name):
            return combo
        row = self.find_option(name)
        return None if row is None else row[0].instruments[row[1]]

    def find_option(self, name: str) -> tuple[OptionTable, int] | None:
        """Return the table and row of a listed option."""
        for table in self.options.values():
            if (row := table.rows.get(name)) is not None:
                return table, row
        return None

    def list_combo(self, combo: Instrument, timestamp: int) -> None:
        """List a combo; the oldest leaves when there are too many."""
        if len(self.combos) >= COMBOS_LISTED:
            oldest = self.combos.pop(next(iter(self.combos)))
            self.notices.add(Notice(timestamp, oldest, "archivized"))
        self.combos[combo.name] = combo
        self.notices.add(Notice(timestamp, combo, "open", created=True))

    def forget(self) -> list[str]:
        """Drop trades older than 24 hours; return the listed instruments whose day changed."""
        changed = self.tape.forget(self.now_ms)
        gone = [name for name in changed if self.find(name) is None]
        for name in gone:
            self.tape.drop(name)
        return [name for name in changed if name not in gone]

    def state_of(self, name: str) -> str:
        """Return the state word of an instrument, listed or delivered."""
        if future := self.futures.get(name):
            return future.state
        if found := self.find_option(name):
            return found[0].state[found[1]]
        return "open" if name in self.combos else "archivized"

    def version_of(self, name: str) -> object:
        """Return what changes whenever the ticker of an instrument may have."""
        if future := self.futures.get(name):
            return future.version
        if combo := self.combos.get(name):
            return [self.version_of(leg.instrument_name) for leg in combo.legs]
        found = self.find_option(name)
        if found is None:
            return None
        table, i = found
        c = table.columns
        return c.timestamp.item(i), c.volume.item(i), c.open_interest.item(i), table.state[i]

    def listed(self) -> list[tuple[Instrument, str]]:
        """Return every listed instrument with its state."""
        options = [
            pair
            for table in self.options.values()
            for pair in zip(table.instruments, table.state, strict=True)
        ]
        futures = [(future.instrument, future.state) for future in self.futures.values()]
        return options + futures + [(combo, "open") for combo in self.combos.values()]

    def said_forward(self, table: OptionTable, row: int) -> float:
        """Return the underlying price of an option as the wire says it."""
        fault = self.forward_fault
        return table.columns.forward.item(row) if fault is None else fault

    def take_change_ids(self, currency: str, count: int = 1) -> int:
        """Return the first of the next numbers of a currency's counter, which jumps."""
        last = self.change_ids.get(currency, FIRST_CHANGE_IDS.get(currency, 50_000_000_000))
        self.change_ids[currency] = last + count + last % 7
        return last + 1

    def take_block_number(self) -> int:
        """Return the number of a new block trade."""
        self.next_block += 1
        return self.next_block

    def take_rfq_number(self) -> int:
        """Return the number of a new request for quotes."""
        self.next_rfq += 1
        return self.next_rfq

    def take_instrument_id(self) -> int:
        """Return the number of a new listing."""
        self.next_instrument_id += 1
        return self.next_instrument_id
