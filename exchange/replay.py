"""Recorded chains as a live market: each snapshot in turn, at its own time.

Between snapshots the chain stands still while index, heartbeat and cadence go on; what expires
in between leaves at its 08:00. Prices, volatilities, open interest and timestamps are served as
recorded.
"""

import numpy as np

from exchange.candles import Candles
from exchange.config import ExchangeConfig
from exchange.errors import ConfigError
from exchange.instruments import Instrument, Wire
from exchange.lifecycle import Lifecycle
from exchange.recordings import Entry, Snapshot, open_recording
from exchange.replay_flow import ReplayFlow
from exchange.replay_futures import read_futures
from exchange.replay_state import read_columns, read_instrument
from exchange.state import Index, MarketState, Notice, OptionTable
from greeks.conventions import MS_PER_DAY, BoolArray

RECORDED_DECIMALS = 8
DVOL_DAYS = 30
FORGET_MS = 60_000


class ReplayMarket:
    """Moves a `MarketState` through recorded snapshots."""

    def __init__(self, config: ExchangeConfig) -> None:
        if config.replay is None:
            raise ConfigError("replay: expected a path, was none")
        entries = open_recording(config.replay)
        start_ms = config.start_ms
        if start_ms is not None:
            entries = [entry for entry in entries if entry.at_ms >= start_ms]
            if not entries:
                raise ConfigError(f"start: expected a snapshot at or after it in {config.replay}")
        self._entries: list[Entry] = entries
        self._next = 0
        self._following: Snapshot | None = entries[0].read()
        self.state = MarketState(entries[0].at_ms)
        seeds = np.random.SeedSequence(config.seed).spawn(3)
        self._rng, flow_rng, life_rng = (np.random.default_rng(seed) for seed in seeds)
        self._flow = ReplayFlow(self.state, flow_rng)
        self._lifecycle = Lifecycle(self.state, self, life_rng)
        self._forgot_ms = self.state.now_ms
        self._load()

    @property
    def start_ms(self) -> int:
        """The first snapshot's instant: where the clock starts."""
        return self._entries[0].at_ms

    def advance(self, now_ms: int) -> None:
        """Serve what is due at an instant."""
        while self._following is not None and self._following.at_ms <= now_ms:
            self._pass_time(self._following.at_ms)
            self._load()
        self._pass_time(now_ms)
        if now_ms - self._forgot_ms >= FORGET_MS:
            self._forgot_ms = now_ms
            self.state.forget()

    def jump(self, asset: str, factor: float) -> None:
        """Multiply a coin's index, or all, until the next snapshot."""
        for index in self.state.indices.values():
            if asset.lower() in {"", index.name.partition("_")[0]}:
                index.price = round(index.price * factor, index.decimals)

    def mark_finally(self) -> None:
        """Leave marks as recorded."""

    def drop(self, price_index: str, mask: BoolArray) -> None:
        """Lose delivered options."""
        self.state.options[price_index].keep(mask)

    def list_expiries(self, at_ms: int) -> None:
        """List nothing: new instruments come with the next snapshot."""

    def list_strikes(self, at_ms: int) -> None:
        """List nothing: new instruments come with the next snapshot."""

    def _pass_time(self, now_ms: int) -> None:
        start = self.state.now_ms
        while (due := self._lifecycle.next_due()) <= now_ms:
            self.state.now_ms = max(due, start)
            self._lifecycle.step(due)
        self.state.now_ms = max(now_ms, start)
        self._lifecycle.step(now_ms)
        self._flow.run(start, self.state.now_ms)
        for index in self.state.indices.values():
            index.remember(self.state.now_ms)

    def _load(self) -> None:
        """Serve the next snapshot, and look at the one after it for the flow between them."""
        snapshot = self._following
        if snapshot is None:
            return
        self._next += 1
        last = self._next == len(self._entries)
        self._following = None if last else self._entries[self._next].read()
        self.state.now_ms = max(self.state.now_ms, snapshot.at_ms)
        self._load_indices(snapshot)
        groups: dict[str, list[Wire]] = {name: [] for name in self.state.options}
        for row in snapshot.rows:
            if row.get("kind", "option") == "option":
                groups.setdefault(str(row["price_index"]), []).append(row)
        for price_index, rows in groups.items():
            self._load_options(price_index, rows)
        self._load_futures(snapshot, [row for rows in groups.values() for row in rows])
        self._flow.plan(self.state.now_ms, self._following)

    def _load_indices(self, snapshot: Snapshot) -> None:
        for name, price in snapshot.index_prices.items():
            index = self.state.indices.setdefault(
                name, Index(name, price, price_history=Candles([]), volatility_history=Candles([]))
            )
            index.price = price

    def _load_options(self, price_index: str, rows: list[Wire]) -> None:
        state = self.state
        table = state.options.setdefault(
            price_index, OptionTable(price_index, mark_decimals=RECORDED_DECIMALS)
        )
        known = {instrument.name: instrument for instrument in table.instruments}
        instruments = [
            known.get(str(row["instrument_name"]))
            or read_instrument(row, state.take_instrument_id())
            for row in rows
        ]
        kept = {instrument.name for instrument in instruments}
        for name in kept & state.retired.keys():
            del state.retired[name]
        for instrument in table.instruments:
            if instrument.name not in kept:
                state.retired[instrument.name] = instrument
                state.notices.add(Notice(state.now_ms, instrument, "delivered"))
        if known:
            self._announce([i for i in instruments if i.name not in known])
        underlying = [str(row["underlying_index"]) for row in rows]
        table.replace(instruments, underlying, read_columns(rows, instruments))
        if instruments:
            currency = instruments[0].currency
            table.first_change_id = state.take_change_ids(currency, len(instruments))
        state.indices[price_index].volatility = estimate_dvol(table, state.now_ms)

    def _load_futures(self, snapshot: Snapshot, options: list[Wire]) -> None:
        rows = [row for row in snapshot.rows if row.get("kind") == "future"]
        futures = read_futures(self.state, rows, options, snapshot.at_ms, self._rng)
        self._announce([f.instrument for n, f in futures.items() if n not in self.state.futures])
        self.state.futures.clear()
        self.state.futures.update(futures)

    def _announce(self, instruments: list[Instrument]) -> None:
        for instrument in instruments:
            self.state.notices.add(Notice(self.state.now_ms, instrument, "open", created=True))


def estimate_dvol(table: OptionTable, now_ms: int) -> float:
    """Return a 30-day at-the-money volatility in percent; it stands in for an unrecorded DVOL."""
    c = table.columns
    days = (c.expiry_ms - now_ms) / MS_PER_DAY
    near = (np.abs(np.log(c.strike / c.forward)) < 0.03) & (days > 2) & ~np.isnan(c.mark_iv)
    if not near.any():
        return float("nan")
    best = days[near][np.argmin(np.abs(days[near] - DVOL_DAYS))]
    return round(float(np.median(c.mark_iv[near & (days == best)])), 2)
