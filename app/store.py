"""The database of the board: how it is opened, migrated and shared out. Knows no query.

SQLite by default, PostgreSQL by URL alone. On SQLite the writers of the process take turns; readers
open the file read-only and so never checkpoint.
"""

import asyncio
import itertools
import os
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateSchema

from app.settings import Settings, Source
from app.store_schema import REVISION

READERS = 4
BUSY_MS = 10_000
WAL_RESET_FIXED = (3, 51, 3)
_BACKPORTS = {(3, 44): 6, (3, 50): 7}
_MIGRATION_LOCK = 0x67616D6D61  # any number, as long as every gammaflip takes the same

_SCHEMA = "gammaflip_schema"  # travels in the URL, never reaches the server
_CALLS = itertools.count()
_T = TypeVar("_T")

_log = structlog.get_logger()


class StoreError(RuntimeError):
    """Why the database cannot be used, in one sentence."""


class SchemaError(RuntimeError):
    """Why a schema cannot be brought up to date."""


def new_id(prefix: str, now_ms: int) -> str:
    """Return an id that nobody guesses and that sorts by time, in the order of the calls."""
    return f"{prefix}_{now_ms:012x}{next(_CALLS) % 0x10000:04x}{secrets.token_hex(8)}"


def store_url(settings: Settings, source: Source) -> URL:
    """Return the database of a source: nothing ever mixes with production's history.

    Each source has a file of its own, on PostgreSQL a schema.
    """
    name = "gammaflip" if source == Source.LIVE else f"gammaflip-{source.value}"
    if settings.database_url is not None:
        return _async_url(settings.database_url, name)
    return sqlite_url(settings.data_dir.expanduser() / f"{name}.db")


def sqlite_url(path: Path) -> URL:
    """Return the address of a database file."""
    return URL.create("sqlite+aiosqlite", database=str(path))


def check_database_url(address: str) -> None:
    """Raise `StoreError` for an address that no database can have."""
    _async_url(address, "")


def _async_url(address: str, schema: str) -> URL:
    try:
        url = make_url(address)
    except (SQLAlchemyError, ValueError) as error:
        raise StoreError("the database URL is not understood") from error
    if not 0 <= (url.port or 0) <= 65535:
        raise StoreError("the port of the database URL is not between 0 and 65535")
    if url.get_backend_name() == "sqlite" and not url.database:
        raise StoreError("expected sqlite:///FILE, was no file")
    if url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    if url.get_backend_name() != "postgresql":
        raise StoreError(
            f"expected a postgresql:// or sqlite:// database, was {url.get_backend_name()}://"
        )
    wanted = dict(url.query) | {_SCHEMA: schema}
    if "sslmode" in wanted:  # libpq's name for what asyncpg calls ssl
        wanted["ssl"] = wanted.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=wanted)


class Store:
    """An open database at the newest schema."""

    def __init__(
        self,
        writer: AsyncEngine,
        reader: AsyncEngine,
        schema: str | None = None,
        direct: Engine | None = None,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._schema = schema
        self._direct = direct  # of SQLite: the writer of `transact`
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, url: URL) -> "Store":
        """Open the database, creating and migrating it as needed. Raises `StoreError`."""
        if url.get_backend_name() != "sqlite":
            schema = str(url.query.get(_SCHEMA, "public"))
            engine = _open_postgresql(url.difference_update_query([_SCHEMA]), schema)
            return await cls._migrated(cls(engine, engine, schema), url)
        _warn_of_wal_reset(sqlite3.sqlite_version_info)
        writer = _open_sqlite(url, "WAL")
        direct = _open_direct(url)
        return await cls._migrated(cls(writer, _open_read_only(url), direct=direct), url)

    @classmethod
    async def open_tokens(cls, settings: Settings) -> "Store":
        """Open the store of the tokens, which belong to the installation and not to a source.

        The command line writes them while the board runs. So on SQLite they have a file of
        their own with a rollback journal, which two writing processes may share safely.
        """
        if settings.database_url is not None:
            return await cls.open(_async_url(settings.database_url, "gammaflip"))
        url = sqlite_url(settings.data_dir.expanduser() / "tokens.db")
        engine = _open_sqlite(url, "DELETE")
        return await cls._migrated(cls(engine, engine), url)

    @classmethod
    async def _migrated(cls, store: "Store", url: URL) -> "Store":
        try:
            await store._migrate()
        except (SQLAlchemyError, OSError, SchemaError, TypeError) as error:
            await store.close()
            where = url.render_as_string(hide_password=True)
            reason = getattr(error, "orig", None) or error
            raise StoreError(f"the database {where} cannot be used: {reason}") from error
        return store

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to it too."""
        return self._schema is not None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end of the block or leaves nothing."""
        turn = nullcontext() if self.is_shared else self._turn
        async with turn, self._writer.begin() as connection:
            yield connection

    async def transact(self, work: Callable[[Connection], _T]) -> _T:
        """Do work in one transaction of its own, which commits or leaves nothing; `work` blocks.

        On SQLite all of it happens in one thread. A dozen switches between that and the event
        loop, as of `write`, double a commit that happens every second.
        """
        if self._direct is None:
            async with self._writer.begin() as connection:
                return await connection.run_sync(work)
        async with self._turn:
            working = asyncio.create_task(asyncio.to_thread(_transact, self._direct, work))
            try:
                return await asyncio.shield(working)
            except asyncio.CancelledError:
                await asyncio.wait([working])  # no thread can be stopped: the next writer waits
                working.exception()  # nobody else will look
                raise

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a connection for reading alone."""
        return self._reader.connect()

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        if self._direct is not None:
            self._direct.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()

    async def _migrate(self) -> None:
        # SQLite's BEGIN IMMEDIATE is the lock already; the whole upgrade is one transaction
        async with self._writer.begin() as connection:
            if self._schema is not None:
                await connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
                await connection.execute(CreateSchema(self._schema, if_not_exists=True))
            await connection.run_sync(migrate)


def migrate(connection: Connection, revision: str = REVISION) -> None:
    """Bring a database to a revision of the schema, in the connection's transaction."""
    if _revision_of(connection) == revision:
        return
    # a quarter of the time to import the product, and almost every start needs none of it
    from app.migrations.upgrade import upgrade  # noqa: PLC0415

    upgrade(connection, revision)


