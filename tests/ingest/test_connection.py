"""Sockets that break come back: one by one, and never in a hurry."""

import asyncio
import math
import random
import time
from http import HTTPStatus
from itertools import pairwise

import pytest
import structlog
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from ingest.connection import FIRST_WAIT_S, TOO_MANY_WAIT_S, run_connection
from ingest.pacing import RECONNECT_PERIOD_S, Pacer

SOCKETS = 3


class Idle:
    """A sink that wants nothing."""

    def opened(self, now_s: float) -> None: ...

    def received(self, frame: bytes | str, now_s: float) -> None: ...

    def on_timer(self, now_s: float) -> None: ...

    def take_outgoing(self) -> list[bytes]:
        return []

    def is_dead(self, now_s: float) -> bool:
        return now_s == math.inf

    def was_refused(self) -> bool:
        return False


async def test_sockets_that_break_together_come_back_a_second_apart() -> None:
    opened_s: list[float] = []
    enough = asyncio.Event()

    async def turn_away(socket: ServerConnection) -> None:
        opened_s.append(time.monotonic())
        await socket.close(1012)
        if len(opened_s) == 2 * SOCKETS:
            enough.set()

    async with serve(turn_away, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        pacer = Pacer()
        tasks = [  # the same seed: without turns all would come back at one instant
            asyncio.create_task(
                run_connection(
                    f"ws://127.0.0.1:{port}", Idle(), time.monotonic, random.Random(1), pacer
                )
            )
            for _ in range(SOCKETS)
        ]
        try:
            await asyncio.wait_for(enough.wait(), 30.0)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
    first, again = opened_s[:SOCKETS], opened_s[SOCKETS:]
    assert max(first) - min(first) < RECONNECT_PERIOD_S, "a start does not wait"
    gaps = [later - earlier for earlier, later in pairwise(again)]
    assert min(gaps) > 0.8 * RECONNECT_PERIOD_S  # a fifth for handshakes on a busy machine


async def pause_after_a_failure(url: str) -> tuple[str, float]:
    """Return why a connection failed and how long it means to wait."""
    with structlog.testing.capture_logs() as said:
        now = time.monotonic
        task = asyncio.create_task(run_connection(url, Idle(), now, random.Random(1), Pacer()))
        try:
            async with asyncio.timeout(30.0):
                while not said:
                    await asyncio.sleep(0.01)
        finally:
            task.cancel()
            await asyncio.wait([task])
    (entry, *_) = said
    assert entry["event"] == "feed.reconnect"
    return str(entry["reason"]), float(entry["in_s"])


async def test_a_name_that_nobody_knows_is_tried_again_after_a_pause() -> None:
    reason, wait_s = await pause_after_a_failure("ws://venue.invalid/ws/api/v2")
    assert reason
    assert wait_s >= FIRST_WAIT_S


@pytest.mark.parametrize(
    ("status", "least_s"),
    [(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY_WAIT_S), (HTTPStatus.SERVICE_UNAVAILABLE, 1.0)],
)
async def test_a_refused_handshake_is_respected(status: HTTPStatus, least_s: float) -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        del request
        return socket.respond(status, "no\n")

    async def never(socket: ServerConnection) -> None:
        del socket

    async with serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        reason, wait_s = await pause_after_a_failure(f"ws://127.0.0.1:{port}")
    assert str(status.value) in reason
    assert wait_s >= least_s
