"""One TCP connection of the one port: plain HTTP until it asks to become a websocket.

Knows bytes, frames and transports; what they mean is the `Desk`'s business.
"""

import asyncio
from http import HTTPStatus
from typing import Protocol, cast

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from exchange.http import HttpError, HttpRequest, encode_response, split_request

MAX_MESSAGE = 4 << 20
MAX_BACKLOG = 32 << 20
"""Bytes a reader may leave unread before it is cut."""
CLOSE_TIMEOUT_S = 10.0
TOO_SLOW = (1008, "connection_too_slow")
DEFLATE = ServerPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)


class Desk(Protocol):
    """What a connection's bytes are for."""

    def admit(self, connection: "Connection") -> int | None:
        """Count a new connection; an HTTP status refuses it."""

    def open(self, connection: "Connection") -> None:
        """Begin a websocket session."""

    def receive(self, connection: "Connection", message: bytes) -> None:
        """Take one websocket message."""

    def respond(self, connection: "Connection", request: HttpRequest) -> tuple[int, bytes]:
        """Answer one HTTP request with a status and a JSON body."""

    def upgrade_status(self, request: HttpRequest) -> int | None:
        """Return the status that refuses a websocket handshake, None to accept it."""

    def leave(self, connection: "Connection") -> None:
        """Forget a connection."""


class Connection(asyncio.Protocol):
    """Bytes in, messages out, and the reverse."""

    def __init__(self, desk: Desk) -> None:
        self.address = ""
        self.silent = False  # half-open: the socket lives and says nothing
        self._desk = desk
        self._refusal: int | None = 503
        self._buffer = b""
        self._parts: list[bytes] = []
        self._closing = False
        self._websocket: ServerProtocol | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Meet a client."""
        self._transport = cast("asyncio.Transport", transport)
        self.address = str((transport.get_extra_info("peername") or ("local",))[0])
        self._refusal = self._desk.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a client."""
        del exc
        if self._websocket is not None:
            self._websocket.receive_eof()
        self._desk.leave(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        if self._websocket is not None:
            self._websocket.receive_data(data)
            self._read_websocket(self._websocket)
            return
        self._buffer += data
        try:
            self._read_http()
        except HttpError as error:
            self._transport.write(encode_response(error.status, b"{}", keep_alive=False))
            self._transport.close()

    def eof_received(self) -> None:
        """Take the client's end of stream."""
        if self._websocket is not None:
            self._websocket.receive_eof()
            self._flush(self._websocket)

    def send(self, message: bytes) -> None:
        """Send one text message; a reader that lags too far behind is cut."""
        websocket = self._websocket
        if websocket is None or websocket.state is not OPEN or self.silent:
            return
        websocket.send_text(message)
        self._flush(websocket)
        if self._transport.get_write_buffer_size() > MAX_BACKLOG:
            self.close(*TOO_SLOW)
            self.abort()

    def send_binary(self, message: bytes) -> None:
        """Send one binary message."""
        if self._websocket is not None and self._websocket.state is OPEN:
            self._websocket.send_binary(message)
            self._flush(self._websocket)

    def break_off(self, data: bytes) -> None:
        """Write bytes as they are, past all framing, and end the connection."""
        self._transport.write(data)
        self._transport.close()

    def close(self, code: int, reason: str) -> None:
        """Close the websocket politely."""
        if self._websocket is not None and self._websocket.state is OPEN:
            self._websocket.send_close(code, reason)
            self._flush(self._websocket)

    @property
    def is_admitted(self) -> bool:
        """Whether the desk took this connection in."""
        return self._refusal is None

    def end(self) -> None:
        """Let what was written go out, then end the connection."""
        self._transport.close()

    def abort(self) -> None:
        """Drop the socket without a word."""
        self._transport.abort()

    def _read_http(self) -> None:
        while not self._transport.is_closing():
            request, self._buffer = split_request(self._buffer)
            if request is None:
                return
            if request.wants_websocket:
                self._upgrade(request)
                return
            if self._refusal is None:
                status, body = self._desk.respond(self, request)
            else:
                status, body = self._refusal, b"{}"
            if self.silent:
                continue
            keep_alive = request.keeps_alive and self._refusal is None
            response = encode_response(status, body, keep_alive=keep_alive)
            said = response.removesuffix(body) if request.method == "HEAD" else response
            self._transport.write(said)
            if not keep_alive:
                self._transport.close()

    def _upgrade(self, request: HttpRequest) -> None:
        websocket = ServerProtocol(extensions=[DEFLATE], max_size=MAX_MESSAGE)
        websocket.receive_data(request.raw + self._buffer)
        self._buffer = b""
        refusal = self._refusal or self._desk.upgrade_status(request)
        for event in websocket.events_received():
            if not isinstance(event, Request):
                continue
            if refusal is not None:
                response = websocket.reject(HTTPStatus(refusal), f"{refusal}\n")
            else:
                response = websocket.accept(event)
            websocket.send_response(response)
        self._websocket = websocket
        self._flush(websocket)
        if websocket.state is OPEN:
            self._desk.open(self)
            self._read_websocket(websocket)
        else:
            self._transport.close()

    def _read_websocket(self, websocket: ServerProtocol) -> None:
        for event in websocket.events_received():
            if isinstance(event, Frame):
                self._take_frame(event)
        self._flush(websocket)

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            message, self._parts = b"".join(self._parts), []
            self._desk.receive(self, message)

    def _flush(self, websocket: ServerProtocol) -> None:
        if self.silent:
            return
        for data in websocket.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
        if websocket.close_expected() and not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._transport.abort)
