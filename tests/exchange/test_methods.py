"""What methods answer: paging, windows, and that no parameter breaks any of them."""

import random
from typing import Any

import pytest

from exchange.methods import METHODS, dispatch
from exchange.rpc import Params, Request, RpcError, Stamp, encode_result
from exchange.server import Exchange
from exchange.session import Outlet, Session
from exchange.specs import Kind
from tests.exchange.peers import (
    START_MS,
    RefusalError,
    build_exchange,
    make_config,
    serve_peer,
)

OPTION = "BTC-27NOV26-90000-C"
PERPETUAL = "BTC-PERPETUAL"


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return build_exchange(make_config(history_s=900, activity=10.0, assets=("BTC", "XRP")))


def ask(exchange: Exchange, method: str, **params: Any) -> Any:
    request = Request(f"public/{method}", Params(params), 1, has_id=True)
    return dispatch(exchange.view, exchange.hub, request, None)


def test_pages_of_trades_join_into_the_whole_tape(exchange: Exchange) -> None:
    """The recovery recipe: each page begins at the last timestamp of the one before."""
    start, seen = START_MS - 600_000, {}
    while True:
        page = ask(
            exchange, "get_last_trades_by_currency_and_time", currency="BTC", kind="option",
            start_timestamp=start, end_timestamp=START_MS, count=50, sorting="asc",
        )  # fmt: skip
        seen |= {trade["trade_id"]: trade for trade in page["trades"]}
        if not page["has_more"]:
            break
        assert len(page["trades"]) == 50
        start = page["trades"][-1]["timestamp"]
    whole = [
        p.wire
        for p in exchange.market.state.tape.between(START_MS - 600_000, START_MS)
        if p.instrument.kind is Kind.OPTION and p.instrument.currency == "BTC"
    ]
    assert list(seen.values()) == whole
    assert len(whole) > 200


def test_a_hole_in_the_sequence_can_be_filled(exchange: Exchange) -> None:
    told = ask(
        exchange, "get_last_trades_by_instrument", instrument_name=PERPETUAL, start_seq=20,
        end_seq=29, count=100,
    )  # fmt: skip
    assert [trade["trade_seq"] for trade in told["trades"]] == list(range(20, 30))
    assert told["has_more"] is False


def test_trades_can_be_had_from_a_known_one_on(exchange: Exchange) -> None:
    newest = ask(exchange, "get_last_trades_by_currency", currency="BTC", count=30)["trades"]
    known = newest[-1]["trade_id"]
    onwards = ask(exchange, "get_last_trades_by_currency", currency="BTC", start_id=known, count=9)
    assert [t["trade_id"] for t in onwards["trades"]] == [t["trade_id"] for t in newest[:-10:-1]]


def test_newest_come_first_unless_asked_otherwise(exchange: Exchange) -> None:
    newest = ask(exchange, "get_last_trades_by_instrument", instrument_name=PERPETUAL)["trades"]
    assert len(newest) == 10
    assert newest[0]["trade_seq"] > newest[-1]["trade_seq"]
    oldest = ask(
        exchange, "get_last_trades_by_instrument", instrument_name=PERPETUAL, sorting="asc"
    )
    assert [trade["trade_seq"] for trade in oldest["trades"]] == list(range(1, 11))


def test_a_span_before_the_last_day_is_empty_and_no_error(exchange: Exchange) -> None:
    told = ask(
        exchange, "get_last_trades_by_currency_and_time", currency="BTC",
        start_timestamp=START_MS - 10 * 86_400_000, end_timestamp=START_MS - 2 * 86_400_000,
    )  # fmt: skip
    assert told == {"trades": [], "has_more": False}


def test_combos_are_found_only_by_their_own_kind(exchange: Exchange) -> None:
    def kinds(word: str) -> set[bool]:
        told = ask(exchange, "get_last_trades_by_currency", currency="BTC", kind=word, count=1000)
        return {"legs" in trade for trade in told["trades"]}

    assert kinds("option") == {False}
    assert kinds("option_combo") == {True}
    assert kinds("any") == {True, False}


