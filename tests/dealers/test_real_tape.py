"""The recorded tape of 2022-01-01: every trade once, holes found, the book is their fold."""

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from dealers.flow import FlowBook
from dealers.tape import AggressorSide, Trade

TAPE = Path(__file__).resolve().parents[3] / "shared" / "data" / "tape-2022-01-01-btc"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not TAPE.is_dir(), reason="needs the recorded tape"),
]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with gzip.open(TAPE / "Deribit_20220101.csv.gz", "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def trades(rows: list[dict[str, str]]) -> list[Trade]:
    return [
        Trade(
            trade_id=row["trade_id"],
            trade_seq=int(row["trade_seq"]),
            ts_event=int(row["t"]),
            instrument_name=row["instrument_name"],
            side=AggressorSide(row["direction"]),
            amount_coin=float(row["q"]),
            price=float(row["p"]),
            iv=float(row["iv"]) / 100,
            index_price_usd=float(row["index_price"]),
        )
        for row in rows
    ]


def test_every_trade_is_counted_once_though_pages_overlap(trades: list[Trade]) -> None:
    assert len(trades) == 3719
    book, fresh = FlowBook().fold(trades)
    assert len(fresh) == len({trade.trade_id for trade in trades}) == 1350
    assert len(book.flows) == 171
    assert sum(flow.buys for flow in book.flows.values()) == 513
    assert sum(flow.sells for flow in book.flows.values()) == 837


def test_the_book_is_the_fold_of_exactly_those(
    rows: list[dict[str, str]], trades: list[Trade]
) -> None:
    """Added up again from the file, by id, with plain numbers."""
    taken: dict[str, float] = defaultdict(float)
    for row in {row["trade_id"]: row for row in rows}.values():
        sign = 1 if row["direction"] == "buy" else -1
        taken[row["instrument_name"]] += sign * float(row["q"])
    found = {name: sum(flow.signed_coin) for name, flow in FlowBook().apply(trades).flows.items()}
    assert found == pytest.approx(dict(taken), abs=1e-9)


def test_holes_are_found_and_listings_recognised(trades: list[Trade]) -> None:
    seqs: dict[str, set[int]] = defaultdict(set)
    for trade in trades:
        seqs[trade.instrument_name].add(trade.trade_seq)
    book = FlowBook().apply(trades)
    holes = {name: max(seen) - min(seen) + 1 - len(seen) for name, seen in seqs.items()}
    assert {name: flow.missing for name, flow in book.flows.items()} == holes
    assert sum(holes.values()) == 115
    assert sum(flow.reaches_listing for flow in book.flows.values()) == 7


def test_pages_in_any_order_and_a_restart_in_between_give_the_same_book(
    trades: list[Trade],
) -> None:
    whole = FlowBook().apply(trades)
    shuffled = [trades[i] for i in np.random.default_rng(1).permutation(len(trades))]
    half = FlowBook.from_state(FlowBook().apply(shuffled[:1500]).to_state())
    again = half.apply(shuffled[1000:])
    for name, flow in whole.flows.items():
        other = again.flows[name]
        assert (other.seen, other.buys, other.sells) == (flow.seen, flow.buys, flow.sells)
        assert other.signed_coin == pytest.approx(flow.signed_coin, abs=1e-9)
