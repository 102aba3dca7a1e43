"""What is kept of every second, and how it is read back, on both databases."""

import asyncio
import contextlib
import dataclasses
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, insert, select, text

from app import history_store
from app.history import BUFFERED_ROWS, DiskSpace, History
from app.history_rows import (
    MINUTE_MS,
    KeptRow,
    decode_chain,
    decode_curve,
    encode_chain,
    encode_curve,
    kept_row,
)
from app.history_store import (
    DAY_MS,
    Batch,
    Minute,
    Resolution,
    Series,
    Window,
    forget_old,
    last_chains,
    read_curves,
    read_window,
    write,
)
from app.hub import FeedStatus
from app.store import Store
from app.store_schema import SCALARS, curve, last_chain, rollup_1m, snapshot
from dealers.rules import PositionModel
from greeks.conventions import Exposure
from tests.app.alert_board import FLIP, ScriptedBoard, own_rows
from tests.builders import AS_OF_MS, make_chain

BTC = Series("BTC", "naive")
FROM_MS = AS_OF_MS // MINUTE_MS * MINUTE_MS


def row(second: int, spot_usd: float | None = 1.0, **scalars: float | None) -> KeptRow:
    values: dict[str, float | None] = dict.fromkeys(SCALARS, 0.0) | {"spot_usd": spot_usd}
    return KeptRow("BTC", "naive", FROM_MS + 1000 * second, values | scalars)


async def write_seconds(store: Store, rows: list[KeptRow]) -> None:
    minutes = sorted({item.minute_ms for item in rows})
    await write(store, Batch(rows, closed=[Minute(BTC, minute) for minute in minutes]))


async def run(history: History, board: ScriptedBoard, path_pct: list[float]) -> None:
    for spot_pct in path_pct:
        history.take(board.publish(spot_pct))
        await history.flush()


async def own_minutes(store: Store) -> Sequence[Any]:
    query = select(rollup_1m).where(rollup_1m.c.position == BTC.position).order_by("ts_ms")
    async with store.read() as connection:
        return (await connection.execute(query)).all()


async def count(store: Store, table: Any) -> int:
    async with store.read() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def test_every_second_is_kept_once_with_the_numbers_of_the_board(store: Store) -> None:
    board, history = ScriptedBoard(), History(store, ScriptedBoard().hub)
    states = [board.publish(pct) for pct in (-1.0, -0.5, 0.5)]
    for state in states:
        assert history.take(state)
        assert not history.take(dataclasses.replace(state, seq=state.seq + 1))  # same second
        await history.flush()
    first = states[0].snapshot
    assert first is not None
    start_ms = first.chain.as_of_ms
    columns = await read_window(store, BTC, Window(start_ms, start_ms + 3000, 5000))
    assert columns["timestamp"] == [start_ms + 1000 * second for second in range(3)]
    assert columns["samples"] == [1, 1, 1]
    assert columns["spot_usd"] == [FLIP * (1 + pct / 100) for pct in (-1.0, -0.5, 0.5)]
    for exposure in Exposure:
        assert columns[exposure.value] == [first.net_of(exposure)] * 3
    assert columns["call_wall_usd"] == [first.levels.call_wall_usd] * 3


async def test_every_other_model_has_a_row_a_minute_and_a_curve_every_ten(store: Store) -> None:
    board, history = ScriptedBoard(), History(store, ScriptedBoard().hub)
    states = [board.publish(1.0) for _ in range(1_300)]
    for at, state in enumerate(states):
        history.take(state)
        if at % 500 == 0:
            await history.flush()
    await history.flush()
    times = [state.models[PositionModel.FLOW].chain.as_of_ms for state in states]
    for model in PositionModel:
        series = Series("BTC", model.value)
        columns = await read_window(store, series, Window(times[0], times[-1] + 1, 5000))
        curves = [at for at, _ in await read_curves(store, series, times[0], times[-1] + 1)]
        if model is PositionModel.NAIVE:  # the board's own
            assert columns["timestamp"] == times
            continue
        assert columns["timestamp"] == first_of_each(times, MINUTE_MS)
        assert curves == first_of_each(times, 10 * MINUTE_MS)
        snapshot = states[0].models[model]
        expected = None if math.isnan(net := snapshot.net_of(Exposure.GEX)) else net
        assert columns[Exposure.GEX.value][0] == expected


