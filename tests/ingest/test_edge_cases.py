"""What recordings hold that a reader trips over, each from its frame to what the board is told."""

import json
import math
from typing import Any

import numpy as np
import pytest

from greeks.conventions import RowStatus, Settlement
from ingest.events import GapCause
from ingest.worker import AssetFeed
from tests.ingest.canned import NOW_US, answer_all, frame, load, push

NOW_MS = NOW_US // 1000
CALL, PUT = "BTC-27NOV26-90000-C", "BTC-27NOV26-85000-P"
EXPIRY_MS = 1_795_766_400_000
BOOK = "book.BTC-PERPETUAL.agg2"


class Told:
    """A feed that has its lists and summaries, and hears what a test tells it."""

    def __init__(self, asset: str = "BTC") -> None:
        self.now_s = 100.0
        self.feed = AssetFeed(asset, lambda: self.now_s)
        self.feed.opened(self.now_s)
        answer_all(self.feed, self.now_s)
        self.hear_index()

    def hear_index(self) -> None:
        self.feed.received(frame(load("price_index")), self.now_s)

    def hear(self, channel: str, data: object) -> None:
        self.feed.received(push(channel, data), self.now_s)
        assert self.feed.counters.protocol_errors == 0

    def row(self, column: str, name: str = CALL) -> float:
        chain = self.feed.freeze()
        return float(getattr(chain, column)[chain.instrument_name.index(name)])


@pytest.fixture
def told() -> Told:
    return Told()


def changed(name: str, **changes: object) -> dict[str, Any]:
    """Return the data of a push with other fields."""
    data: dict[str, Any] = load(name)["params"]["data"]
    return data | changes


def leg(number: int, name: str, side: str) -> dict[str, Any]:
    row: dict[str, Any] = load("trades_option")["params"]["data"][0]
    tags = {"combo_id": "BTC-STRD-27NOV26-85000", "combo_trade_id": "900"}
    own = {"trade_id": str(number), "instrument_name": name, "direction": side}
    return row | own | tags | {"trade_seq": number}


def test_a_combo_counts_once_by_its_legs_wherever_its_own_print_shows_up(told: Told) -> None:
    legs = [leg(901, CALL, "buy"), leg(902, PUT, "sell")]
    own = {"trade_id": "900", "instrument_name": "BTC-STRD-27NOV26-85000", "legs": legs}
    combo = leg(900, CALL, "buy") | own
    told.hear("trades.option.BTC.100ms", [combo, *legs])
    told.hear("trades.option_combo.BTC.100ms", [combo])
    prints = [trade for trade, _ in told.feed.tape.newest_first()]
    assert sorted(trade.instrument_name for trade in prints) == [PUT, CALL]
    assert {trade.combo_id for trade in prints} == {"BTC-STRD-27NOV26-85000"}
    assert (told.feed.tape.duplicates, told.feed.state.rejected) == (0, 0)


def test_an_ack_that_says_testnet_is_believed(told: Told) -> None:
    assert not told.feed.testnet
    told.feed.received(json.dumps({"id": 1, "result": [], "testnet": True, "usOut": NOW_US}), 100.0)
    assert told.feed.testnet


def test_a_trade_whose_amount_is_not_its_contracts_is_refused_and_counted(told: Told) -> None:
    """Ten contracts of one coin are ten coins: an amount of one is in another unit."""
    row = load("trades_option")["params"]["data"][0]
    refused = told.feed.state.rejected
    rows = [
        row | {"trade_id": str(number), "trade_seq": 700 + number, "amount": amount} | said
        for number, amount, said in (
            (1, 1.5, {"contracts": 1.5}),
            (2, 1.0, {"contracts": 10.0}),
            (3, 1.5, {"contracts": 0.00015}),
            (4, 2.5, {"contracts": None}),
            (5, 0.1, {"contracts": 0.1000001}),
        )
    ]
    told.hear("trades.option.BTC.100ms", rows)
    assert {trade.trade_id for trade, _ in told.feed.tape.newest_first()} == {"1", "4", "5"}
    assert told.feed.state.rejected == refused + 2


def test_a_trade_that_cannot_be_true_is_counted(told: Told) -> None:
    row = load("trades_option")["params"]["data"][0]
    refused = told.feed.state.rejected
    told.hear("trades.option.BTC.100ms", [row | {"amount": 0.0}, row | {"direction": "up"}])
    assert told.feed.state.rejected == refused + 2
    assert not told.feed.tape.recorded


