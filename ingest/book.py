"""The order book of one perpetual: an image and the changes that chain to it."""

import math
from collections.abc import Iterable

from ingest.events import BookUpdate


class OrderBook:
    """Levels by price. Changes apply only when they continue what is known."""

    def __init__(self) -> None:
        self.ts_event = 0
        self._change_id: int | None = None  # None: waiting for an image
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}

    def apply(self, update: BookUpdate) -> bool:
        """Write an image or a change; False when a change does not continue the book.

        The book is unknown from then on until the next image. A change that is already in the
        book is left alone; one before any image is no new gap.
        """
        if update.is_image:
            self._bids, self._asks = {}, {}
        elif self._change_id is None or update.change_id <= self._change_id:
            return True
        elif update.prev_change_id != self._change_id:
            self._change_id = None
            return False
        self._change_id, self.ts_event = update.change_id, update.ts_event
        _write(self._bids, update.bids)
        _write(self._asks, update.asks)
        return True

    @property
    def mid(self) -> float:
        """Middle of the best bid and ask; NaN without both or with a book that is crossed."""
        if self._change_id is None or not self._bids or not self._asks:
            return math.nan
        bid, ask = max(self._bids), min(self._asks)
        return (bid + ask) / 2 if bid < ask else math.nan

    def depth_usd(self, within: float, *, is_inverse: bool) -> tuple[float, float]:
        """Return the USD resting on bids and asks within a share of the mid; NaN when unknown."""
        mid = self.mid
        if math.isnan(mid):
            return math.nan, math.nan
        low, high = mid * (1 - within), mid * (1 + within)
        bids = ((price, size) for price, size in self._bids.items() if price >= low)
        asks = ((price, size) for price, size in self._asks.items() if price <= high)
        return _usd(bids, is_inverse=is_inverse), _usd(asks, is_inverse=is_inverse)


def _write(side: dict[float, float], levels: tuple[tuple[float, float], ...]) -> None:
    for price, size in levels:
        if size > 0:
            side[price] = size
        else:
            side.pop(price, None)


def _usd(levels: Iterable[tuple[float, float]], *, is_inverse: bool) -> float:
    return math.fsum(size if is_inverse else size * price for price, size in levels)
