"""Databases for the tests: SQLite always, PostgreSQL where its binaries are."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

from app.store import Store, sqlite_url
from tests.postgres import MissingPostgresError, find_binaries, postgres


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgres: needs PostgreSQL's server binaries")


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    """What the product logged; nothing is printed, since tracebacks take seconds to colour."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A PostgreSQL of our own in a temporary folder, reached through a socket there."""
    pytest.importorskip("asyncpg", reason="asyncpg is not installed (extra: scale)")
    try:
        find_binaries()
    except MissingPostgresError as error:
        pytest.skip(str(error))
    with postgres() as server:
        yield server.url


@pytest.fixture
async def postgres_url(postgres_server: URL) -> AsyncIterator[URL]:
    """The address of an empty PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_async_engine(postgres_server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres_server.set(database=name)
    async with engine.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_address(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The address of an empty database on each engine."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "store.db")
    address: URL = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture
async def store(store_address: URL) -> AsyncIterator[Store]:
    """An open store on each engine."""
    opened = await Store.open(store_address)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open store where the engine does not matter."""
    opened = await Store.open(sqlite_url(tmp_path / "store.db"))
    yield opened
    await opened.close()
