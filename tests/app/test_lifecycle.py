"""What the board listens on."""

import asyncio
import socket

from app.lifecycle import listen
from app.settings import Settings


async def test_an_answer_never_waits_for_the_acknowledgement_of_its_head() -> None:
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accepted.put(writer)

    listener = listen(Settings(port=0))
    server = await asyncio.start_server(accept, sock=listener)
    host, port = listener.getsockname()
    _, client = await asyncio.open_connection(host, port)
    served = await accepted.get()
    connection = served.get_extra_info("socket")
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    for writer in (client, served):
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()
