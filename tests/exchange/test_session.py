"""The envelope, subscriptions and signs of life, over a real socket."""

import asyncio
from itertools import pairwise

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from exchange.config import LimitSettings
from exchange.session import Outlet, Session
from tests.exchange.peers import Peer, RefusalError, make_config, meet, serve, serve_peer


async def collect_heartbeats(peer: Peer) -> None:
    while True:
        await peer.next_heartbeat()


async def subscribe_often(peer: Peer, times: int) -> None:
    for _ in range(times):
        await peer.call("public/subscribe", channels=["platform_state"])


async def test_a_reply_carries_id_times_and_testnet() -> None:
    async with serve_peer(make_config(testnet=True)) as (_, peer):
        reply = await peer.ask("public/test")
    assert reply["jsonrpc"] == "2.0"
    assert reply["result"] == {"version": "1.2.26"}
    assert reply["testnet"] is True
    assert reply["usOut"] - reply["usIn"] == reply["usDiff"] >= 0


async def test_an_id_keeps_its_type_and_a_missing_id_stays_missing() -> None:
    async with serve_peer() as (_, peer):
        await peer.send({"jsonrpc": "2.0", "id": "101", "method": "public/test", "params": {}})
        await peer.call("public/test")
        assert peer.replies.pop("101")["result"]
        await peer.send({"jsonrpc": "2.0", "method": "public/test"})
        assert "id" not in await peer.next_orphan()


async def test_what_is_no_json_is_answered_without_id_and_the_socket_lives() -> None:
    async with serve_peer() as (_, peer):
        await peer.send("{nonsense")
        orphan = await peer.next_orphan()
        assert orphan["error"]["code"] == 11050
        assert await peer.call("public/get_time")


async def test_an_oversized_frame_is_refused_without_id() -> None:
    config = make_config(limits=LimitSettings(max_frame_bytes=1000))
    async with serve_peer(config) as (_, peer):
        await peer.send({"id": 1, "method": "public/test", "params": {"x": "y" * 2000}})
        assert (await peer.next_orphan())["error"]["code"] == -32600


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("public/nothing", {}, -32601),
        ("private/buy", {}, 13009),
        ("public/ticker", {}, -32602),
        ("public/ticker", {"instrument_name": "BTC-1JAN20-1-C"}, -32602),
        ("public/get_book_summary_by_currency", {"currency": "any"}, -32602),
        ("public/get_last_trades_by_currency", {"currency": "any"}, -32602),
        ("public/get_last_trades_by_currency", {"currency": "BTC", "count": 1001}, -32602),
        ("public/get_instruments", {"currency": "DOGE"}, -32602),
        ("public/get_instruments", {"currency": "BTC", "kind": "nonsense"}, -32602),
        ("public/get_expirations", {"currency": "BTC", "kind": "spot"}, -32602),
        ("public/get_expirations", {"currency": "DOGE", "kind": "any"}, -32602),
        ("public/get_supported_index_names", {"type": "nonsense"}, -32602),
        ("public/get_last_settlements_by_currency", {"currency": "BTC", "type": "x"}, -32602),
        ("public/get_block_rfq_trades", {"currency": "BTC", "continuation": "x"}, -32602),
        ("public/hello", {}, -32602),
        ("public/subscribe", {"channels": "ticker"}, -32602),
        ("public/subscribe", {"channels": ["trades.option.BTC.raw", "platform_state"]}, 13778),
        ("public/set_heartbeat", {"interval": 5}, -32602),
        ("public/test", {"expected_result": "exception"}, 11094),
    ],
)
async def test_a_bad_request_gets_the_code_of_the_venue(
    method: str, params: dict[str, object], code: int
) -> None:
    async with serve_peer() as (_, peer):
        with pytest.raises(RefusalError) as refused:
            await peer.call(method, **params)
    assert refused.value.code == code


