"""Reading the past of the tape page by page: what to ask next, and when to stop.

The venue answers at most a thousand trades a page and the last 24 hours at all; older ranges
come back empty without an error. Several trades share a millisecond, so the next page starts at
the very time where the last one ended, and known trades are dropped by their id.
"""

from dataclasses import dataclass, field

from dealers.tape import Trade

PAGE = 1000
REACH_MS = 24 * 3_600_000
OVERLAP_MS = 2_000
PERIOD_S = 60.0
"""How often the tape is compared with the venue's: a push that was lost shows by nothing else."""


@dataclass(slots=True)
class HistoryReader:
    """One run through the trades of a currency, oldest first."""

    currency: str
    start_ms: int
    end_ms: int
    first_ms: int = field(init=False)  # where the whole run began
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.first_ms = self.start_ms

    def params(self) -> dict[str, object]:
        """Return the parameters of the next page."""
        return {
            "currency": self.currency,
            "kind": "option",
            "start_timestamp": self.start_ms,
            "end_timestamp": self.end_ms,
            "count": PAGE,
            "sorting": "asc",
        }

    def accept(self, page: tuple[Trade, ...], *, has_more: bool) -> bool:
        """Take a page; returns whether there is another to ask for."""
        fresh = [trade for trade in page if trade.trade_id not in self._seen]
        self._seen = {trade.trade_id for trade in page}
        if not has_more or not page:
            return False
        last_ms = max(trade.ts_event for trade in page)
        if len(page) >= PAGE and last_ms == self.start_ms:
            self.start_ms += 1  # what follows in this millisecond shows as a hole in the sequences
            return True
        self.start_ms = last_ms
        return bool(fresh)

    def resume(self, server_ms: int) -> "HistoryReader":
        """Return the run that continues where this one ended."""
        return HistoryReader(self.currency, self.end_ms - OVERLAP_MS, server_ms)


def start_of_history(server_ms: int, newest_ms: int | None) -> int:
    """Return where to begin: a little before the last trade known, within the venue's reach."""
    reach = server_ms - REACH_MS
    return reach if newest_ms is None else max(reach, newest_ms - OVERLAP_MS)


def is_out_of_reach(server_ms: int, newest_ms: int | None) -> bool:
    """Whether trades after the last one known are older than the venue hands out."""
    return newest_ms is not None and newest_ms < server_ms - REACH_MS
