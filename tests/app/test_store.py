"""Opening, migrating and sharing out the database."""

import asyncio
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, Table, func, insert, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from app.migrations import upgrade
from app.settings import Settings, Source
from app.store import (
    Store,
    StoreError,
    back_up,
    has_wal_reset_fix,
    migrate,
    sqlite_url,
    store_url,
)
from app.store_schema import METADATA, REVISION, rollup_1h, rollup_1m, rollup_10m, token


def row(name: str) -> dict[str, object]:
    return {"id": name, "name": name, "digest": name, "scopes": "read", "created_ms": 1}


async def count(store: Store) -> int:
    async with store.read() as connection:
        return (await connection.execute(select(func.count()).select_from(token))).scalar_one()


async def test_every_table_exists_after_opening_and_matches_its_description(store: Store) -> None:
    async with store.read() as connection:
        for table in METADATA.sorted_tables:
            result = await connection.execute(select(table))
            assert list(result.keys()) == [column.name for column in table.columns]


async def test_what_was_written_is_there_after_opening_again(store_address: URL) -> None:
    first = await Store.open(store_address)
    async with first.write() as connection:
        await connection.execute(insert(token).values(row("a")))
    await first.close()
    second = await Store.open(store_address)
    assert await count(second) == 1
    await second.close()


async def test_a_failing_transaction_leaves_nothing(store: Store) -> None:
    async def fail_half_way() -> None:
        async with store.write() as connection:
            await connection.execute(insert(token).values(row("a")))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await fail_half_way()
    assert await count(store) == 0


async def test_many_writers_at_once_lose_nothing(store: Store) -> None:
    async def write(i: int) -> None:
        async with store.write() as connection:
            await connection.execute(insert(token).values(row(f"t{i}")))

    await asyncio.gather(*(write(i) for i in range(40)))
    assert await count(store) == 40


async def test_a_failing_transaction_of_one_thread_leaves_nothing(store: Store) -> None:
    def fail_half_way(connection: Connection) -> None:
        connection.execute(insert(token).values(row("a")))
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await store.transact(fail_half_way)
    assert await count(store) == 0
    await store.transact(lambda connection: connection.execute(insert(token).values(row("a"))))
    assert await count(store) == 1


async def test_both_kinds_of_writers_take_turns_and_see_each_other(store: Store) -> None:
    def one_more(connection: Connection) -> int:
        known = connection.execute(select(func.count()).select_from(token)).scalar_one()
        connection.execute(insert(token).values(row(f"d{known}")))
        return int(known)

    async def write(i: int) -> int:
        if i % 2:
            return await store.transact(one_more)
        async with store.write() as connection:
            return await connection.run_sync(one_more)

    if store.is_shared:  # its transactions run beside each other: these are for one at a time
        assert [await write(i) for i in range(20)] == list(range(20))
    else:
        assert sorted(await asyncio.gather(*(write(i) for i in range(20)))) == list(range(20))


async def test_the_next_writer_waits_for_one_that_nobody_waits_for(sqlite_store: Store) -> None:
    began, may_end = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        connection.execute(insert(token).values(row("slow")))
        began.set()
        may_end.wait(30.0)

    writing = asyncio.create_task(sqlite_store.transact(slow))
    await asyncio.to_thread(began.wait, 30.0)
    writing.cancel()
    next_one = asyncio.create_task(
        sqlite_store.transact(
            lambda connection: connection.execute(select(token.c.id)).scalars().all()
        )
    )
    done, _ = await asyncio.wait({next_one}, timeout=0.2)
    assert not done
    may_end.set()
    assert await next_one == ["slow"]
    with pytest.raises(asyncio.CancelledError):
        await writing


async def test_two_processes_may_open_an_empty_database_at_the_same_time(
    store_address: URL,
) -> None:
    both = await asyncio.gather(Store.open(store_address), Store.open(store_address))
    for store in both:
        assert await count(store) == 0
        await store.close()


async def test_a_database_of_a_newer_version_is_refused_in_one_sentence(
    store_address: URL,
) -> None:
    store = await Store.open(store_address)
    async with store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    with pytest.raises(StoreError, match="cannot be used: Can't locate revision"):
        await Store.open(store_address)


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), METADATA))


async def test_the_migrations_lead_to_exactly_the_described_schema(store: Store) -> None:
    async with store.write() as connection:
        assert await connection.run_sync(_differences) == []


def test_the_schema_knows_the_newest_step() -> None:
    steps = Path(upgrade.__file__).with_name("versions").glob("r*.py")
    assert max(steps).name.startswith(f"r{REVISION}_")


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "0005", "0006"])
async def test_an_upgrade_from_any_former_schema_keeps_every_row(
    store_address: URL, revision: str
) -> None:
    engine = create_async_engine(store_address)
    async with engine.begin() as connection:
        await connection.run_sync(migrate, revision)
        before = await connection.run_sync(fill_every_table)
    await engine.dispose()
    assert before
    store = await Store.open(store_address)
    async with store.read() as connection:
        after = await connection.run_sync(count_every_table)
    assert {name: after[name] for name in before} == before
    async with store.write() as connection:
        assert await connection.run_sync(_differences) == []
    await store.close()


