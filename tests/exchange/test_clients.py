"""Third-party Deribit clients, unmodified but for their address, run against the exchange."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.exchange.peers import START_MS, make_config, serve

pytestmark = [
    pytest.mark.clients,
    # what other people's libraries warn about is not ours to fix
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
SWAP = "BTC/USD:BTC"
PERPETUAL = "BTC-PERPETUAL"
NEAR = "BTC-27NOV26-90000-C"


async def take(stream: AsyncIterator[Any], count: int) -> list[Any]:
    """Return the first items of an endless stream."""
    items = []
    async with asyncio.timeout(10):
        async for item in stream:
            items.append(item)
            if len(items) == count:
                break
    return items


async def test_ccxt_reads_and_watches_the_market() -> None:
    pro = pytest.importorskip("ccxt.pro", reason="ccxt is not installed")
    config = make_config(activity=5.0, history_s=600, assets=("BTC", "ETH"))
    async with serve(config) as (_, port):
        client = pro.deribit({"enableRateLimit": False})
        client.urls["api"] = {
            "rest": f"http://127.0.0.1:{port}",
            "ws": f"ws://127.0.0.1:{port}/ws/api/v2",
        }
        try:
            markets = await client.load_markets()
            option = next(s for s, m in markets.items() if m["id"] == NEAR)
            assert {m["id"] for m in markets.values()} >= {PERPETUAL, "ETH_USDC-PERPETUAL", NEAR}
            ticker = await client.fetch_ticker(SWAP)
            assert ticker["bid"] < ticker["ask"]
            chain = await client.fetch_option_chain("BTC")
            assert chain[option]["openInterest"] > 0
            greeks = await client.fetch_greeks(option)
            assert 0 < greeks["delta"] < 1
            history = await client.fetch_trades(SWAP, params={"include_old": True})
            assert len({trade["id"] for trade in history}) == len(history) > 5
            recent = await client.fetch_trades(SWAP, START_MS - 300_000, 10)
            assert len(recent) == 10
            book = await client.fetch_order_book(SWAP)
            assert book["bids"][0][0] < book["asks"][0][0]
            async with asyncio.timeout(10):
                assert (await client.watch_ticker(option))["symbol"] == option
                assert (await client.watch_trades(SWAP))[0]["symbol"] == SWAP
                for _ in range(5):
                    book = await client.watch_order_book(SWAP)
                assert book["bids"][0][0] < book["asks"][0][0]
                assert len(await client.watch_ohlcv(SWAP, "1m")) > 0
        finally:
            await client.close()


async def test_typed_deribit_validates_everything_it_gets() -> None:
    pytest.importorskip("typed_deribit", reason="typed-deribit is not installed")
    from typed_core.http import HttpClient
    from typed_deribit import Deribit
    from typed_deribit.core.transport.http import OAuthHttpRpcClient
    from typed_deribit.core.transport.ws import SocketRpcStreamClient

    config = make_config(activity=10.0, history_s=600)
    async with serve(config) as (_, port):
        rpc = OAuthHttpRpcClient(http=HttpClient(), base_url=f"http://127.0.0.1:{port}/api/v2")
        socket = SocketRpcStreamClient.new(
            f"ws://127.0.0.1:{port}/ws/api/v2", heartbeat_interval=10
        )
        end = datetime.fromtimestamp(START_MS / 1000, UTC)
        start = end - timedelta(minutes=5)
        async with Deribit(rpc_client=rpc, ws_client=socket) as client:
            data = client.market_data
            instruments = await data.get_instruments("BTC")
            assert {i["kind"] for i in instruments} >= {"option", "future"}
            assert await data.get_book_summary_by_currency("BTC", kind="option", transport="ws")
            perpetual = await data.ticker(PERPETUAL)
            assert perpetual["best_bid_price"] < perpetual["best_ask_price"]
            # its own model takes underlying_index for a number
            option = await data.ticker(NEAR, validate=False)
            assert option["underlying_index"] == "BTC-27NOV26"
            told = await data.get_last_trades_by_instrument_and_time(
                PERPETUAL, start_timestamp=start, end_timestamp=end, count=1000, sorting="asc"
            )
            seqs = [trade["trade_seq"] for trade in told["trades"]]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            assert (await data.get_delivery_prices("btc_usd"))["data"]
            assert await data.get_currencies()
            assert await data.get_funding_chart_data(PERPETUAL, length="8h")
            assert await client.combo_books.get_combos("BTC")
            streams = client.streams.market_data
            for stream in (
                streams.book(PERPETUAL, interval="100ms"),
                streams.trades_by_kind_currency("option", currency="BTC", interval="100ms"),
                streams.mark_price_options("btc_usd"),
                streams.price_index("btc_usd"),
                streams.estimated_expiration_price("btc_usd"),
            ):
                async with stream as pushes:
                    assert len(await take(pushes, 2)) == 2
