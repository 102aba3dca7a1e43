"""Recorded messages as referee: what we emit has the shape of what the venue emitted."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exchange.config import LimitSettings
from tests.exchange.peers import START_MS, Peer, make_config, serve_peer
from tests.exchange.shapes import differences

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no recorded messages in {DATA}"),
]
PERPETUAL, OPTION = "BTC-PERPETUAL", "BTC-27NOV26-90000-C"
NO_LIMITS = LimitSettings(connections=None, method_credits=False, idle_timeout_s=None)
DAY_MS = 86_400_000
WINDOW = {"start_timestamp": START_MS - DAY_MS, "end_timestamp": START_MS}
# identifiers of the venue's database, and fields of single currencies
ACCOUNTING = frozenset(
    {"base_currency_uuid", "quote_currency_uuid", "index_id", "currency_uuid", "coinbase_networks",
     "onchain_operations_precision", "max_liquidation_commission", "max_non_default_leverage"}
)  # fmt: skip
# of a perpetual's print that hedges a block, or of a combo's leg
TAGS = frozenset(
    {"block_trade_id", "block_trade_leg_count", "block_rfq_id", "combo_id", "combo_trade_id",
     "liquidation"}
)  # fmt: skip
NEWER = frozenset({"state", "underlying_type", "product_group", "lot_size"})
VOLUMES = frozenset(
    f"{word}_volume{span}"
    for word in ("calls", "puts", "futures", "spot")
    for span in ("_7d", "_30d")
) | {"currency_pair"}


def recorded(path: str) -> Any:
    return json.loads((DATA / path).read_text())


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / path).read_text().splitlines() if line.strip()]


def snippet(channel: str) -> Any:
    """Return the data of the first recorded push on a channel."""
    messages = lines("ws-snippets/messages.jsonl") + lines("ws-tardis-node/messages.jsonl")
    return next(m["params"]["data"] for m in messages if m["params"]["channel"].startswith(channel))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peer() -> AsyncIterator[Peer]:
    config = make_config(activity=20.0, history_s=900, limits=NO_LIMITS)
    async with serve_peer(config) as (_, connected):
        yield connected


async def leave(peer: Peer) -> None:
    """Leave every channel, and forget what it said."""
    await peer.call("public/unsubscribe_all")
    peer.pushes.clear()


RESULTS: list[tuple[str, dict[str, Any], str, set[str], set[str]]] = [
    ("get_instrument", {"instrument_name": PERPETUAL}, "api-openbb-2026-09-20/instrument.json",
     set(ACCOUNTING), set()),
    ("get_instrument", {"instrument_name": OPTION}, "api-nautilus/http_get_instrument_option.json",
     {"max_leverage", *ACCOUNTING}, {"state", "underlying_type", "product_group", "lot_size"}),
    ("get_instruments", {"currency": "BTC", "kind": "future"},
     "api-openbb-2026-09-20/instruments_future.json", set(ACCOUNTING), set()),
    ("get_instruments", {"currency": "BTC", "kind": "option_combo"},
     "api-nautilus/http_get_instruments_option_combo.json", set(),
     {"underlying_type", "product_group", "lot_size"}),
    ("get_instruments", {"currency": "BTC", "kind": "future_combo"},
     "api-nautilus/http_get_instruments_future_combo.json", set(),
     {"underlying_type", "product_group", "lot_size"}),
    ("get_last_trades_by_currency", {"currency": "BTC", "kind": "future_combo"},
     "api-nautilus/http_get_last_trades_future_combo.json", set(),
     {"starbase_match_id", "starbase_timestamp"}),
    ("get_expirations", {"currency": "any", "kind": "any"},
     "api-nautilus/http_get_expirations_any.json", set(), set()),
    ("get_expirations", {"currency": "BTC", "kind": "option"},
     "api-nautilus/http_get_expirations_btc_option.json", set(), set()),
    ("get_book_summary_by_currency", {"currency": "BTC", "kind": "future"},
     "api-openbb-2026-09-20/book_summary_future.json", set(), {"current_funding", "funding_8h"}),
    ("get_book_summary_by_instrument", {"instrument_name": PERPETUAL},
     "api-openbb-2026-09-20/book_summary_instrument.json", set(), set()),
    ("ticker", {"instrument_name": PERPETUAL}, "api-openbb-2026-09-20/ticker_future.json",
     set(), set()),
    ("get_order_book", {"instrument_name": PERPETUAL}, "api-openbb-2026-09-20/order_book.json",
     set(), set()),
    ("get_last_trades_by_currency", {"currency": "BTC", "kind": "option"},
     "api-openbb-2026-09-20/trades_currency.json", set(), set(TAGS)),
    ("get_last_trades_by_instrument", {"instrument_name": PERPETUAL},
     "api-openbb-2026-09-20/trades_instrument.json", set(), set(TAGS)),
    ("get_last_trades_by_currency", {"currency": "BTC", "kind": "option_combo"},
     "api-nautilus/http_get_last_trades_option_combo.json", set(),
     {"starbase_match_id", "starbase_timestamp", "block_trade_id", "block_trade_leg_count",
      "block_rfq_id"}),
    ("get_index_price", {"index_name": "btc_usd"}, "api-openbb-2026-09-20/index_price.json",
     set(), set()),
    ("get_index_price_names", {}, "api-openbb-2026-09-20/supported_index_names.json", set(), set()),
    ("get_volatility_index_data", {"currency": "BTC", "resolution": "3600", **WINDOW},
     "api-openbb-2026-09-20/volatility_index.json", set(), set()),
    ("get_delivery_prices", {"index_name": "btc_usd"}, "api-openbb-2026-09-20/delivery_prices.json",
     set(), set()),
    ("get_funding_chart_data", {"instrument_name": PERPETUAL, "length": "24h"},
     "api-openbb-2026-09-20/funding_chart.json", set(), set()),
    ("get_funding_rate_history", {"instrument_name": PERPETUAL, **WINDOW},
     "api-openbb-2026-09-20/funding_rate_history.json", set(), set()),
    ("get_historical_volatility", {"currency": "BTC"},
     "api-openbb-2026-09-20/historical_volatility.json", set(), set()),
    ("get_tradingview_chart_data", {"instrument_name": PERPETUAL, "resolution": "60", **WINDOW},
     "api-openbb-2026-09-20/tradingview_chart.json", set(), set()),
    ("get_currencies", {}, "api-openbb-2026-09-20/currencies.json", set(ACCOUNTING), set()),
    ("get_combos", {"currency": "BTC"}, "api-nautilus/http_get_combos.json", set(), set()),
    ("get_combo_ids", {"currency": "BTC"}, "api-openbb-2026-09-20/combo_ids.json", set(), set()),
    ("get_contract_size", {"instrument_name": PERPETUAL},
     "api-openbb-2026-09-20/contract_size.json", set(), set()),
    ("get_trade_volumes", {}, "api-openbb-2026-09-20/trade_volumes.json", set(VOLUMES), set()),
    ("get_instruments", {"currency": "BTC", "kind": "future"},
     "api-nautilus/http_get_instruments.json", set(ACCOUNTING),
     {"max_non_default_leverage", *NEWER}),
    ("get_instrument", {"instrument_name": PERPETUAL}, "api-nautilus/http_get_instrument.json",
     set(ACCOUNTING), set(NEWER)),
    ("get_time", {}, "api-nautilus/http_get_time.json", set(), set()),
    ("get_last_trades_by_instrument", {"instrument_name": PERPETUAL},
     "api-nautilus/http_get_last_trades.json", set(),
     {"starbase_match_id", "starbase_timestamp", *TAGS}),
    ("get_last_trades_by_instrument", {"instrument_name": PERPETUAL},
     "api-nautilus/http_get_last_trades_perpetual_with_combo_tags.json",
     {"combo_id", "combo_trade_id"}, {"starbase_match_id", "starbase_timestamp", *TAGS}),
    ("get_last_trades_by_currency", {"currency": "BTC", "kind": "combo"},
     "api-nautilus/http_get_last_trades_historical_combo.json", set(),
     {"starbase_match_id", "starbase_timestamp", "block_trade_id", "block_trade_leg_count",
      "block_rfq_id", "contracts", "index_price", "iv", "mark_price", "trade_id"}),
    ("get_order_book", {"instrument_name": PERPETUAL}, "api-nautilus/http_get_order_book.json",
     set(), set()),
    ("get_tradingview_chart_data", {"instrument_name": PERPETUAL, "resolution": "1", **WINDOW},
     "api-nautilus/http_get_tradingview_chart_data.json", set(), set()),
    ("get_expirations", {"currency": "any", "kind": "any"},
     "api-openbb-2026-09-20/expirations_flat.json", set(), set()),
    ("get_index_price_names", {}, "api-openbb-2026-09-20/index_price_names.json", set(), set()),
    ("get_index_chart_data", {"index_name": "btc_usd", "range": "1h"},
     "api-openbb-2026-09-20/index_chart_data.json", set(), set()),
    ("get_last_settlements_by_currency", {"currency": "BTC"},
     "api-openbb-2026-09-20/settlements_currency.json", set(), set()),
    ("get_last_settlements_by_instrument", {"instrument_name": PERPETUAL},
     "api-openbb-2026-09-20/settlements_instrument.json", set(), set()),
    ("get_block_rfq_trades", {"currency": "BTC"}, "api-openbb-2026-09-20/block_rfq_trades.json",
     {"eth_usd"}, {"btc_usd"}),
    ("get_apr_history", {"currency": "usde"}, "api-openbb-2026-09-20/apr_history.json",
     set(), set()),
    ("get_announcements", {}, "api-openbb-2026-09-20/announcements.json", set(), set()),
    ("get_time", {}, "api-openbb-2026-09-20/server_time.json", set(), set()),
    ("status", {}, "api-openbb-2026-09-20/status.json", set(), set()),
    ("test", {}, "api-nautilus/http_test.json", set(), set()),
]  # fmt: skip


@pytest.mark.parametrize(("method", "params", "path", "absent", "extra"), RESULTS)
async def test_a_result_has_the_recorded_shape(
    peer: Peer, method: str, params: dict[str, Any], path: str, absent: set[str], extra: set[str]
) -> None:
    body = recorded(path)
    if isinstance(body, dict) and "jsonrpc" in body:
        envelope = await peer.ask(f"public/{method}", **params)
        diagnostics = {"usIn", "usOut", "usDiff", "testnet", "id"}
        body["result"], ours = body["result"], envelope["result"]
        assert envelope.keys() >= body.keys() - diagnostics
        body = body["result"]
    else:
        ours = await peer.call(f"public/{method}", **params)
    assert list(differences(ours, body, absent, extra)) == []


PUSHES: list[tuple[str, str, str, set[str], set[str]]] = [
    (f"ticker.{PERPETUAL}.100ms", "api-nautilus/ws_ticker.json", "", set(), set()),
    (f"book.{PERPETUAL}.100ms", "api-nautilus/ws_book_snapshot.json", "", {"prev_change_id"},
     set()),
    (f"book.{PERPETUAL}.none.10.100ms", "api-nautilus/ws_book_grouped_snapshot.json", "", set(),
     set()),
    (f"quote.{PERPETUAL}", "api-nautilus/ws_quote.json", "", set(), set()),
    ("deribit_volatility_index.btc_usd", "api-nautilus/ws_volatility_index.json", "", set(), set()),
    (f"chart.trades.{PERPETUAL}.1", "api-nautilus/ws_chart.json", "", set(), set()),
    (f"trades.{PERPETUAL}.100ms", "api-nautilus/ws_trades.json", "", {"combo_trade_id"},
     {"starbase_match_id", "starbase_timestamp", *TAGS}),
    (f"ticker.{OPTION}.100ms", "", "ticker.BTC-5JUN20", set(), {"volume_usd"}),
    ("markprice.options.btc_usd", "", "markprice.options.btc_usd", set(), set()),
    ("deribit_price_index.btc_usd", "", "deribit_price_index", set(), set()),
]  # fmt: skip


@pytest.mark.parametrize(("channel", "path", "start", "absent", "extra"), PUSHES)
async def test_a_push_has_the_recorded_shape(
    peer: Peer, channel: str, path: str, start: str, absent: set[str], extra: set[str]
) -> None:
    data = recorded(path)["params"]["data"] if path else snippet(start)
    assert await peer.call("public/subscribe", channels=[channel]) == [channel]
    push = await peer.next(channel)
    await leave(peer)
    assert list(differences(push, data, absent, extra)) == []


async def test_a_combo_has_the_recorded_shape_of_its_details_and_its_prints(peer: Peer) -> None:
    combo, *_ = await peer.call("public/get_combo_ids", currency="BTC")
    details = await peer.call("public/get_combo_details", combo_id=combo)
    body = recorded("api-openbb-2026-09-20/combo_details.json")
    assert list(differences(details, body)) == []
    channel = "trades.option_combo.BTC.100ms"
    await peer.call("public/subscribe", channels=[channel])
    printed = await peer.next(channel)
    body = recorded("api-nautilus/ws_trades_option_combo.json")["params"]["data"]
    of_blocks = {"block_trade_id", "block_trade_leg_count", "block_rfq_id"}
    newer = {"starbase_match_id", "starbase_timestamp"}
    assert list(differences(printed, body, set(), of_blocks | newer)) == []
    await leave(peer)


async def test_a_currency_has_the_recorded_shape_of_its_expirations(peer: Peer) -> None:
    body = recorded("api-openbb-2026-09-20/expirations_grouped.json")["usdc"]
    ours = await peer.call("public/get_expirations", currency="USDC", kind="any")
    assert list(differences(ours["usdc"], body)) == []


async def test_a_book_change_has_the_recorded_shape(peer: Peer) -> None:
    channel = f"book.{PERPETUAL}.100ms"
    await peer.call("public/subscribe", channels=[channel])
    await peer.next(channel)
    change = await peer.next(channel)
    await leave(peer)
    data = recorded("api-nautilus/ws_book_delta.json")["params"]["data"]
    assert list(differences(change, data)) == []


async def test_ack_error_and_heartbeat_have_the_recorded_shape(peer: Peer) -> None:
    ack = await peer.ask("public/subscribe", channels=[f"quote.{PERPETUAL}"])
    assert list(differences(ack, recorded("api-nautilus/ws_subscribe_response.json"))) == []
    refused = await peer.ask("public/nothing")
    diagnostics = {"usIn", "usOut", "usDiff", "testnet"}
    error = recorded("api-nautilus/ws_error.json")
    assert list(differences(refused, error, {"data"}, diagnostics)) == []
    await peer.call("public/set_heartbeat", interval=10)
    told = recorded("api-nautilus/ws_test_request.json")["params"]["type"]
    while await peer.next_heartbeat() != told:
        pass
    await peer.call("public/disable_heartbeat")
    await leave(peer)


async def test_option_tickers_have_every_field_of_a_2021_recording(peer: Peer) -> None:
    wanted = None
    with gzip.open(DATA / "ws-cryptofeed-2021-07-22" / "DERIBIT.ws.1.0.gz", "rt") as file:
        for line in file:
            message = line.partition(": ")[2]
            if '"channel":"ticker.BTC-' in message:
                wanted = json.loads(message)["params"]["data"]
                break
    assert wanted is not None
    ours = await peer.call("public/ticker", instrument_name=OPTION)
    assert list(differences(ours, wanted, extra={"volume_usd"})) == []


async def test_an_option_summary_has_the_fields_that_the_tables_kept(peer: Peer) -> None:
    rows = await peer.call("public/get_book_summary_by_currency", currency="BTC", kind="option")
    names = {
        "instrument_name", "underlying_price", "underlying_index", "mark_price", "mark_iv",
        "bid_price", "ask_price", "open_interest", "volume", "volume_usd", "interest_rate",
        "estimated_delivery_price", "creation_timestamp", "mid_price", "last", "high", "low",
        "price_change", "base_currency", "quote_currency",
    }  # fmt: skip
    assert all(row.keys() == names for row in rows)
    assert any(row["bid_price"] is None for row in rows)
    assert all(row["bid_price"] != 0.0 for row in rows)


async def test_no_recorded_message_is_left_out() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    lists_of_2021 = {"DERIBIT.rest.0.gz"}  # only `ingest` reads them: fields have changed since
    files = {path.name for pattern in ("api-*/*", "ws-*/*") for path in DATA.glob(pattern)}
    assert {name for name in files - lists_of_2021 if name not in source} == set()
