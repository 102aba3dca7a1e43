"""The recent option trades of one asset: each booked once, holes in the sequence noticed."""

from collections import deque
from collections.abc import Iterator

from dealers.tape import Trade

TAPE_LENGTH = 20_000


class TapeLog:
    """The newest trades, deduplicated by trade id, with the holes before each."""

    def __init__(self, length: int = TAPE_LENGTH) -> None:
        self.recorded = 0
        self.duplicates = 0
        self._trades: deque[Trade] = deque(maxlen=length)
        self._ids: set[str] = set()
        self._last_seq: dict[str, int] = {}
        self._missed_before: dict[str, int] = {}

    def record(self, trade: Trade) -> int:
        """Book a trade unless it is known; returns how many trades are missing right before it.

        `trade_seq` steps by one per instrument; the first sight of an instrument is no hole.
        """
        if trade.trade_id in self._ids:
            self.duplicates += 1
            return 0
        last = self._last_seq.get(trade.instrument_name, trade.trade_seq - 1)
        missed = max(0, trade.trade_seq - last - 1)
        self._last_seq[trade.instrument_name] = max(last, trade.trade_seq)
        if len(self._trades) == self._trades.maxlen:
            oldest = self._trades[0].trade_id
            self._ids.discard(oldest)
            self._missed_before.pop(oldest, None)
        self._trades.append(trade)
        self._ids.add(trade.trade_id)
        if missed:
            self._missed_before[trade.trade_id] = missed
        self.recorded += 1
        return missed

    def newest_first(self) -> Iterator[tuple[Trade, int]]:
        """Yield the trades newest first, each with the number missing right before it."""
        for trade in reversed(self._trades):
            yield trade, self._missed_before.get(trade.trade_id, 0)
