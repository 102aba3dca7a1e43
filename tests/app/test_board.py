"""Selections of the board: labels, groups of expiries, topics, pages of the tape."""

from datetime import UTC, datetime

import pytest

from app.board import Book, ExpiryGroup, Selection, expiry_groups, expiry_label
from app.tape_view import trade_rows
from app.topics import UnknownTopicError, parse_topic
from dealers.rules import PositionModel
from dealers.tape import AggressorSide, Trade


def eight(year: int, month: int, day: int) -> int:
    return round(datetime(year, month, day, 8, tzinfo=UTC).timestamp() * 1000)


def test_labels_are_the_venues_own() -> None:
    assert expiry_label(eight(2026, 12, 5)) == "5DEC26"
    assert expiry_label(eight(2027, 1, 29)) == "29JAN27"


@pytest.mark.parametrize(
    ("day", "groups"),
    [
        ((2026, 11, 24), {ExpiryGroup.NEXT, ExpiryGroup.ZERO_DTE}),
        ((2026, 11, 26), set()),
        ((2026, 12, 4), {ExpiryGroup.WEEKLY}),
        ((2026, 11, 27), {ExpiryGroup.MONTHLY}),
        ((2026, 12, 25), {ExpiryGroup.MONTHLY, ExpiryGroup.QUARTERLY}),
    ],
)
def test_expiries_belong_to_their_groups(
    day: tuple[int, int, int], groups: set[ExpiryGroup]
) -> None:
    now = eight(2026, 11, 23)
    assert expiry_groups(eight(*day), now, eight(2026, 11, 24)) == groups


def test_a_topic_carries_the_query_of_its_rest_twin() -> None:
    topic = parse_topic(
        "BTC.strikes?position=reversed&expiry=weekly&expiry=27NOV26&book=linear",
        ("BTC",),
        PositionModel.NAIVE,
    )
    assert (topic.asset, topic.view) == ("BTC", "strikes")
    assert topic.selection == Selection(PositionModel.REVERSED, ("27NOV26", "weekly"), Book.LINEAR)


@pytest.mark.parametrize(
    "name", ["", "BTC", "DOGE.strikes", "BTC.unknown", "BTC.strikes?x=1", "BTC.strikes?book=both"]
)
def test_a_topic_that_is_none_says_what_was_expected(name: str) -> None:
    with pytest.raises(UnknownTopicError, match=r"expected|not a valid|bad query"):
        parse_topic(name, ("BTC",), PositionModel.NAIVE)


def trade(number: int, *, seq: int | None = None, name: str = "BTC-27NOV26-90000-C") -> Trade:
    return Trade(
        str(number), seq or number, 1000 + number, name, AggressorSide.BUY, 2.0, 0.01, 0.5, 90_000.0
    )


def test_pages_of_the_tape_join_without_overlap() -> None:
    tape = [(trade(i), 0) for i in range(9, 0, -1)]
    seen: list[object] = []
    cursor: str | None = None
    while True:
        rows, cursor = trade_rows(tape, 4, cursor)
        seen += [row["trade_id"] for row in rows]
        if cursor is None:
            break
    assert seen == [str(i) for i in range(9, 0, -1)]


def test_a_premium_is_in_dollars_in_both_books() -> None:
    linear = trade(1, name="BTC_USDC-27NOV26-90000-C")
    rows, _ = trade_rows([(trade(2), 0), (linear, 0)], 10)
    assert rows[0]["premium_usd"] == 0.01 * 2.0 * 90_000.0
    assert rows[1]["premium_usd"] == 0.01 * 2.0
