"""A PostgreSQL of our own: Debian's binaries, a temporary folder, a socket in it, no service."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url


class MissingPostgresError(RuntimeError):
    """Why no server can be started here."""


def find_binaries() -> Path:
    """The folder of `initdb` and `pg_ctl`."""
    found = shutil.which("postgres")
    candidates = (
        [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    )
    if not candidates:
        raise MissingPostgresError("PostgreSQL's server binaries are not installed")
    return candidates[-1].parent


class PostgresServer:
    """One server in `folder`, which can be killed and started again."""

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        self.url: URL = make_url("postgresql+asyncpg://gammaflip@/postgres").update_query_dict(
            {"host": str(folder)}
        )
        self._folder = folder
        self._binaries = find_binaries()
        self._options = f"-k {folder} -c listen_addresses='' -c fsync={'on' if fsync else 'off'}"
        self._as_user: list[str] = []
        if os.geteuid() == 0:  # initdb refuses root
            if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode:
                raise MissingPostgresError("initdb refuses root, and there is no user postgres")
            shutil.chown(folder, "postgres")
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        self._run("initdb", "-A", "trust", "-U", "gammaflip", "--no-sync")

    def start(self) -> None:
        """Start and wait until it takes connections."""
        self._run("pg_ctl", "-o", self._options, "-l", str(self._folder / "log"), "-w", "start")

    def kill(self) -> None:
        """End it at once: the next start has to recover."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        data = ["-D", str(self._folder / "data")]
        done = subprocess.run(
            [*self._as_user, str(self._binaries / program), *data, *arguments],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def postgres(*, fsync: bool = False) -> Iterator[PostgresServer]:
    """Run a server for the length of the block. Raises `MissingPostgresError`."""
    # sockets have short names, and the server runs as another user than we
    folder = Path(tempfile.mkdtemp(prefix="gammaflip-pg-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        server = PostgresServer(folder, fsync=fsync)
        server.start()
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder)
