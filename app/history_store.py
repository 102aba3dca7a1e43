"""History in SQL: written a second at a time, read as a few thousand points at most."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import ModuleType
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from app.history_rows import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    TEN_MINUTES_MS,
    KeptRow,
    decode_chain,
    encode_chain,
)
from app.store import Store
from app.store_schema import (
    EXTREMES,
    PARTS,
    SCALARS,
    WALLS,
    curve,
    last_chain,
    rollup_1h,
    rollup_1m,
    rollup_10m,
    snapshot,
)
from app.trade_store import insert_trades
from dealers.tape import Trade
from greeks.chain import OptionChain

MAX_POINTS = 5_000
MAX_ROWS = 21_600
"""A range of more rows is read from a coarser table: a month of seconds takes two seconds."""
SLICE = 50_000
DAY_MS = 24 * 3_600_000
KEPT_MS = {
    snapshot: 30 * DAY_MS,
    curve: 30 * DAY_MS,
    rollup_1m: 730 * DAY_MS,
    rollup_10m: 730 * DAY_MS,
}


@dataclass(frozen=True, slots=True)
class Series:
    """Whose history: an asset under one position model."""

    asset: str
    position: str


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute of a series that is over."""

    series: Series
    ts_ms: int


@dataclass(frozen=True, slots=True)
class KeptChain:
    """A chain and when it was received by this machine's clock, None when nobody noted it."""

    chain: OptionChain
    received_ms: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction writes."""

    rows: Sequence[KeptRow]
    curves: Sequence[tuple[KeptRow, bytes]] = ()
    chains: Sequence[KeptChain] = ()
    closed: Sequence[Minute] = ()
    trades: Sequence[tuple[str, Trade]] = ()  # each with its asset


class Resolution(StrEnum):
    """Which table answers."""

    SECONDS = "seconds"
    MINUTES = "minutes"
    TEN_MINUTES = "ten_minutes"
    HOURS = "hours"


TABLES = {
    Resolution.SECONDS: (snapshot, SECOND_MS),
    Resolution.MINUTES: (rollup_1m, MINUTE_MS),
    Resolution.TEN_MINUTES: (rollup_10m, TEN_MINUTES_MS),
    Resolution.HOURS: (rollup_1h, HOUR_MS),
}
"""Each with the time that a row stands for, the finest first."""


@dataclass(frozen=True, slots=True)
class Window:
    """A range of time cut into at most `points` buckets of `step_ms`, the end excluded.

    Before `seconds_from_ms` the seconds are forgotten.
    """

    from_ms: int
    to_ms: int
    points: int
    seconds_from_ms: int = 0

    @property
    def resolution(self) -> Resolution:
        """The finest table of which the range holds few enough rows and that reaches back to it."""
        range_ms = self.to_ms - self.from_ms
        for resolution, (_, unit_ms) in TABLES.items():
            is_kept = resolution != Resolution.SECONDS or self.from_ms >= self.seconds_from_ms
            if is_kept and range_ms <= MAX_ROWS * unit_ms:
                return resolution
        return Resolution.HOURS

    @property
    def step_ms(self) -> int:
        """Width of a bucket, a whole number of what the table holds."""
        _, unit_ms = TABLES[self.resolution]
        return max(1, -(-self._fair_step_ms // unit_ms)) * unit_ms

    @property
    def _fair_step_ms(self) -> int:
        return -(-(self.to_ms - self.from_ms) // min(self.points, MAX_POINTS))


async def write(store: Store, batch: Batch) -> None:
    """Keep a batch; what is known already stays as it is."""
    chains = await asyncio.to_thread(_chain_rows, batch.chains) if batch.chains else ()
    await store.transact(lambda connection: _write(connection, batch, chains))


def _write(connection: Connection, batch: Batch, chains: Sequence[dict[str, Any]]) -> None:
    _insert_once(connection, snapshot, [_columns(row) for row in batch.rows])
    _insert_once(
        connection, curve, [_key(row) | {"strikes": packed} for row, packed in batch.curves]
    )
    insert_trades(connection, batch.trades)
    for row in chains:
        connection.execute(delete(last_chain).where(last_chain.c.asset == row["asset"]))
        connection.execute(insert(last_chain), row)
    # the minute that still runs too, so that a chart of minutes reaches to now
    running = {(Series(row.asset, row.position), row.minute_ms) for row in batch.rows}
    for series, ts_ms in running:
        _roll_up(connection, series, ts_ms, Resolution.SECONDS, Resolution.MINUTES)
    for minute in batch.closed:
        _close(connection, minute)


def _chain_rows(chains: Sequence[KeptChain]) -> list[dict[str, Any]]:
    """Columns of chains; to compress one takes 10 ms."""
    return [
        {
            "asset": kept.chain.asset,
            "ts_ms": kept.chain.as_of_ms,
            "chain": encode_chain(kept.chain),
            "received_ms": kept.received_ms,
        }
        for kept in chains
    ]


def _insert_once(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(_inserting_once(connection.dialect.name, table), rows)


@cache
def _inserting_once(dialect: str, table: Table) -> Insert:
    statement: Insert = _dialect(dialect).insert(table).on_conflict_do_nothing()
    return statement


def _dialect(name: str) -> ModuleType:
    """Whose `insert` knows conflicts."""
    return sqlite if name == "sqlite" else postgresql


def _key(row: KeptRow) -> dict[str, Any]:
    return {"asset": row.asset, "position": row.position, "ts_ms": row.ts_ms}


def _columns(row: KeptRow) -> dict[str, Any]:
    return _key(row) | row.scalars


def _close(connection: Connection, minute: Minute) -> None:
    """Roll up a minute from its seconds, whoever wrote them, and what it lies in so far."""
    series = minute.series
    _roll_up(connection, series, minute.ts_ms, Resolution.SECONDS, Resolution.MINUTES)
    for coarse in (Resolution.TEN_MINUTES, Resolution.HOURS):
        _, width_ms = TABLES[coarse]
        start_ms = minute.ts_ms // width_ms * width_ms
        _roll_up(connection, series, start_ms, Resolution.MINUTES, coarse)


def _roll_up(
    connection: Connection, series: Series, ts_ms: int, fine: Resolution, coarse: Resolution
) -> None:
    """Write what the rows of a finer table in one time of the coarser one come to, in one go."""
    _, width_ms = TABLES[coarse]
    connection.execute(
        _rolling_up(connection.dialect.name, fine, coarse),
        {
            "of_asset": series.asset,
            "of_position": series.position,
            "from_ms": ts_ms,
            "to_ms": ts_ms + width_ms,
        },
    )


@cache
def _rolling_up(dialect: str, fine: Resolution, coarse: Resolution) -> Insert:
    """The statement of `_roll_up`, put together once: that takes longer than to run it.

    Means of what is known, and the lowest, highest and last where they matter; a minute's own
    extremes count, not its mean, and of walls the last.
    """
    (source, _), (target, _) = TABLES[fine], TABLES[coarse]
    is_raw = source is snapshot
    asset, position = bindparam("of_asset", type_=Text), bindparam("of_position", type_=Text)
    start = bindparam("from_ms", type_=BigInteger)
    end = bindparam("to_ms", type_=BigInteger)
    inside = (
        source.c.asset == asset,
        source.c.position == position,
        source.c.ts_ms >= start,
        source.c.ts_ms < end,
    )
    values: dict[str, ColumnElement[Any]] = {
        "asset": asset,
        "position": position,
        "ts_ms": start,
        "samples": func.count() if is_raw else func.sum(source.c.samples),
        **{name: func.avg(source.c[name]) for name in SCALARS},
    }

    def last(column: ColumnElement[Any]) -> ColumnElement[Any]:
        newest = select(column).where(*inside).order_by(source.c.ts_ms.desc()).limit(1)
        return newest.scalar_subquery()

    values.update({name: last(source.c[name]) for name in WALLS})
    for name in EXTREMES:
        parts = {part: source.c[name if is_raw else f"{name}_{part}"] for part in PARTS}
        values[f"{name}_min"] = func.min(parts["min"])
        values[f"{name}_max"] = func.max(parts["max"])
        values[f"{name}_last"] = last(parts["last"])
    rolled = select(*values.values()).where(*inside).having(func.count() > 0)
    statement = _dialect(dialect).insert(target).from_select(list(values), rolled)
    replaced = {name: statement.excluded[name] for name in list(values)[3:]}
    rolling: Insert = statement.on_conflict_do_update(
        index_elements=list(values)[:3], set_=replaced
    )
    return rolling


async def open_minutes(store: Store) -> list[Minute]:
    """Return the newest minute of each series: the last process may have left it open."""
    newest = select(
        snapshot.c.asset, snapshot.c.position, func.max(snapshot.c.ts_ms).label("ts_ms")
    ).group_by(snapshot.c.asset, snapshot.c.position)
    async with store.read() as connection:
        rows = (await connection.execute(newest)).all()
    return [
        Minute(Series(row.asset, row.position), row.ts_ms // MINUTE_MS * MINUTE_MS) for row in rows
    ]


async def last_chains(store: Store) -> list[KeptChain]:
    """Return the last known chain of every asset; one of another version is left out."""
    query = select(last_chain.c.chain, last_chain.c.received_ms)
    async with store.read() as connection:
        rows = (await connection.execute(query)).all()
    chains = []
    for row in rows:
        try:
            chains.append(KeptChain(decode_chain(row.chain), row.received_ms))
        except (ValueError, KeyError, TypeError):
            continue
    return chains


async def read_window(store: Store, series: Series, window: Window) -> dict[str, list[Any]]:
    """Return the columns of a window, in time order, one item a bucket that has data."""
    table, _ = TABLES[window.resolution]
    is_raw = table is snapshot
    bucket = (table.c.ts_ms - window.from_ms) // window.step_ms
    samples = func.count() if is_raw else func.sum(table.c.samples)
    means = [func.avg(table.c[name]).label(name) for name in SCALARS if name not in WALLS]
    lows = [table.c[name if is_raw else f"{name}_min"] for name in EXTREMES]
    highs = [table.c[name if is_raw else f"{name}_max"] for name in EXTREMES]
    buckets = (
        select(
            (bucket * window.step_ms + window.from_ms).label("timestamp"),
            func.max(table.c.ts_ms).label("last_ms"),
            samples.label("samples"),
            *means,
            *(func.min(c).label(f"{n}_min") for n, c in zip(EXTREMES, lows, strict=True)),
            *(func.max(c).label(f"{n}_max") for n, c in zip(EXTREMES, highs, strict=True)),
        )
        .where(
            *_of(table, series),
            table.c.ts_ms >= window.from_ms,
            table.c.ts_ms < window.to_ms,
        )
        .group_by(bucket)
        .subquery()
    )
    end = table.alias()
    columns = [column for column in buckets.c if column.name != "last_ms"]
    query = (
        select(
            *columns,
            *(end.c[name].label(name) for name in WALLS),
            end.c["spot_usd" if is_raw else "spot_usd_last"].label("spot_usd_last"),
        )
        .join(end, (end.c.ts_ms == buckets.c.last_ms) & and_(*_of(end, series)))
        .order_by(buckets.c.timestamp)
    )
    async with store.read() as connection:
        result = await connection.execute(query)
        names, rows = list(result.keys()), result.all()
    values = list(zip(*rows, strict=True)) or [()] * len(names)
    return {name: list(column) for name, column in zip(names, values, strict=True)}


async def read_curves(
    store: Store, series: Series, from_ms: int, to_ms: int
) -> list[tuple[int, bytes]]:
    """Return the packed curves of a range of time."""
    query = (
        select(curve.c.ts_ms, curve.c.strikes)
        .where(*_of(curve, series), curve.c.ts_ms >= from_ms, curve.c.ts_ms < to_ms)
        .order_by(curve.c.ts_ms)
    )
    async with store.read() as connection:
        return [(row.ts_ms, row.strikes) for row in await connection.execute(query)]


async def forget_old(store: Store) -> int:
    """Delete what is past its time, in slices, and return how many rows went.

    Time is the newest row's of the same series, so a recording of 2021 does not forget itself.
    """
    gone = 0
    for minute in await open_minutes(store):
        for table, kept_ms in KEPT_MS.items():
            gone += await _forget(store, table, minute.series, minute.ts_ms - kept_ms)
    return gone


async def _forget(store: Store, table: Table, series: Series, until_ms: int) -> int:
    old = (*_of(table, series), table.c.ts_ms < until_ms)
    gone = 0
    while True:
        async with store.write() as connection:
            beyond = (
                select(table.c.ts_ms).where(*old).order_by(table.c.ts_ms).offset(SLICE).limit(1)
            )
            end_ms = (await connection.execute(beyond)).scalar()
            slice_end_ms = until_ms if end_ms is None else end_ms
            result = await connection.execute(
                delete(table).where(*_of(table, series), table.c.ts_ms < slice_end_ms)
            )
            gone += result.rowcount
        if end_ms is None:
            return gone


def _of(table: FromClause, series: Series) -> tuple[Any, Any]:
    return table.c.asset == series.asset, table.c.position == series.position
