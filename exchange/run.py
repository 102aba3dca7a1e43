"""The public entry: build an exchange from its configuration and serve it."""

import time
import zlib
from collections.abc import Callable
from pathlib import Path

from exchange.clock import ExchangeClock
from exchange.config import ExchangeConfig
from exchange.errors import ConfigError
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
        replay = _open_replay(config, config.replay)
        return _assemble(config, replay, replay.start_ms)
    if config.start_ms is not None:
        return _assemble(config, SyntheticMarket(config, config.start_ms), config.start_ms)
    began = config.monotonic()
    start_ms = time.time_ns() // 1_000_000
    market = SyntheticMarket(config, start_ms)
    built_ms = int((config.monotonic() - began) * 1000.0)
    return _assemble(config, market, start_ms + built_ms)  # building took its time


def _open_replay(config: ExchangeConfig, path: Path) -> ReplayMarket:
    try:
        return ReplayMarket(config)
    except ConfigError:
        raise
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError) as error:
        first, *_ = str(error).splitlines() or [type(error).__name__]
        raise ConfigError(f"replay: expected recorded option chains in {path}: {first}") from error


def _assemble(config: ExchangeConfig, market: Market, start_ms: int) -> Exchange:
    return Exchange(config, market, ExchangeClock(start_ms, config.speed, config.monotonic))
