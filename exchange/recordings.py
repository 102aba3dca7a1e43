"""Recorded option chains on disk, read as snapshots of one row shape.

Two kinds of file are understood. JSON lines (`.jsonl`, `.jsonl.gz`) hold one ticker an object,
with the fields of get_instruments merged in; `options_X` and `futures_X` of one directory belong
together. Tables (`.parquet`, `.csv`, `.csv.gz`) hold many snapshots, told apart by the column
`snapshot` or else `timestamp`. Every row leaves as a merged object of the first kind.
"""

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from statistics import median

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from exchange.errors import ConfigError
from exchange.instruments import Wire

JSONL = (".jsonl", ".jsonl.gz")
TABLES = (".parquet", ".csv", ".csv.gz")
TEXT_COLUMNS = ("snapshot", "timestamp", "expiry_datetime", "instrument_name", "underlying_name")
NEEDED = frozenset(
    {"timestamp", "instrument_name", "underlying", "underlying_name", "option_type", "strike",
     "expiry_datetime", "mark_price", "implied_volatility", "open_interest"}
)  # fmt: skip
INDEX_SAMPLE = 5
"""The index in tables was read later and later down the file: only the first rows are near."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One recorded chain: its instant and its merged rows, futures included."""

    at_ms: int
    index_prices: dict[str, float]
    rows: list[Wire]


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one snapshot is, before it is read."""

    at_ms: int
    read: Callable[[], Snapshot]


def open_recording(path: Path) -> list[Entry]:
    """Return the snapshots of a file or directory, oldest first; none is an error."""
    if path.is_dir():
        entries = list(_directory(path))
    elif path.is_file():
        entries = list(_file(path))
    else:
        raise ConfigError(f"replay: expected a file or a directory, was {path}")
    if not entries:
        raise ConfigError(f"replay: expected recorded option chains in {path}, found none")
    return sorted(entries, key=lambda entry: entry.at_ms)


def _directory(path: Path) -> Iterator[Entry]:
    groups: dict[str, list[Path]] = {}
    for file in sorted(path.iterdir()):
        if file.name.endswith(JSONL):
            key = re.sub(r"^(options|futures)[_-]", "", file.name)
            groups.setdefault(key, []).append(file)
        elif file.name.endswith(TABLES) and _column_names(file) >= NEEDED:
            yield from _table_entries(file)
    for files in groups.values():
        yield from _jsonl_entries(tuple(files))


def _file(path: Path) -> Iterator[Entry]:
    if path.name.endswith(JSONL):
        yield from _jsonl_entries((path,))
        return
    if not path.name.endswith(TABLES):
        raise ConfigError(f"replay: expected one of {', '.join(JSONL + TABLES)}, was {path.name}")
    if missing := NEEDED - _column_names(path):
        raise ConfigError(f"replay: expected the column {min(missing)} in {path.name}")
    yield from _table_entries(path)


def _jsonl_entries(files: tuple[Path, ...]) -> Iterator[Entry]:
    rows = _read_jsonl(files)
    if any(row["kind"] == "option" for row in rows):
        yield Entry(_newest(rows), partial(_jsonl_snapshot, files))


def _jsonl_snapshot(files: tuple[Path, ...]) -> Snapshot:
    newest: dict[object, Wire] = {}
    for row in _read_jsonl(files):
        known = newest.get(row["instrument_name"], row)
        newest[row["instrument_name"]] = max(known, row, key=_timestamp)
    rows = list(newest.values())
    indices: dict[str, float] = {}
    for row in sorted(rows, key=_timestamp):
        price, index = row.get("index_price"), row.get("price_index")
        if isinstance(price, int | float) and isinstance(index, str):
            indices[index] = float(price)
    return Snapshot(_newest(rows), indices, rows)


def _read_jsonl(files: Iterable[Path]) -> list[Wire]:
    rows: list[Wire] = []
    for file in files:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        rows += [orjson.loads(line) for line in data.splitlines() if line.strip()]
    return [_complete(row) for row in rows if isinstance(row, dict) and "instrument_name" in row]


def _complete(row: Wire) -> Wire:
    """Add what a bare ticker leaves to its name, and old recordings to everyone's knowledge."""
    name = str(row["instrument_name"])
    is_option = name.count("-") == 3
    row.setdefault("kind", "option" if is_option else "future")
    row.setdefault("price_index", price_index_of(name))
    if is_option:
        row.setdefault("underlying_index", "index_price")
    return row


