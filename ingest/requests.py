"""What a session asks: queued, paced, numbered, and kept until it is answered or given up."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

import msgspec

from ingest.events import Kind
from ingest.pacing import Pacer

REPLY_S = 20.0
"""A request without an answer for this long is forgotten and, if it matters, repeated."""


class Asked(Enum):
    """What a pending request was for."""

    CONTROL = auto()
    TIME = auto()
    STATUS = auto()
    FOCUS = auto()
    SUBSCRIBE = auto()
    INSTRUMENTS = auto()
    INSTRUMENT = auto()
    SUMMARY = auto()
    TICKER = auto()
    HISTORY = auto()
    MISSING = auto()
    PAST_PRICES = auto()
    PAST_VOLATILITY = auto()


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


class Requests:
    """The requests of one session, as fast as the pace allows."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._queue: deque[tuple[str, bytes]] = deque()
        self._outgoing: list[bytes] = []
        self._pending: dict[str, Request] = {}
        self._asked: Counter[Asked] = Counter()

    def send(
        self, method: str, params: Mapping[str, object], request: Request, name: str | None = None
    ) -> None:
        """Queue a request, under a name of its own or the next number of its kind.

        Each kind is numbered by itself: one more of a kind moves no other.
        """
        self._asked[request.asked] += name is None
        request_id = name or f"{request.asked.name.lower()}-{self._asked[request.asked]}"
        self._pending[request_id] = request
        frame = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        self._queue.append((method, msgspec.json.encode(frame)))

    def release(self, now_s: float) -> None:
        """Let go out what the pace allows, each method in order; channels are left and taken so."""
        kept: deque[tuple[str, bytes]] = deque()
        lines: set[str] = set()
        for method, frame in self._queue:
            line = "subscribe" if method.endswith("subscribe") else method
            if line not in lines and self._pacer.spend(method, now_s):
                self._outgoing.append(frame)
            else:
                lines.add(line)
                kept.append((method, frame))
        self._queue = kept

    def take_outgoing(self) -> list[bytes]:
        """Hand over the frames to send, oldest first."""
        frames, self._outgoing = self._outgoing, []
        return frames

    def take_answered(self, request_id: int | str | None) -> Request | None:
        """Hand over the request that an answer belongs to, None when it is nobody's."""
        return self._pending.pop(request_id, None) if isinstance(request_id, str) else None

    def take_overdue(self, now_s: float) -> list[Request]:
        """Hand over what has waited for its answer for too long."""
        late = [i for i, request in self._pending.items() if now_s - request.sent_s > REPLY_S]
        return [self._pending.pop(request_id) for request_id in late]

    def waits_for(self, asked: Asked) -> bool:
        """Whether a question of a kind is out."""
        return any(request.asked == asked for request in self._pending.values())
