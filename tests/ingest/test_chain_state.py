"""Chain state laws: order does not matter, older never wins, nothing unknown becomes zero."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from greeks.conventions import RowStatus, Settlement
from ingest.chain_state import ChainState
from ingest.events import (
    Event,
    FutureTicker,
    IndexPrice,
    Instrument,
    Kind,
    Listed,
    Mark,
    MarkPrices,
    Summaries,
    Summary,
)

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


def test_impossible_values_reject_their_own_row_only() -> None:
    rows = (summary(CALL, NOW, interest=-1.0), summary(PUT, NOW))
    chain = state_of(listed(CALL, PUT), INDEX, Summaries("BTC", rows)).freeze()
    assert list(chain.status) == [RowStatus.OK, RowStatus.REJECTED]


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


EVENTS: list[Event] = [
    INDEX,
    IndexPrice("btc_usd", NOW + 1000, 88_050.0),
    marks(CALL, NOW, 0.5),
    marks(CALL, NOW + 1000, 0.51),
    marks(PUT, NOW + 500, 0.6),
    Summaries("BTC", (summary(CALL, NOW + 100, interest=11.0), summary(PUT, NOW + 90))),
    Summaries("BTC", (summary(CALL, NOW + 2100, interest=12.0, iv=math.nan),)),
    FutureTicker("BTC-27NOV26", NOW + 50, 88_300.0, math.nan),
]


@given(st.permutations(EVENTS + EVENTS[:4]))
def test_the_order_and_repetition_of_events_do_not_matter(events: list[Event]) -> None:
    base = (listed(CALL, PUT), listed(FUTURE, kind=Kind.FUTURE))
    expected = state_of(*base, *EVENTS).freeze()
    chain = state_of(*base, *events).freeze()
    for column in ("forward", "mark_iv", "open_interest_coin", "ts_event", "status"):
        np.testing.assert_array_equal(getattr(chain, column), getattr(expected, column))
    assert (chain.as_of_ms, chain.index_price) == (expected.as_of_ms, expected.index_price)


def test_a_frozen_chain_does_not_move_with_the_state() -> None:
    state = state_of(listed(CALL), INDEX, Summaries("BTC", (summary(CALL, NOW),)))
    chain = state.freeze()
    state.apply(marks(CALL, NOW + 1, 0.9))
    assert chain.mark_iv[0] == 0.5
    assert not chain.mark_iv.flags.writeable
