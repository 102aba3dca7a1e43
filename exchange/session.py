"""One client's conversation: what it subscribed to and whether it is still alive. No socket."""

from collections.abc import Callable
from dataclasses import dataclass, field

from exchange.rpc import encode_heartbeat

HEARTBEAT_CLOSE = (4000, "heartbeat close")
FIRST_TEST = 1.22
"""The first test_request comes this many intervals after set_heartbeat; later ones sooner."""
NEXT_TEST = 1.065
ANSWER_S = 10.0


@dataclass(slots=True)
class Outlet:
    """How a session reaches its client."""

    send: Callable[[bytes], None]
    close: Callable[[int, str], None]
    abort: Callable[[], None]


@dataclass(slots=True)
class Session:
    """A websocket session. Times are machine seconds of the exchange's monotonic clock."""

    outlet: Outlet
    client: str
    opened_at: float
    idle_timeout_s: float | None
    channels: set[str] = field(default_factory=set)
    after_reply: list[bytes] = field(default_factory=list)
    last_received: float = 0.0
    last_sent: float = 0.0
    is_authenticated: bool = False
    is_over: bool = False  # to be closed after the reply that is under way
    _interval: float | None = None
    _next_test: float = 0.0
    _next_beat: float = 0.0
    _asked_at: float | None = None

    def send(self, frame: bytes, now: float) -> None:
        """Send one frame."""
        self.last_sent = now
        self.outlet.send(frame)

    def take_after_reply(self) -> list[bytes]:
        """Return the first pushes that waited for an ack to go out."""
        frames, self.after_reply = self.after_reply, []
        return frames

    def set_heartbeat(self, interval_s: float, now: float) -> None:
        """Begin to ask for signs of life."""
        self._interval = interval_s
        self._next_test = now + FIRST_TEST * interval_s
        self._next_beat = now + interval_s
        self._asked_at = None

    def disable_heartbeat(self) -> None:
        """Stop asking."""
        self._interval = self._asked_at = None

    def answered(self) -> None:
        """Take a public/test as a sign of life."""
        self._asked_at = None

    def beat(self, now: float) -> None:
        """Do what is due: ask, close an unanswered session, drop an idle one."""
        if self._interval is None:
            self._drop_idle(now)
            return
        if self._asked_at is not None and now - self._asked_at >= ANSWER_S:
            self._interval = None
            self.outlet.close(*HEARTBEAT_CLOSE)
        elif now >= self._next_test:
            self._next_test = now + NEXT_TEST * self._interval
            self._asked_at = self._asked_at or now
            self.send(encode_heartbeat("test_request"), now)
        elif now >= self._next_beat and now - self.last_sent >= self._interval:
            self._next_beat = now + self._interval
            self.send(encode_heartbeat("heartbeat"), now)

    def _drop_idle(self, now: float) -> None:
        quiet_since = max(self.opened_at, self.last_received)
        limit = self.idle_timeout_s
        if limit is not None and not self.channels and now - quiet_since >= limit:
            self.outlet.abort()
