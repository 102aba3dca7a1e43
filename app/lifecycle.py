"""Starting and stopping without surprises: data folder, lock, listening socket, feed address.

A refusal is one sentence that the command line prints: `click.BadParameter` where another argument
would mend it, else `StartError`.
"""

import errno
import fcntl
import os
import socket
import tempfile
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import IO

import click

from app.settings import LIVE_URL, Settings, Source
from ingest.connection import answers
from ingest.recording import RecordingError, read_recording

PROBE_S = 10.0
SEND_BUFFER = 256 * 1024
"""What the system holds for a client that does not read; left alone it takes 4 MB for each."""
REPLAY_PREFIX = "replay:"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StartError(RuntimeError):
    """Why the board does not start, in one sentence."""


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """Where the frames come from and what that makes of the numbers."""

    url: str
    source: Source
    recording: Path | None = None


def make_data_dir(path: Path) -> Path:
    """Create the data folder."""
    folder = path.expanduser()
    make_folder(folder, "the data directory", "--data-dir")
    return folder


def make_folder(folder: Path, name: str, argument: str) -> None:
    """Create a folder and see that it takes files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        sentence = f"{name} {folder} cannot be written: {error.strerror or error}"
        if error.errno in _FULL:
            raise StartError(sentence) from error
        raise click.BadParameter(sentence, param_hint=argument) from error


def claim_data_dir(path: Path) -> IO[str]:
    """Create the data folder and lock it for this process; the lock ends with the process."""
    folder = make_data_dir(path)
    lock = (folder / "gammaflip.lock").open("a", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StartError(f"another gammaflip already uses the data directory {folder}") from error
    return lock


def listen(settings: Settings) -> socket.socket:
    """Bind the port; refuses to listen beyond this machine without a token."""
    if not is_loopback(settings.host) and settings.token is None:
        raise click.BadParameter(
            f"listening on {settings.host} is refused without a token: set GAMMAFLIP_TOKEN",
            param_hint="--host",
        )
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: with it on, each answer
    # on a connection that is kept waits 40 ms for the reader's acknowledgement of its head
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except (OSError, UnicodeError) as error:
        listener.close()
        raise refused_address(settings.host, settings.port, error) from error
    return listener


def refused_address(host: str, port: int, error: OSError | UnicodeError) -> Exception:
    """Return why nobody can listen there: a host that is not this machine's is a bad argument."""
    number = error.errno if isinstance(error, OSError) else None
    is_name = isinstance(error, socket.gaierror | UnicodeError)
    reason = os.strerror(number) if number and not is_name else "no such host name"
    sentence = f"cannot listen on {host}:{port}: {reason}"
    if is_name or number == errno.EADDRNOTAVAIL:
        return click.BadParameter(sentence, param_hint="--host")
    return StartError(sentence)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def find_address(source: str) -> FeedAddress | None:
    """Decide where the frames come from; None asks for the local exchange (demo)."""
    if source == "live":
        return FeedAddress(LIVE_URL, Source.LIVE)
    if source == "demo":
        return None
    if source == "auto":
        is_up = await answers(LIVE_URL, PROBE_S)
        return FeedAddress(LIVE_URL, Source.LIVE) if is_up else None
    if source.startswith(REPLAY_PREFIX):
        return _recording(Path(source.removeprefix(REPLAY_PREFIX)))
    return FeedAddress(source, Source.LIVE if source == LIVE_URL else Source.CUSTOM)


def _recording(path: Path) -> FeedAddress:
    try:
        next(read_recording(path))
    except (RecordingError, StopIteration, OSError) as error:
        raise click.BadParameter(
            f"{path} holds no recording of `gammaflip record`", param_hint="--source"
        ) from error
    return FeedAddress(str(path), Source.REPLAY, path)