async def test_an_ack_leaves_unknown_channels_out_and_has_its_own_order() -> None:
    asked = ["deribit_price_index.btc_usd", "ticker.NOPE-PERPETUAL.100ms", "quote.BTC-PERPETUAL"]
    async with serve_peer() as (_, peer):
        ack = await peer.call("public/subscribe", channels=asked)
        assert ack == ["quote.BTC-PERPETUAL", "deribit_price_index.btc_usd"]
        again = await peer.call("public/subscribe", channels=["quote.BTC-PERPETUAL"])
        assert again == ["quote.BTC-PERPETUAL"]
        gone = await peer.call("public/unsubscribe", channels=[*asked, "platform_state"])
        assert set(gone) == set(ack)
        assert await peer.call("public/unsubscribe_all") == "ok"


async def test_subscribing_twice_brings_no_second_image_but_leaving_and_returning_does() -> None:
    channel = "book.BTC-PERPETUAL.100ms"
    async with serve_peer() as (_, peer):
        await peer.call("public/subscribe", channels=[channel])
        await peer.call("public/subscribe", channels=[channel])
        kinds = [(await peer.next(channel))["type"] for _ in range(4)]
        assert kinds == ["snapshot", "change", "change", "change"]
        await peer.call("public/unsubscribe", channels=[channel])
        peer.pushes[channel].clear()
        await peer.call("public/subscribe", channels=[channel])
        assert (await peer.next(channel))["type"] == "snapshot"


async def test_nothing_is_pushed_that_was_not_asked_for() -> None:
    async with serve_peer() as (_, peer):
        await peer.call("public/subscribe", channels=["deribit_price_index.btc_usd"])
        for _ in range(3):
            await peer.next("deribit_price_index.btc_usd")
        assert set(peer.pushes) == {"deribit_price_index.btc_usd"}
        assert not peer.heartbeats


async def test_an_answered_heartbeat_keeps_the_session() -> None:
    async with serve_peer() as (exchange, peer):
        assert await peer.call("public/set_heartbeat", interval=10) == "ok"
        begun = exchange.clock.monotonic()
        while exchange.clock.monotonic() < begun + 40:
            if await peer.next_heartbeat() == "test_request":
                await peer.call("public/test")
        assert await peer.call("public/test")


def test_signs_of_life_are_asked_for_in_the_rhythm_of_the_venue() -> None:
    asked, closed = [], []
    now = 0.0

    def send(frame: bytes) -> None:
        if b"test_request" in frame:
            asked.append(now)
            if now < 50:
                session.answered()

    outlet = Outlet(send, lambda code, reason: closed.append((now, code, reason)), lambda: None)
    session = Session(outlet, "local", 0.0, None)
    session.set_heartbeat(10, 0.0)
    while not closed:
        now = round(now + 0.1, 1)
        session.last_sent = now  # a busy socket is asked all the same
        session.beat(now)
    assert 12.0 <= asked[0] <= 12.6
    waits = [b - a for a, b in pairwise(asked)]
    assert all(10.5 < wait < 10.8 for wait in waits)
    unanswered = next(at for at in asked if at >= 50)
    assert closed == [(pytest.approx(unanswered + 10.0, abs=0.11), 4000, "heartbeat close")]


def test_only_an_idle_socket_hears_plain_heartbeats() -> None:
    frames: list[bytes] = []
    session = Session(Outlet(frames.append, lambda *_: None, lambda: None), "local", 0.0, None)
    session.set_heartbeat(10, 0.0)
    for tenth in range(1, 120):
        session.beat(tenth / 10)
    assert [b'"heartbeat"}' in frame for frame in frames] == [True]


async def test_an_unanswered_heartbeat_closes_with_4000() -> None:
    async with serve_peer() as (_, peer):
        await peer.call("public/set_heartbeat", interval=10)
        with pytest.raises(ConnectionClosed):
            await collect_heartbeats(peer)
        assert peer.socket.close_code == 4000
        assert peer.socket.close_reason == "heartbeat close"


@pytest.mark.parametrize(
    ("name", "step_usd"), [("BTC-PERPETUAL.10", 10.0), ("ETH-PERPETUAL.250", 2.5)]
)
async def test_books_are_grouped_by_dollars_and_those_of_ether_by_cents(
    name: str, step_usd: float
) -> None:
    async with serve_peer(make_config(assets=("BTC", "ETH"))) as (_, peer):
        channel = f"book.{name}.10.100ms"
        await peer.call("public/subscribe", channels=[channel])
        window = await peer.next(channel)
        prices = [price for side in ("bids", "asks") for price, _ in window[side]]
        assert len(prices) > 4
        assert all(price % step_usd == 0 for price in prices)


