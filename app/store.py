"""The database of the board: how it is opened, migrated and shared out. Knows no query.

SQLite by default, PostgreSQL by URL alone. SQLite has exactly one writing connection in the
process; readers open the file read-only and so never checkpoint.
"""

import itertools
import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.settings import Settings, Source

READERS = 4
BUSY_MS = 10_000
WAL_RESET_FIXED = (3, 51, 3)
_BACKPORTS = {(3, 44): 6, (3, 50): 7}
_MIGRATION_LOCK = 0x67616D6D61  # any number, as long as every gammaflip takes the same

_CALLS = itertools.count()

_log = structlog.get_logger()


class StoreError(RuntimeError):
    """Why the database cannot be used, in one sentence."""


def new_id(prefix: str, now_ms: int) -> str:
    """Return an id that nobody guesses and that sorts by time, in the order of the calls."""
    return f"{prefix}_{now_ms:012x}{next(_CALLS) % 0x10000:04x}{secrets.token_hex(8)}"


def store_url(settings: Settings, source: Source) -> URL:
    """Return the database of a source: on SQLite nothing ever mixes with production's history."""
    if settings.database_url is not None:
        return _async_url(settings.database_url)
    name = "gammaflip.db" if source == Source.LIVE else f"gammaflip-{source.value}.db"
    return sqlite_url(settings.data_dir.expanduser() / name)


def sqlite_url(path: Path) -> URL:
    """Return the address of a database file."""
    return URL.create("sqlite+aiosqlite", database=str(path))


def _async_url(text_url: str) -> URL:
    try:
        url = make_url(text_url)
    except SQLAlchemyError as error:
        raise StoreError("the database URL is not understood") from error
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    backend = url.get_backend_name()
    if backend not in drivers:
        raise StoreError(f"expected a postgresql:// or sqlite:// database, was {backend}://")
    return url.set(drivername=drivers[backend])


class Store:
    """An open database at the newest schema."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self._writer = writer
        self._reader = reader

    @classmethod
    async def open(cls, url: URL) -> "Store":
        """Open the database, creating and migrating it as needed. Raises `StoreError`."""
        if url.get_backend_name() != "sqlite":
            engine = _open_postgresql(url)
            return await cls._migrated(cls(engine, engine), url)
        _warn_of_wal_reset(sqlite3.sqlite_version_info)
        writer = _open_sqlite(url, "WAL")
        return await cls._migrated(cls(writer, _open_read_only(url)), url)

    @classmethod
    async def open_tokens(cls, settings: Settings) -> "Store":
        """Open the store of the tokens, which belong to the installation and not to a source.

        The command line writes them while the board runs. So on SQLite they have a file of
        their own with a rollback journal, which two writing processes may share safely.
        """
        if settings.database_url is not None:
            return await cls.open(_async_url(settings.database_url))
        url = sqlite_url(settings.data_dir.expanduser() / "tokens.db")
        engine = _open_sqlite(url, "DELETE")
        return await cls._migrated(cls(engine, engine), url)

    @classmethod
    async def _migrated(cls, store: "Store", url: URL) -> "Store":
        try:
            await store._migrate()
        except (SQLAlchemyError, OSError, CommandError) as error:
            await store.close()
            where = url.render_as_string(hide_password=True)
            reason = getattr(error, "orig", None) or error
            raise StoreError(f"the database {where} cannot be used: {reason}") from error
        return store

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to it too."""
        return self._writer.dialect.name != "sqlite"

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a transaction that commits at the end of the block or leaves nothing."""
        return self._writer.begin()

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a connection for reading alone."""
        return self._reader.connect()

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()

    async def _migrate(self) -> None:
        # SQLite's BEGIN IMMEDIATE is the lock already; the whole upgrade is one transaction
        async with self._writer.begin() as connection:
            if self.is_shared:
                await connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
            await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    scripts = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _open_postgresql(url: URL) -> AsyncEngine:
    return create_async_engine(url, pool_size=READERS + 1, pool_pre_ping=True, hide_parameters=True)


def _open_sqlite(url: URL, journal: str) -> AsyncEngine:
    path = Path(url.database or "")
    try:
        _make_private(path)
    except OSError as error:
        raise StoreError(f"the database {path} cannot be written: {error.strerror}") from error
    writer = create_async_engine(url, pool_size=1, max_overflow=0, hide_parameters=True)
    _on_connect(
        writer,
        f"PRAGMA busy_timeout={BUSY_MS}",
        f"PRAGMA journal_mode={journal}",
        "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON",
    )
    _on_begin(writer, "BEGIN IMMEDIATE")
    return writer


def _open_read_only(url: URL) -> AsyncEngine:
    uri = url.set(database=f"file:{quote(url.database or '')}")
    reader = create_async_engine(
        uri.update_query_dict({"mode": "ro", "uri": "true"}),
        pool_size=READERS,
        max_overflow=0,
        hide_parameters=True,
    )
    _on_connect(reader, f"PRAGMA busy_timeout={BUSY_MS}")
    _on_begin(reader, "BEGIN")
    return reader


def _make_private(path: Path) -> None:
    """Create the file readable by its owner alone: it holds signing secrets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)


def _on_connect(engine: AsyncEngine, *pragmas: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()


def _on_begin(engine: AsyncEngine, statement: str) -> Callable[[Connection], None]:
    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


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
            guard="one writing connection",
        )
