"""`/history` over HTTP."""

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx
import pyarrow.csv
import pyarrow.parquet
import pytest
from fastapi import FastAPI

from app.history import History
from app.history_api import HistoryRow, build_history_router
from app.problems import install_problem_handlers
from app.store import Store
from tests.app.alert_board import FLIP, ScriptedBoard, context_of
from tests.builders import AS_OF_MS

PATH_PCT = [-1.0 + 0.01 * second for second in range(200)]


@pytest.fixture
async def client(sqlite_store: Store) -> AsyncIterator[httpx.AsyncClient]:
    board = ScriptedBoard()
    history = History(sqlite_store, board.hub)
    for spot_pct in PATH_PCT:
        history.take(board.publish(spot_pct))
    await history.flush()
    app = FastAPI()
    install_problem_handlers(app)
    app.state.board = context_of(board)
    app.include_router(build_history_router(sqlite_store))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://board/api/v1") as opened:
        yield opened


async def test_history_is_a_time_series_oldest_first(client: httpx.AsyncClient) -> None:
    start = AS_OF_MS + 1000
    body = (await client.get(f"/BTC/history?from={start}&to={start + 200_000}&points=5000")).json()
    assert (body["asset"], body["position"], body["source"]) == ("BTC", "naive", "live")
    assert (body["resolution"], body["step_ms"]) == ("seconds", 1000)
    assert [row["timestamp"] for row in body["data"]] == [start + 1000 * i for i in range(200)]
    assert [row["spot_usd"] for row in body["data"]] == [FLIP * (1 + p / 100) for p in PATH_PCT]
    assert set(body["data"][0]) == set(HistoryRow.model_fields)
    assert {row["regime"] for row in body["data"]} == {"long_gamma"}
    assert body["quality"]["listed"] > 0


async def test_no_more_points_come_than_were_asked_for(client: httpx.AsyncClient) -> None:
    start = AS_OF_MS + 1000
    for points in (1, 3, 7, 50, 199, 200, 5_000, 10**9):
        url = f"/BTC/history?from={start}&to={start + 200_000}&points={points}"
        rows = (await client.get(url)).json()["data"]
        assert 1 <= len(rows) <= min(points, 5_000)
    assert (await client.get("/BTC/history")).status_code == 200


async def test_files_have_the_same_columns(client: httpx.AsyncClient) -> None:
    url = f"/BTC/history?from={AS_OF_MS}&to={AS_OF_MS + 300_000}&points=5000"
    rows: list[dict[str, Any]] = (await client.get(url)).json()["data"]
    csv = pyarrow.csv.read_csv(BytesIO((await client.get(f"{url}&format=csv")).content))
    parquet = pyarrow.parquet.read_table(
        BytesIO((await client.get(f"{url}&format=parquet")).content)
    )
    assert csv.column_names == parquet.column_names == list(rows[0])
    assert csv.num_rows == len(rows)
    assert parquet.to_pylist() == rows


async def test_another_model_has_a_row_a_minute_of_its_own(client: httpx.AsyncClient) -> None:
    own = (await client.get("/BTC/history?points=5000")).json()["data"]
    other = (await client.get("/BTC/history?points=5000&position=reversed")).json()
    assert other["position"] == "reversed"
    minutes = {row["timestamp"] // 60_000: row for row in reversed(own)}
    assert [row["timestamp"] // 60_000 for row in other["data"]] == sorted(minutes)
    for row in other["data"]:
        mirror = minutes[row["timestamp"] // 60_000]
        assert row["gex_usd_per_1pct"] == pytest.approx(-mirror["gex_usd_per_1pct"])


async def test_a_range_that_nobody_kept_is_empty(client: httpx.AsyncClient) -> None:
    assert (await client.get("/BTC/history?from=0&to=1")).json()["data"] == []
    response = await client.get(f"/BTC/history?from=0&to={2**53}&points=1")
    assert response.status_code == 200


async def test_after_the_newest_second_there_is_nothing_yet(client: httpx.AsyncClient) -> None:
    as_of = (await client.get("/BTC/history")).json()["as_of"]
    response = await client.get(f"/BTC/history?from={as_of + 60_000}")
    assert response.status_code == 200
    assert response.json()["data"] == []


async def test_bad_ranges_are_refused_and_named(client: httpx.AsyncClient) -> None:
    for query, named in (
        ("from=2&to=1", "from"),
        ("from=1&to=1", "from"),
        ("from=-1", "from"),
        ("to=x", "to"),
        ("to=1e99", "to"),
        (f"to={2**60}", "to"),
        ("points=0", "points"),
        ("points=1.5", "points"),
        ("points=NaN", "points"),
        ("position=guess", "position"),
        ("format=xml", "format"),
    ):
        refused = await client.get(f"/BTC/history?{query}")
        assert refused.status_code == 422, query
        assert named in refused.json()["detail"]
    assert (await client.get("/DOGE/history")).status_code == 404
