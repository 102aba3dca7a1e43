"""Real processes of ours for tests: started on a free port, watched by polling, always killed.

Importing the product takes longer than most tests, so one server process imports it once and
each command is a fork of that server which runs the command line and nothing else.
"""

import multiprocessing
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

START_S = 60.0
STOP_S = 10.0
POLL_S = 0.05
TAIL_LINES = 30

_T = TypeVar("_T")
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["app.__main__"])


def until(ask: Callable[[], _T | None], seconds: float, what: str) -> _T:
    """Ask again and again until the answer is true; fails with `what` and the last answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"expected within {seconds:g} s: {what}; last answer: {answer!r}")
        time.sleep(POLL_S)
    return answer


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run_command_line(arguments: list[str], log: str, settings: dict[str, str]) -> None:
    """Be `gammaflip ARGUMENTS` with both output streams in `log`; runs in the fork."""
    from app.__main__ import main

    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(out, sys.stdout.fileno())
    os.dup2(out, sys.stderr.fileno())
    for name in [name for name in os.environ if name.startswith("GAMMAFLIP_")]:
        del os.environ[name]
    os.environ.update(settings)
    sys.exit(main(arguments))


class Process:
    """One running command of ours. Its output goes to `log`; leaving the block kills it."""

    def __init__(
        self, arguments: Sequence[str], log: Path, settings: dict[str, str] | None = None
    ) -> None:
        self.log = log
        self._process = _forks.Process(
            target=_run_command_line, args=(list(arguments), str(log), settings or {}), daemon=True
        )
        self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if error is not None:
            lines = self.output().splitlines()[-TAIL_LINES:]
            error.add_note("\n".join([f"--- end of {self.log.name} ---", *lines]))

    @property
    def pid(self) -> int:
        """Number of the process."""
        return int(self._process.pid or 0)

    def output(self) -> str:
        """Everything that the process wrote."""
        if not self.log.is_file():
            return ""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def announced(self, pattern: str) -> str:
        """Wait for the process to print an address and return what the pattern's group holds."""

        def look() -> re.Match[str] | None:
            if self._process.exitcode is not None:
                raise AssertionError(f"{self.log.name} ended with {self._process.exitcode}")
            return re.search(pattern, self.output())

        return until(look, START_S, f"{pattern} in {self.log.name}").group(1)

    def exit_code(self, seconds: float = START_S) -> int:
        """Wait for the process to end by itself."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, f"{self.log.name}: still running"
        return self._process.exitcode

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        self._process.kill()
        self._process.join(STOP_S)

    def stop(self) -> None:
        """Ask the process to end, insist after a while."""
        self._process.terminate()
        self._process.join(STOP_S)
        if self._process.exitcode is None:
            self.kill()


class Exchange(Process):
    """A local exchange. `url` is its websocket."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        super().__init__(["exchange", *arguments], log)

    @property
    def url(self) -> str:
        """Address that a board connects to."""
        return self.announced(r"(ws://127\.0\.0\.1:\d+/ws/api/v2)")

    def control(self, **command: object) -> Any:
        """Tell an exchange that was started with `--control` what to do."""
        address = self.url.replace("ws://", "http://").replace("/ws/api/v2", "/control")
        answer = httpx.post(address, json=command, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Board(Process):
    """A board with a client for its API."""

    def __init__(self, source: str, folder: Path, log: Path, settings: dict[str, str]) -> None:
        arguments = ["run", "--source", source, "--port", "0", "--data-dir", str(folder)]
        super().__init__(arguments, log, settings)
        self._client: httpx.Client | None = None

    @property
    def url(self) -> str:
        """Address of the page."""
        return self.announced(r"(http://127\.0\.0\.1:\d+)/")

    @property
    def client(self) -> httpx.Client:
        """A client whose base address is the board."""
        if self._client is None:
            self._client = httpx.Client(base_url=self.url, timeout=10.0, trust_env=False)
        return self._client

    def get(self, path: str, **query: Any) -> Any:
        """The JSON body of a read that must succeed."""
        response = self.client.get(f"/api/v1{path}", params=query)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text[:300]}"
        return response.json()

    def is_ready(self) -> bool:
        """Whether the board trusts its own numbers."""
        return self.client.get("/readyz").status_code == 200

    def wait_ready(self, seconds: float = START_S) -> Self:
        """Wait until the board is ready."""
        until(self.is_ready, seconds, "readyz 200")
        return self

    def metric(self, name: str, asset: str) -> float:
        """One number of `/metrics`."""
        text = self.client.get("/metrics").text
        found = re.search(rf'^{name}{{ccy="{asset}"}} (\S+)$', text, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def stop(self) -> None:
        """Close the client, then end the process."""
        if self._client is not None:
            self._client.close()
        super().stop()


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended by itself."""

    code: int
    output: str


class Launcher:
    """Starts processes that keep their logs and data in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started = 0

    def _next(self, kind: str) -> Path:
        self._started += 1
        return self.folder / f"{kind}-{self._started}"

    def exchange(self, *arguments: str) -> Exchange:
        """Start a local exchange; on a free port unless the arguments name one."""
        port = () if "--port" in arguments else ("--port", "0")
        return Exchange([*arguments, *port], self._next("exchange").with_suffix(".log"))

    def board(self, source: str, **settings: str) -> Board:
        """Start a board with its own data directory."""
        folder = self._next("board")
        return Board(source, folder, folder.with_suffix(".log"), settings)

    @contextmanager
    def pair(self, *arguments: str, **settings: str) -> Iterator[Board]:
        """Start an exchange and a board on it."""
        with self.exchange(*arguments) as exchange, self.board(exchange.url, **settings) as board:
            yield board

    def run_to_end(self, *arguments: str, **settings: str) -> Ended:
        """Run a command that ends by itself, such as one that is refused."""
        log = self._next("command").with_suffix(".log")
        with Process(arguments, log, settings) as process:
            code = process.exit_code()
            return Ended(code, process.output())
