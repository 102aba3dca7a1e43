"""Connections whose other end stopped reading: they are cut, not waited for.

An orderly close waits until everything written has left, which with such a peer is never.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

STUCK_S = 10.0
"""For how long a socket may take nothing at all."""


class _Patience:
    """Cuts a transport that stays full."""

    def __init__(self) -> None:
        self._end: asyncio.TimerHandle | None = None

    def begin(self, transport: asyncio.Transport) -> None:
        """Start waiting for room."""
        self.end()
        self._end = asyncio.get_running_loop().call_later(STUCK_S, transport.abort)

    def end(self) -> None:
        """There is room again, or nobody to wait for."""
        if self._end is not None:
            self._end.cancel()
            self._end = None


class ImpatientWebSocket(WebSocketsSansIOProtocol):
    """A websocket that does not outlive a peer which stopped reading."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection."""
        self._patience = _Patience()
        super().connection_made(transport)

    def pause_writing(self) -> None:
        """The peer does not keep up."""
        self._patience.begin(self.transport)
        super().pause_writing()

    def resume_writing(self) -> None:
        """The peer took something."""
        self._patience.end()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._patience.end()
        super().connection_lost(exc)


class ImpatientHttp(H11Protocol):
    """The same for plain HTTP: an event stream or a large file that nobody reads."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection."""
        self._patience = _Patience()
        super().connection_made(transport)

    def pause_writing(self) -> None:
        """The peer does not keep up."""
        self._patience.begin(self.transport)
        super().pause_writing()

    def resume_writing(self) -> None:
        """The peer took something."""
        self._patience.end()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._patience.end()
        super().connection_lost(exc)
