"""Chain state laws: order does not matter, older never wins, nothing unknown becomes zero."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks.chain import OptionChain
from greeks.conventions import AverageSource, ForwardSource, RowStatus, Settlement
from ingest.chain_state import ChainState
from ingest.events import (
    DeliveryEstimate,
    Event,
    FutureTicker,
    IndexPrice,
    Instrument,
    Kind,
    Listed,
    Mark,
    MarkPrices,
    OptionTicker,
    Summaries,
    Summary,
)
from ingest.index_history import IndexHistory
from ingest.waiting import WaitingRoom

EXPIRY = 1_795_766_400_000
NOW = 1_795_450_000_000


def option(strike: float, *, is_call: bool = True, expiry_ms: int = EXPIRY) -> Instrument:
    side = "C" if is_call else "P"
    name = f"BTC-{expiry_ms}-{strike:g}-{side}"
    return Instrument(
        name, Kind.OPTION, "BTC", Settlement.INVERSE, "btc_usd", expiry_ms, strike, is_call, False
    )


def listed(*instruments: Instrument, kind: Kind = Kind.OPTION) -> Listed:
    return Listed("BTC", kind, instruments, complete=True)


FUTURE = Instrument(
    "BTC-27NOV26", Kind.FUTURE, "BTC", Settlement.INVERSE, "btc_usd", EXPIRY, math.nan, False, False
)
CALL, PUT = option(90_000.0), option(85_000.0, is_call=False)


def summary(
    item: Instrument, ts: int, *, interest: float = 10.0, iv: float = 0.5, forward: float = 88_000.0
) -> Summary:
    return Summary(
        item.instrument_name, ts, interest, iv, 0.01, math.nan, math.nan, forward, "", 0.0
    )


def marks(item: Instrument, ts: int, iv: float) -> MarkPrices:
    return MarkPrices("btc_usd", (Mark(item.instrument_name, ts, iv, 0.01),))


def state_of(*events: Event) -> ChainState:
    state = ChainState("BTC")
    for event in events:
        state.apply(event)
    return state


INDEX = IndexPrice("btc_usd", NOW, 88_000.0)


def test_rows_are_sorted_and_complete() -> None:
    chain = state_of(
        listed(CALL, PUT), INDEX, Summaries("BTC", (summary(CALL, NOW), summary(PUT, NOW)))
    ).freeze()
    assert list(chain.strike) == [85_000.0, 90_000.0]
    assert list(chain.status) == [RowStatus.OK, RowStatus.OK]
    assert (chain.as_of_ms, chain.index_price) == (NOW, 88_000.0)


def test_an_option_without_a_mark_is_known_to_be_without() -> None:
    chain = state_of(
        listed(CALL, PUT), INDEX, Summaries("BTC", (summary(CALL, NOW, iv=math.nan),))
    ).freeze()
    assert list(chain.status) == [RowStatus.NO_IV, RowStatus.NO_IV]
    assert math.isnan(chain.open_interest_coin[0])


def test_an_older_summary_never_overwrites_a_newer_mark() -> None:
    state = state_of(listed(CALL), INDEX, marks(CALL, NOW + 500, 0.61))
    state.apply(Summaries("BTC", (summary(CALL, NOW, iv=0.50),)))
    chain = state.freeze()
    assert chain.mark_iv[0] == 0.61
    assert chain.open_interest_coin[0] == 10.0


def test_the_forward_is_the_newest_of_underlyings_and_future() -> None:
    state = state_of(
        listed(CALL, PUT),
        listed(FUTURE, kind=Kind.FUTURE),
        INDEX,
        Summaries(
            "BTC",
            (summary(CALL, NOW, forward=88_100.0), summary(PUT, NOW - 9, forward=87_000.0)),
        ),
    )
    assert list(state.freeze().forward) == [88_100.0, 88_100.0]
    state.apply(FutureTicker("BTC-27NOV26", NOW - 1, 80_000.0, math.nan))
    assert list(state.freeze().forward) == [88_100.0, 88_100.0]
    state.apply(FutureTicker("BTC-27NOV26", NOW + 1, 88_200.0, math.nan))
    assert list(state.freeze().forward) == [88_200.0, 88_200.0]


def test_rows_of_one_instant_agree_on_their_median_forward() -> None:
    strikes = [option(80_000.0 + 1000 * i) for i in range(3)]
    rows = tuple(
        summary(item, NOW, forward=price)
        for item, price in zip(strikes, (88_000.0, 88_001.0, 99_999.0), strict=True)
    )
    chain = state_of(listed(*strikes), INDEX, Summaries("BTC", rows)).freeze()
    assert set(chain.forward) == {88_001.0}


def test_an_expired_option_leaves_at_eight_exactly() -> None:
    state = state_of(listed(CALL, option(90_000.0, expiry_ms=EXPIRY + 1)), INDEX)
    state.apply(IndexPrice("btc_usd", EXPIRY - 1, 88_000.0))
    assert len(state.freeze()) == 2
    state.apply(IndexPrice("btc_usd", EXPIRY, 88_000.0))
    assert len(state.freeze()) == 1


def test_a_new_list_keeps_what_is_known_and_drops_what_is_gone() -> None:
    state = state_of(listed(CALL, PUT), INDEX, Summaries("BTC", (summary(CALL, NOW),)))
    state.apply(listed(CALL, option(95_000.0)))
    chain = state.freeze()
    assert list(chain.strike) == [90_000.0, 95_000.0]
    assert chain.open_interest_coin[0] == 10.0
    assert math.isnan(chain.open_interest_coin[1])


@pytest.mark.parametrize("interest", [-1.0, 1e13, 1e308, math.inf])
def test_impossible_values_reject_their_own_row_only(interest: float) -> None:
    rows = (summary(CALL, NOW, interest=interest), summary(PUT, NOW))
    chain = state_of(listed(CALL, PUT), INDEX, Summaries("BTC", rows)).freeze()
    assert list(chain.status) == [RowStatus.OK, RowStatus.REJECTED]
    np.testing.assert_array_equal(chain.open_interest_coin, [10.0, math.nan])


def test_an_index_jump_is_held_until_it_is_confirmed() -> None:
    state = state_of(listed(CALL), INDEX)
    for second in (1, 2):
        state.apply(IndexPrice("btc_usd", NOW + second * 1000, 60_000.0))
        assert state.freeze().index_price == 88_000.0
    state.apply(IndexPrice("btc_usd", NOW + 3000, 60_000.0))
    assert state.freeze().index_price == 60_000.0


def test_a_stale_book_marks_its_rows() -> None:
    state = state_of(listed(CALL), INDEX, Summaries("BTC", (summary(CALL, NOW),)))
    assert state.freeze({Settlement.INVERSE}).status[0] == RowStatus.STALE


def test_a_forward_moves_along_with_its_index() -> None:
    state = state_of(listed(CALL), INDEX, Summaries("BTC", (summary(CALL, NOW),)))
    state.apply(IndexPrice("btc_usd", NOW + 9000, 88_880.0))
    chain = state.freeze()
    assert chain.forward[0] == 88_000.0 * 88_880.0 / 88_000.0
    assert chain.ts_forward[0] == NOW


@given(st.permutations(range(10)), st.integers(0, 9))
def test_a_forward_is_carried_from_the_index_of_its_own_time(order: list[int], at: int) -> None:
    prices = [88_000.0 + 100 * second for second in range(10)]
    state = state_of(listed(CALL), Summaries("BTC", (summary(CALL, NOW + 1000 * at + 400),)))
    for second in order:
        state.apply(IndexPrice("btc_usd", NOW + 1000 * second, prices[second]))
    expected = 88_000.0 * prices[-1] / prices[at]
    np.testing.assert_allclose(state.freeze().forward, expected, rtol=1e-14)


def test_only_the_open_share_of_an_average_moves_with_the_index() -> None:
    quoted = EXPIRY - 900_000
    state = state_of(listed(CALL), IndexPrice("btc_usd", quoted, 88_000.0))
    state.apply(Summaries("BTC", (summary(CALL, quoted, forward=88_000.0),)))
    state.apply(IndexPrice("btc_usd", EXPIRY - 450_000, 88_880.0))
    np.testing.assert_allclose(state.freeze().forward, 88_000.0 * 1.0025, rtol=1e-12)


def test_a_forward_says_where_it_comes_from() -> None:
    words = {"SYN.BTC-27NOV26": ForwardSource.SYNTHETIC, "index_price": ForwardSource.INDEX,
             "BTC-27NOV26": ForwardSource.FUTURE, "": ForwardSource.UNKNOWN}  # fmt: skip
    for word, source in words.items():
        row = replace(summary(CALL, NOW), underlying_index=word)
        assert state_of(listed(CALL), Summaries("BTC", (row,))).freeze().forward_source == [source]


def test_a_listed_future_beats_the_index_in_place_of_a_forward() -> None:
    row = replace(summary(CALL, NOW), underlying_index="index_price")
    chain = state_of(
        listed(CALL),
        listed(FUTURE, kind=Kind.FUTURE),
        INDEX,
        FutureTicker("BTC-27NOV26", NOW - 5000, 88_400.0, math.nan),
        Summaries("BTC", (row,)),
    ).freeze()
    assert (chain.forward[0], chain.forward_source[0]) == (88_400.0, ForwardSource.FUTURE)


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf])
def test_an_impossible_forward_keeps_the_last_good_one_with_its_age(price: float) -> None:
    state = state_of(listed(CALL), INDEX, Summaries("BTC", (summary(CALL, NOW),)))
    state.apply(Summaries("BTC", (summary(CALL, NOW + 1000, forward=price),)))
    chain = state.freeze()
    assert (chain.forward[0], chain.ts_forward[0]) == (88_000.0, NOW)


def test_the_settlement_average_is_the_mean_of_our_own_samples() -> None:
    opened = EXPIRY - 1_800_000
    state = state_of(listed(CALL, option(90_000.0, expiry_ms=EXPIRY + 86_400_000)))
    for second in range(-5, 101):
        state.apply(IndexPrice("btc_usd", opened + 1000 * second, 88_000.0 + second))
    chain = state.freeze()
    average = chain.settlement_average
    assert average[0] == 88_050.5, "samples 1 to 100"
    assert list(chain.average_source) == [AverageSource.SAMPLES, AverageSource.NONE]
    assert math.isnan(average[1]), "a later expiry has none"


def test_a_start_inside_the_settlement_window_takes_the_venues_average() -> None:
    now = EXPIRY - 600_000
    state = state_of(listed(CALL), IndexPrice("btc_usd", now, 88_000.0))
    state.apply(DeliveryEstimate("btc_usd", now - 500, 87_654.3, is_estimated=True))
    chain = state.freeze()
    assert chain.settlement_average[0] == 87_654.3
    assert chain.average_source[0] == AverageSource.VENUE
    state.apply(DeliveryEstimate("btc_usd", now, 88_000.0, is_estimated=False))
    assert math.isnan(state.freeze().settlement_average[0])


def test_what_is_said_before_the_listing_waits_for_it() -> None:
    early = (marks(CALL, NOW, 0.5), Summaries("BTC", (summary(CALL, NOW - 500),)))
    state = state_of(INDEX, *early, marks(CALL, NOW + 1, 0.52))
    assert len(state.freeze()) == 0
    state.apply(listed(CALL))
    chain = state.freeze()
    assert (chain.mark_iv[0], chain.open_interest_coin[0]) == (0.52, 10.0)
    assert state.waiting.names() == ()


def test_waiting_is_bounded_and_counted() -> None:
    state = ChainState("BTC")
    state.waiting = WaitingRoom(capacity=10)
    for strike in range(1, 31):
        state.apply(marks(option(1000.0 * strike), NOW, 0.5))
    assert (len(state.waiting.names()), state.waiting.dropped) == (10, 20)


def test_nothing_waits_that_belongs_to_another_asset() -> None:
    state = ChainState("BTC")
    state.apply(MarkPrices("eth_usd", (Mark("ETH-27NOV26-3000-C", NOW, 0.5, 0.01),)))
    assert state.waiting.names() == ()


PRICES = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from([100.0, 101.0, 104.0, 150.0, 151.0, 20.0])),
    max_size=25,
    unique_by=lambda sample: sample[0],
)


@given(PRICES, st.randoms(use_true_random=False))
def test_a_history_of_prices_depends_on_the_set_alone(
    samples: list[tuple[int, float]], rng: random.Random
) -> None:
    in_order, shuffled = IndexHistory(), IndexHistory()
    for ts, price in sorted(samples):
        in_order.add(ts, price)
    mixed = samples + samples[:5]
    rng.shuffle(mixed)
    for ts, price in mixed:
        shuffled.add(ts, price)
    for ts in range(31):
        np.testing.assert_equal(shuffled.at(ts), in_order.at(ts))
        np.testing.assert_equal(shuffled.average(ts, ts + 9), in_order.average(ts, ts + 9))


def ticker(item: Instrument, ts: int, *, interest: float, bid_iv: float) -> OptionTicker:
    return OptionTicker(summary(item, ts, interest=interest), bid_iv, math.nan)


NEW = option(95_000.0)
EVENTS: list[Event] = [
    listed(CALL, PUT),
    listed(FUTURE, kind=Kind.FUTURE),
    Listed("BTC", None, (NEW,), complete=False),
    INDEX,
    IndexPrice("btc_usd", NOW + 1000, 88_050.0),
    IndexPrice("btc_usd", NOW + 2000, 98_050.0),
    IndexPrice("btc_usd", NOW + 3000, 88_020.0),
    DeliveryEstimate("btc_usd", NOW + 2000, 88_001.0, is_estimated=False),
    marks(CALL, NOW, 0.5),
    marks(CALL, NOW + 1000, 0.51),
    marks(PUT, NOW + 500, 0.6),
    marks(NEW, NOW + 700, 0.7),
    Summaries("BTC", (summary(CALL, NOW + 100, interest=11.0), summary(PUT, NOW + 90))),
    Summaries("BTC", (summary(CALL, NOW + 2100, interest=12.0, iv=math.nan, forward=math.nan),)),
    Summaries("BTC", (summary(NEW, NOW + 1100, forward=88_200.0),)),
    ticker(CALL, NOW + 1500, interest=11.5, bid_iv=0.48),
    ticker(NEW, NOW + 1600, interest=3.0, bid_iv=0.66),
    FutureTicker("BTC-27NOV26", NOW + 50, 88_300.0, math.nan),
    FutureTicker("BTC-27NOV26", NOW + 1550, 88_350.0, math.nan),
]


@given(st.permutations(EVENTS[1:] + EVENTS[3:9]), st.data())
def test_the_order_and_repetition_of_events_do_not_matter(
    events: list[Event], data: st.DataObject
) -> None:
    listing = events.index(EVENTS[2])
    at = data.draw(st.integers(0, listing))  # a whole list comes before what was listed since
    mixed = [*events[:at], EVENTS[0], *events[at:]]
    expected = state_of(*EVENTS).freeze()
    chain = state_of(*mixed).freeze()
    for column in OptionChain.__slots__:
        np.testing.assert_array_equal(getattr(chain, column), getattr(expected, column), column)


def test_a_frozen_chain_does_not_move_with_the_state() -> None:
    state = state_of(listed(CALL), INDEX, Summaries("BTC", (summary(CALL, NOW),)))
    chain = state.freeze()
    state.apply(marks(CALL, NOW + 1, 0.9))
    assert chain.mark_iv[0] == 0.5
    assert not chain.mark_iv.flags.writeable


@pytest.mark.parametrize("finer_first", [True, False])
@pytest.mark.parametrize("finer_is_newer", [True, False])
def test_of_two_prices_that_round_alike_the_finer_stays(
    finer_first: bool, finer_is_newer: bool
) -> None:
    state = ChainState("BTC")
    state.apply(IndexPrice("btc_usd", NOW, 88_000.0))
    state.apply(listed(CALL))
    fine, coarse = (
        MarkPrices("btc_usd", (Mark(CALL.instrument_name, NOW + later, 0.5, price),))
        for price, later in ((0.00645, finer_is_newer), (0.0064, not finer_is_newer))
    )
    for event in (fine, coarse) if finer_first else (coarse, fine):
        state.apply(event)
    assert state.freeze().mark_price.tolist() == [0.00645]
    moved = Mark(CALL.instrument_name, NOW + 2, 0.5, 0.0066)
    state.apply(MarkPrices("btc_usd", (moved,)))
    assert state.freeze().mark_price.tolist() == [0.0066]
