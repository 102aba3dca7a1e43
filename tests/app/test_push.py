"""The stream of a board that a test moves by hand, over a server that is the test itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import structlog
from fastapi import WebSocket
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side

from app import page_views, push
from app.connections import READY_FRAMES
from app.push import Publisher, StreamClient
from tests.app.alert_board import ScriptedBoard, context_of

Message = MutableMapping[str, Any]
PATIENCE_S = 10.0


class Line:
    """One websocket as the application sees it; `is_open` is whether its peer reads."""

    def __init__(self, *, takes_frames: bool = False) -> None:
        self.asked: asyncio.Queue[Message] = asyncio.Queue()
        self.writes: list[Message] = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        extensions = {READY_FRAMES: {}} if takes_frames else {}
        scope = {"type": "websocket", "extensions": extensions, "headers": [], "path": "/"}
        self.socket = WebSocket(scope, self.asked.get, self._send)
        self.asked.put_nowait({"type": "websocket.connect"})

    async def _send(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            await self.is_open.wait()
        self.writes.append(message)

    def ask(self, **request: list[str]) -> None:
        self.asked.put_nowait({"type": "websocket.receive", "text": orjson.dumps(request).decode()})

    def leave(self) -> None:
        self.asked.put_nowait({"type": "websocket.disconnect", "code": 1000})

    def bodies(self) -> list[Any]:
        """Every message that came, whichever way."""
        found: list[bytes] = []
        for write in self.writes:
            if write["type"] == "websocket.send":
                found += unframed(write[READY_FRAMES]) if READY_FRAMES in write else [write["text"]]
        return [orjson.loads(body) for body in found]

    def seqs(self, topic: str) -> list[int]:
        return [body["seq"] for body in self.bodies() if body.get("topic") == topic]

    async def until(self, ask: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not ask():
                await asyncio.sleep(0.005)


def unframed(frames: list[bytes]) -> list[bytes]:
    """The texts of frames, read as a client of another library would."""
    client = Protocol(Side.CLIENT)
    client.receive_data(b"".join(frames))
    events = client.events_received()
    assert all(event.opcode is Opcode.TEXT and event.fin for event in events)
    return [bytes(event.data) for event in events]


@asynccontextmanager
async def served(board: ScriptedBoard, publisher: Publisher, line: Line) -> AsyncIterator[Line]:
    """Serve one client until the block is left."""
    await line.socket.accept()
    client = StreamClient(line.socket, board.hub, publisher, board.state(0.0).position)
    task = asyncio.create_task(client.serve())
    try:
        yield line
    finally:
        line.leave()
        line.is_open.set()
        await task


@pytest.fixture
def board() -> ScriptedBoard:
    scripted = ScriptedBoard()
    scripted.publish(1.0)
    return scripted


@pytest.fixture
def publisher(board: ScriptedBoard) -> Publisher:
    return context_of(board).publisher


@pytest.mark.parametrize("takes_frames", [False, True])
async def test_both_ways_of_writing_say_the_same(
    board: ScriptedBoard, publisher: Publisher, takes_frames: bool
) -> None:
    names = ["BTC.summary", "BTC.levels", "BTC.strikes"]
    async with served(board, publisher, Line(takes_frames=takes_frames)) as line:
        line.ask(subscribe=names)
        await line.until(lambda: len(line.bodies()) == len(names))
        assert [body["topic"] for body in line.bodies()] == names
        assert {body["seq"] for body in line.bodies()} == {1}
        line.ask(subscribe=["BTC.weather"])
        await line.until(lambda: "expected a view" in line.bodies()[-1].get("error", ""))


async def test_all_that_a_publication_holds_for_a_client_is_one_write(
    board: ScriptedBoard, publisher: Publisher
) -> None:
    async with served(board, publisher, Line(takes_frames=True)) as line:
        line.ask(subscribe=["BTC.summary", "BTC.levels", "BTC.strikes", "BTC.profile"])
        await line.until(lambda: len(line.bodies()) == 4)
        assert len(line.writes) == 2, "the handshake and one write"


async def test_a_message_is_made_once_however_many_ask_at_the_same_time(
    board: ScriptedBoard, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Counter[int] = Counter()
    heatmap = page_views.heatmap

    def counted(snapshot: Any, greek: str) -> Any:
        made[snapshot.chain.seq] += 1
        return heatmap(snapshot, greek)

    monkeypatch.setattr(page_views, "heatmap", counted)
    lines = [Line(takes_frames=True) for _ in range(20)]
    topic = "BTC.map?book=inverse&greek=gex"  # a selection: computed in a thread
    async with asyncio.TaskGroup() as group:
        for line in lines:
            line.ask(subscribe=[topic])
            group.create_task(_one_message(board, publisher, line, topic))
    assert made.total() == 1
    frames = {id(line.writes[1][READY_FRAMES][0]) for line in lines}
    assert len(frames) == 1, "everyone's bytes are the same object"


async def _one_message(board: ScriptedBoard, publisher: Publisher, line: Line, topic: str) -> None:
    async with served(board, publisher, line):
        await line.until(lambda: line.seqs(topic) == [1])


async def test_who_reads_again_gets_the_newest_and_sees_by_seq_what_was_skipped(
    board: ScriptedBoard, publisher: Publisher
) -> None:
    slow, quick = Line(takes_frames=True), Line(takes_frames=True)
    topic = "BTC.summary"
    async with served(board, publisher, slow), served(board, publisher, quick):
        slow.is_open.clear()
        slow.ask(subscribe=[topic])
        quick.ask(subscribe=[topic])
        await quick.until(lambda: quick.seqs(topic) == [1])
        for seq in range(2, 5):
            board.publish(seq / 10)
            await quick.until(lambda: quick.seqs(topic)[-1] == seq)  # noqa: B023
        assert quick.seqs(topic) == [1, 2, 3, 4]
        slow.is_open.set()
        await slow.until(lambda: slow.seqs(topic) == [1, 4])


async def test_who_does_not_read_is_closed_and_the_others_are_served(
    board: ScriptedBoard, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "SEND_TIMEOUT_S", 0.2)
    silent, reader = Line(takes_frames=True), Line(takes_frames=True)
    topic = "BTC.summary"
    async with served(board, publisher, silent), served(board, publisher, reader):
        silent.is_open.clear()
        for line in (silent, reader):
            line.ask(subscribe=[topic])
        await reader.until(lambda: bool(reader.seqs(topic)))

        def closed() -> bool:
            board.publish(1.0)
            return silent.writes[-1]["type"] == "websocket.close"

        await silent.until(closed)
        assert silent.writes[-1]["code"] == 1008
        newest = board.hub.next_seq("BTC") - 1
        await reader.until(lambda: reader.seqs(topic)[-1] == newest)
        assert reader.writes[-1]["type"] == "websocket.send"


async def test_a_burst_of_publications_is_at_most_four_messages_a_second_and_ends_with_the_newest(
    board: ScriptedBoard, publisher: Publisher
) -> None:
    topic = "BTC.summary"
    async with served(board, publisher, Line(takes_frames=True)) as line:
        line.ask(subscribe=[topic])
        loop = asyncio.get_running_loop()
        started = loop.time()
        while loop.time() - started < 1.0:
            board.publish(1.0)
            await asyncio.sleep(0.01)
        newest = board.hub.next_seq("BTC") - 1
        took_s = loop.time() - started
        assert len(line.seqs(topic)) <= 1 + took_s / (push.MIN_INTERVAL_S - push.SLACK_S)
        await line.until(lambda: line.seqs(topic)[-1] == newest)


async def test_who_unsubscribed_hears_nothing_more(
    board: ScriptedBoard, publisher: Publisher
) -> None:
    topic = "BTC.summary"
    former, reader = Line(takes_frames=True), Line(takes_frames=True)
    async with served(board, publisher, former), served(board, publisher, reader):
        for line in (former, reader):
            line.ask(subscribe=[topic])
            await line.until(lambda: line.seqs(topic) == [1])  # noqa: B023
        former.ask(unsubscribe=[topic])
        await former.until(former.asked.empty)
        board.publish(2.0)
        await reader.until(lambda: reader.seqs(topic) == [1, 2])
        assert former.seqs(topic) == [1]


async def test_a_mistake_of_ours_closes_the_client_and_is_in_the_log(
    board: ScriptedBoard, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(page_views, "board", broken)
    with structlog.testing.capture_logs() as log:
        async with served(board, publisher, Line()) as line:
            line.ask(subscribe=["BTC.board"])
            await line.until(lambda: line.writes[-1]["type"] == "websocket.close")
    assert [entry["event"] for entry in log] == ["push.client_failed"]
