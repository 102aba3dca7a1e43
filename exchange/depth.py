"""The order books of futures and the perpetual, and what changed between two of them."""

from itertools import islice

import numpy as np

from exchange.state import Future

LEVELS = 40
DEEPENING_TICKS = 4
"""A level this far behind the best one is typically twice as large, twice this far three times."""
TOUCH = 4.0
"""At most so many typical amounts rest at the best price, which takers and quoters share."""
Side = dict[float, float]
"""Price to amount, best price first."""
BookImage = tuple[Side, Side]
Change = tuple[str, float, float]


def move_book(future: Future, spread_ticks: int, size: float, rng: np.random.Generator) -> None:
    """Move a book to its mark: keep the levels that still fit, add and change a few.

    `size` is the typical amount of a level in the instrument's own unit.
    """
    tick = future.instrument.tick_size
    lot = future.instrument.contract_size
    best_bid = int(np.floor(future.mark_price / tick)) - spread_ticks // 2
    best_ask = best_bid + max(spread_ticks, 1)
    future.bids = _side(future.bids, best_bid, -1, tick, lot, size, rng)
    future.asks = _side(future.asks, best_ask, 1, tick, lot, size, rng)


def best(side: Side) -> tuple[float, float]:
    """Return the best price and amount of a side, zeros of an empty one."""
    if not side:
        return 0.0, 0.0
    return next(iter(side.items()))


def diff_side(old: Side, new: Side, direction: int) -> list[Change]:
    """Return what turns one side into another, best price first."""
    changes: list[Change] = [("delete", price, 0.0) for price in old if price not in new]
    changes += [
        ("new" if price not in old else "change", price, amount)
        for price, amount in new.items()
        if old.get(price) != amount
    ]
    return sorted(changes, key=lambda change: -direction * change[1])


def levels(side: Side, depth: int | None = None) -> list[tuple[float, float]]:
    """Return the levels of a side, best first."""
    return list(islice(side.items(), depth))


def group_side(side: Side, direction: int, step: float) -> Side:
    """Merge levels onto a coarser grid, bids down and asks up."""
    grouped: Side = {}
    for price, amount in side.items():
        slot = np.floor(price / step + 1e-9) if direction > 0 else np.ceil(price / step - 1e-9)
        key = round(float(slot) * step, 6)
        grouped[key] = round(grouped.get(key, 0.0) + amount, 8)
    return grouped


def _side(
    old: Side, best_tick: int, away: int, tick: float, lot: float, size: float,
    rng: np.random.Generator,
) -> Side:  # fmt: skip
    """Return one side from its best price outwards; `away` is -1 for bids, 1 for asks."""
    limit, fresh = best_tick * tick, not old
    kept = {p: a for p, a in old.items() if (p - limit) * away > -tick / 2}
    wanted = LEVELS if fresh else 2 + max(0, LEVELS - len(kept)) // 2
    gaps = np.ceil(rng.exponential(2.5, wanted).cumsum()) if fresh else rng.geometric(0.06, wanted)
    offsets = [0, *(int(g) for g in gaps)]
    deeper = 1.0 + np.array(offsets) / DEEPENING_TICKS
    amounts = np.ceil(rng.lognormal(0.0, 1.1, len(offsets)) * deeper * size / lot) * lot
    for offset, amount in zip(offsets, amounts, strict=True):
        price = round((best_tick + away * offset) * tick, 6)
        if offset or not size <= kept.get(price, 0.0) <= TOUCH * size:
            kept[price] = round(float(amount), 6)
    ordered = sorted(kept.items(), key=lambda level: away * level[0])[:LEVELS]
    return dict(ordered)
