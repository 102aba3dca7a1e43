"""From a ticker on the wire to the chain, and from a loopback sender to a frame's bytes."""

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from itertools import cycle
from multiprocessing.connection import Connection

import numpy as np
import orjson
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from app.board import compute_models
from benchmarks.harness import Row, measure
from greeks.chain import OptionChain
from greeks.conventions import Settlement
from ingest import wire
from ingest.chain_state import ChainState
from ingest.events import IndexPrice, Instrument, Kind, Listed
from ingest.messages import parse_option_ticker
from tests.builders import make_venue_chain

SECTION = "engine"
INDEX = "btc_usd"
RATE, SECONDS = 5_000, 4.0
SLICE_S = 0.002
"""The sender writes what is due at every such step."""


def ticker_frames(chain: OptionChain) -> list[bytes]:
    """One notification an option, as long as the venue's, all fields present."""
    frames = []
    for i, name in enumerate(chain.instrument_name):
        data = {
            "timestamp": chain.as_of_ms,
            "state": "open",
            "stats": {"high": 0.0441, "low": 0.0402, "price_change": 3.1, "volume": 41.5},
            "greeks": {
                "delta": 0.48311,
                "gamma": 4e-05,
                "vega": 121.5,
                "theta": -61.2,
                "rho": 55.8,
            },
            "index_price": chain.index_price,
            "instrument_name": name,
            "last_price": 0.0425,
            "settlement_price": 0.04183321,
            "min_price": 0.02,
            "max_price": 0.0815,
            "open_interest": float(chain.open_interest_coin[i]),
            "mark_price": 0.0427,
            "interest_rate": 0.0,
            "estimated_delivery_price": chain.index_price,
            "best_ask_price": 0.043,
            "best_bid_price": 0.0425,
            "best_ask_amount": 56.0,
            "best_bid_amount": 12.5,
            "bid_iv": 41.0,
            "ask_iv": 41.6,
            "mark_iv": round(100 * float(chain.mark_iv[i]), 2),
            "underlying_price": round(float(chain.forward[i]), 2),
            "underlying_index": "SYN.BTC",
        }
        params = {"channel": f"ticker.{name}.100ms", "data": data}
        frames.append(orjson.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params}))
    return frames


def state_of(chain: OptionChain) -> ChainState:
    """A state that lists the chain's options and knows its index."""
    state = ChainState(chain.asset)
    listed = tuple(
        Instrument(
            name,
            Kind.OPTION,
            chain.asset,
            Settlement.INVERSE,
            INDEX,
            int(chain.expiry_ms[i]),
            float(chain.strike[i]),
            bool(chain.is_call[i]),
            is_perpetual=False,
        )
        for i, name in enumerate(chain.instrument_name)
    )
    state.apply(Listed(chain.asset, Kind.OPTION, listed, complete=True))
    state.apply(IndexPrice(INDEX, chain.as_of_ms, chain.index_price))
    return state


def store(state: ChainState, frame: bytes | str) -> None:
    """Decode a ticker and write it into the chain."""
    params = wire.decode_envelope(frame).params
    if params is not None:
        ticker = wire.decode_one(params.data, wire.WireTicker)
        state.apply(parse_option_ticker(ticker))


def ticker_message() -> Row:
    chain = make_venue_chain(1)
    frames, state = ticker_frames(chain), state_of(chain)
    length = len(frames)
    note = f"{len(frames[0])} bytes, decoded, converted, written into the chain; json: decoded only"
    peers = {
        "json": lambda i: json.loads(frames[i % length]),
        "orjson": lambda i: orjson.loads(frames[i % length]),
    }
    ours = lambda i: store(state, frames[i % length])  # noqa: E731
    return measure(SECTION, "ticker_message", ours, peers, seconds=3, note=note)


def latency_message_to_frame() -> Row:
    """Age of the oldest message when the bytes of the frame that shows it are ready."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    sender = context.Process(target=_send, args=(theirs,), daemon=True)
    sender.start()
    try:
        late_us = asyncio.run(_receive(mine.recv()))
    finally:
        sender.terminate()
        sender.join()
    return Row(
        SECTION,
        "latency_message_to_frame",
        us=float(np.median(late_us)),
        p99_us=float(np.quantile(late_us, 0.99)),
        note=f"{RATE:,} tickers a second over loopback, one frame of every position model after "
        f"each batch, {len(late_us)} frames in {SECONDS:g} s",
    )


async def _receive(port: int) -> list[float]:
    state = state_of(make_venue_chain(1))
    late_us: list[float] = []
    oldest_us = 0
    arrived = asyncio.Event()
    async with connect(f"ws://127.0.0.1:{port}", compression=None) as socket:

        async def read() -> None:
            nonlocal oldest_us
            async for frame in socket:
                stamp, _, ticker = bytes(frame).partition(b" ")
                store(state, ticker)
                oldest_us = oldest_us or int(stamp)
                arrived.set()

        reading = asyncio.create_task(read())
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            await arrived.wait()
            arrived.clear()
            since_us, oldest_us = oldest_us, 0
            for snapshot in compute_models(state.freeze()).values():
                orjson.dumps(snapshot.profile.gex_usd_per_1pct, option=orjson.OPT_SERIALIZE_NUMPY)
            late_us.append(time.monotonic_ns() / 1e3 - since_us)
            await asyncio.sleep(0)
        reading.cancel()
    return late_us[len(late_us) // 10 :]


def _send(parent: Connection) -> None:
    asyncio.run(_serve(parent))


async def _serve(parent: Connection) -> None:
    frames = cycle(ticker_frames(make_venue_chain(1)))

    async def flood(socket: ServerConnection) -> None:
        began, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began) * RATE)
            for frame in _next(frames, due - sent):
                await socket.send(b"%d %b" % (time.monotonic_ns() // 1000, frame))
            sent = due
            await asyncio.sleep(SLICE_S)

    async with serve(flood, "127.0.0.1", 0, compression=None) as server:
        parent.send(next(iter(server.sockets)).getsockname()[1])
        await server.serve_forever()


def _next(frames: Iterator[bytes], count: int) -> Iterator[bytes]:
    return (next(frames) for _ in range(count))
