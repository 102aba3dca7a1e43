"""Reading the past of the tape page by page: what to ask next, and when to stop.

The venue answers at most a thousand trades a page and the last 24 hours at all; older ranges
come back empty without an error. Several trades share a millisecond, so the next page starts at
the very time where the last one ended, and known trades are dropped by their id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dealers.tape import Trade
from ingest.agenda import Agenda
from ingest.events import Gap, GapCause

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


class Histories:
    """The past of every currency whose trades one session reads."""

    def __init__(self, newest_trade_ms: int | None) -> None:
        self._newest_trade_ms = newest_trade_ms
        self._due: Agenda[str] = Agenda()
        self._readers: dict[str, HistoryReader] = {}
        self._read_since: dict[str, int] = {}  # start of the pasts that were read to their end

    @property
    def since_ms(self) -> int | None:
        """Exchange time from which on every trade was read; None while the past is being read."""
        if not self._readers or self._readers.keys() != self._read_since.keys():
            return None
        return max(self._read_since.values())

    def begin(self, currency: str, server_ms: int, now_s: float) -> list[Gap]:
        """Start to read a currency unless that was done; a gap for what the venue has not."""
        if currency in self._readers:
            return []
        start_ms = start_of_history(server_ms, self._newest_trade_ms)
        self._readers[currency] = HistoryReader(currency, start_ms, server_ms)
        self._due.put(currency, now_s)
        if not is_out_of_reach(server_ms, self._newest_trade_ms):
            return []
        hours = (start_ms - (self._newest_trade_ms or 0)) / 3_600_000
        return [Gap(GapCause.OUT_OF_REACH, f"{hours:.1f} h of {currency} trades")]

    def take_due(self, server_ms: int, now_s: float) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Yield each currency to ask now, with the parameters of its next page."""
        for currency in self._due.take(now_s):
            self._readers[currency].end_ms = server_ms
            yield currency, self._readers[currency].params()

    def accept(
        self,
        currency: str,
        page: tuple[Trade, ...],
        server_ms: int,
        now_s: float,
        *,
        has_more: bool,
    ) -> None:
        """Take a page, and make the next one due: at once, or when the tape is compared again."""
        reader = self._readers.get(currency)
        if reader is None:
            return
        if reader.accept(page, has_more=has_more):
            self._due.put(currency, now_s)
            return
        self._read_since.setdefault(currency, reader.first_ms)
        self._readers[currency] = reader.resume(server_ms)
        self._due.put(currency, now_s + PERIOD_S)

    def put_off(self, currency: str, until_s: float) -> None:
        """Ask a page again that failed."""
        self._due.put(currency, until_s)


def start_of_history(server_ms: int, newest_ms: int | None) -> int:
    """Return where to begin: a little before the last trade known, within the venue's reach."""
    reach = server_ms - REACH_MS
    return reach if newest_ms is None else max(reach, newest_ms - OVERLAP_MS)


def is_out_of_reach(server_ms: int, newest_ms: int | None) -> bool:
    """Whether trades after the last one known are older than the venue hands out."""
    return newest_ms is not None and newest_ms < server_ms - REACH_MS
