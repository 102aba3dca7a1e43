"""The flow book: every trade once, whatever the order, the repetition or the restart."""

import json
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealers.attribution import ATTRIBUTIONS, TradeClass, classify
from dealers.flow import FlowBook, position_from_flow
from dealers.tape import AggressorSide, Liquidation, Trade
from tests.builders import AS_OF_MS, make_chain

BUY, SELL = AggressorSide.BUY, AggressorSide.SELL
CHAIN = make_chain(strikes=(90_000, 110_000), days=(30,))
CALL = "BTC-22DEC26-90000-C"
PUT = "BTC-22DEC26-110000-P"


def trade(seq: int, side: AggressorSide = BUY, amount: float = 1.0, **more: object) -> Trade:
    values: dict[str, object] = {
        "trade_id": f"{more.get('instrument_name', CALL)}#{seq}",
        "trade_seq": seq,
        "ts_event": AS_OF_MS - 10_000 + seq,
        "instrument_name": CALL,
        "side": side,
        "amount_coin": amount,
        "price": 0.05,
        "iv": 0.5,
        "index_price_usd": 100_000.0,
    }
    return Trade(**(values | more))


def book_of(trades: Iterable[Trade]) -> FlowBook:
    return FlowBook().apply(trades)


TAPE = [
    trade(1, BUY, 2.0),
    trade(2, SELL, 0.5),
    trade(3, BUY, 1.0, block_trade_id="B1", block_rfq_id="7"),
    trade(5, SELL, 4.0, liquidation=Liquidation.MAKER),
    trade(8, SELL, 3.0, instrument_name=PUT),
    trade(9, SELL, 3.0, instrument_name=PUT, combo_id="BTC-CS-22DEC26-90000_110000"),
]


def test_dealers_hold_the_opposite_of_what_takers_bought() -> None:
    position = position_from_flow(CHAIN, book_of(TAPE))
    by_name = dict(zip(CHAIN.instrument_name, position, strict=True))
    assert by_name[CALL] == -(2.0 - 0.5 + 1.0 - 4.0)
    assert by_name[PUT] == 6.0
    assert sum(position) == by_name[CALL] + by_name[PUT]


def test_nobody_holds_more_than_the_open_interest() -> None:
    chain = make_chain(strikes=(90_000, 110_000), days=(30,), open_interest=2.5)
    assert np.abs(position_from_flow(chain, book_of([trade(1, BUY, 40.0)]))).max() == 2.5
    unknown = make_chain(strikes=(90_000, 110_000), days=(30,), open_interest=np.nan)
    assert np.isnan(position_from_flow(unknown, book_of(TAPE))).all()


@given(order=st.permutations(TAPE * 2), cut=st.integers(0, len(TAPE) * 2))
def test_order_repetition_and_restart_change_nothing(order: list[Trade], cut: int) -> None:
    whole = book_of(TAPE)
    restarted = FlowBook.from_state(book_of(order[:cut]).to_state()).apply(order)
    assert restarted.flows.keys() == whole.flows.keys()
    for name, flow in whole.flows.items():
        again = restarted.flows[name]
        assert (again.seen, again.buys, again.sells) == (flow.seen, flow.buys, flow.sells)
        assert again.signed_coin == pytest.approx(flow.signed_coin)
        assert again.squared_coin2 == pytest.approx(flow.squared_coin2)
    assert (restarted.since_ms, restarted.until_ms) == (whole.since_ms, whole.until_ms)


@given(seqs=st.lists(st.integers(1, 30), min_size=1))
def test_holes_are_what_the_numbers_skip(seqs: list[int]) -> None:
    flow = book_of(trade(seq) for seq in seqs).flows[CALL]
    assert flow.trades == len(set(seqs))
    assert flow.missing == max(seqs) - min(seqs) + 1 - len(set(seqs))
    assert flow.reaches_listing == (min(seqs) == 1)
    assert all(low <= high for low, high in flow.seen)
    assert all(a[1] + 1 < b[0] for a, b in zip(flow.seen, flow.seen[1:], strict=False))


def test_a_late_trade_fills_its_hole() -> None:
    book = book_of(TAPE)
    assert book.flows[CALL].missing == 1
    assert book.apply([trade(4)]).flows[CALL].missing == 0
    assert book.flows[CALL].missing == 1, "a book is a value"


def test_a_checkpoint_survives_json() -> None:
    book = book_of(TAPE).observe(CHAIN)
    assert FlowBook.from_state(json.loads(json.dumps(book.to_state()))) == book


def test_a_combo_counts_by_its_legs_alone() -> None:
    legs = TAPE[-1:]
    whole = replace(legs[0], instrument_name="BTC-CS-22DEC26-90000_110000", trade_id="c")
    assert book_of([*legs, whole]).flows == book_of(legs).flows


def test_open_interest_is_noted_once_and_delivered_options_are_forgotten() -> None:
    book = book_of([*TAPE, trade(1, instrument_name="BTC-1NOV26-90000-C")]).observe(CHAIN)
    assert set(book.flows) == set(CHAIN.instrument_name)
    later = make_chain(strikes=(90_000, 110_000), days=(30,), open_interest=7.0)
    columns = book.observe(later).columns(later)
    assert columns.start_open_interest_coin.tolist() == [100.0] * 4
    fresh = FlowBook().columns(later)
    assert fresh.start_open_interest_coin.tolist() == [7.0] * 4
    assert not fresh.reaches_listing.any()


def test_the_length_of_the_tape_runs_from_the_first_to_the_last_thing_seen() -> None:
    assert FlowBook().history_ms == 0
    book = FlowBook(since_ms=AS_OF_MS - 86_400_000).observe(CHAIN)
    assert book.history_ms == 86_400_000
    assert book_of(TAPE).history_ms == 8


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, TradeClass.LIT),
        ({"combo_id": "BTC-CS-1"}, TradeClass.LIT),
        ({"block_trade_id": "1"}, TradeClass.BLOCK),
        ({"block_trade_id": "1", "block_rfq_id": "2"}, TradeClass.RFQ_BLOCK),
        ({"liquidation": Liquidation.TAKER}, TradeClass.TAKER_LIQUIDATED),
        ({"liquidation": Liquidation.MAKER, "block_trade_id": "1"}, TradeClass.MAKER_LIQUIDATED),
        ({"liquidation": Liquidation.BOTH}, TradeClass.BOTH_LIQUIDATED),
    ],
)
def test_a_trade_is_classified_by_how_it_came_about(
    more: dict[str, object], kind: TradeClass
) -> None:
    assert classify(trade(1, **more)) is kind


def test_the_odds_of_every_class_sum_to_one() -> None:
    assert set(ATTRIBUTIONS) == set(TradeClass)
    for odds in ATTRIBUTIONS.values():
        assert odds.customer_took + odds.neither + odds.dealer_took == pytest.approx(1.0)
        eps = np.array([1, 0, -1])
        p = np.array([odds.customer_took, odds.neither, odds.dealer_took])
        assert odds.effectiveness == pytest.approx(p @ eps)
        assert odds.variance == pytest.approx(p @ eps**2 - (p @ eps) ** 2)
