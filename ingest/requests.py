"""What a session has asked and still waits for."""

from dataclasses import dataclass
from enum import Enum, auto

from ingest.events import Kind


class Asked(Enum):
    """What a pending request was for."""

    CONTROL = auto()
    SUBSCRIBE = auto()
    INSTRUMENTS = auto()
    INSTRUMENT = auto()
    SUMMARY = auto()
    TICKER = auto()
    HISTORY = auto()
    MISSING = auto()


MATTERS = {Asked.SUBSCRIBE, Asked.INSTRUMENTS, Asked.SUMMARY, Asked.HISTORY, Asked.MISSING}
"""What leaves a hole when it fails; the others are asked again by themselves or not at all."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what it was for, when it was queued, and what to ask again if it fails."""

    asked: Asked
    sent_s: float
    channels: frozenset[str] = frozenset()
    currency: str = ""
    kind: Kind | None = None
