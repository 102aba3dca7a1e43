"""What a message costs from bytes to state, on a chain of 4,000 options, and how late it is taken.

Lag is from the exchange's stamp, in another process, to the state here, through a real socket. The
cost of the lean plan as a share of a core, and a full minute of load, are `make soak SECTION=load`.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import Row, measure
from ingest.worker import AssetFeed
from soak.load import Client, Load, Venue, hold
from tests.processes import Exchange

EXPIRY_MS, NOW_MS = 1_795_766_400_000, 1_795_450_000_000
EXPIRIES, STRIKES = 20, 100
SECONDS = 2.0
RATES = (500, 2_000, 5_000)
HELD_S = 10.0


def _instruments() -> list[dict[str, Any]]:
    return [
        {
            "instrument_name": f"BTC-{term}-{strike}-{side[0].upper()}", "kind": "option",
            "base_currency": "BTC", "price_index": "btc_usd", "strike": float(strike),
            "expiration_timestamp": EXPIRY_MS + term * 86_400_000, "option_type": side,
            "instrument_type": "reversed",
        }
        for term in range(EXPIRIES)
        for strike in range(50_000, 50_000 + 1000 * STRIKES, 1000)
        for side in ("call", "put")
    ]  # fmt: skip


def build_feed(instruments: list[dict[str, Any]]) -> AssetFeed:
    """A feed that has its lists and nothing else."""
    feed = AssetFeed("BTC", lambda: 0.0)
    feed.opened(0.0)
    for raw in feed.take_outgoing():
        request = json.loads(raw)
        params = request["params"]
        if request["method"] == "public/get_instruments":
            wanted = params["currency"] == "BTC" and params["kind"] == "option"
            reply = {"id": request["id"], "result": instruments if wanted else []}
            feed.received(json.dumps(reply), 0.0)
    return feed


def _push(channel: str, data: object) -> bytes:
    params = {"channel": channel, "data": data}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params}).encode()


def _frames(names: list[str]) -> dict[str, Callable[[int], bytes]]:
    """Each message kind by its number, so that every one is newer than the last."""

    def mark(name: str, ts: int) -> dict[str, Any]:
        return {"timestamp": ts, "iv": 0.46, "instrument_name": name, "mark_price": 0.01}

    def ticker(ts: int) -> dict[str, Any]:
        return {
            "timestamp": ts, "instrument_name": names[ts % len(names)], "mark_iv": 46.1,
            "bid_iv": 45.0, "ask_iv": 47.0, "mark_price": 0.01, "open_interest": 12.5,
            "underlying_price": 88_000.0, "underlying_index": "BTC-27NOV26", "state": "open",
            "greeks": {"delta": 0.4, "gamma": 0.00004, "vega": 1.0, "theta": -1.0, "rho": 0.1},
            "stats": {"high": 0.1, "low": 0.1, "volume": 1.0, "volume_usd": 9.0},
        }  # fmt: skip

    return {
        "index price": lambda i: _push("deribit_price_index.btc_usd", {
            "timestamp": NOW_MS + i, "price": 88_000.0, "index_name": "btc_usd"}),
        "option ticker": lambda i: _push("ticker.X.100ms", ticker(NOW_MS + i)),
        "500 changed marks": lambda i: _push(
            "markprice.options.btc_usd", [mark(name, NOW_MS + i) for name in names[:500]]),
        "whole chain of 4,000 marks": lambda i: _push(
            "markprice.options.btc_usd", [mark(name, NOW_MS + i) for name in names]),
    }  # fmt: skip


def run() -> Iterator[Row]:
    """Yield one row a message kind; frames are built before the clock starts."""
    instruments = _instruments()
    feed = build_feed(instruments)
    names = [item["instrument_name"] for item in instruments]
    for kind, build in _frames(names).items():
        frames = [build(i) for i in range(64)]

        def receive(i: int, frames: list[bytes] = frames) -> None:
            feed.received(frames[i % len(frames)], 0.0)

        yield measure("ingest", kind, receive, {}, SECONDS)
    yield measure("ingest", "freeze of 4,000 options", lambda _: feed.freeze(), {}, SECONDS)
    for rate in RATES:
        yield asyncio.run(_lag(rate))


async def _lag(rate: int) -> Row:
    """Flood a feed with tickers; the row's time is how late the median one was taken."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ("--port", "0", "--assets", "BTC", "--control")
        with Exchange(arguments, Path(folder) / "exchange.log") as exchange:
            venue = Venue(exchange.url)
            async with Client(("BTC",)).run(exchange.url) as client:
                counted = (await hold(client, venue, Load(rate, HELD_S, 0))).counted
            await venue.close()
    p50, p99 = (float(str(counted[name])) * 1000 for name in ("late ms p50", "p99"))
    cost, lost = counted["CPU us a message"], counted["lost"]
    note = f"lag p50 and p99; {cost} us of CPU a message with freezes, {lost} lost"
    return Row("ingest", f"lag at {rate} tickers a second", p50, p99_us=p99, note=note)