@pytest.mark.parametrize(("wire_iv", "iv"), [(0, math.nan), (0.0, math.nan), (500.0, 5.0)])
def test_a_trade_without_volatility_says_none_and_its_ceiling_is_kept(
    told: Told, wire_iv: float, iv: float
) -> None:
    told.hear("trades.option.BTC.100ms", [leg(1, CALL, "buy") | {"iv": wire_iv}])
    ((trade, _),) = told.feed.tape.newest_first()
    np.testing.assert_equal(trade.iv, iv)


def test_the_negative_volatility_of_a_combo_touches_no_option(told: Told) -> None:
    before = told.feed.freeze()
    combo = changed("ticker_option", instrument_name="BTC-STRD-27NOV26-85000", mark_iv=-12.5)
    told.hear("ticker.BTC-STRD-27NOV26-85000.100ms", combo)
    after = told.feed.freeze()
    assert after.instrument_name == before.instrument_name
    np.testing.assert_array_equal(after.mark_iv, before.mark_iv)


def test_a_negative_volatility_of_an_option_is_no_volatility(told: Told) -> None:
    marks = changed_marks(iv=-0.125)
    told.hear("markprice.options.btc_usd", marks)
    assert told.row("status") == RowStatus.NO_IV


def indices_heard(told: Told, **changes: object) -> None:
    """Let the index tick once, then say eight times, a second apart, what it may not say."""
    told.hear_index()
    for _ in range(8):
        told.now_s += 1.0
        data = changed("price_index", **changes)
        told.feed.received(push("deribit_price_index.btc_usd", data), told.now_s)


@pytest.mark.parametrize("price", [0.0, -91_000.0])
def test_an_index_that_cannot_be_a_price_is_refused_and_does_not_tick(
    told: Told, price: float
) -> None:
    indices_heard(told, price=price)
    assert told.feed.counters.protocol_errors == 8
    assert set(told.feed.freeze().status) == {RowStatus.STALE}


def test_an_index_that_repeats_itself_does_not_tick(told: Told) -> None:
    indices_heard(told)
    assert told.feed.index_age_s() == 8.0
    assert set(told.feed.freeze().status) == {RowStatus.STALE}


def changed_marks(**changes: object) -> list[dict[str, Any]]:
    return [row | changes for row in load("markprice_options")["params"]["data"]]


def test_a_new_combo_without_term_or_index_is_no_error_and_no_option(told: Told) -> None:
    before = told.feed.freeze().instrument_name
    row = load("instruments_option")["result"][0] | {"kind": "option_combo"}
    nothing = {"price_index": None, "expiration_timestamp": None, "settlement_period": None}
    told.hear("instrument.creation.any.any", row | nothing | {"instrument_name": "BTC-COMBO-1"})
    assert told.feed.freeze().instrument_name == before
    assert told.feed.state.rejected == 0


def linear(strike: float, text: str) -> dict[str, Any]:
    row: dict[str, Any] = load("instruments_linear")["result"][0]
    return row | {"strike": strike, "instrument_name": f"XRP_USDC-27NOV26-{text}-C"}


def test_a_linear_chain_has_decimal_strikes_usdc_marks_and_coins_that_no_size_multiplies() -> None:
    told = Told("XRP")
    for strike, text in ((0.85, "0d85"), (1.25, "1d25"), (1.325, "1d325")):
        told.hear("instrument.creation.any.any", linear(strike, text))
        name = f"XRP_USDC-27NOV26-{text}-C"
        told.hear("markprice.options.xrp_usdc", changed_marks(instrument_name=name)[:1])
        ticker = changed("ticker_option", instrument_name=name, open_interest=4_000.0)
        told.hear(f"ticker.{name}.100ms", ticker | {"mark_price": 0.0461, "underlying_price": 1.3})
    index = {"index_name": "xrp_usdc", "timestamp": NOW_MS, "price": 1.3}
    told.hear("deribit_price_index.xrp_usdc", index)
    chain = told.feed.freeze()
    assert chain.strike.tolist() == [0.85, 1.25, 1.325]
    assert set(chain.settlement.tolist()) == {Settlement.LINEAR}
    assert chain.open_interest_coin.tolist() == [4_000.0] * 3
    assert chain.mark_price.tolist() == [0.0461] * 3
    assert (chain.index_price, chain.forward.tolist()) == (1.3, [1.3] * 3)


