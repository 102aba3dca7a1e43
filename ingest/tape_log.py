"""The recent option trades of one asset: each booked once, in order, holes known."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

from dealers.tape import Trade

TAPE_LENGTH = 20_000


class TapeLog:
    """Trades by (time, id), each once; late ones take their place.

    `trade_seq` steps by one per instrument, so a missing number is a missing trade. What lies
    before the first trade seen of an instrument is unknown and counts as no hole.
    """

    def __init__(self, length: int = TAPE_LENGTH) -> None:
        self.recorded = 0
        self.duplicates = 0
        self._length = length
        self._trades: list[Trade] = []
        self._arrived: deque[Trade] = deque(maxlen=length)  # in the order they were booked
        self._ids: set[tuple[int, str]] = set()
        self._seqs: dict[str, list[int]] = {}  # sorted, per instrument

    @property
    def newest_ms(self) -> int | None:
        """Exchange time of the newest trade, None before the first."""
        return self._trades[-1].ts_event if self._trades else None

    def record(self, trade: Trade) -> range:
        """Book a trade unless it is known; returns the sequence numbers missing before it.

        A hole is returned once, by the newest trade that shows it.
        """
        seqs = self._seqs.get(trade.instrument_name)
        newest = seqs[-1] if seqs else trade.trade_seq - 1
        if not self._book(trade):
            self.duplicates += 1
            return range(0)
        self._arrived.append(trade)
        self.recorded += 1
        return range(newest + 1, trade.trade_seq)

    def restore(self, trades: Iterable[Trade]) -> None:
        """Take back what a former process kept; none of it counts as recorded."""
        for trade in trades:
            self._book(trade)

    def _book(self, trade: Trade) -> bool:
        key = (trade.ts_event, trade.trade_id)
        if key in self._ids:
            return False
        insort(self._seqs.setdefault(trade.instrument_name, []), trade.trade_seq)
        insort(self._trades, trade, key=_order)
        self._ids.add(key)
        if len(self._trades) > self._length:
            self._forget(self._trades.pop(0))
        return True

    def booked_after(self, recorded: int) -> list[Trade]:
        """Return the trades booked since `recorded` had this value, in the order of arrival.

        Those that the log no longer keeps are left out.
        """
        fresh = min(self.recorded - recorded, len(self._arrived))
        return list(islice(self._arrived, len(self._arrived) - fresh, None))

    def newest_first(self) -> Iterator[tuple[Trade, int]]:
        """Yield the trades newest first, each with the number missing right before it."""
        for trade in reversed(self._trades):
            seqs = self._seqs[trade.instrument_name]
            at = bisect_left(seqs, trade.trade_seq)
            before = seqs[at - 1] if at else trade.trade_seq - 1
            yield trade, trade.trade_seq - before - 1

    def holes(self) -> int:
        """Return how many trades are known to be missing."""
        return sum(seqs[-1] - seqs[0] + 1 - len(seqs) for seqs in self._seqs.values())

    def missing(self, most: int) -> list[tuple[str, range]]:
        """Return up to `most` instruments with a hole, each with its first missing numbers."""
        found: list[tuple[str, range]] = []
        for name, seqs in self._seqs.items():
            if len(found) == most:
                break
            if seqs[-1] - seqs[0] + 1 > len(seqs):
                steps = pairwise(seqs)
                found.append(next((name, range(a + 1, b)) for a, b in steps if b > a + 1))
        return found

    def _forget(self, oldest: Trade) -> None:
        self._ids.discard((oldest.ts_event, oldest.trade_id))
        seqs = self._seqs[oldest.instrument_name]
        seqs.remove(oldest.trade_seq)
        if not seqs:
            del self._seqs[oldest.instrument_name]


def _order(trade: Trade) -> tuple[int, int, str]:
    """Order by time, then by id; numeric ids of one currency rise but differ in length."""
    return trade.ts_event, len(trade.trade_id), trade.trade_id