@pytest.mark.parametrize(
    ("revision", "table", "expected"),
    [
        ("0004", rollup_1h, [(0, 3600, 29.5, 59.5, 59.25), (3_600_000, 1800, 74.5, 89.5, 89.25)]),
        (
            "0005",
            rollup_10m,
            [(600_000 * i, 600, 10 * i + 4.5, 10 * i + 9.5, 10 * i + 9.25) for i in range(9)],
        ),
    ],
)
async def test_coarse_tables_are_made_from_the_minutes_of_the_former_schema(
    store_address: URL, revision: str, table: Table, expected: list[tuple[float, ...]]
) -> None:
    engine = create_async_engine(store_address)
    async with engine.begin() as connection:
        await connection.run_sync(migrate, revision)
        rows = [
            {"asset": "BTC", "position": "naive", "ts_ms": 60_000 * minute, "samples": 60}
            | {"spot_usd": float(minute), "spot_usd_max": minute + 0.5}
            | {"spot_usd_last": minute + 0.25}
            for minute in range(90)
        ]
        await connection.execute(insert(rollup_1m), rows)
    await engine.dispose()
    store = await Store.open(store_address)
    async with store.read() as connection:
        found = (await connection.execute(select(table).order_by(table.c.ts_ms))).all()
    await store.close()
    made = [(r.ts_ms, r.samples, r.spot_usd, r.spot_usd_max, r.spot_usd_last) for r in found]
    assert made == expected


def fill_every_table(connection: Connection) -> dict[str, int]:
    """Write three rows into each table that the schema of this revision has."""
    tables = reflect(connection)
    for table in tables:
        rows = [
            {column.name: _value(column, i) for column in table.columns if not column.nullable}
            for i in range(3)
        ]
        connection.execute(insert(table), rows)
    return count_every_table(connection)


def count_every_table(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in reflect(connection)
    }


def reflect(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _value(column: Column[Any], number: int) -> object:
    if column.name == "status":
        return "pending"
    kind = column.type.python_type
    return {str: f"v{number}", bytes: b"b", bool: True}.get(kind, number)


async def test_a_backup_of_a_database_in_use_is_whole_and_private(tmp_path: Path) -> None:
    path, target = tmp_path / "store.db", tmp_path / "backup of it.db"
    store = await Store.open(sqlite_url(path))
    async with store.write() as connection:
        await connection.execute(insert(token).values(row("a")))
    await asyncio.to_thread(back_up, path, target)
    await store.close()
    copy = await Store.open(sqlite_url(target))
    assert await count(copy) == 1
    await copy.close()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(StoreError, match="failed"):
        back_up(tmp_path / "nothing.db", tmp_path / "other.db")
    assert not list(tmp_path.glob("other*"))


async def test_sqlite_is_private_durable_and_has_read_only_readers(tmp_path: Path) -> None:
    path = tmp_path / "a folder?#%41" / "store.db"
    store = await Store.open(sqlite_url(path))
    async with store.write() as connection:
        await connection.execute(insert(token).values(row("a")))
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar_one() == 2
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        assert stat.S_IMODE(path.with_name(name).stat().st_mode) == 0o600
    async with store.read() as connection:
        with pytest.raises(OperationalError, match="readonly"):
            await connection.execute(text("DELETE FROM token"))
    await store.close()


async def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("notes " * 1000)
    with pytest.raises(StoreError, match="is not a database"):
        await Store.open(sqlite_url(path))
    assert path.read_text() == "notes " * 1000


async def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        await Store.open(sqlite_url(Path("/proc/nowhere/store.db")))


async def test_the_password_of_a_database_is_never_told() -> None:
    settings = Settings(database_url="postgresql://joe:hunter2@127.0.0.1:1/gammaflip")
    with pytest.raises(StoreError) as refused:
        await Store.open(store_url(settings, Source.LIVE))
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Source.LIVE, "gammaflip.db"),
        (Source.CUSTOM, "gammaflip-custom.db"),
        (Source.DEMO, "gammaflip-demo.db"),
        (Source.REPLAY, "gammaflip-replay.db"),
    ],
)
def test_only_production_writes_the_database_of_production(source: Source, name: str) -> None:
    url = store_url(Settings(data_dir=Path("/data")), source)
    assert url.database == f"/data/{name}"


@pytest.mark.postgres
async def test_on_postgresql_each_source_has_a_schema_of_its_own(postgres_url: URL) -> None:
    address = postgres_url.set(drivername="postgresql").render_as_string(hide_password=False)
    settings = Settings(database_url=address)
    live = await Store.open(store_url(settings, Source.LIVE))
    demo = await Store.open(store_url(settings, Source.DEMO))
    async with demo.write() as connection:
        await connection.execute(insert(token).values(row("a")))
    tokens = await Store.open_tokens(settings)  # belong to the installation
    assert [await count(store) for store in (live, demo, tokens)] == [0, 1, 0]
    for store in (live, demo, tokens):
        await store.close()


def test_a_postgresql_address_may_be_written_as_its_own_tools_want_it() -> None:
    settings = Settings(database_url="postgresql://u:p@h/db?sslmode=require")
    url = store_url(settings, Source.LIVE)
    assert url.drivername == "postgresql+asyncpg"
    assert url.query["ssl"] == "require"


@pytest.mark.parametrize("address", ["mysql://x/y", "no address"])
def test_other_databases_are_refused(address: str) -> None:
    with pytest.raises(StoreError):
        store_url(Settings(database_url=address), Source.LIVE)


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
    ],
)
def test_versions_of_sqlite_with_the_wal_race_are_known(
    version: tuple[int, int, int], is_safe: bool
) -> None:
    assert has_wal_reset_fix(version) == is_safe
