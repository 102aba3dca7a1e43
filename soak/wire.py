"""A socket's place in simulated time: a session of ours and the exchange, joined without a network.

Frames go both ways as bytes, in order; whoever closes ends the link and a new one must be made.
"""

from collections import deque
from typing import cast

from exchange.connection import Connection
from exchange.server import Exchange
from ingest.connection import FrameSink


class Link:
    """One websocket's worth of frames. Plays the exchange's `Connection`."""

    def __init__(self, exchange: Exchange, sink: FrameSink, now_s: float) -> None:
        self.address = "simulated"
        self.silent = False
        self.is_admitted = False
        self.is_open = True
        self._exchange = exchange
        self._sink = sink
        self._incoming: deque[bytes] = deque()
        exchange.open(self._as_connection())
        sink.opened(now_s)

    def turn(self, now_s: float) -> None:
        """Deliver everything that waits on either side, until nobody has more to say."""
        self._sink.on_timer(now_s)
        while self.is_open:
            asked = self._sink.take_outgoing()
            for frame in asked:
                self._exchange.receive(self._as_connection(), frame)
            if not asked and not self._incoming:
                break
            while self._incoming:
                self._sink.received(self._incoming.popleft(), now_s)
        if self._sink.is_dead(now_s):
            self.abort()

    def send(self, message: bytes) -> None:
        """Take a frame of the exchange."""
        if self.is_open and not self.silent:
            self._incoming.append(message)

    def close(self, code: int, reason: str) -> None:
        """End the link."""
        del code, reason
        self.abort()

    def end(self) -> None:
        """End the link."""
        self.abort()

    def abort(self) -> None:
        """End the link; what was on its way is lost."""
        if self.is_open:
            self.is_open = False
            self._incoming.clear()
            self._exchange.leave(self._as_connection())

    def _as_connection(self) -> Connection:
        return cast("Connection", self)
