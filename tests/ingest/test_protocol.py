"""The session without I/O: what it asks, what it answers, what it makes of frames."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.events import (
    DeliveryEstimate,
    Gap,
    GapCause,
    IndexPrice,
    Kind,
    Listed,
    MarkPrices,
    PlatformState,
    Summaries,
    Venue,
)
from ingest.pacing import Pacer
from ingest.plan import FeedPlan
from ingest.protocol import SILENCE_S, DeribitSession
from ingest.subscriptions import REFUSED_RETRY_S
from ingest.wire import ProtocolError
from tests.ingest.canned import DATA, NOW_US, frame, load, push

HOUR_MS = 3_600_000
NOW_MS, EXPIRY_MS = NOW_US // 1000, 1_795_766_400_000


class CannedVenue:
    """Answers a session's requests with canned messages."""

    def __init__(self, session: DeribitSession) -> None:
        self.session = session
        self.requests: list[dict[str, Any]] = []

    def collect(self) -> list[dict[str, Any]]:
        fresh = [json.loads(raw) for raw in self.session.take_outgoing()]
        self.requests.extend(fresh)
        return fresh

    def answer(self, request: dict[str, Any], now_s: float) -> list[object]:
        method, params = request["method"], request["params"]
        if method == "public/subscribe":
            result: object = list(reversed(params["channels"]))
        elif method == "public/get_instruments" and params["currency"] == "BTC":
            result = load(f"instruments_{params['kind']}")["result"]
        elif method == "public/get_instruments":
            result = load("instruments_linear")["result"] if params["kind"] == "option" else []
        elif method == "public/get_book_summary_by_currency":
            result = load("book_summary")["result"]
        elif "last_trades" in method:
            result = {"trades": [], "has_more": False}
        elif method == "public/get_tradingview_chart_data":
            result = {"status": "ok", "ticks": [0, HOUR_MS], "open": [9e4, 9.1e4], "close": [1, 1]}
        elif method == "public/get_volatility_index_data":
            result = {"data": [[HOUR_MS, 42.0, 43.0, 41.0, 42.5]], "continuation": None}
        elif method == "public/status":
            result = {"locked": "partial", "locked_indices": ["btc_usdc"]}
        else:
            result = "ok"
        reply = {"jsonrpc": "2.0", "id": request["id"], "result": result, "testnet": False}
        return list(self.session.receive(json.dumps({**reply, "usOut": NOW_MS * 1000}), now_s))

    def answer_all(self, now_s: float) -> list[object]:
        events: list[object] = []
        while fresh := self.collect():
            for request in fresh:
                events += self.answer(request, now_s)
        return events


@pytest.fixture
def venue() -> CannedVenue:
    session = DeribitSession(FeedPlan("BTC"))
    session.start(100.0)
    return CannedVenue(session)


def test_a_session_opens_with_heartbeat_lifecycle_and_lists(venue: CannedVenue) -> None:
    methods = [request["method"] for request in venue.collect()]
    assert methods[:2] == ["public/set_heartbeat", "public/subscribe"]
    assert methods[2:] == [*["public/get_instruments"] * 4, "public/status"]


def test_an_index_that_was_locked_before_the_session_is_known_to_be(venue: CannedVenue) -> None:
    events = venue.answer_all(100.0)
    assert PlatformState(None, "btc_usdc", locked=True) in events


def test_channels_of_an_expired_future_are_left_at_its_hour_without_a_list(
    venue: CannedVenue,
) -> None:
    venue.answer_all(100.0)
    expiry_s = (EXPIRY_MS - NOW_MS) / 1000
    venue.session.on_timer(100.0 + expiry_s - 1)
    assert not [r for r in venue.collect() if r["method"] == "public/unsubscribe"]
    venue.session.on_timer(100.0 + expiry_s + 1)
    left = [r["params"]["channels"] for r in venue.collect() if "unsubscribe" in r["method"]]
    assert "ticker.BTC-27NOV26.agg2" in left[0]
    assert "ticker.BTC-PERPETUAL.100ms" not in left[0]


