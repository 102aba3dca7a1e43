"""A month in minutes: thirty rolls, listings, outages and maintenance, option by option.

Simulated time moves exchange and client alike, so nothing depends on this machine's speed. Each
day runs fast, its roll slowly; then the clock stands still until the polls have caught up, and
every option's strike, expiry, open interest, volatility and forward must equal the exchange's.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from exchange.config import ExchangeConfig
from exchange.run import build_exchange
from exchange.server import Exchange
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_DAY
from ingest.worker import AssetFeed
from soak.check import Check
from soak.memory import held_objects
from soak.venue import NO_LIMITS, START_MS
from soak.wire import Link

DAYS = 30
STEP_S = 0.25
FAST, SLOW = 3_600.0, 30.0
ROLL_MS = 8 * 3_600_000
BEFORE_MS, AFTER_MS = 8 * 60_000, 3 * 60_000
STILL_S = 45.0
"""Longer than a summary poll and a retry."""
RECONNECT_S = 3.0
IV_TOLERANCE = 5.1e-5  # marks say volatilities with four decimals


@dataclass(slots=True)
class Time:
    """Machine time that moves only when told to."""

    now_s: float = 1_000.0

    def read(self) -> float:
        """Return the present."""
        return self.now_s


@dataclass(slots=True)
class Tally:
    """What a run counted."""

    days: int = 0
    compared: int = 0
    ghosts: int = 0
    missing: int = 0
    differing: list[str] = field(default_factory=list)
    trades_lost: int = 0
    trades_twice: int = 0
    listed: int = 0
    expired: int = 0
    reconnects: int = 0
    held: list[int] = field(default_factory=list)


class Month:
    """One exchange and one client on one clock."""

    def __init__(self, assets: tuple[str, ...], seed: int = 1) -> None:
        self.time = Time()
        self.tally = Tally()
        config = ExchangeConfig(
            seed=seed, assets=assets, start_ms=START_MS, history_s=0, limits=NO_LIMITS,
            speed=FAST, monotonic=self.time.read,
        )  # fmt: skip
        self.exchange: Exchange = build_exchange(config)
        self.feeds = {asset: AssetFeed(asset, self.time.read) for asset in assets}
        self._links: dict[str, Link] = {}
        self._open_at: dict[str, float] = dict.fromkeys(assets, 0.0)

    def run(self, days: int, tell: Callable[[str], None] = lambda _: None) -> Tally:
        """Live so many rolls."""
        for day in range(days):
            roll_ms = self._next_roll()
            self._move_to(roll_ms - BEFORE_MS, FAST, self._upset(day))
            self._roll(roll_ms, cut_off=day % 7 == 3)
            self._stand_still()
            self._compare()
            self.tally.days += 1
            self.tally.held.append(self._held())
            tell(f"day {day + 1}: {self.tally.compared} rows compared, {self.tally.held[-1]} held")
        return self.tally

    def _held(self) -> int:
        """Count what the feeds keep beside their tapes, which have a length of their own."""
        feeds = self.feeds.values()
        return sum(held_objects(feed) - held_objects(feed.tape) for feed in feeds)

    def _next_roll(self) -> int:
        now_ms = self.exchange.clock.now_ms()
        return (now_ms - ROLL_MS) // MS_PER_DAY * MS_PER_DAY + MS_PER_DAY + ROLL_MS

    def _upset(self, day: int) -> str:
        """Return what goes wrong at noon of a day, often nothing."""
        return {1: "maintenance+20", 4: "abort", 6: "no-public+10"}.get(day % 8, "")

    def _roll(self, roll_ms: int, *, cut_off: bool) -> None:
        """Pass an 08:00 slowly; a client that is cut off hears of it only afterwards."""
        if cut_off:
            for asset, link in self._links.items():
                link.abort()
                self._open_at[asset] = self.time.now_s + 10.0
        self._move_to(roll_ms + AFTER_MS, SLOW, "")

    def _move_to(self, at_ms: int, speed: float, upset: str) -> None:
        clock = self.exchange.clock
        clock.set(clock.now_ms(), speed)
        halfway = (clock.now_ms() + at_ms) // 2
        while clock.now_ms() < at_ms:
            if upset and clock.now_ms() > halfway:
                self.exchange.command(upset)
                upset = ""
            self._step()

    def _stand_still(self) -> None:
        clock = self.exchange.clock
        clock.set(clock.now_ms(), 0.0)
        until = self.time.now_s + STILL_S
        while self.time.now_s < until:
            self._step()

    def _step(self) -> None:
        """Let a quarter of a second of machine time pass on both sides."""
        self.time.now_s += STEP_S
        self.exchange.pump()
        for asset, feed in self.feeds.items():
            link = self._links.get(asset)
            if link is None or not link.is_open:
                link = self._reconnect(asset, feed)
            if link is not None:
                link.turn(self.time.now_s)
            if feed.is_dirty():
                self._look_for_ghosts(feed.freeze())

    def _reconnect(self, asset: str, feed: AssetFeed) -> Link | None:
        if self._links.pop(asset, None) is not None:
            self._open_at[asset] = max(self._open_at[asset], self.time.now_s + RECONNECT_S)
            self.tally.reconnects += 1
        if self.time.now_s < self._open_at[asset]:
            return None
        self._links[asset] = Link(self.exchange, feed, self.time.now_s)
        return self._links[asset]

    def _look_for_ghosts(self, chain: OptionChain) -> None:
        """Count rows with open interest whose expiry has passed by the chain's own clock."""
        gone = chain.expiry_ms <= chain.as_of_ms
        self.tally.ghosts += int(np.sum(gone & (chain.open_interest_coin > 0)))

    # Comparison

    def _compare(self) -> None:
        for asset, feed in self.feeds.items():
            truth = dict(self._truth(asset))
            chain = feed.freeze()
            rows = {name: i for i, name in enumerate(chain.instrument_name)}
            self.tally.missing += len(truth.keys() - rows.keys())
            self.tally.ghosts += len(rows.keys() - truth.keys())
            for name in rows.keys() & truth.keys():
                self.tally.compared += 1
                self._compare_row(name, truth[name], row_of(chain, rows[name]))
            self._compare_tape(asset, feed)

    def _truth(self, asset: str) -> Iterator[tuple[str, "Row"]]:
        for table in self.exchange.market.state.options.values():
            c = table.columns
            for i, instrument in enumerate(table.instruments):
                if instrument.asset == asset:
                    iv = c.mark_iv.item(i) / 100.0
                    yield instrument.name, Row(
                        c.strike.item(i), c.expiry_ms.item(i), c.open_interest.item(i), iv,
                        c.forward.item(i),
                    )  # fmt: skip

    def _compare_row(self, name: str, truth: "Row", ours: "Row") -> None:
        equal = (
            truth.strike == ours.strike
            and truth.expiry_ms == ours.expiry_ms
            and math.isclose(truth.open_interest, ours.open_interest, abs_tol=1e-6)
            and math.isclose(truth.iv, ours.iv, abs_tol=IV_TOLERANCE)
            and math.isclose(truth.forward, ours.forward, rel_tol=1e-6)
        )
        if not equal:
            self.tally.differing.append(f"{name}: {truth} here {ours}")

    def _compare_tape(self, asset: str, feed: AssetFeed) -> None:
        """Every option trade of the last hours is on our tape, once."""
        state = self.exchange.market.state
        kept = [trade for trade, _ in feed.tape.newest_first()]
        ours = [trade.trade_id for trade in kept]
        self.tally.trades_twice += len(ours) - len(set(ours))
        since = max(state.now_ms - MS_PER_DAY // 2, kept[-1].ts_event if kept else 0)
        wanted = {
            str(p.wire["trade_id"])
            for p in state.tape.between(since, state.now_ms)
            if p.instrument.asset == asset and p.instrument.option_type is not None
        }
        self.tally.trades_lost += len(wanted - set(ours))


@dataclass(frozen=True, slots=True)
class Row:
    """What must agree of one option."""

    strike: float
    expiry_ms: int
    open_interest: float
    iv: float
    forward: float


def row_of(chain: OptionChain, i: int) -> Row:
    """Read one row of our chain."""
    return Row(
        chain.strike.item(i), chain.expiry_ms.item(i), chain.open_interest_coin.item(i),
        chain.mark_iv.item(i), chain.forward.item(i),
    )  # fmt: skip


def check(tally: Tally, seconds: float) -> Check:
    """Held when nothing was lost, doubled, left over or kept.

    A new session reads the lists anew and drops what expired, as the hourly reading does, which
    an hour of simulated machine time would take too long for: so what is held rises for days and
    falls at a reconnect, and halves of the run are compared by their most.
    """
    first, second = tally.held[: len(tally.held) // 2], tally.held[len(tally.held) // 2 :]
    most_early, most_late = max(first, default=0), max(second, default=0)
    sound = not (tally.ghosts or tally.missing or tally.differing or tally.trades_lost)
    return Check(
        f"{tally.days} days in simulated time",
        sound and not tally.trades_twice and most_late < 1.25 * most_early,
        {
            "rolls": tally.days, "rows compared": tally.compared, "ghosts": tally.ghosts,
            "missing": tally.missing, "differing": len(tally.differing),
            "first": next(iter(tally.differing), "none"),
            "trades lost": tally.trades_lost, "trades twice": tally.trades_twice,
            "reconnects": tally.reconnects, "most objects held in the first half": most_early,
            "in the second": most_late, "took s": round(seconds),
        },
    )  # fmt: skip


def run() -> list[Check]:
    """Thirty rolls of both coins."""
    began = time.monotonic()
    tally = Month(("BTC", "ETH")).run(DAYS, lambda line: print(f"    {line}", flush=True))
    return [check(tally, time.monotonic() - began)]
