"""Recorded chains, served over a real socket: what was recorded comes out."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from exchange.config import ExchangeConfig
from exchange.errors import ConfigError
from exchange.replay import ReplayMarket
from exchange.run import build_exchange
from tests.exchange.peers import make_config, serve_peer

DATA = Path(__file__).parents[2].parent / "shared" / "data"
AS_RECORDED = (
    "timestamp", "mark_price", "mark_iv", "open_interest", "underlying_price", "underlying_index",
    "best_bid_price", "best_ask_price", "best_bid_amount", "best_ask_amount", "greeks", "stats",
    "last_price", "settlement_price", "bid_iv", "ask_iv", "min_price", "max_price",
)  # fmt: skip
TERMS = (
    "instrument_name", "strike", "option_type", "expiration_timestamp", "creation_timestamp",
    "instrument_id", "tick_size", "contract_size", "settlement_period", "instrument_type",
)  # fmt: skip


def replayed(path: Path, **choices: Any) -> ExchangeConfig:
    return make_config(replay=path, start_ms=choices.pop("start_ms", None), **choices)


def read_jsonl(path: Path) -> dict[str, dict[str, Any]]:
    with gzip.open(path) as file:
        rows = [json.loads(line) for line in file]
    return {row["instrument_name"]: row for row in rows}


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no recorded chains in {DATA}")
async def test_a_recorded_day_comes_out_field_by_field() -> None:
    path = DATA / "mh-btc-daily" / "options_20260116.jsonl.gz"
    rows = read_jsonl(path)
    newest = max(row["timestamp"] for row in rows.values())
    async with serve_peer(replayed(path, speed=1e-9)) as (_, peer):
        assert await peer.call("public/get_time") == newest
        listed = await peer.call("public/get_instruments", currency="BTC", kind="option")
        assert {i["instrument_name"] for i in listed} == set(rows)
        for instrument in listed:
            recorded = rows[instrument["instrument_name"]]
            assert {k: instrument[k] for k in TERMS} == {k: recorded[k] for k in TERMS}
            assert instrument["state"] == "open"
        for name in list(rows)[::60]:
            ticker = await peer.call("public/ticker", instrument_name=name)
            expected = {k: v for k in AS_RECORDED if (v := rows[name].get(k)) is not None}
            assert {k: ticker[k] for k in expected} == expected
        summary = await peer.call(
            "public/get_book_summary_by_currency", currency="BTC", kind="option"
        )
        for row in summary:
            recorded = rows[row["instrument_name"]]
            for key in ("open_interest", "mark_price", "mark_iv", "underlying_price"):
                assert row[key] == recorded[key]
            assert row["bid_price"] == (recorded["best_bid_price"] or None)


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no recorded chains in {DATA}")
def test_a_directory_joins_futures_and_serves_each_day_in_turn() -> None:
    folder = DATA / "mh-btc-daily"
    market = ReplayMarket(replayed(folder))
    state = market.state
    days = sorted(folder.glob("options_*"))
    futures = read_jsonl(folder / "futures_20260114.jsonl.gz")
    perpetual = state.futures["BTC-PERPETUAL"]
    assert perpetual.mark_price == futures["BTC-PERPETUAL"]["mark_price"]
    assert max(perpetual.bids) == futures["BTC-PERPETUAL"]["best_bid_price"]
    for path in days:
        rows = read_jsonl(path)
        futures = read_jsonl(folder / path.name.replace("options", "futures"))
        newest = max(row["timestamp"] for row in [*rows.values(), *futures.values()])
        market.advance(newest)
        assert set(state.options["btc_usd"].rows) == set(rows)
        assert state.now_ms == newest
        assert state.options["btc_usd"].columns.timestamp.max() <= newest


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no recorded chains in {DATA}")
async def test_a_table_snapshot_comes_out_as_recorded_for_both_coins() -> None:
    path = DATA / "svcj-6h" / "deribit_options_6h_202604.parquet"
    start_ms = int(datetime(2026, 4, 10, tzinfo=UTC).timestamp() * 1000)
    table = parquet.read_table(path)
    times = sorted(set(table.column("timestamp").to_pylist()))
    first = next(t for t in times if datetime.fromisoformat(t).timestamp() * 1000 >= start_ms)
    rows = table.filter(pc.equal(table.column("timestamp"), pa.scalar(first))).to_pylist()
    async with serve_peer(replayed(path, start_ms=start_ms, speed=1e-9)) as (_, peer):
        now = await peer.call("public/get_time")
        assert now == round(datetime.fromisoformat(first).timestamp() * 1000)
        for currency in ("BTC", "ETH"):
            summary = await peer.call(
                "public/get_book_summary_by_currency", currency=currency, kind="option"
            )
            wanted = {r["instrument_name"]: r for r in rows if r["currency"] == currency}
            assert {r["instrument_name"] for r in summary} == set(wanted)
            for row in summary:
                recorded = wanted[row["instrument_name"]]
                assert row["open_interest"] == recorded["open_interest"]
                assert row["mark_price"] == recorded["mark_price"]
                assert row["underlying_price"] == recorded["underlying"]
                assert row["underlying_index"] == recorded["underlying_name"]
                assert row["mark_iv"] == pytest.approx(
                    100 * recorded["implied_volatility"], abs=5e-3
                )
                assert row["bid_price"] == recorded["bid_price"]
            exact = [
                r["underlying"] for r in wanted.values() if r["underlying_name"] == "index_price"
            ]
            near = exact or [r["index_price"] for r in wanted.values()][:5]
            index = await peer.call("public/get_index_price", index_name=f"{currency.lower()}_usd")
            assert min(near) <= index["index_price"] <= max(near)


def write_snapshots(folder: Path) -> None:
    """Two small chains of our own, a day apart; the second has one option more and one fewer."""
    day_ms, at = 86_400_000, 1_795_446_000_000
    for k, strikes in enumerate(((80000, 90000), (90000, 100000))):
        rows = [
            {
                "instrument_name": f"BTC-25DEC26-{strike}-{side}",
                "timestamp": at + k * day_ms - i,
                "underlying_price": 90_500.0,
                "underlying_index": "BTC-25DEC26",
                "index_price": 90_000.0 + k,
                "mark_price": 0.05,
                "mark_iv": 41.5 + k,
                "open_interest": 100.0 + 10 * k,
                "best_bid_price": 0.0495,
                "best_ask_price": 0.0,
                "stats": {"volume": 12.0, "volume_usd": 9_000.0, "high": None, "low": None},
            }
            for i, strike in enumerate(strikes)
            for side in "CP"
        ]
        text = "\n".join(json.dumps(row) for row in rows)
        (folder / f"options_day{k}.jsonl").write_text(text)


def test_bare_tickers_replay_with_derived_terms_futures_and_greeks(tmp_path: Path) -> None:
    write_snapshots(tmp_path)
    market = ReplayMarket(replayed(tmp_path))
    table = market.state.options["btc_usd"]
    assert set(market.state.futures) == {"BTC-25DEC26", "BTC-PERPETUAL"}
    assert market.state.futures["BTC-25DEC26"].mark_price == 90_500.0
    assert table.instruments[0].strike == 80_000.0
    assert abs(table.columns.delta).min() > 0.05
    assert table.columns.ask.max() == 0.0


async def test_a_volume_that_was_not_recorded_is_null_and_one_of_zero_stays_zero(
    tmp_path: Path,
) -> None:
    write_snapshots(tmp_path)
    future = {"instrument_name": "BTC-25DEC26", "timestamp": 1_795_446_000_000, "mark_price": 9e4}
    row = future | {"stats": {"volume": 0.0, "volume_usd": 0.0}}
    (tmp_path / "futures_day0.jsonl").write_text(json.dumps(row))
    async with serve_peer(replayed(tmp_path, speed=1e-9)) as (_, peer):
        for name, said in (("BTC-PERPETUAL", None), ("BTC-25DEC26", 0.0)):
            ticker = await peer.call("public/ticker", instrument_name=name)
            assert (ticker["stats"]["volume"], ticker["stats"]["volume_usd"]) == (said, said)


def test_the_next_snapshot_replaces_the_chain_and_says_so(tmp_path: Path) -> None:
    write_snapshots(tmp_path)
    market = ReplayMarket(replayed(tmp_path))
    state = market.state
    serial = state.notices.next_serial
    market.advance(market.start_ms + 86_399_999)
    assert "BTC-25DEC26-80000-C" in state.options["btc_usd"].rows
    market.advance(market.start_ms + 86_400_000)
    assert set(state.options["btc_usd"].rows) == {
        f"BTC-25DEC26-{strike}-{side}" for strike in (90000, 100000) for side in "CP"
    }
    assert state.options["btc_usd"].columns.mark_iv.tolist() == [42.5] * 4
    assert state.indices["btc_usd"].price == 90_001.0
    created = {n.instrument.name for n in state.notices.since(serial) if n.created}
    gone = {n.instrument.name for n in state.notices.since(serial) if n.state == "delivered"}
    assert created == {"BTC-25DEC26-100000-C", "BTC-25DEC26-100000-P"}
    assert gone == {"BTC-25DEC26-80000-C", "BTC-25DEC26-80000-P"}


def test_trades_between_snapshots_are_labelled_and_leave_the_record_alone(tmp_path: Path) -> None:
    write_snapshots(tmp_path)
    market = ReplayMarket(replayed(tmp_path))
    before = market.state.options["btc_usd"].columns.open_interest.copy()
    market.advance(market.start_ms + 86_000_000)
    prints = [p for p in market.state.tape.since(0) if p.instrument.name.count("-") == 3]
    assert prints
    assert all(p.wire["synthetic"] is True for p in prints)
    assert sum(p.amount for p in prints) == pytest.approx(2 * 12.0, abs=2.0)
    assert market.state.options["btc_usd"].columns.open_interest.tolist() == before.tolist()


async def test_a_still_chain_keeps_its_cadence(tmp_path: Path) -> None:
    write_snapshots(tmp_path)
    marks, index = "markprice.options.btc_usd", "deribit_price_index.btc_usd"
    async with serve_peer(replayed(tmp_path)) as (_, peer):
        await peer.call("public/subscribe", channels=[marks, index])
        first = {row["instrument_name"]: row["mark_price"] for row in await peer.next(marks)}
        pushes = [await peer.next(marks) for _ in range(3)]
        prices = {(await peer.next(index))["price"] for _ in range(3)}
    assert all(row["mark_price"] == first[row["instrument_name"]] for p in pushes for row in p)
    assert prices == {90_000.0}


def test_what_expires_between_snapshots_leaves_at_its_hour(tmp_path: Path) -> None:
    row = {
        "instrument_name": "BTC-24NOV26-90000-C", "timestamp": 1_795_446_000_000,
        "underlying_price": 90_010.0, "underlying_index": "SYN.BTC-24NOV26",
        "index_price": 90_000.0, "mark_price": 0.01, "mark_iv": 40.0, "open_interest": 5.0,
    }  # fmt: skip
    (tmp_path / "options_x.jsonl").write_text(json.dumps(row))
    market = ReplayMarket(replayed(tmp_path))
    expiry = int(datetime(2026, 11, 24, 8, tzinfo=UTC).timestamp() * 1000)
    market.advance(expiry - 1)
    assert market.state.options["btc_usd"].rows
    market.advance(expiry + 5000)
    assert not market.state.options["btc_usd"].rows
    assert market.state.delivery_prices["btc_usd"][0] == ("2026-11-24", 90_000.0)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("absent", None, "a file or a directory"),
        ("chain.txt", "x", "expected one of .jsonl"),
        ("chain.csv", "a,b\n1,2\n", "expected the column"),
        ("chain.jsonl", "", "found none"),
    ],
)
def test_a_path_that_holds_no_chain_is_one_sentence(
    tmp_path: Path, name: str, text: str | None, says: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        ReplayMarket(replayed(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("chain.jsonl", b"{not json"),
        ("chain.jsonl.gz", b"not gzip"),
        ("chain.parquet", b"not parquet"),
        ("chain.jsonl", b'{"instrument_name":"BTC-25DEC26-90000-C","timestamp":1}'),
    ],
)
def test_a_recording_that_is_broken_is_one_sentence(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match="replay: expected") as refused:
        build_exchange(replayed(tmp_path / name))
    assert len(str(refused.value).splitlines()) == 1


def test_a_start_after_the_last_snapshot_is_one_sentence(tmp_path: Path) -> None:
    write_snapshots(tmp_path)
    with pytest.raises(ConfigError, match="at or after"):
        ReplayMarket(replayed(tmp_path, start_ms=2_000_000_000_000))
