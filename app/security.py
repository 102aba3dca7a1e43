"""Who may do what: the guard of protected routes and of everything that changes something.

As long as no token exists, protected routes answer only to this machine and to our own page.
"""

import base64
import contextlib
import hmac
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from app.problems import Problem, problem_response
from app.rate_limit import Buckets, RateLimit
from app.settings import Settings
from app.store import Store
from app.tokens import Scope, any_token, digest, scope_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - names them, binds nothing
MAX_BODY = 64 * 1024
MAX_PAGE_BODY = 1024 * 1024
"""Callbacks of the page carry its state along."""
STREAM_PROTOCOL = "gammaflip"
FAILURES_PER_MINUTE = 5
MAX_CLIENTS = 10_000

_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_WRONG_HOST = "host names of this board are its own; GAMMAFLIP_ALLOWED_HOSTS adds more"


class Hosts:
    """The names under which this board may be addressed: the wall against DNS rebinding."""

    def __init__(self, host: str, more: Iterable[str] = ()) -> None:
        self._names = LOOPBACK_NAMES | {name.lower() for name in (host, *more)} - WILDCARDS
        self._takes_addresses = not is_loopback(host)

    def knows(self, headers: Headers) -> bool:
        """Whether the `Host` header names this board.

        A rebinding attack needs a name of the attacker's; a bare address is no such name, but
        only a board that listens beyond this machine is ever addressed by one.
        """
        name = host_name(headers.get("host", ""))
        if name in self._names:
            return True
        return self._takes_addresses and _is_address(name)


def host_name(authority: str) -> str:
    """Return the host of `host:port` in lower case, without the brackets of IPv6."""
    text = authority.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.rpartition(":")[0] if ":" in text else text


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_same_origin(headers: Headers) -> bool:
    """Whether our own page asks, or no browser at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return True
    return origin.lower().partition("://")[2] == headers.get("host", "").strip().lower()


def bearer_of(headers: Headers) -> str:
    """Return the token of a request, empty when there is none.

    A browser's socket cannot send `Authorization`: the page offers `STREAM_PROTOCOL` and, beside
    it, `bearer.` and the token in base64url without padding.
    """
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    for offered in headers.get("sec-websocket-protocol", "").split(","):
        kind, _, encoded = offered.strip().partition(".")
        if kind == "bearer":
            padded = encoded + "=" * (-len(encoded) % 4)
            with contextlib.suppress(ValueError):
                return base64.urlsafe_b64decode(padded).decode()
    return ""


class Guard:
    """Decides about protected routes."""

    def __init__(
        self,
        store: Store,
        token: str | None,
        hosts: Hosts,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._digest = None if token is None else digest(token)
        self._hosts = hosts
        self._clock_s = clock_s
        self._failures: dict[str, deque[float]] = {}

    def require(self, scope: Scope) -> Callable[[Request], Awaitable[None]]:
        """Build the dependency of a route that needs `scope`."""

        async def check(request: Request) -> None:
            await self.check(request, scope)

        return check

    async def check(self, connection: HTTPConnection, scope: Scope) -> None:
        """Let the request pass or raise the problem with it."""
        if not self._hosts.knows(connection.headers):
            raise Problem(421, "Unknown host name", _WRONG_HOST)
        if self._digest is None and not await any_token(self._store):
            _check_is_local(connection)
            return
        held = await self._scope_held(connection)
        if not held.includes(scope):
            raise Problem(403, "Not allowed", f"the token lacks the scope {scope.value}")

    async def _scope_held(self, connection: HTTPConnection) -> Scope:
        client = "" if connection.client is None else connection.client.host
        self._check_patience(client)
        given = bearer_of(connection.headers)
        if not given:
            raise Problem(401, "Token needed", "expected Authorization: Bearer", _CHALLENGE)
        if self._digest is not None and hmac.compare_digest(digest(given), self._digest):
            return Scope.ADMIN
        held = await scope_of(self._store, given)
        if held is None:
            self._remember_failure(client)
            raise Problem(401, "Unknown token", "the bearer token is not known", _CHALLENGE)
        return held

    def _check_patience(self, client: str) -> None:
        failures = self._failures.get(client)
        if failures is None or len(failures) < FAILURES_PER_MINUTE:
            return
        wait_s = failures[0] + 60 - self._clock_s()
        if wait_s > 0:
            raise Problem(
                429,
                "Too many unknown tokens",
                f"at most {FAILURES_PER_MINUTE} a minute",
                {"Retry-After": str(int(wait_s) + 1)},
            )

    def _remember_failure(self, client: str) -> None:
        if client not in self._failures and len(self._failures) >= MAX_CLIENTS:
            self._failures.pop(next(iter(self._failures)))
        failures = self._failures.setdefault(client, deque(maxlen=FAILURES_PER_MINUTE))
        failures.append(self._clock_s())


def _check_is_local(connection: HTTPConnection) -> None:
    headers, client = connection.headers, connection.client
    # a proxy on this machine would make the whole world look local
    is_forwarded = "forwarded" in headers or "x-forwarded-for" in headers
    if client is None or not is_loopback(client.host) or is_forwarded:
        raise Problem(
            403, "Token needed", "from other machines this needs a token: set GAMMAFLIP_TOKEN"
        )
    if not is_same_origin(headers):
        raise Problem(403, "Other site", "another site's page may not ask for this")


def install_security(app: FastAPI, tokens: Store, settings: Settings) -> Guard:
    """Put the wall before everything that `app` serves; returns the guard of its routes."""
    hosts = Hosts(settings.host, settings.allowed_hosts)
    app.add_middleware(RequestGuard, hosts=hosts)
    app.add_middleware(RateLimit, buckets=Buckets(settings.rate_limit))
    return Guard(tokens, settings.token, hosts)


class RequestGuard:
    """Refuses what another site's page could send: every unsafe request and every socket."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request or socket."""
        if scope["type"] == "websocket":
            await self._guard_socket(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            await self._guard_request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _guard_socket(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if self._hosts.knows(headers) and is_same_origin(headers):
            await self._app(scope, receive, send)
            return
        await receive()  # websocket.connect
        await send({"type": "websocket.close", "code": 1008, "reason": "other site"})

    async def _guard_request(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            self._check_headers(Headers(scope=scope))
            limit = MAX_BODY if scope["path"].startswith("/api/") else MAX_PAGE_BODY
            body = await _read_body(Headers(scope=scope), receive, limit)
        except Problem as problem:
            response = problem_response(problem.status, problem.title, problem.detail)
            await response(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _check_headers(self, headers: Headers) -> None:
        if not self._hosts.knows(headers):
            raise Problem(421, "Unknown host name", _WRONG_HOST)
        if not is_same_origin(headers):
            raise Problem(403, "Other site", "another site's page may not change anything here")
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if (has_body or kind) and kind != "application/json":
            raise Problem(415, "Not JSON", f"expected application/json, was {kind or 'nothing'}")


async def _read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """Take the whole body before anything acts on a part of it."""
    too_large = Problem(413, "Body too large", f"expected at most {limit} bytes")
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            raise too_large
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand out a body that was read already, then whatever comes."""
    is_first = True

    async def replayed() -> Message:
        nonlocal is_first
        if is_first:
            is_first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed
