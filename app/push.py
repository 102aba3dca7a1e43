"""Push: one websocket and one event stream, encoded once, latest wins.

A client's mailbox is the hub itself: a slow reader skips, sees by `seq` what it missed and
never delays another; one that stops reading is closed.
"""

import asyncio
import contextlib
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
import orjson
from fastapi import WebSocket, WebSocketDisconnect

from app import page_views, topics, views
from app.board import UnknownExpiryError
from app.flows import FlowTables
from app.hub import BoardState, SnapshotHub
from app.selections import SnapshotCache
from app.topics import Topic, UnknownTopicError, parse_topic
from dealers.rules import PositionModel
from greeks.exposure import ExposureSnapshot

MIN_INTERVAL_S = 0.25
SLOW_INTERVAL_S = 1.0
SLOW_VIEWS = frozenset({topics.MAP, topics.TAPE, topics.TRADES})
"""Views whose message is large, or of interest only as a list: once a second."""
SEND_TIMEOUT_S = 10.0
MAX_TOPICS = 64
CACHED_FRAMES = 256
STREAMED_TRADES = 100
DRAWN_TRADES = 24


class StreamRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a client of the stream may send."""

    subscribe: list[str] = []
    unsubscribe: list[str] = []


class Publisher:
    """Encodes each topic once per publication and hands the same bytes to every client."""

    def __init__(
        self,
        hub: SnapshotHub,
        snapshots: SnapshotCache,
        trades: Callable[[str, int], Sequence[Mapping[str, views.Json]]],
        flows: FlowTables,
    ) -> None:
        self._flows = flows
        self._hub = hub
        self._snapshots = snapshots
        self._trades = trades
        self._frames: OrderedDict[tuple[str, int], str] = OrderedDict()

    def newest_seq(self, topic: Topic) -> int:
        """Return the sequence number that `frame` would have now."""
        return self._hub.next_seq(topic.asset) - 1

    async def frame(self, topic: Topic) -> tuple[int, str]:
        """Return the newest frame of a topic and its `seq`. Raises `UnknownExpiryError`."""
        state = self._hub.latest(topic.asset)
        if state is None:
            raise UnknownTopicError(topic.name)
        key = (topic.name, state.seq)
        frame = self._frames.get(key)
        if frame is None:
            frame = orjson.dumps(await self._message(topic, state)).decode()
            self._frames[key] = frame
            if len(self._frames) > CACHED_FRAMES:
                self._frames.popitem(last=False)
        return state.seq, frame

    async def _message(self, topic: Topic, state: BoardState) -> dict[str, views.Json]:
        snapshot = await self._snapshots.get(state, topic.selection)
        models = await self._snapshots.models(state, topic.selection)
        data: views.Json = None
        if topic.view == topics.TRADES:
            data = self._trades(topic.asset, STREAMED_TRADES)
        elif topic.view == topics.TAPE:
            data = page_views.tape(self._trades(topic.asset, DRAWN_TRADES))
        elif snapshot is not None and topic.view == topics.HEDGE_FLOW:
            data = views.rows(await self._flows.table(state, snapshot, topic.selection))
        elif snapshot is not None:
            data = _data(topic, state, snapshot, models)
        return {"topic": topic.name, **views.header(state, snapshot), "data": data}


class StreamClient:
    """One websocket of `/api/v1/stream`: a reader of requests and a writer of frames."""

    def __init__(
        self, socket: WebSocket, hub: SnapshotHub, publisher: Publisher, default: PositionModel
    ) -> None:
        self._socket = socket
        self._hub = hub
        self._publisher = publisher
        self._default = default
        self._topics: dict[str, Topic] = {}
        self._sent: dict[str, int] = {}
        self._sent_at: dict[str, float] = {}
        self._news = asyncio.Event()  # a publication, or a topic asked for

    async def serve(self) -> None:
        """Serve until the client leaves or stops reading."""
        with self._hub.listening() as self._news:
            await self._serve()

    async def _serve(self) -> None:
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._write())
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
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
                await self._send(_error(str(error)))

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
        self._news.set()

    async def _write(self) -> None:
        while True:
            self._news.clear()
            for topic in list(self._topics.values()):
                await self._send_if_new(topic)
            await asyncio.sleep(MIN_INTERVAL_S if self._topics else 0)
            if not any(self._is_news(topic) for topic in self._topics.values()):
                await self._news.wait()

    def _is_news(self, topic: Topic) -> bool:
        since_s = time.monotonic() - self._sent_at.get(topic.name, -math.inf)
        if topic.view in SLOW_VIEWS and since_s < SLOW_INTERVAL_S - MIN_INTERVAL_S / 2:
            return False
        return self._publisher.newest_seq(topic) > self._sent.get(topic.name, 0)

    async def _send_if_new(self, topic: Topic) -> None:
        if not self._is_news(topic):
            return
        try:
            seq, frame = await self._publisher.frame(topic)
        except UnknownExpiryError as error:
            self._topics.pop(topic.name, None)
            frame = _error(f"unknown expiry {error} in {topic.name!r}")
        else:
            self._sent[topic.name] = seq
            self._sent_at[topic.name] = time.monotonic()
        await self._send(frame)

    async def _send(self, frame: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._socket.send_text(frame)


async def server_sent_events(
    hub: SnapshotHub, publisher: Publisher, wanted: Sequence[Topic], last_event_id: int
) -> AsyncIterator[bytes]:
    """Yield topics of one asset as server-sent events, each newer than `last_event_id`."""
    sent = last_event_id if last_event_id < hub.next_seq(wanted[0].asset) else 0
    while True:
        newest = publisher.newest_seq(wanted[0])
        if newest > sent:
            for topic in wanted:
                sent, frame = await publisher.frame(topic)
                yield f"id: {sent}\nevent: {topic.view}\ndata: {frame}\n\n".encode()
        await asyncio.sleep(MIN_INTERVAL_S)
        if publisher.newest_seq(wanted[0]) <= sent:
            await hub.changed()


def _error(text: str) -> str:
    return orjson.dumps({"error": text}).decode()


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
