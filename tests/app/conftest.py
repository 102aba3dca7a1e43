"""Databases for the tests: SQLite always, PostgreSQL where its binaries are."""

import os
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from app.store import Store, sqlite_url


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgres: needs PostgreSQL's server binaries")


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    """What the product logged; nothing is printed, since tracebacks take seconds to colour."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def _postgres_bin() -> Path | None:
    found = shutil.which("postgres")
    candidates = (
        [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    )
    return candidates[-1].parent if candidates else None


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """A PostgreSQL of our own in a temporary folder, reached through a socket there."""
    pytest.importorskip("asyncpg", reason="asyncpg is not installed (extra: scale)")
    binaries = _postgres_bin()
    if binaries is None:
        pytest.skip("PostgreSQL's server binaries are not installed")
    is_root = os.geteuid() == 0  # initdb refuses root
    # sockets have short names, and pytest's own folder is closed to the other user
    folder = Path("/tmp") / f"gammaflip-pg-{uuid.uuid4().hex[:8]}"  # noqa: S108
    folder.mkdir(mode=0o755)
    if is_root:
        if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode:
            pytest.skip("initdb refuses root, and there is no user postgres to run it as")
        shutil.chown(folder, "postgres")

    def run(*command: str) -> None:
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        done = subprocess.run(
            [*(prefix if is_root else []), *command],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    data, control = str(folder / "data"), str(binaries / "pg_ctl")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    run(str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", "gammaflip", "--no-sync")
    run(control, "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield make_url("postgresql+asyncpg://gammaflip@/postgres").update_query_dict(
            {"host": str(folder)}
        )
    finally:
        run(control, "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


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
