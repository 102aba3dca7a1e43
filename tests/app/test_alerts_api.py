"""Alerts and webhooks over HTTP, as the contract states them."""

import json
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.alert_rules import RuleKind
from app.alert_service import AlertService
from app.alerts_api import build_alerts_router
from app.problems import install_problem_handlers
from app.security import install_security
from app.settings import Settings, Source
from app.store import Store
from tests.app.alert_board import ScriptedBoard, snapshot_for
from tests.app.webhook_receiver import receiving

LOCAL = (ip_network("127.0.0.0/8"),)
HOOK = {"url": "https://93.184.216.34/hook"}
JSON = {"content-type": "application/json"}


def build(store: Store, board: ScriptedBoard, **settings: Any) -> tuple[AlertService, FastAPI]:
    service = AlertService(
        store, board.hub, snapshot_for, allowed=LOCAL, assets=("BTC", "ETH"), **settings
    )
    app = FastAPI()
    install_problem_handlers(app)
    guard = install_security(app, store, Settings())
    app.include_router(build_alerts_router(service, guard))
    return service, app


def connect(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000))
    return httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8050/api/v1", headers=headers
    )


@pytest.fixture
async def client(sqlite_store: Store) -> AsyncIterator[httpx.AsyncClient]:
    _, app = build(sqlite_store, ScriptedBoard())
    async with connect(app) as opened:
        yield opened


@pytest.fixture
async def either(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    _, app = build(store, ScriptedBoard())
    async with connect(app) as opened:
        yield opened


@pytest.mark.parametrize("act", ["webhooks/whk_0/test", "webhooks/whk_0/rotate"])
async def test_a_field_is_refused_where_the_address_says_all(
    client: httpx.AsyncClient, act: str
) -> None:
    hook = (await client.post("/webhooks", json=HOOK)).json()
    act = act.replace("whk_0", hook["id"])
    refused = await client.post(act, json={"loud": True})
    assert refused.status_code == 422, refused.text
    assert "loud" in refused.json()["detail"]
    for body in ("", "{}", "null"):
        assert (await client.post(act, content=body, headers=JSON)).is_success
    assert (await client.post(act)).is_success


async def test_a_webhook_tells_its_secret_once(either: httpx.AsyncClient) -> None:
    created = await either.post("/webhooks", json=HOOK | {"description": "mine"})
    assert created.status_code == 201
    body = created.json()
    assert body["secret"].startswith("whsec_")
    assert body["format"] == "standard"
    listed = (await either.get("/webhooks")).json()
    single = (await either.get(f"/webhooks/{body['id']}")).json()
    assert listed["data"] == [single]
    assert single | {"secret": body["secret"]} == body
    assert body["secret"] not in str(listed)


async def test_an_alert_has_the_defaults_of_the_contract(client: httpx.AsyncClient) -> None:
    hook = (await client.post("/webhooks", json=HOOK)).json()
    created = await client.post(
        "/alerts", json={"asset": "BTC", "kind": "flip_crossed", "webhooks": [hook["id"]]}
    )
    assert created.status_code == 201
    body = created.json()
    assert (body["dead_band_pct"], body["confirm_s"], body["cooldown_s"]) == (0.25, 10, 300)
    assert body["webhooks"] == [hook["id"]]
    assert body["enabled"] is True
    assert body["position"] is None
    assert body["state"]["status"] == "unarmed"
    assert body["last_event"] is None
    assert (await client.get("/alerts")).json()["data"] == [body]
    assert (await client.get(f"/alerts/{body['id']}")).json() == body


async def test_every_kind_can_be_created_without_numbers_of_its_own(
    client: httpx.AsyncClient,
) -> None:
    for kind in RuleKind:
        created = await client.post("/alerts", json={"asset": "ETH", "kind": kind.value})
        assert created.status_code == 201, created.text


async def test_zero_is_legal_for_band_confirm_time_and_cooldown(client: httpx.AsyncClient) -> None:
    numbers = {"dead_band_pct": 0, "confirm_s": 0, "cooldown_s": 0}
    created = await client.post("/alerts", json={"asset": "BTC", "kind": "flip_crossed"} | numbers)
    assert created.status_code == 201
    assert {name: created.json()[name] for name in numbers} == numbers


BAD_ALERTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "moon"}, "kind"),
    ({"kind": None}, "kind"),
    ({"dead_band_pct": "0.25"}, "dead_band_pct"),
    ({"dead_band_pct": -1}, "dead_band_pct"),
    ({"confirm_s": True}, "confirm_s"),
    ({"cooldown_s": 1e300}, "cooldown_s"),
    ({"cooldown_s": 10**400}, "cooldown_s"),
    ({"position": "guess"}, "position"),
    ({"webhooks": ["whk_0"]}, "webhooks"),
    ({"webhooks": "whk_0"}, "webhooks"),
    ({"webhooks": ["\u0000"]}, "webhooks"),
    ({"params": {"within_pct": 1}}, "within_pct"),
    ({"kind": "level_near", "params": {"within_pct": "1"}}, "within_pct"),
    ({"kind": "level_near", "params": {"level": "moon"}}, "level"),
    ({"kind": "net_gex_beyond", "params": None}, "params"),
    ({"surprise": 1}, "surprise"),
    ({"asset": "\ud800"}, "asset"),
]


