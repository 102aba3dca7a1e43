"""The tape in the database: each print once, the same after a restart."""

import dataclasses
import math

from app.history import History
from app.hub import SnapshotHub
from app.store import Store
from app.trade_store import read_tape
from dealers.tape import AggressorSide, Liquidation, Trade
from ingest.tape_log import TapeLog

PLAIN = Trade(
    "1", 1, 1_795_000_000_000, "BTC-27NOV26-90000-C", AggressorSide.BUY, 2.0, 0.01, 0.5, 90_000.0
)


def prints(count: int) -> list[Trade]:
    return [
        dataclasses.replace(PLAIN, trade_id=str(i), trade_seq=i, ts_event=PLAIN.ts_event + 400 * i)
        for i in range(1, count + 1)
    ]


async def keep(store: Store, tape: TapeLog) -> History:
    history = History(store, SnapshotHub(), tapes={"BTC": tape})
    await history.start()
    await history.flush()
    return history


async def test_a_print_comes_back_as_it_was(store: Store) -> None:
    odd = dataclasses.replace(
        PLAIN,
        trade_id="ETH-2",
        trade_seq=2,
        side=AggressorSide.SELL,
        iv=math.nan,
        block_trade_id="BLOCK-1",
        block_rfq_id="7",
        combo_id="BTC-CS-1",
        liquidation=Liquidation.BOTH,
    )
    tape = TapeLog()
    for trade in (PLAIN, odd):
        tape.record(trade)
    await keep(store, tape)
    first, second = await read_tape(store, "BTC", 10)
    assert first == PLAIN
    assert math.isnan(second.iv)
    assert dataclasses.replace(second, iv=0.5) == dataclasses.replace(odd, iv=0.5)


async def test_a_restart_goes_on_with_the_same_tape(store: Store) -> None:
    tape = TapeLog()
    for trade in prints(50):
        tape.record(trade)
    await keep(store, tape)
    again = TapeLog()
    history = await keep(store, again)
    assert list(again.newest_first()) == list(tape.newest_first())
    assert again.recorded == 0
    for trade in prints(53):  # the venue tells the last ones again
        again.record(trade)
    await history.flush()
    assert (again.recorded, again.holes()) == (3, 0)
    assert len(await read_tape(store, "BTC", 100)) == 53


async def test_only_the_newest_are_read_back(store: Store) -> None:
    tape = TapeLog()
    for trade in prints(20):
        tape.record(trade)
    await keep(store, tape)
    assert [trade.trade_id for trade in await read_tape(store, "BTC", 3)] == ["18", "19", "20"]


async def test_one_assets_tape_is_not_anothers(store: Store) -> None:
    tape = TapeLog()
    tape.record(PLAIN)
    await keep(store, tape)
    assert await read_tape(store, "ETH", 10) == []