def test_an_unlisted_currency_has_an_empty_list_of_instruments(exchange: Exchange) -> None:
    assert ask(exchange, "get_instruments", currency="SOL") == []


def test_a_quote_request_costs_what_its_legs_cost(exchange: Exchange) -> None:
    first = ask(exchange, "get_block_rfq_trades", currency="BTC", count=1)
    second = ask(
        exchange, "get_block_rfq_trades", currency="BTC", count=1,
        continuation=first["continuation"],
    )  # fmt: skip
    for deal in (*first["block_rfqs"], *second["block_rfqs"]):
        signs = [1 if leg["direction"] == "buy" else -1 for leg in deal["legs"]]
        legs = zip(signs, deal["legs"], strict=True)
        cost = sum(sign * leg["price"] * leg["ratio"] for sign, leg in legs)
        assert deal["trades"][0]["price"] == pytest.approx(cost, abs=1e-8)
    assert first["block_rfqs"][0]["id"] > second["block_rfqs"][0]["id"]


def test_days_of_candles_open_when_books_are_settled(exchange: Exchange) -> None:
    bars = ask(
        exchange, "get_tradingview_chart_data", instrument_name=PERPETUAL, resolution="1D",
        start_timestamp=START_MS - 5 * 86_400_000, end_timestamp=START_MS,
    )  # fmt: skip
    assert len(bars["ticks"]) == 5
    assert {tick % 86_400_000 for tick in bars["ticks"]} == {8 * 3_600_000}


def test_a_resolution_may_be_a_number(exchange: Exchange) -> None:
    span = {"start_timestamp": START_MS - 7_200_000, "end_timestamp": START_MS}
    word, number = (
        ask(exchange, "get_volatility_index_data", currency="BTC", resolution=resolution, **span)
        for resolution in ("3600", 3600)
    )
    assert word == number
    assert len(word["data"]) > 0


async def test_an_index_tells_its_last_day_and_what_it_is_made_of() -> None:
    async with serve_peer() as (_, peer):
        names = ["deribit_price_statistics.btc_usd", "deribit_price_ranking.btc_usd"]
        assert set(await peer.call("public/subscribe", channels=names)) == set(names)
        day, parts = [await peer.next(name) for name in names]
        price = (await peer.call("public/get_index_price", index_name="btc_usd"))["index_price"]
    assert day["low24h"] <= day["high24h"]
    assert day["low24h"] * 0.99 < price < day["high24h"] * 1.01
    assert sum(part["weight"] for part in parts) == pytest.approx(100.0)


def test_decimal_strikes_are_written_with_a_d(exchange: Exchange) -> None:
    options = ask(exchange, "get_instruments", currency="USDC", kind="option")
    xrp = [i for i in options if i["base_currency"] == "XRP"]
    assert {i["instrument_type"] for i in xrp} == {"linear"}
    fractional = [i for i in xrp if i["strike"] % 1]
    assert len(fractional) > 50
    for instrument in fractional:
        assert f"-{str(instrument['strike']).replace('.', 'd')}-" in instrument["instrument_name"]


async def test_the_stream_and_the_history_tell_the_same_trades() -> None:
    channel = "trades.option.BTC.100ms"
    async with serve_peer(make_config(activity=10.0)) as (_, peer):
        await peer.call("public/subscribe", channels=[channel])
        streamed: list[dict[str, Any]] = []
        while len(streamed) < 40:
            streamed += await peer.next(channel)
        told = await peer.call(
            "public/get_last_trades_by_currency", currency="BTC", kind="option",
            start_id=streamed[0]["trade_id"], end_id=streamed[-1]["trade_id"], count=1000,
        )  # fmt: skip
    assert told["trades"] == streamed


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("get_last_trades_by_currency", {"currency": "BTC"}),
        ("get_last_settlements_by_currency", {"currency": "BTC"}),
        ("get_delivery_prices", {"index_name": "btc_usd"}),
    ],
)
async def test_pages_have_one_to_a_thousand_rows(method: str, asked: dict[str, Any]) -> None:
    async with serve_peer() as (_, peer):
        await peer.call(f"public/{method}", **asked, count=1000)
        for count in (-1, 0, 1001):
            with pytest.raises(RefusalError, match="count"):
                await peer.call(f"public/{method}", **asked, count=count)