async def test_a_bad_alert_is_refused_and_the_parameter_named(client: httpx.AsyncClient) -> None:
    for change, named in BAD_ALERTS:
        body = json.dumps({"asset": "BTC", "kind": "flip_crossed"} | change)
        refused = await client.post("/alerts", content=body, headers=JSON)
        assert refused.status_code == 422, change
        assert refused.headers["content-type"] == "application/problem+json"
        assert named in refused.json()["detail"], change
    assert (await client.get("/alerts")).json()["data"] == []


async def test_an_unknown_asset_is_404(client: httpx.AsyncClient) -> None:
    refused = await client.post("/alerts", json={"asset": "DOGE", "kind": "flip_crossed"})
    assert refused.status_code == 404
    assert "BTC, ETH" in refused.json()["detail"]


async def test_what_is_no_object_is_refused(client: httpx.AsyncClient) -> None:
    for body in (b"", b"{", b"[]", b"null", b'"x"', b'{"asset": NaN}', b"\xff\xfe", b"[" * 5000):
        refused = await client.post("/alerts", content=body, headers=JSON)
        assert refused.status_code == 422, body
        assert refused.headers["content-type"] == "application/problem+json"


async def test_an_alert_can_be_changed_in_part(either: httpx.AsyncClient) -> None:
    alert = {"asset": "BTC", "kind": "level_near", "params": {"within_pct": 2}}
    path = f"/alerts/{(await either.post('/alerts', json=alert)).json()['id']}"
    changed = await either.patch(path, json={"confirm_s": 0, "params": {"level": "put_wall"}})
    assert changed.status_code == 200
    body = changed.json()
    assert body["confirm_s"] == 0
    assert body["params"] == {"level": "put_wall", "within_pct": 1.0}
    assert body["cooldown_s"] == 300
    assert (await either.patch(path, json={"position": "reversed"})).json()["position"] == (
        "reversed"
    )
    assert (await either.patch(path, json={"position": None})).json()["position"] is None
    for bad in ({"asset": "ETH"}, {"params": {"gain": 1}}, {"confirm_s": None}, {"webhooks": None}):
        assert (await either.patch(path, json=bad)).status_code == 422
    assert (await either.patch(path, json={})).json()["params"] == body["params"]


