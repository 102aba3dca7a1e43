"""The exchange as a whole: one port, one market, one pump that moves both."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path

import orjson

from exchange.clock import ExchangeClock
from exchange.config import ExchangeConfig
from exchange.connection import Connection
from exchange.control import Controls
from exchange.errors import ConfigError
from exchange.fault_channels import distort
from exchange.fault_effects import FaultEffects
from exchange.faults import Fault, Faults, parse_fault
from exchange.flood import Flood
from exchange.http import HttpRequest
from exchange.hub import Hub
from exchange.limits import Limits
from exchange.methods import dispatch
from exchange.rpc import (
    BAD_REQUEST,
    METHOD_NOT_FOUND,
    TOO_LARGE,
    TOO_MANY_REQUESTS,
    Params,
    Request,
    RpcError,
    Stamp,
    decode_request,
    encode_error,
    encode_result,
    request_from,
)
from exchange.session import Outlet, Session
from exchange.view import Market, View

WEBSOCKET_PATH = "/ws/api/v2"
HTTP_PATH = "/api/v2"
CONTROL_PATH = "/control"
AFTER_LIMIT = (1008, "too_many_requests")
SHUTDOWN = (1001, "")


class Exchange:
    """Everything that one process serves."""

    def __init__(self, config: ExchangeConfig, market: Market, clock: ExchangeClock) -> None:
        self.market = market
        self.clock = clock
        self.faults = Faults(config.faults, clock.monotonic())
        self.view = View(market, clock, config.testnet)
        self.hub = Hub(self.view)
        self.hub.distort = partial(distort, self.faults)
        self.hub.is_left_out = partial(self.faults.matches, Fault.SHORT_ACK)
        self._effects = FaultEffects(self.faults, self.view, self.hub)
        self._config = config
        self._limits = Limits(config.limits)
        self._flood = Flood(self.view)
        self._controls = Controls(self.view, self.faults, self._flood)
        self._sessions: dict[Connection, Session] = {}
        self._connections: set[Connection] = set()

    @property
    def sessions(self) -> int:
        """How many websocket sessions are open."""
        return len(self._sessions)

    async def run(self, ready: Callable[[int], None] | None = None) -> None:
        """Serve until cancelled; `ready` gets the port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(self),
            self._config.host,
            self._config.port,
            ssl=_tls(self._config.certificate),
        )
        try:
            if ready is not None:
                ready(server.sockets[0].getsockname()[1])
            while True:
                self.pump()
                await asyncio.sleep(self._config.tick_s)
        finally:
            server.close()
            for connection in list(self._connections):
                connection.close(*SHUTDOWN)
                connection.end()
            await server.wait_closed()

    def pump(self) -> None:
        """Move the market to the present and tell everyone what happened."""
        now = self.clock.monotonic()
        self._effects.step(now, self._sessions)
        self.market.advance(self.clock.now_ms())
        self.hub.publish(now)
        rate = self.faults.argument(Fault.FLOOD)
        self._flood.step(
            None if rate is None else float(rate or 5000), self._sessions.values(), now
        )
        for session in list(self._sessions.values()):
            session.beat(now)

    def command(self, fault: str) -> None:
        """Start a fault, written as on the command line."""
        self.faults.start(parse_fault(fault), self.clock.monotonic())

    def admit(self, connection: Connection) -> int | None:
        """Count a new connection; an HTTP status refuses it."""
        if self.faults.is_on(Fault.REFUSE):
            connection.abort()
        self._connections.add(connection)
        connection.silent = self.faults.is_on(Fault.SILENT)
        return None if self._limits.connect(connection.address) else 429

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        if connection.is_admitted:
            self._limits.disconnect(connection.address)
        if (session := self._sessions.pop(connection, None)) is not None:
            self.hub.leave(session)

    def upgrade_status(self, request: HttpRequest) -> int | None:
        """Return the status that refuses a websocket handshake, None to accept it."""
        if (status := self.faults.argument(Fault.HANDSHAKE)) is not None:
            return int(status or 503)
        return None if request.path.rstrip("/") == WEBSOCKET_PATH else 404

    def open(self, connection: Connection) -> None:
        """Begin a websocket session."""
        send = partial(self._effects.send, connection)
        outlet = Outlet(send, connection.close, connection.abort)
        now = self.clock.monotonic()
        self._sessions[connection] = Session(
            outlet, connection.address, now, self._config.limits.idle_timeout_s
        )

    def receive(self, connection: Connection, message: bytes) -> None:
        """Answer one websocket message."""
        session, now = self._sessions[connection], self.clock.monotonic()
        session.last_received = now
        if self.faults.is_on(Fault.STOP_ANSWERING):
            return
        stamp = self._stamp()
        try:
            if len(message) > self._max_frame_bytes():
                raise TOO_LARGE
            request = decode_request(message)
        except RpcError as error:
            session.send(encode_error(None, error, stamp, self.clock.now_us()), now)
            return
        _, reply = self._answer(request, stamp, connection.address, session)
        session.send(reply, now)
        for frame in session.take_after_reply():
            session.send(frame, now)
        if session.is_over:
            connection.close(*AFTER_LIMIT)
            connection.end()

    def respond(self, connection: Connection, request: HttpRequest) -> tuple[int, bytes]:
        """Answer one HTTP request with a status and a JSON body."""
        if request.path == CONTROL_PATH and self._config.control:
            return self._control(request)
        if request.path != HTTP_PATH and not request.path.startswith(HTTP_PATH + "/"):
            return 404, b"{}"
        if request.method not in {"GET", "HEAD", "POST"}:
            return 405, b"{}"
        stamp = self._stamp()
        try:
            rpc = _read_http(request)
        except RpcError as error:
            return 400, encode_error(None, error, stamp, self.clock.now_us())
        ok, reply = self._answer(rpc, stamp, connection.address, None)
        return (200 if ok else 400), reply

    def _answer(
        self, request: Request, stamp: Stamp, address: str, session: Session | None
    ) -> tuple[bool, bytes]:
        """Return whether a request succeeded, and its reply."""
        try:
            now, method = self.clock.monotonic(), request.method
            broke = self.faults.is_on(Fault.EXHAUSTED)
            if broke or not self._limits.spend(address, method, now):
                if session is not None:
                    session.is_over = True
                raise TOO_MANY_REQUESTS
            result = dispatch(self.view, self.hub, request, session)
        except RpcError as error:
            return False, encode_error(request, error, stamp, self.clock.now_us())
        return True, encode_result(request, result, stamp, self.clock.now_us())

    def _control(self, request: HttpRequest) -> tuple[int, bytes]:
        if request.method == "GET":
            return 200, orjson.dumps(self._controls.report())
        if not request.headers.get("content-type", "").startswith("application/json"):
            return 400, b'{"error":"expected content-type application/json"}'
        try:
            return 200, orjson.dumps(self._controls.apply(request.body))
        except ValueError as error:
            return 400, orjson.dumps({"error": str(error)})

    def _max_frame_bytes(self) -> int:
        limit = self.faults.argument(Fault.TOO_LARGE)
        return int(limit) if limit else self._config.limits.max_frame_bytes

    def _stamp(self) -> Stamp:
        return Stamp(self.clock.now_us(), self._config.testnet)


def _tls(certificate: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"certificate: expected a PEM with its key, {error}") from error
    return context


def _read_http(request: HttpRequest) -> Request:
    """Read a request out of a path and query, or out of a body with or without a path."""
    method = request.path.removeprefix(HTTP_PATH).strip("/")
    if request.method != "POST":
        if not method:
            raise METHOD_NOT_FOUND
        return Request(method, Params(request.query), None, has_id=False)
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise BAD_REQUEST from error
    if not isinstance(body, dict):
        raise BAD_REQUEST
    if "method" not in body and "params" not in body:
        body = {"params": body}
    return request_from(body, method or None)
