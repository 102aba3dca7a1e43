"""The local exchange for long runs: in this process with its clock in our hand, or as a process."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from exchange.config import ExchangeConfig, LimitSettings
from exchange.run import build_exchange
from exchange.server import Exchange

START_MS = 1_795_446_000_000  # 2026-11-23 15:00 UTC, a Monday
EVERY_COIN = ("BTC", "ETH", "SOL", "XRP", "HYPE", "AVAX", "TRX")
NO_LIMITS = LimitSettings(connections=None, method_credits=False, idle_timeout_s=None)


@dataclass(frozen=True, slots=True)
class Served:
    """A running exchange and where it listens."""

    exchange: Exchange
    url: str


@asynccontextmanager
async def serve(config: ExchangeConfig) -> AsyncIterator[Served]:
    """Serve an exchange in this event loop as long as the block lasts."""
    exchange = build_exchange(config)
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(exchange.run(port.set_result))
    try:
        yield Served(exchange, f"ws://127.0.0.1:{await port}/ws/api/v2")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
