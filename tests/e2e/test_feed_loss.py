"""The feed dies, comes back, or talks nonsense: the board says so and carries on."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.processes import Board, Launcher, free_port, until

STALE_WITHIN_S = 10.0
BACK_WITHIN_S = 60.0  # reconnects wait up to 30 s
SEED = ("--seed", "7")

NONSENSE: tuple[str | bytes, ...] = (
    "",
    "not json",
    "[]",
    "null",
    "17",
    '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"ticker.BTC',
    '{"method":"subscription"}',
    '{"method":"subscription","params":{"channel":7,"data":{}}}',
    '{"method":"subscription","params":{"channel":"deribit_price_index.btc_usd","data":{}}}',
    (
        '{"method":"subscription","params":{"channel":"deribit_price_index.btc_usd",'
        '"data":{"index_name":"btc_usd","timestamp":"soon","price":1}}}'
    ),
    '{"method":"subscription","params":{"channel":"markprice.options.btc_usd","data":"no list"}}',
    '{"method":"subscription","params":{"channel":"ticker.BTC-PERPETUAL.100ms","data":[]}}',
    '{"id":"an answer to nothing","result":' + "[" * 2000,
    b"\x00\xff\xfe binary",
    '{"method":"subscription","params":{"channel":"trades.option.BTC.100ms","data":{"a":1}}}',
)


def status(board: Board) -> str:
    return str(board.get("/BTC")["status"])


def test_a_killed_exchange_turns_the_board_stale_and_its_return_heals_it(launch: Launcher) -> None:
    port = str(free_port())
    exchange = launch.exchange("--port", port, *SEED)
    with exchange, launch.board(exchange.url) as board:
        board.wait_ready()
        until(lambda: status(board) == "live", 5.0, "live")
        exchange.kill()

        until(lambda: not board.is_ready(), STALE_WITHIN_S, "readyz 503")
        until(lambda: status(board) == "stale", 1.0, "stale")
        first = board.get("/BTC")
        later = until(
            lambda: body if (body := board.get("/BTC"))["age_ms"] > first["age_ms"] + 500 else None,
            5.0,
            "an age that grows",
        )
        assert later["data"] == first["data"], "the last numbers stay"
        assert later["as_of"] == first["as_of"]
        assert "BTC" in board.client.get("/readyz").text
        assert board.client.get("/healthz").status_code == 200

        with launch.exchange("--port", port, *SEED):
            board.wait_ready(BACK_WITHIN_S)
            until(lambda: status(board) == "live", 5.0, "live again")
            healed = board.get("/BTC")
            assert healed["as_of"] > first["as_of"]
            assert healed["quality"]["gaps"] > first["quality"]["gaps"]
            until(lambda: board.metric("gex_ws_reconnects_total", "BTC") >= 1, 10.0, "a reconnect")


class RudeRelay:
    """Stands between board and exchange, and slips nonsense into the stream on demand."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.clients: set[ServerConnection] = set()

    async def serve_client(self, client: ServerConnection) -> None:
        async with connect(self.upstream, max_size=None, ping_interval=None) as venue:
            self.clients.add(client)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass_on(client, venue))
                    group.create_task(self._pass_on(venue, client))
            except* ConnectionClosed:
                pass
            finally:
                self.clients.discard(client)

    async def _pass_on(self, source: Connection, target: Connection) -> None:
        async for message in source:
            await target.send(message)
        await target.close()

    async def insult(self) -> int:
        """Send every piece of nonsense to every client; returns how many of them there are."""
        for client in self.clients:
            for frame in NONSENSE:
                await client.send(frame)
        return len(self.clients)


@contextlib.contextmanager
def relay(upstream: str) -> Iterator[tuple[str, RudeRelay, asyncio.AbstractEventLoop]]:
    """Run a relay on a thread of its own."""
    loop = asyncio.new_event_loop()
    rude = RudeRelay(upstream)

    async def listen() -> Server:
        return await serve(rude.serve_client, "127.0.0.1", 0, max_size=None, ping_interval=None)

    server = loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ws/api/v2", rude, loop
    finally:

        async def close() -> None:
            server.close()
            await server.wait_closed()

        asyncio.run_coroutine_threadsafe(close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_malformed_frames_are_counted_and_dropped_and_the_feed_lives(launch: Launcher) -> None:
    with (
        launch.exchange(*SEED) as exchange,
        relay(exchange.url) as (url, rude, loop),
        launch.board(url, GAMMAFLIP_ASSETS="BTC") as board,
    ):
        board.wait_ready()
        before = board.get("/BTC")
        rejected = board.metric("gex_rejected_total", "BTC")
        clients = asyncio.run_coroutine_threadsafe(rude.insult(), loop).result(10)
        assert clients == 1
        expected = rejected + len(NONSENSE)
        until(
            lambda: board.metric("gex_rejected_total", "BTC") >= expected,
            15.0,
            f"{expected} rejected",
        )
        after = until(
            lambda: body if (body := board.get("/BTC"))["as_of"] > before["as_of"] else None,
            5.0,
            "newer numbers",
        )
        assert after["status"] == "live"
        assert board.is_ready()
        assert board.metric("gex_ws_reconnects_total", "BTC") == 0
        assert after["quality"]["used"] == before["quality"]["used"]
