"""What the instrument lists of one session say. Knows no frames and asks for nothing itself."""

import math
from collections.abc import Hashable, Iterable, Mapping

from greeks.conventions import Settlement
from ingest.events import Instrument, Kind, Listed
from ingest.plan import settlement_of

Book = tuple[Kind, Settlement]


class Listings:
    """The instruments of one asset that exist, as its session has heard.

    `last_expiry_ms` is what earlier sessions knew: the last expiry that each book lists.
    """

    def __init__(self, asset: str, last_expiry_ms: Mapping[Book, int]) -> None:
        self._asset = asset
        self._instruments: dict[str, Instrument] = {}
        self._terms: set[Hashable] = set()  # what calls for channels: see _term
        self._last_expiry_ms = dict(last_expiry_ms)
        self._first_expiry_ms = math.inf

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Everything listed."""
        return tuple(self._instruments.values())

    def is_doubtful(self, listed: Listed, now_ms: int) -> bool:
        """Whether a whole list is empty although what it listed last has not expired."""
        if not listed.complete or listed.instruments or listed.kind is None:
            return False
        return self._last_expiry_ms.get((listed.kind, settlement_of(listed.currency)), 0) > now_ms

    def take(self, listed: Listed) -> bool:
        """Take in instruments; returns whether the channels have to be looked at anew."""
        fresh = {i.instrument_name: i for i in listed.instruments if i.asset == self._asset}
        is_new = any(_term(item) not in self._terms for item in fresh.values())
        kept = self._instruments
        if listed.complete and listed.kind is not None:
            gone = listed.kind, settlement_of(listed.currency)
            kept = {n: item for n, item in kept.items() if (item.kind, item.settlement) != gone}
        self._instruments = kept | fresh
        if listed.complete:
            self._last_expiry_ms |= last_expiries(self.instruments)
        for book, expiry_ms in last_expiries(fresh.values()).items():
            self._last_expiry_ms[book] = max(expiry_ms, self._last_expiry_ms.get(book, 0))
        if listed.complete or is_new:
            self._note_terms()
        return listed.complete or is_new

    def drop_expired(self, now_ms: float) -> bool:
        """Forget what has expired; returns whether the channels have to be looked at anew."""
        if not now_ms >= self._first_expiry_ms:
            return False
        self._instruments = {n: i for n, i in self._instruments.items() if i.expiry_ms > now_ms}
        self._note_terms()
        return True

    def _note_terms(self) -> None:
        self._terms = {_term(item) for item in self._instruments.values()}
        expiries = (item.expiry_ms for item in self._instruments.values())
        self._first_expiry_ms = min(expiries, default=math.inf)


def last_expiries(instruments: Iterable[Instrument]) -> dict[Book, int]:
    """Return the last expiry of each book that lists anything."""
    last: dict[Book, int] = {}
    for item in instruments:
        book = item.kind, item.settlement
        last[book] = max(item.expiry_ms, last.get(book, 0))
    return last


def _term(item: Instrument) -> Hashable:
    """Return what an instrument shares with those that need the same channels."""
    name = item.instrument_name if item.kind == Kind.FUTURE else ""
    return item.settlement, item.price_index, item.expiry_ms, name
