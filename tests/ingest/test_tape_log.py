"""The tape: each trade once, in order, holes known; its past read page by page."""

from dealers.tape import AggressorSide, Trade
from ingest.tape_log import TapeLog
from ingest.trade_history import HistoryReader, start_of_history


def trade(number: int, *, seq: int | None = None, name: str = "BTC-27NOV26-90000-C") -> Trade:
    return Trade(
        str(number), seq or number, 1000 + number, name, AggressorSide.BUY, 2.0, 0.01, 0.5, 90_000.0
    )


def test_the_tape_books_each_trade_once_and_sees_holes() -> None:
    log = TapeLog()
    assert [len(log.record(trade(i))) for i in (1, 2, 2, 5)] == [0, 0, 0, 2]
    assert (log.recorded, log.duplicates, log.holes()) == (3, 1, 2)
    assert [(t.trade_id, gap) for t, gap in log.newest_first()] == [("5", 2), ("2", 0), ("1", 0)]


def test_late_trades_take_their_place_and_close_the_hole() -> None:
    log = TapeLog()
    for i in (1, 5, 3, 2, 4):
        log.record(trade(i))
    assert log.holes() == 0
    assert [t.trade_id for t, _ in log.newest_first()] == ["5", "4", "3", "2", "1"]


def test_the_tape_forgets_its_oldest_trades_and_nothing_else() -> None:
    log = TapeLog(length=3)
    for i in range(1, 6):
        log.record(trade(i))
    assert [t.trade_id for t, _ in log.newest_first()] == ["5", "4", "3"]
    assert not log.record(trade(5))
    assert log.duplicates == 1


def test_history_starts_before_the_last_trade_and_never_beyond_reach() -> None:
    day = 24 * 3_600_000
    assert start_of_history(2 * day, None) == day
    assert start_of_history(2 * day, 2 * day - 5_000) == 2 * day - 7_000
    assert start_of_history(2 * day, 10) == day


def test_pages_that_share_a_millisecond_join_without_loss() -> None:
    everything = [trade(i) for i in range(1, 8)]
    reader = HistoryReader("BTC", 0, 10_000)
    first, second = tuple(everything[:4]), tuple(everything[3:])
    assert reader.accept(first, has_more=True)
    assert reader.params()["start_timestamp"] == first[-1].ts_event
    assert not reader.accept(second, has_more=False)


def test_a_page_that_adds_nothing_ends_the_history() -> None:
    reader = HistoryReader("BTC", 0, 10_000)
    page = (trade(1), trade(2))
    assert reader.accept(page, has_more=True)
    assert not reader.accept(page, has_more=True)
    assert not HistoryReader("BTC", 0, 1).accept((), has_more=True)
