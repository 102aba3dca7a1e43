"""The two forms of book channels: an image followed by changes, and a repeated window."""

from exchange.depth import Side, diff_side, group_side, levels
from exchange.instruments import Instrument, Wire
from exchange.specs import Kind
from exchange.view import View
from exchange.wire import read_book

GROUP_UNITS_USD = {"BTC": 1.0, "ETH": 0.01}
"""What a group counts on futures: dollars, of ether their hundredths. Elsewhere it counts ticks,
which the venue's words leave open."""


class BookFeed:
    """Says a book image once, then changes that chain by change id."""

    def __init__(self, view: View, name: str, period_s: float) -> None:
        self.period_s = period_s
        self._view = view
        self._name = name
        self._bids: Side = {}
        self._asks: Side = {}
        self._change_id = 0

    def first(self) -> list[object]:
        """Say every level as the readers of this channel have it."""
        if not self._change_id and (image := read_book(self._view.state, self._name)):
            self._bids, self._asks, self._change_id = dict(image[0]), dict(image[1]), image[2]
        return [self._image()]

    def poll(self) -> list[object]:
        """Say the levels that changed; a still book says nothing."""
        image = read_book(self._view.state, self._name)
        if image is None or image[2] == self._change_id:
            return []
        bids, asks, change_id = image
        moved = diff_side(self._bids, bids, 1), diff_side(self._asks, asks, -1)
        if not any(moved):
            return []
        change: Wire = {
            "timestamp": self._view.state.now_ms,
            "type": "change",
            "change_id": change_id,
            "prev_change_id": self._change_id,
            "instrument_name": self._name,
            "bids": moved[0],
            "asks": moved[1],
        }
        self._bids, self._asks, self._change_id = dict(bids), dict(asks), change_id
        return [change]

    def skip(self) -> None:
        """Lose one change on purpose: the next one will not chain to what readers have."""
        if image := read_book(self._view.state, self._name):
            self._bids, self._asks = dict(image[0]), dict(image[1])
            self._change_id = image[2] + 1

    def _image(self) -> Wire:
        return {
            "timestamp": self._view.state.now_ms,
            "type": "snapshot",
            "change_id": self._change_id,
            "instrument_name": self._name,
            "bids": [("new", *level) for level in levels(self._bids)],
            "asks": [("new", *level) for level in levels(self._asks)],
        }


class GroupedBookFeed:
    """Says a whole window of a book, merged onto a coarser grid."""

    def __init__(
        self, view: View, name: str, group: int | None, depth: int, period_s: float
    ) -> None:
        self.period_s = period_s
        self._view = view
        self._name = name
        self._group = group
        self._depth = depth
        self._said = 0

    def first(self) -> list[object]:
        """Say the window."""
        image = read_book(self._view.state, self._name)
        instrument = self._view.state.find(self._name)
        if image is None or instrument is None:
            return []
        bids, asks, self._said = image
        if self._group is not None:
            step = self._group * _group_unit(instrument)
            bids, asks = group_side(bids, 1, step), group_side(asks, -1, step)
        return [
            {
                "timestamp": self._view.state.now_ms,
                "change_id": self._said,
                "instrument_name": self._name,
                "bids": levels(bids, self._depth),
                "asks": levels(asks, self._depth),
            }
        ]

    def poll(self) -> list[object]:
        """Say the window when the book changed."""
        image = read_book(self._view.state, self._name)
        return [] if image is None or image[2] == self._said else self.first()


def _group_unit(instrument: Instrument) -> float:
    is_future = instrument.kind is Kind.FUTURE
    tick = instrument.tick_size
    return GROUP_UNITS_USD.get(instrument.asset, tick) if is_future else tick