@pytest.mark.parametrize("mark_iv", [70.0, 250.0])
@pytest.mark.parametrize(
    "closing",
    [
        {"state": "open", "estimated_delivery_price": "expired"},
        {"state": "closed", "estimated_delivery_price": "expired", "delivery_price": 88_010.2},
        {"state": "a word of next year", "delivery_price": 88_010.2},
    ],
)
def test_an_expiring_option_is_read_and_leaves_at_eight_whatever_its_ticker_says(
    told: Told, closing: dict[str, object], mark_iv: float
) -> None:
    ticker = changed("ticker_option_expired", mark_iv=mark_iv, **closing)
    assert set(ticker["greeks"].values()) == {0.0}
    told.hear(f"ticker.{CALL}.100ms", ticker)
    assert told.row("mark_iv") == mark_iv / 100
    assert math.isnan(told.row("bid_iv"))
    for second in (-1, 0):
        told.now_s = 100.0 + (EXPIRY_MS - NOW_MS) / 1000 + second
        price = {"index_name": "btc_usd", "timestamp": EXPIRY_MS + second * 1000, "price": 88_010.0}
        told.hear("deribit_price_index.btc_usd", price)
        assert (CALL in told.feed.freeze().instrument_name) == (second < 0)
    told.hear(f"ticker.{CALL}.100ms", ticker | {"timestamp": EXPIRY_MS + 1})
    assert CALL not in told.feed.freeze().instrument_name


@pytest.mark.parametrize("stats", [None, {}, {"volume": None, "volume_usd": None, "high": None}])
def test_statistics_of_nothing_are_unknown_and_never_zero(told: Told, stats: object) -> None:
    told.hear("ticker.BTC-PERPETUAL.100ms", changed("ticker_perpetual", stats=stats))
    told.hear(f"ticker.{CALL}.100ms", changed("ticker_option", stats=stats))
    market = told.feed.market()
    assert math.isnan(market.liquidity.volume_24h_usd)
    assert market.perpetual.mark_usd == 88_020.11
    assert told.row("open_interest_coin") == changed("ticker_option")["open_interest"]


def book(change_id: int, bids: object, asks: object, **more: object) -> dict[str, object]:
    head = {"instrument_name": "BTC-PERPETUAL", "timestamp": NOW_MS + change_id}
    return head | {"change_id": change_id, "bids": bids, "asks": asks} | more


def test_a_book_takes_what_is_new_changed_and_deleted_in_the_order_of_its_thread(
    told: Told,
) -> None:
    bids, asks = [["new", 88_000.0, 500.0], ["new", 87_999.5, 40.0]], [["new", 88_000.5, 70.0]]
    told.hear(BOOK, book(10, bids, asks, type="snapshot", prev_change_id=None))
    edits = [["change", 88_000.0, 300.0], ["delete", 87_999.5, 0.0], ["new", 87_990.0, 5.0]]
    told.hear(BOOK, book(12, edits, [["delete", 1.0, 0.0]], type="change", prev_change_id=10))
    depth = told.feed.market().liquidity
    assert (depth.bid_half_pct_usd, depth.ask_half_pct_usd) == (305.0, 70.0)
    told.hear(BOOK, book(20, [["new", 87_980.0, 9.0]], [], type="change", prev_change_id=19))
    assert told.feed.counters.gaps[GapCause.BOOK_SEQUENCE] == 1
    assert math.isnan(told.feed.market().liquidity.bid_half_pct_usd)


def test_an_empty_book_has_no_depth_and_goes_on(told: Told) -> None:
    told.hear(BOOK, book(10, [], [], type="snapshot"))
    assert math.isnan(told.feed.market().liquidity.bid_one_pct_usd)
    bids, asks = [["new", 88_000.0, 500.0]], [["new", 88_000.5, 70.0]]
    told.hear(BOOK, book(11, bids, asks, type="change", prev_change_id=10))
    assert told.feed.market().liquidity.bid_one_pct_usd == 500.0


def asked(told: Told, method: str) -> list[dict[str, Any]]:
    """Return the parameters of the requests of one method that go out now."""
    requests = map(json.loads, told.feed.take_outgoing())
    return [request["params"] for request in requests if request["method"] == method]


def test_an_option_that_nobody_listed_is_looked_up_once(told: Told) -> None:
    asked(told, "")
    for _ in range(3):
        told.hear("markprice.options.btc_usd", changed_marks(instrument_name="BTC-4DEC26-1-C")[:1])
    told.feed.on_timer(told.now_s + 0.5)
    assert asked(told, "public/get_instrument") == [{"instrument_name": "BTC-4DEC26-1-C"}]