def first_of_each(times_ms: list[int], step_ms: int) -> list[int]:
    return list({at // step_ms: at for at in reversed(times_ms)}.values())[::-1]


@pytest.mark.parametrize("status", [FeedStatus.STALE, FeedStatus.MAINTENANCE, FeedStatus.STARTING])
async def test_what_is_not_live_is_not_history(store: Store, status: FeedStatus) -> None:
    state = ScriptedBoard().state(0.0, status=status)
    assert not History(store, ScriptedBoard().hub).take(state)


def test_what_is_not_a_number_is_kept_as_unknown() -> None:
    snapshot = ScriptedBoard().state(math.nan, flip_usd=None).snapshot
    assert snapshot is not None
    kept = kept_row("BTC", snapshot)
    assert kept.scalars["spot_usd"] is None
    assert kept.scalars["flip_usd"] is None
    assert kept.is_above_flip is None


async def test_minutes_are_rolled_up_to_the_present_second(store: Store) -> None:
    board, history = ScriptedBoard(), History(store, ScriptedBoard().hub)
    path = [0.01 * second for second in range(130)]
    await run(history, board, path)
    minutes = await own_minutes(store)
    assert [minute.samples for minute in minutes] == [59, 60, 11]  # the board begins at second 1
    spots = [FLIP * (1 + pct / 100) for pct in path]
    for minute, inside in zip(minutes, (spots[:59], spots[59:119], spots[119:]), strict=True):
        assert minute.spot_usd == pytest.approx(sum(inside) / len(inside))
        assert (minute.spot_usd_min, minute.spot_usd_max) == (min(inside), max(inside))
        assert minute.spot_usd_last == inside[-1]


@pytest.mark.parametrize("step_s", [60, 600, 3600])
async def test_the_wall_of_a_time_is_its_last_one_and_no_mean_of_strikes(
    store: Store, step_s: int
) -> None:
    hour_ms = FROM_MS // 3_600_000 * 3_600_000
    for minute in range(60):
        strikes: list[float | None] = [90_000.0, 95_000.0 + 1_000 * (minute % 7)]
        rows = [
            dataclasses.replace(row(0, call_wall_usd=strike), ts_ms=hour_ms + 60_000 * minute + at)
            for strike, at in zip(strikes, (0, 59_000), strict=True)
        ]
        await write(store, Batch(rows, closed=[Minute(BTC, hour_ms + 60_000 * minute)]))
    window = Window(hour_ms, hour_ms + 3_600_000, 3600 // step_s, seconds_from_ms=hour_ms + DAY_MS)
    columns = await read_window(store, BTC, window)
    ends = [minute for minute in range(60) if (minute + 1) % (step_s // 60) == 0]
    assert columns["call_wall_usd"] == [95_000.0 + 1_000 * (minute % 7) for minute in ends]


async def test_a_minute_cut_by_a_restart_is_rolled_up_whole(store: Store) -> None:
    board = ScriptedBoard()
    first = History(store, board.hub)
    await run(first, board, [0.0] * 30)
    second = History(store, board.hub)
    await second.start()
    await run(second, board, [0.0] * 40)
    minutes = await own_minutes(store)
    assert [minute.samples for minute in minutes] == [59, 11]


async def test_states_are_taken_from_the_hub_and_the_last_ones_written_at_the_end(
    store: Store,
) -> None:
    board = ScriptedBoard()
    history = History(store, board.hub)
    await history.start()
    task = asyncio.create_task(history.run())
    for _ in range(5):
        board.publish(0.0)
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while await count(store, snapshot) == 0:
            await asyncio.sleep(0)
    board.publish(0.0)
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    async with store.read() as connection:
        newest = (await connection.execute(select(func.max(snapshot.c.ts_ms)))).scalar_one()
    assert newest == AS_OF_MS + 6_000


async def test_the_same_rows_twice_are_the_same_history(store: Store) -> None:
    rows = [row(second, float(second)) for second in range(90)]
    await write_seconds(store, rows)
    before = await read_window(store, BTC, Window(FROM_MS, FROM_MS + 90_000, 90))
    await write_seconds(store, [row(second, -1.0) for second in range(90)])
    assert await read_window(store, BTC, Window(FROM_MS, FROM_MS + 90_000, 90)) == before


async def test_curves_are_kept_a_minute_and_at_every_crossing(store: Store) -> None:
    board, history = ScriptedBoard(), History(store, ScriptedBoard().hub)
    path = [-1.0] * 20 + [1.0] * 70
    await run(history, board, path)
    start_ms = AS_OF_MS + 1000
    kept = await read_curves(store, BTC, start_ms, start_ms + 10 * MINUTE_MS)
    assert [(ts_ms - AS_OF_MS) // 1000 for ts_ms, _ in kept] == [1, 21, 60]
    state = board.hub.latest("BTC")
    assert state is not None
    assert state.snapshot is not None
    table = state.snapshot.by_strike
    for column, wanted in zip(
        decode_curve(kept[0][1]),
        (table.strike_usd, table.call_gex_usd_per_1pct, table.put_gex_usd_per_1pct),
        strict=True,
    ):
        np.testing.assert_allclose(column, wanted, rtol=1e-6)  # float32
    assert len(kept[0][1]) == len(encode_curve(table)) == 5 + 4 * 3 * len(table.strike_usd)


def test_bytes_of_another_version_are_refused() -> None:
    table = ScriptedBoard().state(0.0).snapshot
    assert table is not None
    packed = encode_curve(table.by_strike)
    with pytest.raises(ValueError, match="version"):
        decode_curve(b"\x07" + packed[1:])


async def test_the_last_chain_is_there_for_the_next_start(store: Store) -> None:
    board, history = ScriptedBoard(), History(store, ScriptedBoard().hub)
    await run(history, board, [0.0] * 3)
    (kept,) = await last_chains(store)
    chain = kept.chain
    assert kept.received_ms is not None
    assert abs(kept.received_ms - 1000 * time.time()) < 60_000
    state = board.hub.at("BTC", 1)
    assert state is not None
    wanted = state.chain
    assert wanted is not None
    for field in dataclasses.fields(wanted):
        np.testing.assert_array_equal(getattr(chain, field.name), getattr(wanted, field.name))
    assert not chain.strike.flags.writeable


async def test_a_chain_of_another_version_is_left_out(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(
            insert(last_chain).values(asset="BTC", ts_ms=1, chain=b"other bytes")
        )
    assert await last_chains(store) == []


def test_a_chain_survives_packing() -> None:
    chain = make_chain(index_price=math.nan)
    again = decode_chain(encode_chain(chain))
    assert again.instrument_name == chain.instrument_name
    assert math.isnan(again.index_price)
    assert type(again.as_of_ms) is int


HOUR_MS = 3_600_000
WINDOWS = [
    (HOUR_MS, 3_600, Resolution.SECONDS, 1_000),
    (HOUR_MS, 5_000, Resolution.SECONDS, 1_000),
    (HOUR_MS, 1_000, Resolution.SECONDS, 4_000),
    (HOUR_MS, 60, Resolution.SECONDS, 60_000),
    (6 * HOUR_MS, 5_000, Resolution.SECONDS, 5_000),
    (DAY_MS, 5_000, Resolution.MINUTES, 60_000),
    (DAY_MS, 1_000, Resolution.MINUTES, 120_000),
    (DAY_MS, 24, Resolution.MINUTES, HOUR_MS),
    (15 * DAY_MS, 5_000, Resolution.MINUTES, 300_000),
    (30 * DAY_MS, 5_000, Resolution.TEN_MINUTES, 600_000),
    (30 * DAY_MS, 1_000, Resolution.TEN_MINUTES, 3_000_000),
    (730 * DAY_MS, 1_000, Resolution.HOURS, 18 * HOUR_MS),
    (3650 * DAY_MS, 1, Resolution.HOURS, 3650 * DAY_MS),
    (1, 5_000, Resolution.SECONDS, 1_000),
    (HOUR_MS, 10**9, Resolution.SECONDS, 1_000),
]


@pytest.mark.parametrize(("range_ms", "points", "resolution", "step_ms"), WINDOWS)
def test_a_window_picks_its_table_and_never_has_more_points_than_asked(
    range_ms: int, points: int, resolution: Resolution, step_ms: int
) -> None:
    window = Window(FROM_MS, FROM_MS + range_ms, points)
    assert (window.resolution, window.step_ms) == (resolution, step_ms)
    assert -(-range_ms // window.step_ms) <= min(points, 5_000)


def test_a_window_of_forgotten_seconds_is_read_from_minutes() -> None:
    until_ms = FROM_MS + HOUR_MS
    assert Window(FROM_MS, until_ms, 100, FROM_MS).resolution == Resolution.SECONDS
    old = Window(FROM_MS, until_ms, 100, FROM_MS + 1)
    assert (old.resolution, old.step_ms) == (Resolution.MINUTES, 60_000)


COARSE = [
    (Window(FROM_MS, FROM_MS + HOUR_MS, 5_000, FROM_MS + 1), Resolution.MINUTES, 60_000),
    (Window(FROM_MS, FROM_MS + 20 * DAY_MS, 5_000), Resolution.TEN_MINUTES, 600_000),
    (Window(FROM_MS, FROM_MS + 160 * DAY_MS, 5_000), Resolution.HOURS, HOUR_MS),
]


@pytest.mark.parametrize(("window", "resolution", "step_ms"), COARSE)
async def test_every_table_tells_the_story_of_the_seconds_before_its_last_row_is_over(
    store: Store, window: Window, resolution: Resolution, step_ms: int
) -> None:
    assert FROM_MS % HOUR_MS == 0
    rows = [row(second, 100.0 + math.sin(second / 50)) for second in range(0, 3_300, 5)]
    await write_seconds(store, rows)
    fine = await read_window(store, BTC, Window(FROM_MS, FROM_MS + HOUR_MS, 5_000))
    assert fine["spot_usd"] == [item.scalars["spot_usd"] for item in rows]
    coarse = await read_window(store, BTC, window)
    assert (window.resolution, window.step_ms) == (resolution, step_ms)
    assert coarse["timestamp"] == [*range(FROM_MS, FROM_MS + 3_300_000, step_ms)]
    for i, at_ms in enumerate(coarse["timestamp"]):
        inside = [
            spot
            for ts_ms, spot in zip(fine["timestamp"], fine["spot_usd"], strict=True)
            if at_ms <= ts_ms < at_ms + step_ms
        ]
        assert coarse["samples"][i] == len(inside)
        assert coarse["spot_usd"][i] == pytest.approx(sum(inside) / len(inside))
        assert (coarse["spot_usd_min"][i], coarse["spot_usd_max"][i]) == (min(inside), max(inside))
        assert coarse["spot_usd_last"][i] == inside[-1]


async def test_unknown_numbers_are_left_out_of_means_and_gaps_have_no_rows(store: Store) -> None:
    rows = [row(0, 1.0), row(1, None), row(2, 3.0), row(300, None)]
    await write_seconds(store, rows)
    columns = await read_window(store, BTC, Window(FROM_MS, FROM_MS + 600_000, 10))
    assert columns["timestamp"] == [FROM_MS, FROM_MS + 300_000]
    assert columns["spot_usd"] == [2.0, None]
    empty = await read_window(store, Series("ETH", "naive"), Window(FROM_MS, FROM_MS + 1, 10))
    assert empty["timestamp"] == []
    assert set(empty) == set(columns)


async def test_a_minute_of_unknowns_is_unknown(store: Store) -> None:
    unknown = KeptRow("BTC", "naive", FROM_MS, dict.fromkeys(SCALARS))
    await write(store, Batch([unknown]))
    async with store.read() as connection:
        minute = (await connection.execute(select(rollup_1m))).one()
    assert minute[:4] == ("BTC", "naive", FROM_MS, 1)
    assert set(minute[4:]) == {None}


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_store, "SLICE", 7)


async def test_what_is_past_its_time_is_forgotten_in_slices(
    store: Store, small_slices: None
) -> None:
    month_s = 31 * 24 * 3600
    old = [row(second - month_s) for second in range(100)]
    new = [row(second) for second in range(10)]
    await write_seconds(store, [*old, *new])
    await write(store, Batch([], curves=[(old[0], b"x"), (new[0], b"y")]))
    assert await forget_old(store) == 101
    assert await count(store, snapshot) == 10
    assert await count(store, curve) == 1
    assert await count(store, rollup_1m) == 3  # minutes live for two years
    assert await forget_old(store) == 0


async def test_a_recording_of_another_year_does_not_forget_itself(store: Store) -> None:
    years_ago_s = 5 * 365 * 24 * 3600
    await write_seconds(store, [row(second - years_ago_s) for second in range(10)])
    assert await forget_old(store) == 0


async def test_a_full_disk_pauses_history_and_loses_nothing_that_fits_in_memory(
    sqlite_store: Store, logged: list[Any]
) -> None:
    space = DiskSpace(free_bytes=100, total_bytes=10**12)
    board = ScriptedBoard()
    history = History(sqlite_store, board.hub, lambda: space)
    await run(history, board, [0.0] * 20)
    assert history.paused_reason == "the disk is almost full"
    assert await own_rows(sqlite_store) == 0
    space = DiskSpace(free_bytes=10**11, total_bytes=10**12)
    await run(history, board, [0.0])
    assert history.paused_reason is None
    assert await own_rows(sqlite_store) == 21
    events = [entry["event"] for entry in logged if entry["event"].startswith("history")]
    assert events == ["history.paused", "history.resumed"]


async def test_a_database_that_fails_pauses_history_until_it_is_back(
    sqlite_store: Store,
) -> None:
    board = ScriptedBoard()
    history = History(sqlite_store, board.hub)
    async with sqlite_store.write() as connection:
        await connection.execute(text("ALTER TABLE snapshot RENAME TO lost"))
    await run(history, board, [0.0] * 5)
    assert history.paused_reason is not None
    assert "snapshot" in history.paused_reason
    async with sqlite_store.write() as connection:
        await connection.execute(text("ALTER TABLE lost RENAME TO snapshot"))
    await run(history, board, [0.0])
    assert await own_rows(sqlite_store) == 6


async def test_what_waits_in_memory_is_bounded(sqlite_store: Store) -> None:
    board = ScriptedBoard()
    space = DiskSpace(free_bytes=0, total_bytes=10**12)
    history = History(sqlite_store, board.hub, lambda: space)
    await run(history, board, [0.0] * (BUFFERED_ROWS + 50))
    space = DiskSpace(free_bytes=10**12, total_bytes=10**12)
    await run(history, board, [0.0])
    assert await count(sqlite_store, snapshot) == BUFFERED_ROWS


@pytest.mark.parametrize(
    ("free", "total", "is_low"),
    [
        (499_999_999, 10**12, True),
        (500_000_001, 10**12, False),
        (60_000_000, 10**9, False),
        (40_000_000, 10**9, True),
    ],
)
def test_low_is_500_mb_or_5_per_cent_of_a_small_disk(
    free: int, total: int, *, is_low: bool
) -> None:
    assert DiskSpace(free, total).is_low == is_low