def test_an_estimate_without_a_time_is_of_now(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    data = {"seconds": 900, "price": 88_000.5, "is_estimated": True, "left_ticks": 900}
    (event,) = venue.session.receive(push("estimated_expiration_price.btc_usd", data), 107.0)
    assert event == DeliveryEstimate("btc_usd", NOW_MS + 7_000, 88_000.5, is_estimated=True)


def test_no_channel_of_the_plan_needs_a_name_or_password(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    asked = [r["params"].get("channels", []) for r in venue.requests]
    assert not [name for names in asked for name in names if name.endswith(".raw")]


def test_the_bootstrap_asks_only_for_books_that_exist(venue: CannedVenue) -> None:
    events = venue.answer_all(100.0)
    channels = {
        c
        for r in venue.requests
        if r["method"] == "public/subscribe"
        for c in r["params"]["channels"]
    }
    assert {
        "markprice.options.btc_usd",
        "deribit_price_index.btc_usd",
        "ticker.BTC-27NOV26.agg2",
    } <= channels
    assert "book.BTC-PERPETUAL.agg2" in channels
    assert not any("BTC_USDC" in channel for channel in channels)
    summaries = [r["params"]["currency"] for r in venue.requests if "summary" in r["method"]]
    assert summaries == ["BTC"]
    listed = [event for event in events if isinstance(event, Listed)]
    assert sum(len(event.instruments) for event in listed) == 4
    assert any(isinstance(event, Summaries) and len(event.rows) == 2 for event in events)


def test_every_envelope_tells_the_venue_and_its_clock(venue: CannedVenue) -> None:
    events = venue.answer_all(100.0)
    assert Venue(testnet=False, server_ms=1_795_450_000_000) in events


def test_an_ack_in_another_order_is_complete(venue: CannedVenue) -> None:
    events = venue.answer_all(100.0)
    assert not [event for event in events if isinstance(event, Gap)]


def test_a_channel_left_out_of_the_ack_is_a_gap(venue: CannedVenue) -> None:
    subscribe = next(r for r in venue.collect() if r["method"] == "public/subscribe")
    granted = [c for c in subscribe["params"]["channels"] if c != "platform_state"]
    events = venue.session.receive(json.dumps({"id": subscribe["id"], "result": granted}), 100.0)
    assert events == [Gap(GapCause.REFUSED_CHANNEL, "platform_state")]


def test_requests_of_one_method_never_hold_up_another() -> None:
    pacer = Pacer()
    while pacer.spend("public/subscribe", 100.0):
        pass
    session = DeribitSession(FeedPlan("BTC"), pacer=pacer)
    session.start(100.0)
    venue = CannedVenue(session)
    venue.answer_all(100.0)
    methods = [request["method"] for request in venue.requests]
    assert "public/subscribe" not in methods
    assert "public/get_book_summary_by_currency" in methods
    for tick in range(1, 20):
        session.on_timer(100.0 + tick / 2)
    assert [r["method"] for r in venue.collect()].count("public/subscribe") == 2


def test_an_index_price_from_the_far_future_waits_for_the_exchanges_own_time(
    venue: CannedVenue,
) -> None:
    venue.answer_all(100.0)
    message = load("price_index")
    message["params"]["data"]["timestamp"] = NOW_MS + 7 * 86_400_000
    assert [venue.session.receive(frame(message), 100.0) for _ in range(3)] == [[]] * 3
    assert [request["method"] for request in venue.collect()] == ["public/test"]
    events = venue.answer(venue.requests[-1], 100.1)
    assert Gap(GapCause.FAR_AHEAD, "3 messages") in events
    assert not any(isinstance(event, IndexPrice) for event in events)
    message["params"]["data"]["timestamp"] = NOW_MS + 1_000
    assert len(venue.session.receive(frame(message), 101.0)) == 1


def test_doubted_times_are_asked_about_until_somebody_answers(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    message = load("price_index")
    message["params"]["data"]["timestamp"] = NOW_MS + 7 * 86_400_000
    venue.session.receive(frame(message), 100.0)
    for second in range(45):
        venue.session.on_timer(100.0 + second)
    asked = [request for request in venue.collect() if request["method"] == "public/test"]
    assert len(asked) == 3, "one at a time, again after 20 s"
    reply = {"id": asked[-1]["id"], "result": {}, "usOut": (NOW_MS + 7 * 86_400_000) * 1000}
    events = venue.session.receive(json.dumps(reply), 145.0)
    assert [type(event) for event in events] == [Venue, IndexPrice]


def test_an_empty_list_of_a_living_book_is_doubted_and_asked_for_again(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    venue.session.on_timer(3_701.0)
    listing = next(
        r
        for r in venue.collect()
        if r["method"] == "public/get_instruments"
        and r["params"] == {"currency": "BTC", "kind": "option", "expired": False}
    )
    reply = {"id": listing["id"], "result": [], "usOut": 1_795_450_000_000_000}
    events = venue.session.receive(json.dumps(reply), 3_702.0)
    assert events[1:] == [Gap(GapCause.EMPTY_LIST, "BTC option")]
    venue.session.on_timer(3_702.0 + REFUSED_RETRY_S)
    assert listing["params"] in [r["params"] for r in venue.collect()]


def test_an_empty_list_of_a_book_that_has_expired_is_believed(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    venue.session.on_timer(3_701.0)
    listings = [r for r in venue.collect() if r["params"].get("kind") == "option"]
    for listing in listings:
        reply = {"id": listing["id"], "result": [], "usOut": 4_000_000_000_000_000}
        if listing["method"] == "public/get_instruments":
            assert isinstance(venue.session.receive(json.dumps(reply), 3_702.0)[1], Listed)


def test_a_test_request_is_answered_at_once(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    venue.session.receive(frame(load("heartbeat_test_request")), 101.0)
    assert [request["method"] for request in venue.collect()] == ["public/test"]


def test_a_failed_list_is_asked_for_again_soon(venue: CannedVenue) -> None:
    listing = next(r for r in venue.collect() if r["method"] == "public/get_instruments")
    error = frame(load("error_too_many_requests"), id=listing["id"])
    assert any(isinstance(event, Gap) for event in venue.session.receive(error, 100.0))
    venue.session.on_timer(101.0)
    assert not [r for r in venue.collect() if r["params"] == listing["params"]]
    venue.session.on_timer(103.0)
    assert [r["params"] for r in venue.collect()] == [listing["params"]]


def test_a_list_that_cannot_be_read_is_asked_for_again(venue: CannedVenue) -> None:
    listing = next(r for r in venue.collect() if r["method"] == "public/get_instruments")
    with pytest.raises(ProtocolError):
        venue.session.receive(json.dumps({"id": listing["id"], "result": "none"}), 100.0)
    venue.session.on_timer(103.0)
    assert [r["params"] for r in venue.collect()] == [listing["params"]]


def test_the_past_of_the_tape_is_read_once_from_where_it_was_left() -> None:
    session = DeribitSession(FeedPlan("BTC"), newest_trade_ms=1_795_449_999_000)
    session.start(100.0)
    venue = CannedVenue(session)
    venue.answer_all(100.0)
    asked = [r["params"] for r in venue.requests if r["method"].endswith("currency_and_time")]
    assert [(p["currency"], p["start_timestamp"]) for p in asked] == [("BTC", 1_795_449_997_000)]


def test_missing_trades_are_asked_for_by_number(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    venue.session.request_missing("BTC-27NOV26-90000-C", range(7, 10), 100.0)
    request = next(r for r in venue.collect() if "last_trades" in r["method"])
    assert (request["params"]["start_seq"], request["params"]["end_seq"]) == (7, 9)


def test_the_past_week_is_asked_once_a_session_of_the_inverse_perpetual(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    asked = [r["params"] for r in venue.requests if "chart_data" in r["method"]]
    assert [params["instrument_name"] for params in asked] == ["BTC-PERPETUAL"]
    assert asked[0]["end_timestamp"] - asked[0]["start_timestamp"] == 7 * 24 * HOUR_MS
    venue.session.on_timer(4000.0)  # lists are read again
    venue.answer_all(4000.0)
    assert sum("volatility_index_data" in r["method"] for r in venue.requests) == 1


def test_an_error_without_id_is_survived(venue: CannedVenue) -> None:
    events = venue.session.receive(frame(load("error_bad_request")), 100.0)
    assert isinstance(events[-1], Gap)


def test_summaries_are_polled_and_lists_read_again_hourly(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    venue.session.on_timer(116.0)
    assert [r["method"] for r in venue.collect()] == ["public/get_book_summary_by_currency"]
    venue.session.on_timer(3_701.0)
    assert [r["method"] for r in venue.collect()].count("public/get_instruments") == 4


def test_mute_marks_beside_a_ticking_index_are_renewed(venue: CannedVenue) -> None:
    venue.answer_all(100.0)
    venue.session.receive(frame(load("markprice_options")), 100.0)
    for second in range(101, 112):
        venue.session.receive(frame(load("price_index")), float(second))
    events = venue.session.on_timer(111.5)
    methods = [r["method"] for r in venue.collect()]
    assert events == [Gap(GapCause.MUTE_CHANNEL, "markprice.options.btc_usd")]
    assert methods[-2:] == ["public/unsubscribe", "public/subscribe"]


def test_silence_is_death_whatever_tcp_says(venue: CannedVenue) -> None:
    assert not venue.session.is_dead(100.0 + SILENCE_S)
    assert venue.session.is_dead(100.1 + SILENCE_S)


@pytest.mark.parametrize(
    ("name", "kind"), [("markprice_options", MarkPrices), ("price_index", IndexPrice)]
)
def test_notifications_become_events(venue: CannedVenue, name: str, kind: type[object]) -> None:
    (event,) = venue.session.receive(frame(load(name)), 100.0)
    assert isinstance(event, kind)


def test_notifications_of_unknown_channels_are_ignored(venue: CannedVenue) -> None:
    message = load("price_index")
    message["params"]["channel"] = "deribit_price_ranking.btc_usd"
    assert venue.session.receive(frame(message), 100.0) == []


def test_plan_for_an_asset_with_a_linear_book_alone() -> None:
    session = DeribitSession(FeedPlan("XRP"))
    session.start(0.0)
    venue = CannedVenue(session)
    venue.answer_all(0.0)
    channels = {
        c
        for r in venue.requests
        if r["method"] == "public/subscribe"
        for c in r["params"]["channels"]
    }
    assert "markprice.options.xrp_usdc" in channels
    assert "trades.option.USDC.100ms" in channels
    assert Kind.OPTION == "option"


MESSAGES = sorted(path.name for path in DATA.glob("*.json"))


@given(st.data())
def test_a_mutated_frame_raises_nothing_but_protocol_error(data: st.DataObject) -> None:
    session = DeribitSession(FeedPlan("BTC"))
    session.start(0.0)
    text = bytearray((DATA / data.draw(st.sampled_from(MESSAGES))).read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.integers(0, 255))
    try:
        session.receive(bytes(text), 1.0)
    except ProtocolError:
        return
