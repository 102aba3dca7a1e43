"""An exchange served in this process, and a plain websocket client that talks to it."""

import asyncio
import itertools
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from exchange.config import ExchangeConfig
from exchange.run import build_exchange
from exchange.server import Exchange

START_MS = 1_795_446_000_000  # 2026-11-23 15:00 UTC, a Monday
HURRY = 20.0


def hurried() -> float:
    """A monotonic clock that runs faster than the machine's, so that seconds pass quickly."""
    return time.monotonic() * HURRY


def make_config(**choices: Any) -> ExchangeConfig:
    """A small, quick exchange; a test names only what it is about."""
    defaults: dict[str, Any] = {
        "port": 0,
        "start_ms": START_MS,
        "assets": ("BTC",),
        "history_s": 0,
        "tick_s": 0.005,
        "monotonic": hurried,
    }
    return ExchangeConfig(**{**defaults, **choices})


class RefusalError(Exception):
    """An error reply."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.code = error["code"]
        self.data = error.get("data")


class Peer:
    """A client that keeps replies, pushes and heartbeats apart, each in order of arrival."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.pushes: dict[str, deque[Any]] = defaultdict(deque)
        self.heartbeats: deque[str] = deque()
        self.orphans: deque[dict[str, Any]] = deque()  # errors without an id
        self.replies: dict[object, dict[str, Any]] = {}
        self._ids = itertools.count(1)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one request and return its whole envelope."""
        number = next(self._ids)
        await self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while number not in self.replies:
            await self._read()
        return self.replies.pop(number)

    async def call(self, method: str, **params: Any) -> Any:
        """Send one request and return its result."""
        reply = await self.ask(method, **params)
        if "error" in reply:
            raise RefusalError(reply["error"])
        return reply["result"]

    async def next(self, channel: str) -> Any:
        """Return the next push of a channel."""
        while not self.pushes[channel]:
            await self._read()
        return self.pushes[channel].popleft()

    async def next_heartbeat(self) -> str:
        """Return the next heartbeat's type."""
        while not self.heartbeats:
            await self._read()
        return self.heartbeats.popleft()

    async def next_orphan(self) -> dict[str, Any]:
        """Return the next error that belongs to no request."""
        while not self.orphans:
            await self._read()
        return self.orphans.popleft()

    async def send(self, message: Any) -> None:
        """Send a message, or text as it is."""
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def _read(self) -> None:
        async with asyncio.timeout(10):
            message = json.loads(await self.socket.recv())
        if message.get("method") == "subscription":
            self.pushes[message["params"]["channel"]].append(message["params"]["data"])
        elif message.get("method") == "heartbeat":
            self.heartbeats.append(message["params"]["type"])
        elif "id" in message:
            self.replies[message["id"]] = message
        else:
            self.orphans.append(message)


@asynccontextmanager
async def serve(config: ExchangeConfig | None = None) -> AsyncIterator[tuple[Exchange, int]]:
    """Serve an exchange on a free port as long as the block lasts."""
    exchange = build_exchange(config or make_config())
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(exchange.run(port.set_result))
    try:
        yield exchange, await port
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def meet(port: int) -> AsyncIterator[Peer]:
    """Connect one client."""
    address = f"ws://127.0.0.1:{port}/ws/api/v2"
    async with connect(address, max_size=None, ping_interval=None) as socket:
        yield Peer(socket)


@asynccontextmanager
async def serve_peer(config: ExchangeConfig | None = None) -> AsyncIterator[tuple[Exchange, Peer]]:
    """Serve an exchange and connect one client to it."""
    async with serve(config) as (exchange, port), meet(port) as peer:
        yield exchange, peer
