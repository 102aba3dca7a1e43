"""What a daily roll does to a market's state, whoever drives it: settle, pause, deliver, reopen."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from exchange.instruments import Instrument
from exchange.state import Delivery, Future, Index, MarketState, Notice, OptionTable
from greeks.conventions import MS_PER_DAY, BoolArray

RETIRED_KEPT_MS = 2 * MS_PER_DAY
EXPIRED_IV, EXPIRED_ASK_IV = 250.0, 500.0
"""What the venue shows for an option whose volatility has no meaning any more."""


def sample_averages(state: MarketState) -> None:
    """Add the present index to every settlement average."""
    for index in state.indices.values():
        index.average_sum += index.price
        index.average_count += 1


def settle(state: MarketState, roll_ms: int) -> None:
    """Fix delivery prices, show final values of what expires, book the daily settlement."""
    day = datetime.fromtimestamp(roll_ms / 1000, UTC).strftime("%Y-%m-%d")
    for index in state.indices.values():
        price = index.delivery_estimate
        state.delivery_prices.setdefault(index.name, []).insert(0, (day, price))
        if (table := state.options.get(index.name)) is not None:
            _settle_options(state, table, index, price, roll_ms)
    for future in state.futures.values():
        _settle_future(state, future, state.indices[future.instrument.price_index], roll_ms)
    for index in state.indices.values():
        index.average_sum, index.average_count = 0.0, 0


def pause(state: MarketState) -> None:
    """Put every book into settlement."""
    _set_all(state, "settlement")


def reopen(state: MarketState) -> None:
    """Open every book that is still listed."""
    _set_all(state, "open")


def deliver(state: MarketState, roll_ms: int, drop: Callable[[str, BoolArray], None]) -> None:
    """Let expired instruments leave; `drop` removes the rows of one price index."""
    for table in state.options.values():
        gone = table.columns.expiry_ms <= roll_ms
        if gone.any():
            for row in np.flatnonzero(gone):
                _retire(state, table.instruments[row])
            drop(table.price_index, ~gone)
    for name, future in list(state.futures.items()):
        if future.instrument.expiry_ms <= roll_ms:
            _retire(state, future.instrument)
            del state.futures[name]
    for name, combo in list(state.combos.items()):
        if combo.expiry_ms <= roll_ms:
            _retire(state, combo)
            del state.combos[name]


def archive(state: MarketState, roll_ms: int) -> None:
    """Move what this roll delivered into history, and forget what is there for days."""
    for name, instrument in list(state.retired.items()):
        if instrument.expiry_ms <= roll_ms - RETIRED_KEPT_MS:
            del state.retired[name]
    for name in [name for name in state.tape.days if state.find(name) is None]:
        state.tape.drop(name)
    for instrument in state.retired.values():
        if instrument.expiry_ms == roll_ms:
            state.notices.add(Notice(state.now_ms, instrument, "archivized"))


def _settle_options(
    state: MarketState, table: OptionTable, index: Index, price: float, roll_ms: int
) -> None:
    c = table.columns
    gone = c.expiry_ms <= roll_ms
    intrinsic = np.maximum(np.where(c.is_call, price - c.strike, c.strike - price), 0.0)
    unit = price if index.name.endswith("_usd") else 1.0
    c.mark_price = np.where(gone, np.round(intrinsic / unit, 8), c.mark_price)
    c.forward = np.where(gone, price, c.forward)
    c.mark_iv = np.where(gone, EXPIRED_IV, c.mark_iv)
    c.bid_iv = np.where(gone, 0.0, c.bid_iv)
    c.ask_iv = np.where(gone, EXPIRED_ASK_IV, c.ask_iv)
    for name in ("delta", "gamma", "vega", "theta", "rho"):
        setattr(c, name, np.where(gone, 0.0, getattr(c, name)))
    c.settlement_price = np.where(gone, c.settlement_price, np.round(c.mark_price, 8))
    table.version += 1
    for i in np.flatnonzero(gone & (c.open_interest > 0)):
        mark, held = float(c.mark_price[i]), float(c.open_interest[i])
        state.deliveries.add(Delivery(roll_ms, table.instruments[i], mark, price, held))


def _settle_future(state: MarketState, future: Future, index: Index, roll_ms: int) -> None:
    expiring = future.instrument.expiry_ms <= roll_ms
    if expiring:
        future.mark_price = index.delivery_estimate
    future.settlement_price = future.mark_price
    future.version += 1
    delivery = Delivery(
        roll_ms, future.instrument, future.mark_price, index.price, future.open_interest
    )
    state.deliveries.add(delivery)


def _set_all(state: MarketState, word: str) -> None:
    for table in state.options.values():
        table.state = [word] * len(table.state)
        for instrument in table.instruments:
            state.notices.add(Notice(state.now_ms, instrument, word))
        table.version += 1
    for future in state.futures.values():
        future.state = word
        future.version += 1
        state.notices.add(Notice(state.now_ms, future.instrument, word))


def _retire(state: MarketState, instrument: Instrument) -> None:
    state.retired[instrument.name] = instrument
    state.notices.add(Notice(state.now_ms, instrument, "delivered"))
