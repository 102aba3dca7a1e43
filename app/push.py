"""Push: one websocket and one event stream, encoded and framed once, latest wins.

A client's mailbox is the hub itself: a slow reader skips, sees by `seq` what it missed and
never delays another; one that stops reading is closed. What a publication has for a client
leaves in one write.
"""

import asyncio
import contextlib
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec
import orjson
import structlog
from fastapi import WebSocket, WebSocketDisconnect
from websockets.frames import Frame, Opcode

from app import page_views, topics, views
from app.board import UnknownExpiryError
from app.connections import READY_FRAMES
from app.flows import FlowTables
from app.hub import BoardState, SnapshotHub
from app.selections import SnapshotCache
from app.tape_view import Prints, select_trades, trade_rows
from app.topics import Topic, UnknownTopicError, parse_topic
from dealers.rules import PositionModel
from greeks.exposure import ExposureSnapshot

MIN_INTERVAL_S = 0.25
SLOW_INTERVAL_S = 1.0
SLOW_VIEWS = frozenset({topics.MAP, topics.TAPE})
"""Views of the page whose message is large, or of interest only as a list: once a second."""
SLACK_S = 0.05
"""How much too early a publication may come; the engine keeps the interval, sending jitters."""
SEND_TIMEOUT_S = 10.0
MAX_TOPICS = 64
WRITTEN_TOGETHER = 8
"""Messages of one write at most: they are what a client who does not read costs in memory."""
CACHED_MESSAGES = 256
STREAMED_TRADES = 100
DRAWN_TRADES = 24

_LEFT = (RuntimeError, WebSocketDisconnect, TimeoutError)
"""What a socket raises whose client left or does not read."""
_log = structlog.get_logger()


class StreamRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a client of the stream may send."""

    subscribe: list[str] = []
    unsubscribe: list[str] = []


@dataclass(frozen=True, slots=True)
class Encoded:
    """A message as JSON and as the websocket frame that carries it."""

    body: bytes
    frame: bytes

    @classmethod
    def of(cls, message: Mapping[str, views.Json]) -> "Encoded":
        """Encode a message."""
        body = orjson.dumps(message)
        return cls(body, Frame(Opcode.TEXT, body).serialize(mask=False))


class Publisher:
    """Encodes each topic once per publication and hands the same bytes to every client."""

    def __init__(
        self,
        hub: SnapshotHub,
        snapshots: SnapshotCache,
        tape: Callable[[str], Prints],
        flows: FlowTables,
    ) -> None:
        self._flows = flows
        self._hub = hub
        self._snapshots = snapshots
        self._tape = tape
        self._messages: OrderedDict[tuple[str, int], asyncio.Task[Encoded]] = OrderedDict()

    def newest_seq(self, topic: Topic) -> int:
        """Return the sequence number that `newest` would have now."""
        return self._hub.next_seq(topic.asset) - 1

    async def newest(self, topic: Topic) -> tuple[int, Encoded]:
        """Return the newest message of a topic and its `seq`. Raises `UnknownExpiryError`."""
        state = self._hub.latest(topic.asset)
        if state is None:
            raise UnknownTopicError(topic.name)
        key = (topic.name, state.seq)
        task = self._messages.get(key)
        if task is None:
            task = self._messages[key] = asyncio.create_task(self._encode(topic, state))
            if len(self._messages) > CACHED_MESSAGES:
                self._messages.popitem(last=False)
        return state.seq, task.result() if task.done() else await asyncio.shield(task)

    async def _encode(self, topic: Topic, state: BoardState) -> Encoded:
        return Encoded.of(await self._message(topic, state))

    async def _message(self, topic: Topic, state: BoardState) -> dict[str, views.Json]:
        snapshot = await self._snapshots.get(state, topic.selection)
        models = await self._snapshots.models(state, topic.selection)
        data: views.Json = None
        if snapshot is not None and topic.view == topics.HEDGE_FLOW:
            data = views.rows(await self._flows.table(state, snapshot, topic.selection))
        elif snapshot is not None and topic.view == topics.TRADES:
            data = self._trades(topic, snapshot, STREAMED_TRADES)
        elif snapshot is not None and topic.view == topics.TAPE:
            data = page_views.tape(self._trades(topic, snapshot, DRAWN_TRADES))
        elif snapshot is not None:
            data = _data(topic, state, snapshot, models)
        return {"topic": topic.name, **views.header(state, snapshot), "data": data}

    def _trades(
        self, topic: Topic, snapshot: ExposureSnapshot, limit: int
    ) -> list[dict[str, views.Cell]]:
        chosen = select_trades(self._tape(topic.asset), topic.selection, snapshot.chain)
        return trade_rows(list(islice(chosen, limit)), limit)[0]


class StreamClient:
    """One websocket of `/api/v1/stream`: a reader of requests and a writer of messages."""

    def __init__(
        self, socket: WebSocket, hub: SnapshotHub, publisher: Publisher, default: PositionModel
    ) -> None:
        self._socket = socket
        self._hub = hub
        self._publisher = publisher
        self._default = default
        self._takes_frames = READY_FRAMES in (socket.scope.get("extensions") or {})
        self._topics: dict[str, Topic] = {}
        self._assets: frozenset[str] = frozenset()  # of the topics
        self._sent: dict[str, int] = {}
        self._sent_at: dict[str, float] = {}
        self._news = asyncio.Event()  # a publication, or a topic asked for
        self._give_up_at = math.inf  # when a write takes too long

    async def serve(self) -> None:
        """Serve until the client leaves or stops reading."""
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._write())

        def hear(asset: str) -> None:
            if time.monotonic() > self._give_up_at:
                writer.cancel()
            elif asset in self._assets:
                self._news.set()

        try:
            with self._hub.listening(hear):
                await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reader.cancel()
            writer.cancel()
            for error in await asyncio.gather(reader, writer, return_exceptions=True):
                if isinstance(error, Exception) and not isinstance(error, _LEFT):
                    _log.error("push.client_failed", exc_info=error)
            with contextlib.suppress(*_LEFT):
                async with asyncio.timeout(1.0):
                    await self._socket.close(1008, "the reader left or is too slow")

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                self._accept(message.get("text") or "")
            except (msgspec.DecodeError, UnknownTopicError, RecursionError) as error:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._send([_error(str(error))])

    def _accept(self, text: str) -> None:
        request = msgspec.json.decode(text, type=StreamRequest)
        assets = self._hub.assets()
        wanted = [parse_topic(name, assets, self._default) for name in request.subscribe]
        if len(self._topics) + len(wanted) > MAX_TOPICS:
            raise UnknownTopicError(f"expected at most {MAX_TOPICS} topics")
        for name in request.unsubscribe:
            self._topics.pop(name, None)
            self._sent.pop(name, None)
            self._sent_at.pop(name, None)
        self._topics |= {topic.name: topic for topic in wanted}
        self._assets = frozenset(topic.asset for topic in self._topics.values())
        self._news.set()

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            news = [topic for topic in self._topics.values() if self._is_news(topic)]
            now_s = time.monotonic()
            due = [topic for topic in news if now_s >= self._due_at(topic)]
            for start in range(0, len(due), WRITTEN_TOGETHER):
                batch = due[start : start + WRITTEN_TOGETHER]
                messages = [await self._newest(topic) for topic in batch]
                self._give_up_at = time.monotonic() + SEND_TIMEOUT_S
                await self._send(messages)
                self._give_up_at = math.inf
            if news and not due:
                await asyncio.sleep(MIN_INTERVAL_S)
                self._news.set()

    def _is_news(self, topic: Topic) -> bool:
        return self._publisher.newest_seq(topic) > self._sent.get(topic.name, 0)

    def _due_at(self, topic: Topic) -> float:
        interval_s = SLOW_INTERVAL_S if topic.view in SLOW_VIEWS else MIN_INTERVAL_S
        return self._sent_at.get(topic.name, -math.inf) + interval_s - SLACK_S

    async def _newest(self, topic: Topic) -> Encoded:
        try:
            seq, message = await self._publisher.newest(topic)
        except UnknownExpiryError as error:
            self._topics.pop(topic.name, None)
            return _error(f"unknown expiry {error} in {topic.name!r}")
        self._sent[topic.name] = seq
        self._sent_at[topic.name] = time.monotonic()
        return message

    async def _send(self, messages: Sequence[Encoded]) -> None:
        if self._takes_frames:
            frames = [message.frame for message in messages]
            await self._socket.send({"type": "websocket.send", READY_FRAMES: frames})
            return
        for message in messages:
            await self._socket.send_text(message.body.decode())


async def server_sent_events(
    hub: SnapshotHub, publisher: Publisher, wanted: Sequence[Topic], last_event_id: int
) -> AsyncIterator[bytes]:
    """Yield topics of one asset as server-sent events, each newer than `last_event_id`."""
    sent = last_event_id if last_event_id < hub.next_seq(wanted[0].asset) else 0
    while True:
        newest = publisher.newest_seq(wanted[0])
        if newest > sent:
            for topic in wanted:
                sent, message = await publisher.newest(topic)
                yield b"id: %d\nevent: %s\ndata: %s\n\n" % (
                    sent,
                    topic.view.encode(),
                    message.body,
                )
        await asyncio.sleep(MIN_INTERVAL_S)
        if publisher.newest_seq(wanted[0]) <= sent:
            await hub.changed()


def _error(text: str) -> Encoded:
    return Encoded.of({"error": text})


def _data(
    topic: Topic, state: BoardState, snapshot: ExposureSnapshot, models: views.Models
) -> views.Json:
    match topic.view:
        case topics.BOARD:
            return page_views.board(state, snapshot, models)
        case topics.MAP:
            return page_views.heatmap(snapshot, topic.greek)
        case _:
            return views.VIEWS[topic.view](state, snapshot, models)
