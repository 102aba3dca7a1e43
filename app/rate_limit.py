"""How often one client may ask: a token bucket per address. Knows no route."""

import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from app.lifecycle import is_loopback
from app.problems import problem_response

BURST_S = 5.0
"""A client that was quiet may ask for this many seconds' worth at once: a page that starts does."""
LOCAL_FACTOR = 25.0
"""This machine's own scripts may ask more often; a runaway one still leaves the feed its time."""
MAX_CLIENTS = 10_000


class Buckets:
    """One bucket a client; who has not asked for longest is forgotten first.

    `per_second` is for other machines, 0 for no limit at all.
    """

    def __init__(self, per_second: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock_s = clock_s
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, since

    def rate(self, client: str) -> float:
        """Return how many requests a second a client may make for ever."""
        return self._per_second * (LOCAL_FACTOR if is_loopback(client) else 1.0)

    def wait_s(self, client: str) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        rate = self.rate(client)
        if not rate:
            return 0.0
        now_s, full = self._clock_s(), rate * BURST_S
        tokens, since_s = self._levels.pop(client, (full, now_s))
        tokens = min(full, tokens + (now_s - since_s) * rate)
        is_enough = tokens >= 1.0
        self._levels[client] = (tokens - 1.0 if is_enough else tokens, now_s)
        if len(self._levels) > MAX_CLIENTS:
            self._levels.popitem(last=False)
        return 0.0 if is_enough else (1.0 - tokens) / rate


class RateLimit:
    """Answers 429 to a client of `/api/` that asks too often; a socket counts once."""

    def __init__(self, app: ASGIApp, buckets: Buckets) -> None:
        self._app = app
        self._buckets = buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request."""
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            client = "" if scope["client"] is None else scope["client"][0]
            wait_s = self._buckets.wait_s(client)
            if wait_s:
                response = problem_response(
                    429,
                    "Too many requests",
                    f"at most {self._buckets.rate(client):g} a second and client",
                    {"Retry-After": str(int(wait_s) + 1)},
                )
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