def test_many_options_that_nobody_listed_call_for_the_list(told: Told) -> None:
    asked(told, "")
    rows = [
        changed_marks(instrument_name=f"BTC-4DEC26-{strike}000-C")[0] for strike in range(60, 90)
    ]
    told.hear("markprice.options.btc_usd", rows)
    told.feed.on_timer(told.now_s + 0.5)
    assert {"currency": "BTC", "kind": "option", "expired": False} in asked(
        told, "public/get_instruments"
    )


def test_a_hole_is_a_gap_only_once_the_past_has_been_read() -> None:
    feed = AssetFeed("BTC", lambda: 100.0)
    feed.opened(100.0)
    for number in (5, 9):
        feed.received(push("trades.option.BTC.100ms", [leg(number, CALL, "buy")]), 100.0)
    assert feed.counters.gaps.total() == 0
    answer_all(feed, 100.0)
    feed.received(push("trades.option.BTC.100ms", [leg(12, CALL, "buy")]), 101.0)
    assert feed.counters.gaps == {GapCause.TRADE_SEQUENCE: 1}
    assert feed.tape.holes() == 5


def test_a_ticker_of_an_option_that_is_gone_is_refused_without_a_gap(told: Told) -> None:
    told.hear("trades.option.BTC.100ms", [leg(1, CALL, "buy")])
    told.feed.on_timer(told.now_s + 2.0)
    request = next(
        request
        for request in map(json.loads, told.feed.take_outgoing())
        if request["method"] == "public/ticker"
    )
    error = {
        "code": -32602,
        "message": "Invalid params",
        "data": {"reason": "instrument is not active", "param": "instrument_name"},
    }
    told.feed.received(json.dumps({"id": request["id"], "error": error, "usOut": NOW_US}), 102.0)
    assert told.feed.counters.gaps.total() == 0
    assert told.row("open_interest_coin") > 0


DAY_MS = 86_400_000


def hear_of_tomorrow(told: Told) -> None:
    """Tell a feed everything with tomorrow's time, and one mark with today's."""
    far, near = changed_marks(timestamp=NOW_MS + DAY_MS + 1, iv=3.0), changed_marks(iv=0.5)
    told.hear("markprice.options.btc_usd", [far[0], near[1]])
    told.hear("trades.option.BTC.100ms", [leg(1, CALL, "buy") | {"timestamp": NOW_MS + DAY_MS}])
    for channel, name in (
        ("deribit_price_index.btc_usd", "price_index"),
        ("ticker.BTC-27NOV26.agg2", "ticker_future"),
        (f"ticker.{CALL}.100ms", "ticker_option"),
    ):
        told.hear(channel, changed(name, timestamp=NOW_MS + DAY_MS))


def test_what_comes_from_far_ahead_does_not_stay_for_ever(told: Told) -> None:
    before = told.feed.freeze()
    hear_of_tomorrow(told)
    assert (told.row("mark_iv"), told.row("mark_iv", PUT)) == (0.4625, 0.5)
    answer_all(told.feed, told.now_s)  # the exchange says that it is still today
    assert told.feed.counters.gaps[GapCause.FAR_AHEAD] == 1
    assert told.feed.tape.recorded == 0
    after = told.feed.freeze()
    assert (after.as_of_ms, told.row("mark_iv")) == (before.as_of_ms, 0.4625)
    np.testing.assert_array_equal(after.forward, before.forward)


def test_nothing_is_lost_when_it_is_tomorrow_indeed(told: Told) -> None:
    hear_of_tomorrow(told)
    answer_all(told.feed, told.now_s, NOW_US + DAY_MS * 1000)
    assert told.feed.counters.gaps.total() == 0
    assert told.feed.tape.recorded == 1
    assert told.feed.freeze().as_of_ms == NOW_MS + DAY_MS
    assert (told.row("mark_iv"), told.row("mark_iv", PUT)) == (3.0, 0.5)


@pytest.mark.parametrize("kind", ["option", "future"])
def test_an_empty_list_after_a_reconnect_leaves_the_chain_as_it_was(told: Told, kind: str) -> None:
    before = told.feed.freeze().instrument_name
    told.feed.opened(200.0)
    for raw in told.feed.take_outgoing():
        request = json.loads(raw)
        if request["method"] == "public/get_instruments" and request["params"]["kind"] == kind:
            reply = {"id": request["id"], "result": [], "usOut": NOW_US}
            told.feed.received(json.dumps(reply), 200.0)
    assert told.feed.counters.gaps[GapCause.EMPTY_LIST] == 1
    assert told.feed.freeze().instrument_name == before
    assert told.feed.state.knows("BTC-PERPETUAL")
