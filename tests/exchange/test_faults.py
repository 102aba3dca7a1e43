"""Each fault switch does what it says, when told at the start or through the control endpoint."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from exchange.errors import ConfigError
from exchange.faults import Fault, FaultPlan, parse_fault
from exchange.server import Exchange
from tests.exchange.peers import Peer, RefusalError, make_config, meet, serve, serve_peer

BOOK = "book.BTC-PERPETUAL.100ms"
INDEX = "deribit_price_index.btc_usd"
TRADES = "trades.future.BTC.100ms"


@asynccontextmanager
async def disturbed(fault: str, **choices: Any) -> AsyncIterator[tuple[Exchange, Peer]]:
    async with serve_peer(make_config(faults=(parse_fault(fault),), **choices)) as pair:
        yield pair


def begin(exchange: Exchange, fault: str) -> None:
    exchange.faults.start(parse_fault(fault), exchange.clock.monotonic())


async def read_until_closed(peer: Peer) -> None:
    while True:
        await peer.socket.recv()


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("abort", FaultPlan(Fault.ABORT)),
        ("mute:trades.*@5+30", FaultPlan(Fault.MUTE, "trades.*", 5.0, 30.0)),
        ("close:1012", FaultPlan(Fault.CLOSE, "1012")),
        ("jump:BTC*1.15@2.5", FaultPlan(Fault.JUMP, "BTC*1.15", 2.5)),
        ("skew:-600000", FaultPlan(Fault.SKEW, "-600000")),
    ],
)
def test_a_fault_reads_from_one_word(text: str, plan: FaultPlan) -> None:
    assert parse_fault(text) == plan


@pytest.mark.parametrize(
    "text",
    [
        "", "nothing", "mute:x@soon", "close:often", "lag:1s", "abort+",
        "close:1006", "close:9999", "close:1012.5", "handshake:99", "handshake:499",
        "lag:-1", "flood:-1", "too-large:1.5", "jump:BTC*0", "jump:BTC*-1", "skew:0.5",
        "skew:9999999999999999",
    ],
)  # fmt: skip
def test_a_fault_that_cannot_be_read_is_one_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match="fault: expected"):
        parse_fault(text)


@pytest.mark.parametrize(
    ("fault", "code"), [("abort", 1006), ("close:1012", 1012), ("close:4000", 4000)]
)
async def test_sockets_end_as_told(fault: str, code: int) -> None:
    async with serve_peer() as (exchange, peer):
        begin(exchange, fault)
        with pytest.raises(ConnectionClosed):
            await read_until_closed(peer)
        assert peer.socket.close_code == code


async def test_refused_connects_come_back_when_the_fault_is_over() -> None:
    async with serve(make_config(faults=(parse_fault("refuse"),))) as (exchange, port):
        exchange.pump()
        with pytest.raises((OSError, InvalidHandshake)):
            async with meet(port):
                pass
        exchange.faults.stop(Fault.REFUSE)
        async with meet(port) as peer:
            assert await peer.call("public/get_time")


async def test_a_handshake_is_refused_with_a_status() -> None:
    async with serve(make_config(faults=(parse_fault("handshake:503"),))) as (exchange, port):
        exchange.pump()
        with pytest.raises(InvalidStatus) as refused:
            async with meet(port):
                pass
    assert refused.value.response.status_code == 503


async def test_a_silent_exchange_keeps_the_socket_and_says_nothing() -> None:
    async with serve_peer() as (exchange, peer):
        await peer.call("public/subscribe", channels=[INDEX])
        await peer.next(INDEX)
        begin(exchange, "silent+40")
        exchange.pump()
        peer.pushes.clear()
        begun = exchange.clock.monotonic()
        await peer.next(INDEX)
        assert exchange.clock.monotonic() - begun >= 40


async def test_one_muted_channel_leaves_the_others_and_the_heartbeat() -> None:
    async with disturbed(f"mute:{INDEX}") as (exchange, peer):
        exchange.pump()
        await peer.call("public/set_heartbeat", interval=10)
        await peer.call("public/subscribe", channels=[INDEX, BOOK])
        assert await peer.next_heartbeat() == "test_request"
        assert len(peer.pushes[BOOK]) > 10
        assert not peer.pushes[INDEX]


async def test_late_frames_keep_their_order() -> None:
    async with disturbed("lag:5") as (exchange, peer):
        exchange.pump()
        begun = exchange.clock.monotonic()
        await peer.call("public/subscribe", channels=[BOOK])
        assert exchange.clock.monotonic() - begun >= 5
        last = (await peer.next(BOOK))["change_id"]
        for _ in range(10):
            change = await peer.next(BOOK)
            assert change["prev_change_id"] == last
            last = change["change_id"]


async def test_requests_stay_unanswered_while_channels_go_on() -> None:
    async with serve_peer() as (exchange, peer):
        await peer.call("public/subscribe", channels=[INDEX])
        begin(exchange, "stop-answering")
        exchange.pump()
        await peer.send({"jsonrpc": "2.0", "id": "x", "method": "public/test", "params": {}})
        for _ in range(3):
            await peer.next(INDEX)
        assert "x" not in peer.replies


async def test_empty_credits_end_the_session_after_10028() -> None:
    async with disturbed("exhausted") as (exchange, peer):
        exchange.pump()
        with pytest.raises(RefusalError) as refused:
            await peer.call("public/subscribe", channels=[INDEX])
        assert refused.value.code == 10028
        await peer.socket.wait_closed()


async def test_a_frame_with_many_channels_is_too_large() -> None:
    async with disturbed("too-large:2000") as (exchange, peer):
        exchange.pump()
        channels = [f"ticker.BTC-25DEC26-{k}000-C.agg2" for k in range(100)]
        message = {"id": 1, "method": "public/subscribe", "params": {"channels": channels}}
        await peer.send(message)
        orphan = await peer.next_orphan()
        assert orphan["error"] == {"code": -32600, "message": "request entity too large"}


async def test_an_ack_is_shorter_than_asked() -> None:
    async with disturbed("short-ack:trades.*") as (exchange, peer):
        exchange.pump()
        assert await peer.call("public/subscribe", channels=[TRADES, INDEX]) == [INDEX]


async def test_lists_hold_what_nobody_asked_about() -> None:
    async with disturbed("strangers") as (exchange, peer):
        exchange.pump()
        rows = await peer.call("public/get_instruments")
        kinds = {row["kind"] for row in rows}
        assert {"option", "future", "spot", "a_kind_of_next_year"} <= kinds
        assert {row.get("underlying_type") for row in rows} > {"equity", "commodity", "crypto"}
        assert all("settlement_currency" not in row for row in rows if row["kind"] == "spot")
        options = await peer.call("public/get_instruments", currency="USDC", kind="option")
        assert "XAU_USDC-25DEC26-4000d5-C" in {row["instrument_name"] for row in options}


async def test_a_flood_says_every_option_to_who_reads_marks() -> None:
    async with serve_peer() as (exchange, peer):
        await peer.call("public/subscribe", channels=["markprice.options.btc_usd"])
        begin(exchange, "flood:2000")
        names = {i.name for i in exchange.market.state.options["btc_usd"].instruments}
        async with asyncio.timeout(20):
            while len(peer.pushes) < len(names) // 2:
                await peer.next("markprice.options.btc_usd")
        said = {channel.split(".")[1] for channel in peer.pushes if channel.startswith("ticker.")}
        assert len(said) > len(names) // 3
        assert said <= names


async def test_summaries_stay_old() -> None:
    async with serve_peer() as (exchange, peer):
        first = await peer.call("public/get_book_summary_by_currency", currency="BTC")
        begin(exchange, "stale-summary")
        await peer.call("public/subscribe", channels=[INDEX])
        for _ in range(5):
            await peer.next(INDEX)
        again = await peer.call("public/get_book_summary_by_currency", currency="BTC")
        assert again == first
        exchange.faults.stop(None)
        for _ in range(3):
            await peer.next(INDEX)
        assert await peer.call("public/get_book_summary_by_currency", currency="BTC") != first


async def test_a_book_gap_breaks_the_chain_once() -> None:
    async with serve_peer() as (exchange, peer):
        await peer.call("public/subscribe", channels=[BOOK])
        last = (await peer.next(BOOK))["change_id"]
        breaks = 0
        for k in range(12):
            change = await peer.next(BOOK)
            breaks += change["prev_change_id"] != last
            last = change["change_id"]
            if k == 4:
                begin(exchange, "book-gap")
        assert breaks == 1


async def test_books_lie_as_told() -> None:
    async with disturbed("book-crossed") as (exchange, peer):
        exchange.pump()
        await peer.call("public/subscribe", channels=[BOOK])
        words = [
            w
            for _ in range(8)
            for side in ("bids", "asks")
            for w, *_ in (await peer.next(BOOK))[side]
        ]
        assert "new" in words
        assert "delete" not in words
    async with disturbed("book-repeat") as (exchange, peer):
        exchange.pump()
        await peer.call("public/subscribe", channels=[BOOK])
        assert await peer.next(BOOK) == await peer.next(BOOK)
    async with disturbed("book-early") as (exchange, peer):
        exchange.pump()
        await peer.call("public/subscribe", channels=[BOOK])
        assert (await peer.next(BOOK))["type"] == "change"


async def test_lost_trades_are_still_in_the_history() -> None:
    async with disturbed("trades-lost", activity=5.0) as (exchange, peer):
        exchange.pump()
        await peer.call("public/subscribe", channels=[TRADES, INDEX])
        for _ in range(10):
            await peer.next(INDEX)
        assert not peer.pushes[TRADES]
        told = await peer.call("public/get_last_trades_by_currency", currency="BTC", kind="future")
        assert told["trades"]


async def test_trades_come_twice_and_shuffled_as_told() -> None:
    async with disturbed("trades-twice", activity=20.0) as (exchange, peer):
        exchange.pump()
        await peer.call("public/subscribe", channels=[TRADES])
        assert await peer.next(TRADES) == await peer.next(TRADES)
    async with disturbed("trades-shuffled", activity=100.0) as (exchange, peer):
        exchange.pump()
        await peer.call("public/subscribe", channels=[TRADES])
        batch: list[dict[str, Any]] = []
        while len(batch) < 3:
            batch = await peer.next(TRADES)
        numbers = [int(trade["trade_id"]) for trade in batch]
        assert numbers == sorted(numbers, reverse=True)


async def test_odd_numbers_have_every_legal_shape() -> None:
    async with disturbed("odd-numbers") as (exchange, peer):
        exchange.pump()
        channel = "ticker.BTC-PERPETUAL.100ms"
        await peer.call("public/subscribe", channels=[channel])
        ticker = await peer.next(channel)
    assert ticker["stats"]["high"] is None
    assert ticker["state"] == "a_word_of_next_year"
    assert ticker["a_field_of_next_year"]["nested"][1] > 2**53


async def test_a_locked_index_stands_still_and_the_platform_says_so() -> None:
    async with serve_peer() as (exchange, peer):
        await peer.call("public/subscribe", channels=[INDEX, "platform_state"])
        begin(exchange, "lock:btc_usd")
        while (push := await peer.next("platform_state"))["price_index"] != "btc_usd":
            pass
        assert push["locked"] is True
        status = await peer.call("public/status")
        assert status == {"locked": "partial", "locked_indices": ["btc_usd"]}
        peer.pushes[INDEX].clear()
        prices = {(await peer.next(INDEX))["price"] for _ in range(5)}
        assert len(prices) == 1


async def test_an_index_jumps() -> None:
    async with serve_peer() as (exchange, peer):
        await peer.call("public/subscribe", channels=[INDEX])
        before = (await peer.next(INDEX))["price"]
        begin(exchange, "jump:BTC*1.2")
        after = [(await peer.next(INDEX))["price"] for _ in range(3)][-1]
        assert after / before == pytest.approx(1.2, rel=0.01)


async def test_a_forward_that_cannot_be_true_is_said() -> None:
    async with disturbed("bad-forward:0") as (exchange, peer):
        exchange.pump()
        rows = await peer.call("public/get_book_summary_by_currency", currency="BTC", kind="option")
        assert {row["underlying_price"] for row in rows} == {0.0}


async def test_the_clock_jumps() -> None:
    async with serve_peer() as (exchange, peer):
        before = await peer.call("public/get_time")
        begin(exchange, "skew:600000")
        exchange.pump()
        assert await peer.call("public/get_time") - before >= 600_000


async def test_maintenance_refuses_market_methods_and_is_announced() -> None:
    async with serve_peer() as (exchange, peer):
        await peer.call("public/subscribe", channels=["platform_state"])
        begin(exchange, "maintenance")
        while "maintenance" not in (push := await peer.next("platform_state")):
            pass
        assert push == {"maintenance": True}
        with pytest.raises(RefusalError) as refused:
            await peer.call("public/get_instruments")
        assert refused.value.code == 11051
        assert await peer.call("public/test")


async def test_public_access_can_be_switched_off() -> None:
    channel = "platform_state.public_methods_state"
    async with serve_peer() as (exchange, peer):
        await peer.call("public/subscribe", channels=[channel])
        assert await peer.next(channel) == {"allow_unauthenticated_public_requests": True}
        begin(exchange, "no-public")
        assert await peer.next(channel) == {"allow_unauthenticated_public_requests": False}
        with pytest.raises(RefusalError) as refused:
            await peer.call("public/get_instruments")
        assert refused.value.code == 13009


@pytest.mark.parametrize("fault", ["garbage", "binary", "huge"])
async def test_strange_frames_come_between_good_ones(fault: str) -> None:
    async with serve_peer() as (exchange, peer):
        begin(exchange, fault)
        frame = await peer.socket.recv()
        if fault == "garbage":
            assert isinstance(frame, str)
            with pytest.raises(json.JSONDecodeError):
                json.loads(frame)
        elif fault == "binary":
            assert isinstance(frame, bytes)
        else:
            assert len(frame) > 5_000_000
        assert await peer.call("public/test")


async def test_a_truncated_frame_ends_the_socket() -> None:
    async with serve_peer() as (exchange, peer):
        begin(exchange, "truncated")
        with pytest.raises(ConnectionClosed):
            await read_until_closed(peer)
        assert peer.socket.close_code == 1006


async def test_faults_and_clock_obey_the_control_endpoint() -> None:
    config = make_config(control=True)
    async with serve(config) as (exchange, port), httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{port}/control"
        started = await client.post(url, json={"fault": "mute:trades.*"})
        assert started.status_code == 200
        exchange.pump()
        report = (await client.get(url)).json()
        assert report["faults"] == ["mute"]
        assert report["true_dealer_position_coin"] == exchange.market.true_dealer_position_coin()
        await client.post(
            url, json={"clear": "mute", "now_ms": config.start_ms + 10**7, "speed": 2}
        )
        report = (await client.get(url)).json()
        assert report["faults"] == []
        assert report["now_ms"] >= config.start_ms + 10**7
        assert report["speed"] == 2
        for bad in ({"fault": "nothing"}, {"clear": "nothing"}, {"unknown": 1}, {"speed": -1},
                    {"speed": 1e300}, {"now_ms": 1 << 62}, {"now_ms": -5}):  # fmt: skip
            answer = await client.post(url, json=bad)
            assert answer.status_code == 400
            assert answer.json()["error"]


async def test_faults_of_the_start_wait_for_their_time() -> None:
    plans = (parse_fault(f"mute:{INDEX}@3+4"),)
    async with serve_peer(make_config(faults=plans)) as (exchange, peer):
        begun = exchange.clock.monotonic()
        await peer.call("public/subscribe", channels=[INDEX])
        times = []
        while exchange.clock.monotonic() < begun + 12:
            await peer.next(INDEX)
            times.append(exchange.clock.monotonic() - begun)
        # a push of the moment before may be read late on a busy machine
        assert all(not 4.5 < t < 6.5 for t in times)
        assert any(t < 4.5 for t in times)
        assert any(t > 6.5 for t in times)


async def test_a_reader_that_never_reads_is_cut() -> None:
    async with serve() as (exchange, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
        writer.write(
            b"GET /ws/api/v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b"101" in await reader.readline()
        writer.transport.pause_reading()
        async with asyncio.timeout(10):
            while exchange.sessions:
                begin(exchange, "huge")
                await asyncio.sleep(0.005)
        writer.close()