def _newest(rows: list[Wire]) -> int:
    return max(_timestamp(row) for row in rows)


def _timestamp(row: Wire) -> int:
    at = row.get("timestamp")
    if not isinstance(at, int):
        raise ConfigError(f"replay: expected a timestamp in ms, was {at!r}")
    return at


def _table_entries(path: Path) -> Iterator[Entry]:
    key = "snapshot" if "snapshot" in _column_names(path) else "timestamp"
    if path.suffix == ".parquet":
        table = parquet.read_table(path, columns=sorted({key, "timestamp"}))
    else:
        table = _read_table(path)
    pairs = table.group_by(key).aggregate([("timestamp", "min")])
    names, times = pairs.column(key).to_pylist(), pairs.column("timestamp_min").to_pylist()
    for name, first in zip(names, times, strict=True):
        yield Entry(_parse_time(first), partial(_table_snapshot, path, key, name))


def _table_snapshot(path: Path, key: str, value: str) -> Snapshot:
    table = _read_table(path)
    rows = table.filter(pc.equal(table.column(key), value)).to_pylist()
    at_ms = min(_parse_time(row["timestamp"]) for row in rows)
    by_index: dict[str, list[Wire]] = {}
    for row in rows:
        by_index.setdefault(price_index_of(row["instrument_name"]), []).append(row)
    indices = {name: _table_index(group) for name, group in by_index.items()}
    merged = [
        _merge_row(row, at_ms, name, indices[name])
        for name, group in by_index.items()
        for row in group
    ]
    return Snapshot(at_ms, indices, merged)


def _table_index(rows: list[Wire]) -> float:
    """Return the index of a snapshot: an underlying that is the index, else the first read."""
    exact = [row["underlying"] for row in rows if row["underlying_name"] == "index_price"]
    early = [price for row in rows if (price := row.get("index_price"))]
    values = [float(v) for v in exact or early[:INDEX_SAMPLE] if isinstance(v, int | float)]
    if not values:
        values = [float(v) for row in rows[:1] if isinstance(v := row["underlying"], int | float)]
    return median(values)


def _merge_row(row: Wire, at_ms: int, price_index: str, index_price: float) -> Wire:
    iv = row["implied_volatility"]
    return {
        "instrument_name": row["instrument_name"],
        "kind": "option",
        "price_index": price_index,
        "timestamp": at_ms,
        "index_price": index_price,
        "option_type": row["option_type"],
        "strike": row["strike"],
        "expiration_timestamp": _parse_time(row["expiry_datetime"]),
        "underlying_price": row["underlying"],
        "underlying_index": row["underlying_name"],
        "mark_price": row["mark_price"],
        "mark_iv": round(iv * 100.0, 2) if isinstance(iv, float) else None,
        "best_bid_price": row.get("bid_price"),
        "best_ask_price": row.get("ask_price"),
        "open_interest": row["open_interest"],
        "stats": {"volume": row.get("volume"), "volume_usd": row.get("volume_usd")},
    }


def price_index_of(name: object) -> str:
    """Return the index of an instrument by its name: BTC-... has btc_usd, SOL_USDC-... sol_usdc."""
    prefix = str(name).partition("-")[0].lower()
    return prefix if "_" in prefix else f"{prefix}_usd"


def _parse_time(value: object) -> int:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _column_names(path: Path) -> set[str]:
    if path.suffix == ".parquet":
        return set(parquet.read_schema(path).names)
    return set(_read_table(path).column_names)


@lru_cache(maxsize=2)
def _read_table(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return parquet.read_table(path)
    types = dict.fromkeys(TEXT_COLUMNS, pa.large_string())
    return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))
