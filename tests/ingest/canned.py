"""Messages in the recorded shape, and answers to what a feed asks."""

import json
from pathlib import Path
from typing import Any

from ingest.connection import FrameSink

DATA = Path(__file__).parents[1] / "data" / "deribit"
NOW_US = 1_795_450_000_000_000


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return loaded


def frame(message: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**message, **changes}).encode()


def push(channel: str, data: object) -> bytes:
    params = {"channel": channel, "data": data}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params}).encode()


def answer(request: dict[str, Any], now_us: int = NOW_US) -> dict[str, Any]:
    """Answer as a venue that lists two options, a future and a perpetual of BTC."""
    method, params = request["method"], request["params"]
    result: object = "ok"
    if method == "public/subscribe":
        result = params["channels"]
    elif method == "public/get_instruments":
        known = params["currency"] == "BTC"
        result = load(f"instruments_{params['kind']}")["result"] if known else []
    elif method == "public/get_book_summary_by_currency":
        result = load("book_summary")["result"]
    elif "last_trades" in method:
        result = {"trades": [], "has_more": False}
    elif method == "public/ticker":
        result = load("ticker_option")["params"]["data"]
    elif method == "public/get_tradingview_chart_data":
        result = {"status": "no_data", "ticks": [], "open": [], "close": []}
    elif method == "public/get_volatility_index_data":
        result = {"data": [], "continuation": None}
    elif method == "public/status":
        result = {"locked": "false"}
    return {"jsonrpc": "2.0", "id": request["id"], "result": result, "usOut": now_us}


def answer_all(sink: FrameSink, now_s: float, now_us: int = NOW_US) -> float:
    """Answer everything that a sink asks, a millisecond each; returns when that is done."""
    while frames := sink.take_outgoing():
        for raw in frames:
            now_s += 0.001
            sink.received(json.dumps(answer(json.loads(raw), now_us)), now_s)
    return now_s
