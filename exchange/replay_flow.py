"""Believable trades between two recorded snapshots. All of them carry `"synthetic": true`.

What an option's open interest did until the next snapshot, and what its daily volume allows, is
printed as trades at the recorded marks. Recorded columns stay as recorded: only the tape moves.
"""

import numpy as np

from exchange.depth import best
from exchange.instruments import Instrument, Wire
from exchange.recordings import Snapshot
from exchange.state import MarketState, OptionTable
from exchange.tape import Deal
from greeks.conventions import MS_PER_DAY

MAX_PRINTS = 4
PERPETUAL_PER_S = 0.4
MAX_PERPETUAL_PRINTS = 20
LABEL: Wire = {"synthetic": True}


class ReplayFlow:
    """Plans and prints the trades of a replay."""

    def __init__(self, state: MarketState, rng: np.random.Generator) -> None:
        self._state = state
        self._rng = rng
        self._planned: list[
            tuple[int, str, int, float]
        ] = []  # (ms, name, sign, amount), last first

    def plan(self, now_ms: int, following: Snapshot | None) -> None:
        """Plan the trades until the next snapshot."""
        self._planned = []
        if following is None or following.at_ms <= now_ms:
            return
        span = following.at_ms - now_ms
        for row in following.rows:
            found = self._state.find_option(str(row["instrument_name"]))
            if found is not None:
                self._plan_row(*found, row, now_ms, span)
        self._planned.sort(reverse=True)

    def run(self, start_ms: int, end_ms: int) -> None:
        """Print what was planned up to an instant, and perpetual trades at the touch."""
        trades = self._perpetual_trades(start_ms, end_ms)
        while self._planned and self._planned[-1][0] <= end_ms:
            trades.append(self._planned.pop())
        for timestamp, name, sign, amount in sorted(trades):
            self._print(timestamp, name, sign, amount)

    def _plan_row(
        self, table: OptionTable, i: int, following: Wire, now_ms: int, span: int
    ) -> None:
        c, name = table.columns, table.instruments[i].name
        change = _float(following.get("open_interest")) - c.open_interest.item(i)
        stats = following.get("stats")
        day = _float(stats.get("volume")) if isinstance(stats, dict) else 0.0
        volume = max(abs(change), day * min(span / MS_PER_DAY, 1.0))
        lot = table.instruments[i].min_amount
        if volume < lot:
            return
        rising = _float(following.get("mark_iv")) >= c.mark_iv.item(i)
        count = int(self._rng.integers(1, MAX_PRINTS + 1))
        shares = self._rng.dirichlet(np.full(count, 2.0)) * volume
        times = self._rng.integers(now_ms + 1, now_ms + span, count)
        buys = self._rng.random(count) < (0.7 if rising else 0.3)
        for timestamp, share, buy in zip(times.tolist(), shares.tolist(), buys, strict=True):
            if (amount := round(round(share / lot) * lot, 6)) > 0:
                self._planned.append((timestamp, name, 1 if buy else -1, amount))

    def _perpetual_trades(self, start_ms: int, end_ms: int) -> list[tuple[int, str, int, float]]:
        names = [n for n, f in self._state.futures.items() if f.instrument.is_perpetual and f.bids]
        mean = len(names) * PERPETUAL_PER_S * (end_ms - start_ms) / 1000.0
        count = min(int(self._rng.poisson(mean)), MAX_PERPETUAL_PRINTS) if names else 0
        trades = []
        for timestamp in np.sort(self._rng.integers(start_ms, end_ms + 1, count)).tolist():
            name = names[int(self._rng.integers(len(names)))]
            lot = self._state.futures[name].instrument.contract_size
            lots = int(np.ceil(self._rng.lognormal(4.0, 1.5)))
            sign = 1 if self._rng.random() < 0.5 else -1
            trades.append((timestamp, name, sign, round(lots * lot, 6)))
        return trades

    def _print(self, timestamp: int, name: str, sign: int, amount: float) -> None:
        side = "buy" if sign > 0 else "sell"
        if future := self._state.futures.get(name):
            price = best(future.asks)[0] if sign > 0 else best(future.bids)[0]
            index = self._state.indices[future.instrument.price_index].price
            deal = Deal(timestamp, side, amount, price, future.mark_price, index, extras=LABEL)
            self._state.tape.record(future.instrument, deal)
        elif found := self._state.find_option(name):
            table, i = found
            c, instrument = table.columns, table.instruments[i]
            mark, index = c.mark_price.item(i), self._state.indices[table.price_index].price
            price = _on_tick(instrument, mark)
            deal = Deal(
                timestamp, side, amount, price, mark, index, c.mark_iv.item(i), extras=LABEL
            )
            self._state.tape.record(instrument, deal)


def _on_tick(instrument: Instrument, mark: float) -> float:
    tick = instrument.tick_at(mark)
    return max(round(round(mark / tick) * tick, 6), tick)


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
