"""Raw feeds to and from disk.

What is kept is every call that a connection makes on its sink: opened, received, timer, each
with the clock it was made at. Sessions are deterministic, so replaying the calls asks the same
questions, matches the same answers and gives the same chain, frame by frame.

A file is a row of gzip members, one per flush, so that a crash loses at most the last second
and leaves the rest readable by any gzip tool: one JSON array `[asset, call, now_s, frame]` a
line. Files rotate by size.
"""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from ingest.connection import FrameSink

SUFFIX = ".frames.gz"
ROTATE_BYTES = 256 * 2**20
FLUSH_S = 1.0
_CHUNK = 2**20


class SinkCall(StrEnum):
    """Which call of the sink a line repeats."""

    OPENED = "opened"
    RECEIVED = "received"
    TIMER = "timer"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line of a recording."""

    asset: str
    call: SinkCall
    now_s: float
    frame: str


class RecordingError(ValueError):
    """A path that holds no recording."""


class FrameRecorder:
    """Appends lines to rotating files in one folder."""

    def __init__(self, folder: Path, stamp: str, rotate_bytes: int = ROTATE_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._stamp = stamp
        self._rotate_bytes = rotate_bytes
        self._part = 0
        self._lines: list[bytes] = []
        self._flushed_s = 0.0
        self.frames = 0

    @property
    def path(self) -> Path:
        """The file that is being written."""
        return self._folder / f"{self._stamp}-{self._part:04d}{SUFFIX}"

    def add(self, line: Recorded) -> None:
        """Keep one line; whole seconds reach the disk together."""
        encoded = msgspec.json.encode((line.asset, line.call.value, line.now_s, line.frame))
        self._lines.append(encoded + b"\n")
        self.frames += 1
        if line.now_s - self._flushed_s >= FLUSH_S:
            self._flushed_s = line.now_s
            self.flush()

    def flush(self) -> None:
        """Write what is pending as one gzip member."""
        if not self._lines:
            return
        member = gzip.compress(b"".join(self._lines), compresslevel=6)
        self._lines = []
        with self.path.open("ab") as file:
            file.write(member)
            size = file.tell()
        if size >= self._rotate_bytes:
            self._part += 1


class RecordingSink:
    """Passes every call on to the real sink after writing it down."""

    def __init__(self, asset: str, sink: FrameSink, recorder: FrameRecorder) -> None:
        self._asset = asset
        self._sink = sink
        self._recorder = recorder

    def opened(self, now_s: float) -> None:
        """Record and pass on."""
        self._record(SinkCall.OPENED, now_s)
        self._sink.opened(now_s)

    def received(self, frame: bytes | str, now_s: float) -> None:
        """Record and pass on; bytes that are no text are kept with replacement characters."""
        text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
        self._record(SinkCall.RECEIVED, now_s, text)
        self._sink.received(text, now_s)

    def on_timer(self, now_s: float) -> None:
        """Record and pass on."""
        self._record(SinkCall.TIMER, now_s)
        self._sink.on_timer(now_s)

    def take_outgoing(self) -> list[bytes]:
        """Pass on; what a session sends follows from what it heard."""
        return self._sink.take_outgoing()

    def is_dead(self, now_s: float) -> bool:
        """Pass on."""
        return self._sink.is_dead(now_s)

    def was_refused(self) -> bool:
        """Pass on."""
        return self._sink.was_refused()

    def _record(self, call: SinkCall, now_s: float, frame: str = "") -> None:
        self._recorder.add(Recorded(self._asset, call, now_s, frame))


def read_recording(path: Path) -> Iterator[Recorded]:
    """Yield the lines of a file, or of all files of a folder in order.

    A file that was cut short ends at its last whole line. Raises `RecordingError` when there
    is nothing to read.
    """
    files = [path] if path.is_file() else sorted(path.glob(f"*{SUFFIX}"))
    if not files:
        raise RecordingError(f"expected a {SUFFIX} file or a folder of them, was {path}")
    for file in files:
        for line in _read_lines(file):
            try:
                asset, call, now_s, frame = msgspec.json.decode(
                    line, type=tuple[str, SinkCall, float, str]
                )
            except (msgspec.DecodeError, UnicodeDecodeError):
                return
            yield Recorded(asset, call, now_s, frame)


def _read_lines(file: Path) -> Iterator[bytes]:
    """Yield whole lines up to the first byte that cannot be decompressed."""
    rest = b""
    with gzip.open(file, "rb") as stream:
        while True:
            try:
                chunk = stream.read1(_CHUNK)  # read() would lose what precedes a cut
            except (EOFError, OSError, zlib.error):
                return
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines


async def replay(
    path: Path, sinks: Mapping[str, FrameSink], set_clock: Callable[[float], None], speed: float
) -> None:
    """Repeat a recording's calls on the sinks of their assets at `speed` times its own pace."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    first_s: float | None = None
    for line in read_recording(path):
        first_s = line.now_s if first_s is None else first_s
        wait_s = (line.now_s - first_s) / speed - (loop.time() - started_s)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        sink = sinks.get(line.asset)
        if sink is not None:
            set_clock(line.now_s)
            apply_recorded(line, sink)


def apply_recorded(line: Recorded, sink: FrameSink) -> None:
    """Repeat one call; what the session would send is dropped, its answers are recorded."""
    match line.call:
        case SinkCall.OPENED:
            sink.opened(line.now_s)
        case SinkCall.RECEIVED:
            sink.received(line.frame, line.now_s)
        case SinkCall.TIMER:
            sink.on_timer(line.now_s)
    sink.take_outgoing()
