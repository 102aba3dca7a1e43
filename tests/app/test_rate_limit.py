"""How often one client may ask."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.rate_limit import BURST_S, LOCAL_FACTOR, MAX_CLIENTS, Buckets, RateLimit

REMOTE = "203.0.113.9"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.add_middleware(RateLimit, buckets=Buckets(2.0, clock))

    @app.get("/{path:path}")
    async def anything(path: str) -> str:
        return path

    transport = httpx.ASGITransport(app, client=(REMOTE, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://board") as opened:
        yield opened


async def test_a_client_that_asks_too_often_is_told_when_to_come_back(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    codes = [(await client.get("/api/v1/BTC")).status_code for _ in range(12)]
    assert codes == [200] * 10 + [429] * 2
    refusal = await client.get("/api/v1/BTC")
    assert refusal.headers["content-type"] == "application/problem+json"
    clock.now_s += int(refusal.headers["retry-after"])
    assert (await client.get("/api/v1/BTC")).status_code == 200


async def test_health_is_never_refused(client: httpx.AsyncClient) -> None:
    for _ in range(50):
        assert (await client.get("/readyz")).status_code == 200


def test_one_client_never_takes_from_another(clock: Clock) -> None:
    buckets = Buckets(1.0, clock)
    while not buckets.wait_s(REMOTE):
        pass
    assert not buckets.wait_s("198.51.100.7")


def test_this_machine_may_ask_more_often_but_not_for_ever(clock: Clock) -> None:
    buckets = Buckets(2.0, clock)
    granted = sum(not buckets.wait_s("127.0.0.1") for _ in range(10_000))
    assert granted == 2.0 * LOCAL_FACTOR * BURST_S


def test_no_limit_is_no_limit(clock: Clock) -> None:
    assert not any(Buckets(0.0, clock).wait_s(REMOTE) for _ in range(10_000))


def test_what_is_remembered_is_bounded(clock: Clock) -> None:
    buckets = Buckets(1.0, clock)
    for number in range(MAX_CLIENTS + 10):
        buckets.wait_s(str(number))
    assert len(buckets._levels) == MAX_CLIENTS


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200), st.floats(0.5, 50))
def test_over_any_time_no_more_is_granted_than_the_rate_and_one_burst(
    pauses: list[float], per_second: float
) -> None:
    clock = Clock()
    buckets = Buckets(per_second, clock)
    granted = 0
    for pause in pauses:
        clock.now_s += pause
        granted += not buckets.wait_s(REMOTE)
    assert granted <= per_second * (sum(pauses) + BURST_S) + 1e-6
