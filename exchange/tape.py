"""The public tape of the last 24 hours: numbering, queries and each instrument's day.

Prints come in time order. A trade id counts per currency over all kinds, a trade seq per
instrument without holes.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from exchange.instruments import Instrument, Wire
from exchange.specs import Kind
from greeks.conventions import MS_PER_DAY, Settlement

FADE_MS = 15 * 60_000
"""How often the day before the first print loses its part."""
EARLIER_PRINTS = 1000
"""An option older than the tape has traded before: its open interest came from somewhere."""


@dataclass(frozen=True, slots=True)
class Deal:
    """One trade as the market made it, before it is numbered."""

    timestamp: int
    direction: str  # taker side: buy | sell
    amount: float
    price: float
    mark_price: float
    index_price: float
    iv: float | None = None  # percent, options only
    extras: Wire = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Print:
    """One numbered trade; `serial` counts every print of the exchange."""

    serial: int
    timestamp: int
    instrument: Instrument
    trade_seq: int
    number: int
    price: float
    amount: float
    volume_coin: float
    volume_usd: float
    wire: Wire


@dataclass(frozen=True, slots=True)
class Earlier:
    """The day before a tape begins: what statistics still count and no print tells."""

    ends_ms: int
    volume: float
    volume_usd: float
    price: float = float("nan")  # the first of the day
    last: float = float("nan")
    high: float = float("nan")
    low: float = float("nan")

    def left(self, since_ms: int) -> float:
        """Return the share of it that is not yet older than `since_ms`."""
        return min(max((self.ends_ms - since_ms) / MS_PER_DAY, 0.0), 1.0)


@dataclass(slots=True)
class Day:
    """The last 24 hours of one instrument."""

    prints: deque[Print] = field(default_factory=deque)
    seq: int = 0
    tick_direction: int = 0
    last: float = float("nan")
    high: float = float("nan")
    low: float = float("nan")
    earlier: Earlier | None = None
    _printed: float = 0.0
    _printed_usd: float = 0.0
    _left: float = 1.0  # share of `earlier` that still counts

    @property
    def volume(self) -> float:
        """Coins."""
        return self._printed + (self.earlier.volume * self._left if self.earlier else 0.0)

    @property
    def volume_usd(self) -> float:
        """USD, of options the premium."""
        return self._printed_usd + (self.earlier.volume_usd * self._left if self.earlier else 0.0)

    @property
    def price_change(self) -> float:
        """Percent from the first price of the day to the last."""
        first = self.prints[0].price if self.prints else float("nan")
        if self.earlier is not None and not math.isnan(self.earlier.price):
            first = self.earlier.price
        return round((self.last / first - 1.0) * 100.0, 4) if first else float("nan")

    def begin(self, earlier: Earlier) -> None:
        """Count a day before the first print."""
        self.earlier = earlier
        self.last, self.high, self.low = earlier.last, earlier.high, earlier.low

    def add(self, printed: Print) -> None:
        """Count one more trade."""
        self.prints.append(printed)
        self.seq = printed.trade_seq
        self.last = printed.price
        self.high = printed.price if math.isnan(self.high) else max(printed.price, self.high)
        self.low = printed.price if math.isnan(self.low) else min(printed.price, self.low)
        self._printed += printed.volume_coin
        self._printed_usd += printed.volume_usd

    def drop_before(self, timestamp: int) -> None:
        """Forget what is older than a day; the day before the tape leaves evenly."""
        lost_extreme = False
        if self.earlier is not None and (left := self.earlier.left(timestamp)) != self._left:
            self._left = left
            if not left:
                self.earlier, lost_extreme = None, True
        while self.prints and self.prints[0].timestamp < timestamp:
            old = self.prints.popleft()
            lost_extreme |= old.price >= self.high or old.price <= self.low
            self._printed -= old.volume_coin
            self._printed_usd -= old.volume_usd
        if not self.prints:
            self._printed = self._printed_usd = 0.0
        if lost_extreme and self.earlier is None:
            self._find_extremes()

    def _find_extremes(self) -> None:
        self.high = max((p.price for p in self.prints), default=float("nan"))
        self.low = min((p.price for p in self.prints), default=float("nan"))


class Tape:
    """Records trades and answers for the last 24 hours."""

    def __init__(self) -> None:
        self.days: dict[str, Day] = {}
        self._prints: list[Print] = []
        self._first = 0
        self._numbers: dict[str, int] = {}
        self._faded_ms = 0
        self._began_ms: int | None = None

    @property
    def next_serial(self) -> int:
        """The serial the next print will have: a reader's starting point."""
        return self._first + len(self._prints)

    def begin(self, name: str, earlier: Earlier) -> None:
        """Give an instrument a day before its first print."""
        self.days.setdefault(name, Day()).begin(earlier)

    def record(self, instrument: Instrument, deal: Deal) -> Print:
        """Number a trade and print it."""
        day = self.days.setdefault(instrument.name, Day())
        if self._began_ms is None:
            self._began_ms = deal.timestamp
        is_older = instrument.kind is Kind.OPTION and instrument.created_ms < self._began_ms
        if day.seq == 0 and is_older:
            day.seq = EARLIER_PRINTS
        number = self._take_number(instrument)
        serial = self.next_serial
        day.tick_direction = _tick_direction(day, deal.price)
        coin, usd = _volumes(instrument, deal)
        printed = Print(
            serial=serial,
            timestamp=deal.timestamp,
            instrument=instrument,
            trade_seq=day.seq + 1,
            number=number,
            price=deal.price,
            amount=deal.amount,
            volume_coin=coin,
            volume_usd=usd,
            wire=_encode(instrument, deal, day, number),
        )
        day.add(printed)
        self._prints.append(printed)
        return printed

    def _take_number(self, instrument: Instrument) -> int:
        """Return the next trade number of the instrument's currency."""
        key = number_prefix(instrument)
        number = self._numbers.get(key, 445_682_000 if key == "" else 1000) + 1
        self._numbers[key] = number
        return number

    def since(self, serial: int) -> Iterator[Print]:
        """Yield the prints from a serial on."""
        return islice(self._prints, max(0, serial - self._first), None)

    def between(self, start_ms: int, end_ms: int) -> list[Print]:
        """Return the prints with start <= timestamp <= end, oldest first."""
        low = bisect_left(self._prints, start_ms, key=lambda p: p.timestamp)
        high = bisect_left(self._prints, end_ms + 1, key=lambda p: p.timestamp)
        return self._prints[low:high]

    def of(self, name: str) -> list[Print]:
        """Return the day of one instrument, oldest first."""
        day = self.days.get(name)
        return [] if day is None else list(day.prints)

    def forget(self, now_ms: int) -> list[str]:
        """Drop what is older than 24 hours; return the instruments whose day changed."""
        cut = bisect_left(self._prints, now_ms - MS_PER_DAY, key=lambda p: p.timestamp)
        names = {p.instrument.name for p in self._prints[:cut]}
        if now_ms - self._faded_ms >= FADE_MS:
            self._faded_ms = now_ms
            names |= {name for name, day in self.days.items() if day.earlier is not None}
        del self._prints[:cut]
        self._first += cut
        for name in names:
            self.days[name].drop_before(now_ms - MS_PER_DAY)
        return sorted(names)

    def drop(self, name: str) -> None:
        """Lose the numbering of an instrument that is gone, once its day is empty."""
        if (day := self.days.get(name)) is not None and not day.prints:
            del self.days[name]


