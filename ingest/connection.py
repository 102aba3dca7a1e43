"""The only socket: connect, pump frames, reconnect. Parses nothing.

Reconnects wait at least 1 s, doubling to 30 s, with up to half as much again as jitter; after the
venue said "too many requests" at least 10 s. After a healthy minute the wait starts from 1 s.
All sockets of a process take turns: one reconnect a second.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Protocol

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from ingest.pacing import Pacer

MAX_FRAME_BYTES = 64 * 2**20
OPEN_TIMEOUT_S = 10.0
TIMER_S = 0.5
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
HEALTHY_S = 60.0
TOO_MANY_WAIT_S = 10.0
TOO_MANY = ("429", "10028", "too_many_requests")

_log = structlog.get_logger()


class FrameSink(Protocol):
    """What a connection needs of its owner; a new session starts with each `opened`."""

    def opened(self, now_s: float) -> None:
        """Start a session on a fresh socket."""

    def received(self, frame: bytes | str, now_s: float) -> None:
        """Take one frame."""

    def on_timer(self, now_s: float) -> None:
        """Do what is due."""

    def take_outgoing(self) -> list[bytes]:
        """Hand over frames to send."""

    def is_dead(self, now_s: float) -> bool:
        """Whether the socket must be replaced although it looks open."""

    def was_refused(self) -> bool:
        """Whether the venue said "too many requests" on this socket."""


async def run_connection(
    url: str,
    sink: FrameSink,
    now: Callable[[], float],
    rng: random.Random,
    pacer: Pacer,
) -> None:
    """Keep a socket to `url` open and its frames flowing into `sink` until cancelled."""
    wait_s = FIRST_WAIT_S
    while True:
        opened_s = now()
        reason = await _serve_once(url, sink, now)
        wait_s = FIRST_WAIT_S if now() - opened_s > HEALTHY_S else min(wait_s * 2, LONGEST_WAIT_S)
        is_refused = sink.was_refused() or any(word in reason for word in TOO_MANY)
        shortest_s = TOO_MANY_WAIT_S if is_refused else FIRST_WAIT_S
        delay = max(shortest_s, wait_s) * rng.uniform(1.0, 1.5)
        _log.warning("feed.reconnect", url=url, reason=reason, in_s=round(delay, 1))
        await asyncio.sleep(delay)
        await asyncio.sleep(pacer.reconnect_in(now()))


async def _serve_once(url: str, sink: FrameSink, now: Callable[[], float]) -> str:
    """Serve one socket to its end and say why it ended."""
    try:
        async with connect(
            url,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=None,  # the protocol has its own heartbeat
            max_size=MAX_FRAME_BYTES,
            user_agent_header="gammaflip",
        ) as socket:
            sink.opened(now())
            _log.info("feed.connected", url=url)
            return await _pump(socket, sink, now)
    except (OSError, TimeoutError, ConnectionClosed, InvalidHandshake) as error:
        return f"{type(error).__name__}: {error}"
    except InvalidURI:
        raise
    except Exception as error:  # noqa: BLE001 - the one supervisor
        # The feed must outlive its own defects: say so loudly, count, start over.
        _log.exception("feed.defect", url=url)
        return f"{type(error).__name__}: {error}"


async def _pump(socket: ClientConnection, sink: FrameSink, now: Callable[[], float]) -> str:
    """Move frames both ways until the socket closes or the session calls it dead."""
    reader = asyncio.create_task(_read(socket, sink, now))
    try:
        while not reader.done():
            await _flush(socket, sink)
            await asyncio.wait({reader}, timeout=TIMER_S)
            sink.on_timer(now())
            if sink.is_dead(now()):
                return "silent socket"
    finally:
        reader.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
            await reader
    return f"closed {socket.close_code} {socket.close_reason}"


async def _read(socket: ClientConnection, sink: FrameSink, now: Callable[[], float]) -> None:
    async for frame in socket:
        sink.received(frame, now())
        await _flush(socket, sink)


async def _flush(socket: ClientConnection, sink: FrameSink) -> None:
    for frame in sink.take_outgoing():
        await socket.send(frame, text=True)


async def answers(url: str, within_s: float) -> bool:
    """Whether the venue at `url` answers a `public/test` within `within_s` seconds."""
    try:
        async with (
            asyncio.timeout(within_s),
            connect(url, open_timeout=within_s, user_agent_header="gammaflip") as socket,
        ):
            await socket.send('{"jsonrpc":"2.0","id":1,"method":"public/test","params":{}}')
            return "version" in str(await socket.recv())
    except (OSError, TimeoutError, ConnectionClosed, InvalidHandshake):
        return False
