"""One webhook request: bytes, signatures and answers."""

import asyncio
import random
import ssl
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_network
from pathlib import Path

import orjson
import pytest
import trustme
from standardwebhooks import Webhook

from app.retry import CIRCUIT_FAILURES, SCHEDULE_S, DeliveryStatus, Health, judge_attempt
from app.webhooks import (
    Outcome,
    Target,
    WebhookFormat,
    encode_payload,
    new_secret,
    parse_retry_after,
    send,
    sign,
)
from tests.app.webhook_receiver import DRIP, HANG, answer, receiving

LOCAL = (ip_network("127.0.0.0/8"),)
NOW = datetime(2026, 11, 22, 12, 0, 0, 900_000, tzinfo=UTC)
EVENT = orjson.dumps(
    {
        "type": "gex.flip.crossed",
        "timestamp": "2026-11-22T12:00:00.900Z",
        "data": {
            "asset": "BTC",
            "direction": "up",
            "cause": "spot_moved",
            "spot_usd": 100_312.4,
            "flip_usd": 100_000.0,
            "gex_usd_per_1pct": -12_345_678.9,
            "position": "naive",
            "source": "live",
            "late": True,
        },
    }
)


def target(url: str, body_format: WebhookFormat = WebhookFormat.STANDARD) -> Target:
    return Target(url, body_format, (new_secret(),))


def test_the_reference_library_accepts_every_live_secret_and_no_other() -> None:
    now = datetime.now(UTC)
    old, new = new_secret(), new_secret()
    headers = sign((new, old), "msg_1", now, EVENT)
    for secret in (old, new):
        assert Webhook(secret).verify(EVENT, headers) == orjson.loads(EVENT)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(new_secret()).verify(EVENT, headers)


def test_the_signed_time_is_utc_whatever_zone_the_clock_is_in() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    secret = (new_secret(),)
    assert sign(secret, "msg_1", elsewhere, EVENT) == sign(secret, "msg_1", NOW, EVENT)
    assert sign(secret, "msg_1", NOW, EVENT)["webhook-timestamp"] == str(int(NOW.timestamp()))


def test_a_standard_body_is_the_event_byte_for_byte() -> None:
    assert encode_payload(target("https://x.example/"), EVENT) == ("https://x.example/", EVENT)


@pytest.mark.parametrize(
    ("body_format", "name"), [(WebhookFormat.SLACK, "text"), (WebhookFormat.DISCORD, "content")]
)
def test_a_chat_gets_one_line(body_format: WebhookFormat, name: str) -> None:
    url, body = encode_payload(target("https://x.example/h", body_format), EVENT)
    assert url == "https://x.example/h"
    line = orjson.loads(body)[name]
    for part in ("BTC", "up", "100,312", "100,000", "-12,345,679", "spot_moved", "naive", "late"):
        assert part in line


def test_telegram_takes_its_chat_from_the_address() -> None:
    hook = target("https://x.example/botT:0k/sendMessage?chat_id=-1001&a=b", WebhookFormat.TELEGRAM)
    url, body = encode_payload(hook, EVENT)
    assert url == "https://x.example/botT:0k/sendMessage?a=b"
    assert orjson.loads(body)["chat_id"] == "-1001"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("-5", None),
        ("soon", None),
        ("9" * 5000, 999_999_999.0),
        ("Sun, 22 Nov 2026 12:01:00 GMT", pytest.approx(59.1)),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 22 Nov 99999 11:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("manner", "code", "is_delivered", "is_final"),
    [
        (answer(200), 200, True, False),
        (answer(204), 204, True, False),
        (answer(500), 500, False, False),
        (answer(404), 404, False, False),
        (answer(410), 410, False, True),
        (answer(301, "location: http://127.0.0.1:1/"), 301, False, False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\nxxxx", 200, True, False),
        (b"not http at all\r\n\r\n", None, False, False),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n", None, False, False),
    ],
)
async def test_only_2xx_is_success(
    manner: bytes, code: int | None, *, is_delivered: bool, is_final: bool
) -> None:
    async with receiving(manner) as receiver:
        outcome = await send(target(receiver.url), "msg_1", EVENT, NOW, LOCAL)
        assert (outcome.status_code, outcome.is_delivered) == (code, is_delivered)
        assert outcome.is_final == is_final
        assert receiver.connections == 1


@pytest.mark.parametrize("manner", [HANG, DRIP])
async def test_a_receiver_that_hangs_or_drips_is_left_at_the_limit(manner: bytes) -> None:
    async with receiving(manner) as receiver, asyncio.timeout(5):
        outcome = await send(target(receiver.url), "msg_1", EVENT, NOW, LOCAL, limit_s=0.3)
        assert outcome.error == "no answer within 0.3 s"