async def test_what_was_deleted_is_gone(either: httpx.AsyncClient) -> None:
    hook = (await either.post("/webhooks", json=HOOK)).json()
    alert = (
        await either.post(
            "/alerts", json={"asset": "BTC", "kind": "flip_crossed", "webhooks": [hook["id"]]}
        )
    ).json()
    assert (await either.delete(f"/webhooks/{hook['id']}")).status_code == 204
    assert (await either.get(f"/alerts/{alert['id']}")).json()["webhooks"] == []
    assert (await either.delete(f"/alerts/{alert['id']}")).status_code == 204
    for path in (f"/alerts/{alert['id']}", f"/webhooks/{hook['id']}"):
        for method in ("GET", "DELETE"):
            assert (await either.request(method, path)).status_code == 404
        assert (await either.patch(path, json={"enabled": False})).status_code == 404


PATHS_OF_ONE = (
    ("GET", "/alerts/{id}"),
    ("DELETE", "/alerts/{id}"),
    ("GET", "/webhooks/{id}"),
    ("POST", "/webhooks/{id}/test"),
    ("POST", "/webhooks/{id}/rotate"),
    ("GET", "/deliveries/{id}"),
    ("POST", "/deliveries/{id}/redeliver"),
)


async def test_unknown_names_are_404_and_odd_ones_422(client: httpx.AsyncClient) -> None:
    for method, path in PATHS_OF_ONE:
        for name, status in (("abc_0123", 404), ("%00", 422), ("'; DROP", 422), ("a" * 99, 422)):
            response = await client.request(method, path.format(id=name))
            assert response.status_code == status, (method, path, name)
            assert response.headers["content-type"] == "application/problem+json"


BAD_WEBHOOKS: list[tuple[dict[str, Any], str]] = [
    ({"url": "http://93.184.216.34/"}, "http"),
    ({"url": "https://10.0.0.1/"}, "10.0.0.1"),
    ({"url": "https://93.184.216.34:25/"}, "25"),
    ({"url": "ftp://93.184.216.34/"}, "https"),
    ({"url": ""}, "url"),
    ({"url": 5}, "url"),
    ({"url": "https://x/\u0000"}, "url"),
    ({"url": "https://x/" + "a" * 3000}, "url"),
    ({"format": "fax"}, "format"),
    ({"description": "a\u0000b"}, "description"),
    ({"description": "a" * 300}, "description"),
    ({"secret": "whsec_mine"}, "secret"),
    ({"format": "telegram"}, "chat_id"),
]


async def test_a_bad_webhook_is_refused_with_the_reason(client: httpx.AsyncClient) -> None:
    for change, named in BAD_WEBHOOKS:
        refused = await client.post("/webhooks", json=HOOK | change)
        assert refused.status_code == 422, change
        assert named in refused.json()["detail"], change
    assert (await client.get("/webhooks")).json()["data"] == []


async def test_a_webhook_can_be_changed_but_not_to_a_forbidden_address(
    client: httpx.AsyncClient,
) -> None:
    path = f"/webhooks/{(await client.post('/webhooks', json=HOOK)).json()['id']}"
    off = await client.patch(path, json={"enabled": False, "description": "later"})
    assert (off.json()["enabled"], off.json()["description"]) == (False, "later")
    assert (await client.patch(path, json={"enabled": True})).json()["enabled"] is True
    for bad in ({"url": "https://10.0.0.1/"}, {"url": None}, {"enabled": "yes"}, {"id": "x"}):
        assert (await client.patch(path, json=bad)).status_code == 422
    assert (await client.get(path)).json()["url"] == HOOK["url"]


async def test_a_test_is_delivered_and_shows_in_the_log(store: Store) -> None:
    service, app = build(store, ScriptedBoard())
    async with receiving() as receiver, connect(app) as client:
        hook = (await client.post("/webhooks", json={"url": receiver.url})).json()
        queued = await client.post(f"/webhooks/{hook['id']}/test")
        assert queued.status_code == 202
        line = queued.json()
        assert (line["status"], line["alert_id"], line["event_type"]) == (
            "pending",
            None,
            "gammaflip.test",
        )
        assert await service.worker.deliver_due() == 1
        assert receiver.hits[0].id == line["id"]
        receiver.hits[0].verify(hook["secret"])
        delivered = (await client.get(f"/deliveries?webhook={hook['id']}")).json()["data"]
        assert [(row["id"], row["status"]) for row in delivered] == [(line["id"], "delivered")]
        again = await client.post(f"/deliveries/{line['id']}/redeliver")
        assert (again.status_code, again.json()["status"]) == (202, "pending")
        await service.worker.deliver_due()
        assert [hit.id for hit in receiver.hits] == [line["id"]] * 2


