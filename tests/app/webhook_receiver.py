"""A real HTTP server on loopback with manners to order."""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from standardwebhooks import Webhook

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: track=1\r\n\r\n"
HANG = b""
DRIP = b"drip"


def answer(status: int, *headers: str) -> bytes:
    """Return an HTTP answer without a body."""
    lines = [f"HTTP/1.1 {status} Whatever", "content-length: 0", *headers, "", ""]
    return "\r\n".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Hit:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verify(self, secret: str) -> object:
        """Return the body when its signature is good, else raise."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass(slots=True)
class Receiver:
    """Answers each request with the next of `manners`, then with `OK` for ever."""

    port: int = 0
    manners: deque[bytes] = field(default_factory=deque)
    hits: list[Hit] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def wait_for(self, hits: int) -> None:
        """Wait until so many requests came."""
        while len(self.hits) < hits:
            self.news.clear()
            await self.news.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        self.most_at_once = max(self.most_at_once, len(self.open))
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self.open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        originals = dict(line.split(": ", 1) for line in head[1:] if line)
        headers |= {name.lower(): value for name, value in originals.items()}
        body = await reader.readexactly(int(headers["content-length"]))
        self.hits.append(Hit(head[0].split(" ")[1], headers, body))
        self.news.set()
        manner = self.manners.popleft() if self.manners else OK
        if manner == HANG:
            await reader.read()  # until the client gives up
        elif manner == DRIP:
            await self._drip(writer)
        else:
            writer.write(manner)
            await writer.drain()

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        """Send a header byte now and then, for ever: no single read ever times out."""
        writer.write(b"HTTP/1.1 200 OK\r\nx-drip: ")
        while not writer.is_closing():
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def receiving(*manners: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver for the length of the block."""
    receiver = Receiver(manners=deque(manners))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield receiver
        finally:
            for writer in receiver.open:
                writer.close()