def _revision_of(connection: Connection) -> str | None:
    """Return where Alembic left the schema, None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _open_postgresql(url: URL, schema: str) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=READERS + 1,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"server_settings": {"search_path": f'"{schema}"'}},
    )


def _open_sqlite(url: URL, journal: str) -> AsyncEngine:
    path = Path(url.database or "")
    try:
        _make_private(path)
    except OSError as error:
        raise StoreError(f"the database {path} cannot be written: {error.strerror}") from error
    writer = create_async_engine(url, pool_size=1, max_overflow=0, hide_parameters=True)
    _let_write(writer.sync_engine, journal)
    return writer


def _open_direct(url: URL) -> Engine:
    writer = create_engine(
        url.set(drivername="sqlite"), pool_size=1, max_overflow=0, hide_parameters=True
    )
    _let_write(writer, "WAL")
    return writer


def _let_write(engine: Engine, journal: str) -> None:
    _on_connect(
        engine,
        f"PRAGMA busy_timeout={BUSY_MS}",
        f"PRAGMA journal_mode={journal}",
        "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON",
    )
    _on_begin(engine, "BEGIN IMMEDIATE")


def _transact(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    with engine.begin() as connection:
        return work(connection)


def _open_read_only(url: URL) -> AsyncEngine:
    uri = url.set(database=f"file:{quote(url.database or '')}")
    reader = create_async_engine(
        uri.update_query_dict({"mode": "ro", "uri": "true"}),
        pool_size=READERS,
        max_overflow=0,
        hide_parameters=True,
    )
    _on_connect(reader.sync_engine, f"PRAGMA busy_timeout={BUSY_MS}")
    _on_begin(reader.sync_engine, "BEGIN")
    return reader


def _make_private(path: Path) -> None:
    """Create the file readable by its owner alone: it holds signing secrets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)


def _on_connect(engine: Engine, *pragmas: str) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()


def _on_begin(engine: Engine, statement: str) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)


def back_up(database: Path, target: Path) -> None:
    """Copy a database that may be in use to a file that appears whole or not at all.

    Raises `StoreError`.
    """
    unfinished = target.with_name(target.name + ".unfinished")
    source_uri = f"file:{quote(str(database))}?mode=ro"
    try:
        _make_private(unfinished)
        with (
            closing(sqlite3.connect(source_uri, uri=True)) as source,
            closing(sqlite3.connect(unfinished)) as copy,
        ):
            source.backup(copy)
        unfinished.replace(target)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise StoreError(f"the backup of {database} to {target} failed: {error}") from error


def has_wal_reset_fix(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite is safe from the rare race that can corrupt a WAL database."""
    backport = _BACKPORTS.get(version[:2])
    return version >= WAL_RESET_FIXED or (backport is not None and version[2] >= backport)


def _warn_of_wal_reset(version: tuple[int, int, int]) -> None:
    if not has_wal_reset_fix(version):
        _log.warning(
            "store.sqlite_old",
            version=".".join(map(str, version)),
            wanted=".".join(map(str, WAL_RESET_FIXED)),
            guard="writers take turns",
        )
