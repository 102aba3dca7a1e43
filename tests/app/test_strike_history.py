"""`/history/strikes`: the curves of the past, exactly as the board had them."""

from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from app.history import History
from app.problems import install_problem_handlers
from app.store import Store
from app.strike_history import StrikeHistory
from app.strike_history_api import StrikeHistoryData, build_strike_history_router
from app.workbench import Workbench
from tests.app.alert_board import ScriptedBoard, context_of
from tests.builders import AS_OF_MS

SECONDS = 200
START_MS = AS_OF_MS + 1000


@pytest.fixture
def board() -> ScriptedBoard:
    return ScriptedBoard()


@pytest.fixture
async def client(sqlite_store: Store, board: ScriptedBoard) -> AsyncIterator[httpx.AsyncClient]:
    history = History(sqlite_store, board.hub)
    for second in range(SECONDS):
        history.take(board.publish(-1.0 + 0.001 * second))
    await history.flush()
    app = FastAPI()
    install_problem_handlers(app)
    app.state.board = context_of(board)
    app.include_router(build_strike_history_router(sqlite_store, Workbench()))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://board/api/v1") as opened:
        yield opened


async def test_each_minute_has_its_curve_oldest_first(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/BTC/history/strikes?reach_pct=100&from={START_MS}")
    body = response.json()
    data = body["data"]
    assert set(data) == set(StrikeHistoryData.model_fields)
    assert data["timestamp"] == [
        START_MS,
        AS_OF_MS + 60_000,
        AS_OF_MS + 120_000,
        AS_OF_MS + 180_000,
    ]
    assert data["strikes"] == sorted(data["strikes"])
    shape = (len(data["timestamp"]), len(data["strikes"]))
    for name in ("gex_usd_per_1pct", "call_gex_usd_per_1pct", "put_gex_usd_per_1pct"):
        assert np.shape(data[name]) == shape
    net = np.array(data["call_gex_usd_per_1pct"]) + np.array(data["put_gex_usd_per_1pct"])
    # kept as float32: seven digits
    assert np.array(data["gex_usd_per_1pct"]) == pytest.approx(net, rel=1e-6)


async def test_a_curve_sums_to_the_net_of_its_second(client: httpx.AsyncClient) -> None:
    data = (await client.get("/BTC/history/strikes?reach_pct=100")).json()["data"]
    gross = max(data["gross_gex_usd_per_1pct"])
    for curve, net in zip(data["gex_usd_per_1pct"], data["net_gex_usd_per_1pct"], strict=True):
        assert sum(curve) == pytest.approx(net, abs=1e-5 * gross)
    assert all(spot is not None for spot in data["spot_usd"])


async def test_strikes_far_from_spot_are_left_out(client: httpx.AsyncClient) -> None:
    data = (await client.get("/BTC/history/strikes?reach_pct=5")).json()["data"]
    low, high = min(data["spot_usd"]) * 0.95, max(data["spot_usd"]) * 1.05
    assert all(low <= strike <= high for strike in data["strikes"])
    assert data["strikes"]


async def test_no_more_curves_come_than_were_asked_for(client: httpx.AsyncClient) -> None:
    for points in (1, 2, 3, 10**9):
        url = f"/BTC/history/strikes?from={START_MS}&to={START_MS + 200_000}&points={points}"
        data = (await client.get(url)).json()["data"]
        assert 1 <= len(data["timestamp"]) <= points


async def test_a_range_without_curves_is_empty(client: httpx.AsyncClient) -> None:
    data = (await client.get("/BTC/history/strikes?from=0&to=1000")).json()["data"]
    assert (data["timestamp"], data["strikes"], data["gex_usd_per_1pct"]) == ([], [], [])


async def test_another_model_has_curves_of_its_own(client: httpx.AsyncClient) -> None:
    own = (await client.get("/BTC/history/strikes")).json()["data"]
    other = (await client.get("/BTC/history/strikes?position=reversed")).json()
    assert other["position"] == "reversed"
    assert other["data"]["timestamp"] == [START_MS], "every ten minutes"
    assert other["data"]["gex_usd_per_1pct"][0] == [-gex for gex in own["gex_usd_per_1pct"][0]]


@pytest.mark.parametrize(
    ("query", "status"),
    [("from=5&to=5", 422), ("points=0", 422), ("reach_pct=0", 422), ("from=-1", 422)],
)
async def test_an_impossible_range_is_refused(
    client: httpx.AsyncClient, query: str, status: int
) -> None:
    response = await client.get(f"/BTC/history/strikes?{query}")
    assert response.status_code == status
    assert (await client.get("/DOGE/history/strikes")).status_code == 404


def test_the_net_of_a_strike_is_of_the_side_that_is_known() -> None:
    calls, puts = np.array([[np.nan, 1.0, np.nan, 2.0]]), np.array([[3.0, np.nan, np.nan, -5.0]])
    past = StrikeHistory([0], np.arange(4.0), calls, puts, {})
    assert str(past.gex_usd_per_1pct.tolist()) == "[[3.0, 1.0, nan, -3.0]]"