async def test_an_idle_socket_is_dropped_without_a_close_frame() -> None:
    async with serve_peer() as (_, peer):
        with pytest.raises(ConnectionClosed):
            await peer.socket.recv()
        assert peer.socket.close_code == 1006


async def test_an_empty_purse_is_answered_10028_and_closed() -> None:
    async with serve_peer() as (_, peer):
        with pytest.raises(RefusalError) as refused:
            await subscribe_often(peer, 40)
        assert refused.value.code == 10028
        await peer.socket.wait_closed()


async def test_ten_subscriptions_in_a_burst_are_within_the_limits() -> None:
    names = [f"book.BTC-PERPETUAL.none.{depth}.{i}" for depth in (1, 10, 20) for i in ("100ms",)]
    async with serve_peer() as (_, peer):
        acks = [await peer.call("public/subscribe", channels=[n]) for n in names * 3]
    assert len(acks) == 9


async def test_the_33rd_connection_is_refused_with_429() -> None:
    async with serve() as (_, port):
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(32)]
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/api/v2/public/test")
        assert answer.status_code == 429
        for _, writer in idle:
            writer.close()


async def test_http_serves_get_and_both_forms_of_post() -> None:
    async with serve() as (_, port), httpx.AsyncClient() as client:
        base = f"http://127.0.0.1:{port}/api/v2"
        got = await client.get(f"{base}/public/get_index_price", params={"index_name": "btc_usd"})
        body = {
            "jsonrpc": "2.0", "id": "7", "method": "public/get_index_price",
            "params": {"index_name": "btc_usd"},
        }  # fmt: skip
        posted = await client.post(base, json=body)
        named = await client.post(f"{base}/public/get_index_price", json=body)
    assert got.status_code == posted.status_code == named.status_code == 200
    assert "id" not in got.json()
    assert posted.json()["id"] == named.json()["id"] == "7"
    keys = {"index_price", "estimated_delivery_price"}
    assert got.json()["result"].keys() == posted.json()["result"].keys() == keys


async def test_http_head_has_no_body_and_the_connection_goes_on() -> None:
    async with serve() as (_, port), httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{port}/api/v2/public/get_time"
        for _ in range(2):
            head = await client.head(url)
            assert (head.status_code, head.content) == (200, b"")
        assert (await client.get(url)).json()["result"] > 0


async def test_http_errors_are_400_with_the_body_of_the_venue() -> None:
    async with serve() as (_, port), httpx.AsyncClient() as client:
        base = f"http://127.0.0.1:{port}/api/v2"
        for path, code in (("subscribe?channels=a", 10030), ("ticker?instrument_name=x", -32602)):
            answer = await client.get(f"{base}/public/{path}")
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == code
        assert (await client.get(f"http://127.0.0.1:{port}/elsewhere")).status_code == 404
        assert (await client.get(f"http://127.0.0.1:{port}/control")).status_code == 404


async def test_two_clients_share_a_book_whose_changes_chain_for_both() -> None:
    channel = "book.BTC-PERPETUAL.100ms"
    async with serve() as (_, port), meet(port) as first, meet(port) as second:
        await first.call("public/subscribe", channels=[channel])
        for _ in range(3):
            await first.next(channel)
        await second.call("public/subscribe", channels=[channel])
        image = await second.next(channel)
        last = image["change_id"]
        for _ in range(5):
            change = await second.next(channel)
            assert change["prev_change_id"] == last
            last = change["change_id"]


async def test_a_ping_frame_is_answered() -> None:
    async with serve_peer() as (_, peer):
        async with asyncio.timeout(5):
            await asyncio.gather(await peer.socket.ping(), peer.call("public/test"))
        assert "permessage-deflate" in peer.socket.response.headers["Sec-WebSocket-Extensions"]
