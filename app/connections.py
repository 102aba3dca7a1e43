"""What this board asks of its connections beyond what uvicorn does.

One whose other end stopped reading is cut, not waited for: an orderly close waits until
everything written has left, which with such a peer is never. And a websocket takes frames that
were built once for all who get them.
"""

import asyncio
from collections.abc import Mapping

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

STUCK_S = 10.0
"""For how long a socket may take nothing at all."""
READY_FRAMES = "gammaflip.ready-frames"
"""ASGI extension: the key under which a `websocket.send` may carry whole frames, a list of bytes.

A server that has it says so in the scope; all the frames go out in one write, uncompressed.
"""


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
    """A websocket that takes ready frames and does not outlive a peer which stopped reading."""

    async def run_asgi(self) -> None:
        """Serve the socket."""
        if not self.config.ws_per_message_deflate:
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), READY_FRAMES: {}}
        await super().run_asgi()

    async def send(self, message: Mapping[str, object]) -> None:
        """Send a message, or frames that are ready."""
        frames = message.get(READY_FRAMES)
        if not isinstance(frames, list):
            await super().send(message)  # type: ignore[arg-type]
            return
        await self.writable.wait()
        if self.disconnected or self.close_sent:
            raise ClientDisconnected
        self.transport.writelines(frames)

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