async def test_mark_prices_come_whole_first_and_then_as_changes() -> None:
    channel = "markprice.options.btc_usd"
    async with serve_peer() as (exchange, peer):
        await peer.call("public/subscribe", channels=[channel])
        first = await peer.next(channel)
        n = len(exchange.market.state.options["btc_usd"].rows)
        assert len(first) == n
        known = {row["instrument_name"]: row for row in first}
        for _ in range(10):
            changed = await peer.next(channel)
            assert 0 < len(changed) < n
            for row in changed:
                old = known[row["instrument_name"]]
                assert (row["mark_price"], row["iv"]) != (old["mark_price"], old["iv"])
                assert row["mark_price"] == round(row["mark_price"], 4)
                assert row["iv"] == round(row["iv"], 4)
                known[row["instrument_name"]] = row


async def test_an_incremental_ticker_adds_up_to_the_ticker() -> None:
    channel = f"incremental_ticker.{OPTION}"
    async with serve_peer(make_config(speed=0.5)) as (_, peer):
        await peer.call("public/subscribe", channels=[channel])
        sum_of_changes = await peer.next(channel)
        assert sum_of_changes["type"] == "snapshot"
        for _ in range(5):
            change = await peer.next(channel)
            assert change["type"] == "change"
            assert len(change) < len(sum_of_changes)
            sum_of_changes |= change
        whole = await peer.call("public/ticker", instrument_name=OPTION)
    assert sum_of_changes.keys() == whole.keys() | {"type"}


async def test_raw_channels_open_to_whoever_names_himself() -> None:
    channel = f"book.{PERPETUAL}.raw"
    async with serve_peer() as (_, peer):
        granted = await peer.call("public/auth", grant_type="client_credentials", client_id="x")
        assert granted["access_token"]
        assert await peer.call("private/subscribe", channels=[channel]) == [channel]
        last = (await peer.next(channel))["change_id"]
        for _ in range(5):
            change = await peer.next(channel)
            assert change["prev_change_id"] == last
            last = change["change_id"]


NAMES = (
    "currency", "kind", "instrument_name", "index_name", "start_timestamp", "end_timestamp",
    "count", "sorting", "start_id", "end_id", "start_seq", "end_seq", "depth", "resolution",
    "length", "offset", "continuation", "type", "extended", "expired", "range", "channels",
    "interval", "expected_result", "combo_id", "state", "instrument_id", "scope",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, "", 0, 1, -1, 10, 1.5, float("nan"), float("inf"), 2**70, -(2**70), True, False, [], {},
    ["a"], [1], {"a": 1}, "BTC", "any", "option", "future", PERPETUAL, OPTION, "btc_usd", "asc",
    "1", "abc", "60", "1D", "8h", "nan", "1e9", "ETH-12", "x" * 10_000, "\0", "é",
    ["book.BTC-PERPETUAL.none.10.100ms"], ["chart.trades.BTC-PERPETUAL.1D", "book.x", "ticker.."],
    START_MS, START_MS - 3_600_000,
)  # fmt: skip


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_parameter_breaks_a_method(exchange: Exchange, method: str) -> None:
    rng = random.Random(method)
    for _ in range(120):
        params = {name: rng.choice(VALUES) for name in rng.sample(NAMES, rng.randint(0, 9))}
        request = Request(method, Params(params), 1, has_id=True)
        outlet = Outlet(lambda _: None, lambda *_: None, lambda: None)
        session = Session(outlet, "local", 0.0, None) if rng.random() < 0.7 else None
        try:
            result = dispatch(exchange.view, exchange.hub, request, session)
        except RpcError:
            continue
        finally:
            if session is not None:
                exchange.hub.leave(session)
        assert encode_result(request, result, Stamp(1, testnet=False), 2)
