"""What a running exchange was asked to be. Read once, by `run_exchange`."""

import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from exchange.errors import ConfigError
from exchange.faults import FaultPlan


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """One corner of a scripted index: prices between corners are linear in time."""

    seconds: float  # exchange seconds from the start
    asset: str
    price: float


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """The live venue's limits per client address; None switches one off."""

    connections: int | None = 32
    method_credits: bool = True
    idle_timeout_s: float | None = 60.5
    max_frame_bytes: int = 524_288


@dataclass(frozen=True, slots=True)
class ExchangeConfig:
    """Every choice of a local exchange.

    `start_ms` None starts at this machine's present, or with a replay at its first snapshot.
    `activity` multiplies the rate of trades; `history_s` of market is simulated before the start
    so that tape and daily statistics are not empty. Tests hurry machine time with `tick_s` and
    `monotonic`.
    """

    host: str = "127.0.0.1"
    port: int = 8600
    seed: int = 1
    assets: tuple[str, ...] = ("BTC", "ETH")
    replay: Path | None = None
    speed: float = 1.0
    start_ms: int | None = None
    testnet: bool = False
    certificate: Path | None = None  # PEM with its key; some clients speak nothing but TLS
    index_script: tuple[IndexPoint, ...] = ()
    activity: float = 1.0
    history_s: int = 1800
    limits: LimitSettings = field(default_factory=LimitSettings)
    faults: tuple[FaultPlan, ...] = ()
    control: bool = False
    tick_s: float = 0.1
    monotonic: Callable[[], float] = time.monotonic


def read_index_script(path: Path) -> tuple[IndexPoint, ...]:
    """Read corners from a CSV file with the header `seconds,asset,price`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{path}: expected a CSV file, {error}") from error
    rows = csv.DictReader(text.splitlines())
    expected = ["seconds", "asset", "price"]
    if rows.fieldnames is None or list(rows.fieldnames) != expected:
        raise ConfigError(f"{path}: expected the header {','.join(expected)}")
    return tuple(_read_point(row, f"{path}, line {rows.line_num}") for row in rows)


def _read_point(row: dict[str, str], where: str) -> IndexPoint:
    try:
        point = IndexPoint(float(row["seconds"]), row["asset"].upper(), float(row["price"]))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: expected seconds, an asset and a price") from error
    if not math.isfinite(point.seconds) or not 0 < point.price < math.inf:
        raise ConfigError(f"{where}: expected finite seconds and a positive price")
    return point