def build_candle(tick_ms: int, prints: list[Print]) -> Wire:
    """Summarise consecutive prints of one instrument as a candle."""
    prices = [p.price for p in prints]
    return {
        "tick": tick_ms,
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "volume": round(sum(p.volume_coin for p in prints), 8),
        "cost": round(sum(p.volume_usd for p in prints), 4),
    }


def number_prefix(instrument: Instrument) -> str:
    """Return what stands before a trade number: nothing for BTC, the pair or coin for others."""
    if instrument.settlement is Settlement.LINEAR:
        return f"{instrument.asset}_USDC-"
    return "" if instrument.asset == "BTC" else f"{instrument.asset}-"


def _tick_direction(day: Day, price: float) -> int:
    """0 plus, 1 zero-plus, 2 minus, 3 zero-minus."""
    if not day.prints or price > day.last:
        return 0
    if price < day.last:
        return 2
    return 1 if day.tick_direction in {0, 1} else 3


def _volumes(instrument: Instrument, deal: Deal) -> tuple[float, float]:
    """Return a trade's volume in coins and its USD worth: the premium of an option."""
    inverse = instrument.settlement is Settlement.INVERSE
    if instrument.kind in {Kind.FUTURE, Kind.FUTURE_COMBO}:
        if inverse:
            return deal.amount / deal.index_price, deal.amount
        return deal.amount, deal.amount * deal.price
    rate = deal.index_price if inverse else 1.0
    return deal.amount, abs(deal.price) * deal.amount * rate


def _encode(instrument: Instrument, deal: Deal, day: Day, number: int) -> Wire:
    lot = instrument.contract_size
    wire: Wire = {"timestamp": deal.timestamp}
    if deal.iv is not None:
        wire["iv"] = deal.iv
    wire |= {
        "price": deal.price,
        "amount": deal.amount,
        "direction": deal.direction,
        "index_price": deal.index_price,
        "instrument_name": instrument.name,
        "trade_seq": day.seq + 1,
        "mark_price": deal.mark_price,
        "tick_direction": day.tick_direction,
        "trade_id": f"{number_prefix(instrument)}{number}",
        "contracts": round(deal.amount / lot, 8),
        "starbase_match_id": (deal.timestamp << 17) + number % 131_072,
        "starbase_timestamp": deal.timestamp * 1_000_000 + number * 7919 % 1_000_000,
    }
    return wire | deal.extras