async def test_tests_are_rationed(either: httpx.AsyncClient) -> None:
    hook = (await either.post("/webhooks", json=HOOK)).json()
    codes = [(await either.post(f"/webhooks/{hook['id']}/test")).status_code for _ in range(11)]
    assert codes == [202] * 10 + [429]
    refused = await either.post(f"/webhooks/{hook['id']}/test")
    assert int(refused.headers["retry-after"]) > 0


async def test_a_disabled_webhook_takes_neither_tests_nor_redeliveries(
    either: httpx.AsyncClient,
) -> None:
    hook = (await either.post("/webhooks", json=HOOK)).json()
    line = (await either.post(f"/webhooks/{hook['id']}/test")).json()
    await either.patch(f"/webhooks/{hook['id']}", json={"enabled": False})
    assert (await either.post(f"/webhooks/{hook['id']}/test")).status_code == 409
    assert (await either.post(f"/deliveries/{line['id']}/redeliver")).status_code == 409


async def test_during_rotation_both_secrets_sign(store: Store) -> None:
    service, app = build(store, ScriptedBoard())
    async with receiving() as receiver, connect(app) as client:
        hook = (await client.post("/webhooks", json={"url": receiver.url})).json()
        rotated = (await client.post(f"/webhooks/{hook['id']}/rotate")).json()
        assert rotated["secret"] != hook["secret"]
        await client.post(f"/webhooks/{hook['id']}/test")
        await service.worker.deliver_due()
        for secret in (hook["secret"], rotated["secret"]):
            receiver.hits[0].verify(secret)


async def test_the_delivery_log_is_newest_first_in_pages_and_by_filter(
    either: httpx.AsyncClient,
) -> None:
    hooks = [(await either.post("/webhooks", json=HOOK)).json()["id"] for _ in range(2)]
    sent = [(await either.post(f"/webhooks/{hooks[i % 2]}/test")).json()["id"] for i in range(6)]
    listed = [row["id"] for row in (await either.get("/deliveries")).json()["data"]]
    assert sorted(listed, reverse=True) == listed
    assert set(listed) == set(sent)
    page = (await either.get("/deliveries?limit=4")).json()
    rest = (await either.get(f"/deliveries?limit=4&cursor={page['cursor']}")).json()
    assert [row["id"] for row in page["data"] + rest["data"]] == listed
    assert rest["cursor"] is None
    of_first = (await either.get(f"/deliveries?webhook={hooks[0]}")).json()["data"]
    assert {row["id"] for row in of_first} == set(sent[::2])
    assert (await either.get("/deliveries?status=dead")).json()["data"] == []
    for bad in ("status=lost", "limit=0", "limit=x", "webhook=%00", "cursor=1"):
        assert (await either.get(f"/deliveries?{bad}")).status_code == 422


@pytest.mark.parametrize(
    ("source", "settings", "is_on"),
    [
        (Source.LIVE, {}, True),
        (Source.CUSTOM, {}, True),
        (Source.DEMO, {}, False),
        (Source.REPLAY, {}, False),
        (Source.DEMO, {"demo_webhooks": True}, True),
    ],
)
async def test_lists_say_whether_events_leave_the_machine(
    sqlite_store: Store, source: Source, settings: dict[str, bool], *, is_on: bool
) -> None:
    board = ScriptedBoard(source)
    board.publish(0.0)
    _, app = build(sqlite_store, board, **settings)
    async with connect(app) as client:
        for path in ("/alerts", "/webhooks", "/deliveries"):
            body = (await client.get(path)).json()
            assert (body["source"], body["webhooks_on"]) == (source.value, is_on)
