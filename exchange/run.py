"""The public entry: build an exchange from its configuration and serve it."""

import time
from collections.abc import Callable

from exchange.clock import ExchangeClock
from exchange.config import ExchangeConfig
from exchange.market import SyntheticMarket
from exchange.replay import ReplayMarket
from exchange.server import Exchange
from exchange.view import Market


async def run_exchange(config: ExchangeConfig, ready: Callable[[int], None] | None = None) -> None:
    """Serve until cancelled; `ready` gets the port once it listens."""
    await build_exchange(config).run(ready)


def build_exchange(config: ExchangeConfig) -> Exchange:
    """Put an exchange together: synthetic, or a replay when one is configured."""
    if config.replay is not None:
        replay = ReplayMarket(config)
        return _assemble(config, replay, replay.start_ms)
    start_ms = config.start_ms
    if start_ms is None:
        start_ms = time.time_ns() // 1_000_000
    return _assemble(config, SyntheticMarket(config, start_ms), start_ms)


def _assemble(config: ExchangeConfig, market: Market, start_ms: int) -> Exchange:
    return Exchange(config, market, ExchangeClock(start_ms, config.speed, config.monotonic))
