"""Recorded frames as referee: every kind that the venue sent is decoded, none is refused."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingest import messages, wire
from ingest.chain_state import ChainState
from ingest.events import FutureTicker
from ingest.plan import FeedPlan
from ingest.protocol import DeribitSession

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
WITH_BTC_OPTIONS = {"http_get_instruments.json"}
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the recorded messages"),
]


def frames() -> list[dict[str, Any]]:
    found = []
    for path in sorted(DATA.glob("ws-*/messages.jsonl")):
        found += [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    for path in sorted((DATA / "api-nautilus").glob("ws_*.json")):
        found.append(json.loads(path.read_text()))
    for path in sorted(DATA.glob("ws-cryptofeed-*/*.ws.*.gz")):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            at = line.find("{")
            if at >= 0:
                found.append(json.loads(line[at:]))
    return [frame for frame in found if isinstance(frame, dict)]


def test_every_recorded_frame_is_decoded() -> None:
    session = DeribitSession(FeedPlan("BTC"))
    session.start(0.0)
    kinds: Counter[str] = Counter()
    for frame in frames():
        events = session.receive(json.dumps(frame), 1.0)
        channel = (frame.get("params") or {}).get("channel", "")
        kinds[channel.partition(".")[0]] += 1
        rejected = sum(getattr(event, "rejected", 0) for event in events)
        assert rejected == 0, frame
    assert kinds.total() > 100
    assert {"ticker", "book", "trades", "markprice", "deribit_price_index"} <= kinds.keys()


def results(pattern: str) -> Iterator[tuple[str, msgspec.Raw]]:
    """Yield the name and the result of REST answers, with or without their envelope."""
    for path in sorted(DATA.glob(pattern)):
        whole = json.loads(path.read_text())
        result = whole.get("result", whole) if isinstance(whole, dict) else whole
        yield path.name, msgspec.Raw(json.dumps(result).encode())


def test_every_recorded_list_of_instruments_is_read_and_combos_are_stepped_over() -> None:
    kinds: Counter[str] = Counter()
    for name, raw in results("api-*/*instruments*.json"):
        rows, rejected = wire.decode_rows(raw, wire.WireInstrument)
        assert rows, name
        assert rejected == 0, name
        for row in rows:
            item = messages.parse_instrument(row)
            assert (item is None) == row.kind.endswith("_combo"), row
            kinds[row.kind] += 1
    assert {"future", "option_combo", "future_combo"} <= kinds.keys()


def test_lists_of_instruments_of_2021_are_read() -> None:
    found: Counter[str] = Counter()
    for path in DATA.glob("ws-cryptofeed-*/*.rest.*.gz"):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            whole = json.loads(line[line.index("{") :]) if "get_instruments" in line else {}
            rows, rejected = wire.decode_rows(
                msgspec.Raw(json.dumps(whole.get("result", [])).encode()), wire.WireInstrument
            )
            items, refused = messages.parse_instruments(rows)
            assert (rejected, refused) == (0, 0)
            found.update(f"{item.asset} {item.kind}" for item in items)
    assert found["BTC option"] > 380
    assert found["ETH option"] > 400


def test_every_recorded_single_instrument_is_read() -> None:
    for pattern in ("api-*/*get_instrument.json", "api-*/*instrument_option.json"):
        for name, raw in results(pattern):
            assert messages.parse_instrument(wire.decode_one(raw, wire.WireInstrument)), name
    ((_, raw),) = results("api-openbb-*/instrument.json")
    perpetual = messages.parse_instrument(wire.decode_one(raw, wire.WireInstrument))
    assert perpetual is not None
    assert perpetual.is_perpetual


def test_recorded_past_trades_are_read_and_a_combo_is_no_print_of_its_own() -> None:
    prints: Counter[str] = Counter()
    names = [*results("api-nautilus/*last_trades*.json"), *results("api-openbb-*/trades_[ci]*")]
    for name, raw in names:
        trades = messages.parse_trades(wire.decode_one(raw, wire.WireTradePage).trades)
        assert trades.rejected == 0, name
        prints[name] = len(trades.trades)
        assert not any(trade.instrument_name.startswith("BTC-CS-") for trade in trades.trades)
    assert prints["http_get_last_trades_option_combo.json"] == 0
    assert prints["http_get_last_trades_perpetual_with_combo_tags.json"] > 0
    assert prints["trades_currency.json"] > 0


def test_recorded_summaries_and_tickers_of_futures_are_read() -> None:
    for name, raw in results("api-openbb-*/book_summary_*.json"):
        rows, rejected = wire.decode_rows(raw, wire.WireSummary)
        assert rejected == 0, name
        assert all(messages.parse_summary(row).open_interest_coin > 0 for row in rows)
    ((_, raw),) = results("api-openbb-*/ticker_future.json")
    ticker = messages.parse_ticker(wire.decode_one(raw, wire.WireTicker))
    assert isinstance(ticker, FutureTicker)
    assert ticker.volume_24h_usd == 250_344_880.0


def test_every_recorded_answer_to_any_question_is_taken_or_refused_as_no_protocol() -> None:
    answers = list(results("api-*/*.json"))
    assert len(answers) > 50
    refused = 0
    for name, raw in answers:
        session = DeribitSession(FeedPlan("BTC"))
        session.start(0.0)
        state = ChainState("BTC")
        for asked in session.take_outgoing():
            head = json.dumps({"id": json.loads(asked)["id"], "usOut": 1_789_939_000_000_000})
            frame = f'{head[:-1]}, "result": {bytes(raw).decode()}}}'
            try:
                for event in session.receive(frame, 1.0):
                    state.apply(event)
            except wire.ProtocolError:
                refused += 1
        assert bool(state.table.options) == (name in WITH_BTC_OPTIONS), name
    assert refused > len(answers), "most are answers to other questions"
