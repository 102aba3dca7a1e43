"""Books chain or say so, depth is never guessed, requests stay below the limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealers.hours import Hour
from greeks.conventions import Settlement
from ingest.agenda import NameQueue
from ingest.book import OrderBook
from ingest.clock import ExchangeClock, LagMeter
from ingest.events import BookUpdate, FutureTicker, Instrument, Kind, VolatilityIndex
from ingest.instruments import build_table
from ingest.market import MarketState
from ingest.pacing import TARIFFS, UNPACED, Pacer
from ingest.past_hours import parse_bars, parse_chart
from ingest.subscriptions import Subscriptions
from ingest.wire import WireBars, WireChart

NEVER = 32_503_708_800_000
Levels = tuple[tuple[float, float], ...]


def perpetual(name: str, settlement: Settlement) -> Instrument:
    return Instrument(name, Kind.FUTURE, "BTC", settlement, "btc_usd", NEVER, math.nan, False, True)


INVERSE = perpetual("BTC-PERPETUAL", Settlement.INVERSE)
LINEAR = perpetual("BTC_USDC-PERPETUAL", Settlement.LINEAR)
TABLE = build_table({item.instrument_name: item for item in (INVERSE, LINEAR)})


def image(name: str, bids: Levels, asks: Levels, change_id: int = 1) -> BookUpdate:
    return BookUpdate(name, 1000 + change_id, change_id, None, True, bids, asks)


def change(prev: int, change_id: int, bids: Levels = (), asks: Levels = ()) -> BookUpdate:
    return BookUpdate("BTC-PERPETUAL", 1000 + change_id, change_id, prev, False, bids, asks)


def test_depth_adds_dollars_of_the_inverse_and_coins_times_price_of_the_linear_book() -> None:
    state = MarketState("BTC")
    assert state.apply(
        image("BTC-PERPETUAL", ((99_900.0, 500.0), (99_300.0, 70.0)), ((100_100.0, 40.0),))
    )
    assert state.apply(image("BTC_USDC-PERPETUAL", ((99_900.0, 0.01),), ((100_100.0, 0.02),)))
    liquidity = state.freeze(TABLE).liquidity
    assert liquidity.bid_half_pct_usd == pytest.approx(500 + 999, rel=1e-14)
    assert liquidity.bid_one_pct_usd == pytest.approx(570 + 999, rel=1e-14)
    assert liquidity.ask_half_pct_usd == pytest.approx(40 + 2002, rel=1e-14)
    assert math.isnan(liquidity.volume_24h_usd)


def test_past_hours_are_those_at_whose_start_price_and_volatility_are_both_known() -> None:
    state = MarketState("BTC")
    state.apply(parse_chart(WireChart(ticks=[1, 2, 3], open=[9e4, 0.0, 9.2e4])))
    assert state.past_hours() == ()
    assert state.freeze(TABLE).perpetual.hours == ((1, 9e4), (3, 9.2e4))
    state.apply(parse_bars(WireBars(data=[(at, 40.0 + at, 0, 0, 0) for at in (0, 1, 2, 3)])))
    assert state.past_hours() == (Hour(1, 9e4, 0.41), Hour(3, 9.2e4, 0.43))


def test_a_change_that_does_not_chain_leaves_the_book_unknown_until_an_image() -> None:
    book = OrderBook()
    book.apply(image("BTC-PERPETUAL", ((99.0, 5.0),), ((101.0, 5.0),)))
    assert not book.apply(change(7, 8))
    assert math.isnan(book.depth_usd(0.1, is_inverse=True)[0])
    assert book.apply(change(8, 9)), "waiting is no new gap"
    assert math.isnan(book.mid)
    book.apply(image("BTC-PERPETUAL", ((99.0, 5.0),), ((101.0, 5.0),), 10))
    assert book.mid == 100.0


def test_a_change_before_any_image_and_a_repeated_one_are_left_alone() -> None:
    book = OrderBook()
    assert book.apply(change(1, 2, bids=((99.0, 5.0),)))
    book.apply(image("BTC-PERPETUAL", ((99.0, 5.0),), ((101.0, 5.0),), 3))
    grown = change(3, 5, bids=((99.0, 8.0), (98.0, 1.0)))
    assert book.apply(grown)
    assert book.apply(grown)
    assert book.depth_usd(0.1, is_inverse=True) == (9.0, 5.0)
    book.apply(change(5, 6, bids=((98.0, 0.0),)))
    assert book.depth_usd(0.1, is_inverse=True) == (8.0, 5.0)


def test_a_crossed_or_one_sided_book_has_no_depth() -> None:
    for bids, asks in ((((102.0, 1.0),), ((101.0, 1.0),)), ((), ((101.0, 1.0),))):
        book = OrderBook()
        book.apply(image("BTC-PERPETUAL", bids, asks))
        assert all(map(math.isnan, book.depth_usd(0.01, is_inverse=True)))


def test_a_market_of_which_nothing_is_known_is_nan_and_never_zero() -> None:
    market = MarketState("BTC").freeze(TABLE)
    assert math.isnan(market.perpetual.rate_8h)
    assert math.isnan(market.perpetual.open_interest_usd)
    assert math.isnan(market.volatility_index)
    assert math.isnan(market.liquidity.ask_one_pct_usd)
    assert (market.ts_depth, market.ts_volume, market.perpetual.ts_event) == (0, 0, 0)


TICKERS = [
    FutureTicker("BTC-PERPETUAL", ts, 100_000.0 + ts, 1e-5 * ts, 2e-5, 1e9 + ts, 5e8)
    for ts in range(1, 5)
] + [FutureTicker("BTC_USDC-PERPETUAL", 3, 100_050.0, 0.0, 0.0, 1e8, 10.0)]


@given(st.permutations([*TICKERS, *TICKERS[:2], VolatilityIndex("btc_usd", 1, 0.4),
                        VolatilityIndex("btc_usd", 2, 0.5)]))  # fmt: skip
def test_the_newest_ticker_wins_in_any_order(events: list[FutureTicker | VolatilityIndex]) -> None:
    state = MarketState("BTC")
    for event in events:
        state.apply(event)
    market = state.freeze(TABLE)
    perpetual = market.perpetual
    assert (perpetual.mark_usd, perpetual.ts_event) == (100_004.0, 4)
    assert (perpetual.rate_8h, perpetual.realised_8h) == (4e-5, 2e-5)
    assert (perpetual.instrument_name, perpetual.settlement) == (
        "BTC-PERPETUAL", Settlement.INVERSE,
    )  # fmt: skip
    assert market.liquidity.volume_24h_usd == 1e9 + 4 + 1e8
    assert perpetual.open_interest_usd == 5e8 + 10.0 * 100_050.0
    assert market.volatility_index == 0.5


@pytest.mark.parametrize("method", [*TARIFFS, "public/ticker"])
def test_no_second_spends_more_than_the_venue_refills(method: str) -> None:
    pacer, sent = Pacer(), 0
    for tick in range(1200):  # two minutes of asking twenty times in each tenth of a second
        sent += sum(pacer.spend(method, tick / 10) for _ in range(20))
    cost = {"public/get_instruments": 10_000, "public/subscribe": 3_000}.get(method, 500)
    pool = {"public/get_instruments": 500_000, "public/subscribe": 30_000}.get(method, 50_000)
    assert 0.5 * (pool + 10_000 * 120) < sent * cost <= 0.81 * (pool + 10_000 * 120)


def test_a_refusal_halves_the_pace_and_a_heartbeat_never_waits() -> None:
    pacer = Pacer()
    pacer.slow_down(0.0)
    assert not pacer.spend("public/ticker", 0.0)
    assert pacer.spend(UNPACED, 0.0)
    paid = sum(pacer.spend("public/ticker", second / 10) for second in range(1, 101))
    assert 70 <= paid <= 81, "8 a second instead of 16, less the answer that overtook"


def test_reconnects_of_all_sockets_take_turns() -> None:
    pacer = Pacer()
    assert [pacer.reconnect_in(10.0) for _ in range(3)] == [0.0, 1.0, 2.0]
    assert pacer.reconnect_in(12.5) == 0.5
    assert pacer.reconnect_in(60.0) == 0.0


@pytest.mark.parametrize("ahead_ms", [61_000, 10**12, 2**53])
def test_a_time_far_ahead_is_taken_once_the_exchange_itself_says_it(ahead_ms: int) -> None:
    clock = ExchangeClock()
    assert clock.take(1_011_000 + ahead_ms, 11.0), "no clock, no doubt"
    clock = ExchangeClock()
    clock.observe(10.0, 10.0, 1_010_000.0, 1_010_000.0)
    stamps = [1_011_000, *[1_011_000 + ahead_ms] * 5, 1_012_000]
    assert [clock.take(ts, 11.0) for ts in stamps] == [True, *[False] * 5, True]
    clock.tell(1_011_000 + ahead_ms)
    assert clock.take(1_012_000 + ahead_ms, 12.0)


def test_an_exchange_that_runs_fast_is_believed() -> None:
    clock = ExchangeClock()
    clock.observe(10.0, 10.0, 1_010_000.0, 1_010_000.0)
    stamps = range(1_010_000, 1_010_000 + 3_600_000, 50_000)
    assert all(clock.take(ts, 10.0) for ts in stamps)


def test_the_exchange_clock_believes_the_fastest_reply() -> None:
    clock = ExchangeClock()
    assert math.isnan(clock.now_ms(5.0))
    clock.observe(10.0, 10.5, 1_000_400.0, 1_000_400.0)
    clock.observe(11.0, 11.02, 1_001_010.0, 1_001_012.0)
    clock.observe(12.0, 14.0, 1_003_900.0, 1_003_900.0)
    assert clock.now_ms(20.0) == pytest.approx(1_010_001.0, abs=0.01)
    assert clock.error_ms == pytest.approx(9.0, abs=0.01)


def test_lags_have_quantiles_and_unknown_ones_do_not_count() -> None:
    lag = LagMeter()
    assert math.isnan(lag.quantile_ms(0.5))
    for ms in (*range(100), math.nan):
        lag.observe(float(ms))
    assert (lag.quantile_ms(0.5), lag.quantile_ms(0.99)) == (50.0, 99.0)


def test_a_name_is_asked_about_once_a_period_and_the_queue_is_bounded() -> None:
    queue = NameQueue(period_s=3.0, capacity=5)
    queue.add("A", 1.0)
    queue.add("A", 0.0)
    assert queue.take(0.5, 9) == []
    assert queue.take(1.0, 9) == ["A"]
    queue.add("A", 1.5)
    assert queue.take(3.9, 9) == []
    assert queue.take(4.0, 9) == ["A"]
    for number in range(20):
        queue.add(f"N{number}", 5.0)
    assert (len(queue), queue.dropped) == (5, 15)
    assert len(queue.take(5.0, 2)) == 2


def test_silence_counts_only_on_a_socket_that_talks_and_patience_doubles() -> None:
    marks, index = "markprice.options.btc_usd", "deribit_price_index.btc_usd"
    channels = Subscriptions()
    channels.want({marks, index}, 0.0)
    channels.acknowledge(channels.take_due(0.0), [index, marks], 0.0)
    assert channels.take_mute(60.0) == [], "the whole socket is silent"
    renewals = []
    for second in range(60, 160):
        channels.heard(index, float(second))
        if channels.take_mute(float(second)):
            renewals.append(second)
            channels.acknowledge(channels.take_due(float(second)), [marks], float(second))
    assert renewals == [60, 81, 122]


def test_a_refused_guess_is_forgotten_and_a_refused_need_is_asked_again() -> None:
    channels = Subscriptions()
    channels.want({"a"}, 0.0, is_guess=True)
    channels.want({"b"}, 0.0)
    assert channels.acknowledge(channels.take_due(0.0), [], 0.0) == {"b"}
    assert "a" not in channels
    assert channels.take_due(59.0) == frozenset()
    assert channels.take_due(60.0) == {"b"}