async def test_nobody_listening_is_a_failure_and_not_an_error() -> None:
    async with receiving() as receiver:
        url = receiver.url
    outcome = await send(target(url), "msg_1", EVENT, NOW, LOCAL)
    assert not outcome.is_delivered
    assert not outcome.is_final


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_https_is_delivered_to_a_name_and_an_address_with_a_good_certificate(
    host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    async with receiving(tls=tls) as receiver:
        there = target(f"https://{host}:{receiver.port}/hook")
        outcome = await send(there, "msg_1", EVENT, datetime.now(UTC), LOCAL)
        assert outcome == Outcome(status_code=200)
        assert receiver.hits[0].headers["host"] == f"{host}:{receiver.port}"
        assert receiver.hits[0].verify(there.secrets[0]) == orjson.loads(EVENT)


@pytest.mark.parametrize("named", ["localhost", "example.com"])
async def test_a_certificate_that_nobody_vouches_for_or_of_another_name_gets_nothing(
    named: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(named).configure_cert(tls)
    if named != "localhost":
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    async with receiving(tls=tls) as receiver:
        there = target(f"https://localhost:{receiver.port}/hook")
        outcome = await send(there, "msg_1", EVENT, datetime.now(UTC), LOCAL)
        assert "CERTIFICATE_VERIFY_FAILED" in (outcome.error or "")
        assert receiver.hits == []


async def test_no_cookie_and_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with receiving() as receiver:
        hook = target(receiver.url)
        for _ in range(2):
            assert (await send(hook, "msg_1", EVENT, NOW, LOCAL)).is_delivered
        assert all("cookie" not in hit.headers for hit in receiver.hits)


def fail(
    attempts: int, outcome: Outcome, health: Health | None = None
) -> tuple[str, float, Health]:
    verdict = judge_attempt(outcome, attempts, health or Health(), 0, random.Random(attempts))
    return verdict.status.value, (verdict.next_attempt_ms or 0) / 1000, verdict.health


def test_attempts_follow_the_schedule_within_its_jitter() -> None:
    waits = [fail(attempts, Outcome(500, "no"))[1] for attempts in range(1, len(SCHEDULE_S))]
    for wait, planned in zip(waits, SCHEDULE_S[1:], strict=True):
        assert 0.8 * planned <= wait <= 1.2 * planned
    assert len({wait / planned for wait, planned in zip(waits, SCHEDULE_S[1:], strict=True)}) > 5
    assert fail(len(SCHEDULE_S), Outcome(500, "no"))[0] == DeliveryStatus.DEAD


def test_retry_after_is_obeyed_up_to_a_day() -> None:
    _, wait, health = fail(1, Outcome(429, "slow", retry_after_s=3_600))
    assert wait == 3_600
    assert health.resume_ms == 3_600_000  # for every delivery to that endpoint
    assert fail(1, Outcome(429, "slow", retry_after_s=1e9))[1] == 86_400
    assert fail(1, Outcome(500, "no", retry_after_s=60))[2].resume_ms == 0


def test_the_circuit_opens_after_failures_in_a_row_and_closes_with_success() -> None:
    health, paused = Health(), []
    for _ in range(CIRCUIT_FAILURES + 3):
        health = fail(1, Outcome(500, "no"), health)[2]
        paused.append(health.resume_ms / 1000)
    assert paused[: CIRCUIT_FAILURES - 1] == [0] * (CIRCUIT_FAILURES - 1)
    for wait, planned in zip(paused[CIRCUIT_FAILURES - 1 :], SCHEDULE_S[1:], strict=False):
        assert 0.8 * planned <= wait <= 1.2 * planned
    good = judge_attempt(Outcome(200), 1, health, 0, random.Random(1))
    assert (good.status, good.health) == (DeliveryStatus.DELIVERED, Health())


def test_an_endpoint_is_turned_off_when_gone_or_after_five_days() -> None:
    gone = judge_attempt(Outcome(410, "gone", is_final=True), 1, Health(), 0, random.Random(1))
    assert gone.status == DeliveryStatus.DEAD
    assert "410" in (gone.health.disabled_reason or "")
    since = Health(failures_in_row=40, failing_since_ms=0)
    day_ms = 24 * 3_600_000
    for days, is_off in ((4.9, False), (5.0, True)):
        now_ms = round(days * day_ms)
        verdict = judge_attempt(Outcome(500, "no"), 1, since, now_ms, random.Random(1))
        assert (verdict.health.disabled_reason is not None) == is_off
