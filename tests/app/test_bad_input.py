"""Input that nobody should send: a clear refusal, never a server error, never a traceback."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest

from tests.processes import Board, Launcher

READS = ("", "/strikes", "/expiries", "/matrix", "/chain", "/profile", "/levels", "/hedge-flow")
LONG = "x" * 60_000
HEADERS = {"Content-Type": "application/json"}

QUERIES = [
    ("/DOGE", 404),
    ("/BTC/../../etc/passwd", 404),
    ("/BTC/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404),
    ("/BTC;DROP TABLE snapshot", 404),
    ("/BTC' OR '1'='1", 404),
    ("/%00", 404),
    ("/\u202e\U0001f4a3", 404),
    ("/BTC?expiry=' OR 1=1 --", 404),
    ("/BTC?expiry=%00", 404),
    ("/BTC?seq=-1", 422),
    ("/BTC?seq=NaN", 422),
    ("/BTC?seq=1e9", 422),
    ("/BTC?book=both", 422),
    ("/BTC/trades?limit=0", 422),
    ("/BTC/trades?limit=-5", 422),
    ("/BTC/trades?limit=Infinity", 422),
    ("/BTC/history?from=2&to=1", 422),
    ("/BTC/history?from=-1", 422),
    ("/BTC/history?points=0", 422),
    ("/BTC/history?points=-1", 422),
    ("/BTC/history?from=NaN", 422),
    ("/BTC/history?from=99999999999999999999999", 422),
    ("/BTC/feedback?depth_usd=NaN", 422),
    ("/BTC/feedback?depth_usd=-1", 422),
    ("/BTC/feedback?permanence=2", 422),
    ("/deliveries?status=lost", 422),
    ("/deliveries?limit=1000000000", 422),
    ("/deliveries?cursor=' OR 1=1 --", 422),
    ("/webhooks/..%2F..%2Fetc", 404),
    ("/alerts/alr_0", 404),
    ("/alerts/%00", 422),
]

BODIES = [
    ("/alerts", b"", 422),
    ("/alerts", b"{", 422),
    ("/alerts", b"[]", 422),
    ("/alerts", b"null", 422),
    ("/alerts", b'"text"', 422),
    ("/alerts", b"\xff\xfe", 422),
    ("/alerts", b'{"asset":"BTC","kind":"flip_crossed","confirm_s":NaN}', 422),
    ("/alerts", b'{"asset":"BTC","kind":"flip_crossed","confirm_s":Infinity}', 422),
    ("/alerts", b'{"asset":"BTC","kind":"flip_crossed","confirm_s":-1}', 422),
    ("/alerts", b'{"asset":"BTC","kind":"flip_crossed","confirm_s":"10"}', 422),
    ("/alerts", b'{"asset":"BTC","kind":"flip_crossed","confirm_s":1e308}', 422),
    ("/alerts", b'{"asset":"BTC","kind":"flip_crossed","colour":"red"}', 422),
    ("/alerts", b'{"asset":"BTC","kind":"flip_crossed","enabled":"yes"}', 422),
    ("/alerts", b'{"asset":"DOGE","kind":"flip_crossed"}', 404),
    ("/alerts", b'{"asset":"BTC","kind":"\\u0000"}', 422),
    ("/alerts", b"[" * 30_000, 422),
    ("/alerts", b'{"asset":"BTC","kind":"flip_crossed","webhooks":["whk_0"]}', 422),
    ("/webhooks", b'{"url":"https://example.com/","description":"\\u0000"}', 422),
    ("/webhooks", b'{"url":"javascript:alert(1)"}', 422),
    ("/webhooks", b'{"url":"http://169.254.169.254/latest/meta-data"}', 422),
    ("/webhooks", b'{"url":"https://example.com/' + LONG.encode() + b'"}', 422),
    ("/webhooks", b'{"url":"https://example.com/","secret":"mine"}', 422),
    ("/webhooks", b'{"url":1}', 422),
    ("/alerts", b'{"asset":"' + 10_000_000 * b"x" + b'"}', 413),
]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    launch = Launcher(tmp_path_factory.mktemp("bad-input"))
    with launch.board("demo", GAMMAFLIP_ASSETS="BTC") as running:
        yield running.wait_ready(120)


def assert_refused(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "Traceback" not in answer.text
    assert len(answer.content) < 2_000, "a refusal does not repeat what it was sent"


@pytest.mark.parametrize(("path", "status"), QUERIES)
def test_a_bad_query_is_refused(board: Board, path: str, status: int) -> None:
    assert_refused(board.client.get("/api/v1" + path), status)


@pytest.mark.parametrize(("path", "body", "status"), BODIES, ids=lambda value: str(value)[:60])
def test_a_bad_body_is_refused(board: Board, path: str, body: bytes, status: int) -> None:
    answer = board.client.post("/api/v1" + path, content=body, headers=HEADERS)
    assert_refused(answer, status)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_is_not_declared_as_json_is_refused(board: Board, kind: str) -> None:
    answer = board.client.post("/api/v1/alerts", content=b"{}", headers={"Content-Type": kind})
    assert_refused(answer, 415)


def test_a_key_given_twice_never_smuggles_anything_in(board: Board) -> None:
    body = b'{"asset":"BTC","kind":"data_stale","enabled":false,"asset":"DOGE"}'
    assert_refused(board.client.post("/api/v1/alerts", content=body, headers=HEADERS), 404)


def test_ten_years_and_a_billion_points_are_cut_and_not_computed(board: Board) -> None:
    now_ms = board.get("/BTC")["as_of"]
    body = board.get("/BTC/history", **{"from": now_ms - 10 * 365 * 86_400_000, "points": 10**9})
    assert len(body["data"]) <= 5_000


@pytest.mark.parametrize("garbage", ["-1", "NaN", "\u00b2", "1" * 500, "0x10", "' OR 1=1"])
def test_an_event_stream_ignores_a_last_event_id_that_is_none(board: Board, garbage: str) -> None:
    headers = {"Last-Event-ID": garbage.encode()}
    with board.client.stream("GET", "/api/v1/BTC/events", headers=headers) as stream:
        assert stream.status_code == 200
        assert next(stream.iter_lines()).startswith("id: ")


def send_raw(board: Board, request: bytes) -> bytes:
    """What the board answers to bytes that no client library would send."""
    address = urlsplit(board.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), 10) as raw:
        answer = b""
        with suppress(ConnectionError):  # a door may be closed while we still speak
            raw.sendall(request)
            with suppress(OSError):  # ENOTCONN, when it is closed already
                raw.shutdown(socket.SHUT_WR)
            while part := raw.recv(65_536):
                answer += part
    return answer


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /api/v1/BTC HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 5_000 + b"\r\n",
        b"GET /" + LONG.encode() * 3 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/v1/BTC HTTP/1.1\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /api/v1/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        (
            b"POST /api/v1/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n"
        ),
    ],
)
def test_what_is_hardly_http_gets_a_4xx_or_a_closed_door(board: Board, request_line: bytes) -> None:
    answer = send_raw(board, request_line)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4") or b" 200 " in answer[:20]
    assert b"Traceback" not in answer
    assert board.client.get("/healthz").status_code == 200


def test_a_hundred_header_lines_are_no_reason_to_fail(board: Board) -> None:
    headers = {f"X-Header-{i}": "value" for i in range(90)}
    assert board.client.get("/api/v1/BTC", headers=headers).status_code in {200, 400, 431}


def test_nothing_of_it_was_a_server_error_in_the_log(board: Board) -> None:
    started = time.monotonic()
    for view in READS:
        assert board.client.get(f"/api/v1/BTC{view}").status_code == 200
    assert time.monotonic() - started < 60
    assert "Traceback" not in board.output()
    levels = [json.loads(line)["level"] for line in board.output().splitlines() if line[:1] == "{"]
    assert "error" not in levels
    assert "critical" not in levels
