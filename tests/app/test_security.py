"""Who may do what: tokens, hosts, origins and bodies."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, WebSocket
from starlette.types import Message

from app.problems import install_problem_handlers
from app.security import MAX_BODY, MAX_PAGE_BODY, Guard, Hosts, RequestGuard, host_name
from app.settings import Settings
from app.store import Store
from app.tokens import Scope, create_token, list_tokens, revoke_token

PAGE = "/_dash-update-component"
FROM_HERE = ("127.0.0.1", 5000)
FROM_ELSEWHERE = ("192.168.1.7", 5000)


@dataclass(slots=True)
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def build(
    store: Store, token: str | None = None, host: str = "127.0.0.1", clock: Clock | None = None
) -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)
    hosts = Hosts(host)
    guard = Guard(store, token, hosts, clock or Clock())
    app.add_middleware(RequestGuard, hosts=hosts)

    @app.get("/open")
    async def read() -> str:
        return "open"

    @app.api_route("/api/v1/guarded", methods=["GET", "POST", "DELETE"])
    async def guarded(request: Request, _: None = Depends(guard.require(Scope.ALERTS))) -> int:
        return len(await request.body())

    @app.post(PAGE)
    async def page(request: Request) -> int:
        return len(await request.body())

    @app.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    return app


def connect(
    app: FastAPI, client: tuple[str, int] = FROM_HERE, host: str = "localhost:8050"
) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=client)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


@pytest.fixture
async def client(sqlite_store: Store) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(build(sqlite_store)) as opened:
        yield opened


async def test_without_a_token_only_this_machine_may_ask(sqlite_store: Store) -> None:
    app = build(sqlite_store)
    async with connect(app) as here, connect(app, FROM_ELSEWHERE) as elsewhere:
        assert (await here.get("/api/v1/guarded")).status_code == 200
        refused = await elsewhere.get("/api/v1/guarded")
        assert refused.status_code == 403
        assert refused.headers["content-type"] == "application/problem+json"
        assert (await elsewhere.get("/open")).status_code == 200
        for header in ("x-forwarded-for", "forwarded"):
            proxied = await here.get("/api/v1/guarded", headers={header: "for=1.2.3.4"})
            assert proxied.status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_without_a_token_no_other_site_may_ask(
    client: httpx.AsyncClient, method: str
) -> None:
    for headers, status in (
        ({}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://localhost:8050"}, 200),
        ({"origin": "http://localhost:9999"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "localhost.evil.example:8050"}, 421),
        ({"host": "10.0.0.1:8050"}, 421),
        ({"host": "127.0.0.1:8050"}, 200),
        ({"host": "[::1]:8050"}, 200),
        ({"host": "LOCALHOST"}, 200),
        ({"host": ""}, 421),
    ):
        response = await client.request(method, "/api/v1/guarded", headers=headers)
        assert response.status_code == status, headers


async def test_once_a_token_is_set_nothing_else_opens(sqlite_store: Store) -> None:
    app = build(sqlite_store, token="hunter2-hunter2")  # noqa: S106
    async with connect(app, FROM_ELSEWHERE) as elsewhere, connect(app) as here:
        for client in (elsewhere, here):
            missing = await client.get("/api/v1/guarded")
            assert missing.status_code == 401
            assert missing.headers["www-authenticate"] == "Bearer"
            for value in ("Bearer wrong", "Bearer", "Basic hunter2-hunter2", "Bearer hunter2"):
                headers = {"authorization": value}
                assert (await client.get("/api/v1/guarded", headers=headers)).status_code == 401
            right = {"authorization": "bearer hunter2-hunter2"}
            assert (await client.get("/api/v1/guarded", headers=right)).status_code == 200


async def test_guessing_is_slowed_down_per_client(sqlite_store: Store) -> None:
    clock = Clock()
    app = build(sqlite_store, token="right", clock=clock)  # noqa: S106
    right, wrong = {"authorization": "Bearer right"}, {"authorization": "Bearer wrong"}
    async with connect(app, FROM_ELSEWHERE) as guesser, connect(app) as owner:
        codes = [
            (await guesser.get("/api/v1/guarded", headers=wrong)).status_code for _ in range(7)
        ]
        assert codes == [401] * 5 + [429] * 2
        slowed = await guesser.get("/api/v1/guarded", headers=right)
        assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "61")
        assert (await owner.get("/api/v1/guarded", headers=right)).status_code == 200
        clock.now_s = 60.0
        assert (await guesser.get("/api/v1/guarded", headers=right)).status_code == 200


async def test_a_stored_token_opens_what_its_scope_includes_until_it_is_revoked(
    store: Store,
) -> None:
    app = build(store)
    tokens = {scope: await create_token(store, scope.value, scope, 1) for scope in Scope}
    async with connect(app, FROM_ELSEWHERE) as client:

        async def ask(value: str) -> int:
            headers = {"authorization": f"Bearer {value}"}
            return (await client.get("/api/v1/guarded", headers=headers)).status_code

        assert await ask(tokens[Scope.READ][1]) == 403
        assert await ask(tokens[Scope.ALERTS][1]) == 200
        assert await ask(tokens[Scope.ADMIN][1]) == 200
        row, value = tokens[Scope.ALERTS]
        assert await revoke_token(store, row.id, 2)
        assert not await revoke_token(store, row.id, 3)
        assert await ask(value) == 401
    listed = await list_tokens(store)
    assert [(row.name, row.revoked_ms) for row in listed] == [
        ("read", None),
        ("alerts", 2),
        ("admin", None),
    ]


async def test_no_token_is_kept_in_clear(sqlite_store: Store, tmp_path: Any) -> None:
    _, value = await create_token(sqlite_store, "mine", Scope.ADMIN, 1)
    await sqlite_store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"mine" in kept
    assert value.encode() not in kept


async def test_tokens_outlive_the_choice_of_a_source(tmp_path: Any) -> None:
    settings = Settings(data_dir=tmp_path)
    first, second = await Store.open_tokens(settings), await Store.open_tokens(settings)
    await create_token(second, "from the command line", Scope.ALERTS, 1)
    assert [row.name for row in await list_tokens(first)] == ["from the command line"]
    await first.close()
    await second.close()


async def test_what_changes_something_must_be_json(client: httpx.AsyncClient) -> None:
    for kind, status in (
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ):
        for path in ("/api/v1/guarded", PAGE):
            response = await client.post(path, content=b"{}", headers={"content-type": kind})
            assert response.status_code == status, kind
    assert (await client.post("/api/v1/guarded")).status_code == 200  # nothing sent, nothing hidden


async def test_the_page_may_call_back_from_its_own_origin_alone(
    client: httpx.AsyncClient,
) -> None:
    own = {"origin": "http://localhost:8050", "sec-fetch-site": "same-origin"}
    assert (await client.post(PAGE, json={}, headers=own)).status_code == 200
    other = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    assert (await client.post(PAGE, json={}, headers=other)).status_code == 403


async def test_bodies_have_a_limit_however_they_come(client: httpx.AsyncClient) -> None:
    async def drip(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 1024):
            yield b" " * 1024
        yield b" " * (size % 1024)

    for path, limit in (("/api/v1/guarded", MAX_BODY), (PAGE, MAX_PAGE_BODY)):
        for size, status in ((limit, 200), (limit + 1, 413)):
            headers = {"content-type": "application/json"}
            whole = await client.post(path, content=b" " * size, headers=headers)
            dripped = await client.post(path, content=drip(size), headers=headers)
            assert (whole.status_code, dripped.status_code) == (status, status)
            if status == 200:
                assert whole.json() == dripped.json() == size


@pytest.mark.parametrize(
    ("headers", "is_accepted"),
    [
        ({"host": "localhost:8050"}, True),
        ({"host": "localhost:8050", "origin": "http://localhost:8050"}, True),
        ({"host": "localhost:8050", "origin": "https://localhost:8050"}, True),  # behind a proxy
        ({"host": "localhost:8050", "origin": "http://evil.example"}, False),
        ({"host": "evil.example", "origin": "http://evil.example"}, False),
    ],
)
async def test_a_socket_is_only_opened_by_our_own_page_or_no_browser(
    sqlite_store: Store, headers: dict[str, str], *, is_accepted: bool
) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/stream",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": FROM_HERE,
    }
    await build(sqlite_store)(scope, receive, send)
    assert (sent[0]["type"] == "websocket.accept") == is_accepted


@pytest.mark.parametrize(
    ("host", "authority", "is_known"),
    [
        ("127.0.0.1", "192.168.1.5:8050", False),
        ("0.0.0.0", "192.168.1.5:8050", True),  # noqa: S104
        ("0.0.0.0", "evil.example:8050", False),  # noqa: S104
        ("::", "[fd00::5]:8050", True),
        ("board.lan", "board.lan:8050", True),
        ("board.lan", "BOARD.LAN", True),
        ("board.lan", "other.lan", False),
    ],
)
def test_a_host_name_must_be_ours(host: str, authority: str, *, is_known: bool) -> None:
    from starlette.datastructures import Headers

    assert Hosts(host).knows(Headers({"host": authority})) == is_known


def test_a_host_name_is_read_out_of_its_authority() -> None:
    assert [host_name(text) for text in ("A:1", "[::1]:2", "[::1]", "b", " c ")] == [
        "a",
        "::1",
        "::1",
        "b",
        "c",
    ]
