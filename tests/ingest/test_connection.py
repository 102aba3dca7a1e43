"""Sockets that break together come back one by one."""

import asyncio
import math
import random
import time
from itertools import pairwise

from websockets.asyncio.server import ServerConnection, serve

from ingest.connection import run_connection
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
