"""Hostile webhook addresses: refused at creation and at each send, without a connect."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest

from app.egress import TargetRefusedError, check_target
from app.webhooks import Target, WebhookFormat, new_secret, send
from tests.app.webhook_receiver import receiving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PUBLIC = "93.184.216.34"

NAMES = {
    "loop.example": ["127.0.0.1"],
    "mixed.example": [PUBLIC, "10.0.0.5"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "public.example": [PUBLIC],
}
HOSTILE = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "0x7f000001",
    "0177.0.0.1",
    "2130706433",
    "localhost",
    "localhost.",
    "0.0.0.0",  # noqa: S104 - a target, not a bind
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "loop.example",
    "mixed.example",
    "mapped.example",
    "metadata.example",
    "metadata.google.internal",
    "printer.local",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "192.88.99.1",
    "224.0.0.1",
    "[ff02::1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[fe80::1]",
    "user:secret@93.184.216.34",
    "93.184.216.34@127.0.0.1",
    "①②⑦.⓪.⓪.①",
    "xn--",
]


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A resolver that knows `NAMES`, numbers and localhost, and writes down who asked."""
    real, asked = socket.getaddrinfo, []

    def resolve(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        asked.append(host)
        if host in NAMES:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in NAMES[host]
            ]
        if host.endswith((".example", ".internal", ".local")):
            raise socket.gaierror(socket.EAI_NONAME, "unknown name")
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address to which a TCP connection was tried; none succeeds."""
    tried: list[object] = []

    async def connect(_loop: object, _sock: socket.socket, address: object) -> None:
        tried.append(address)
        raise OSError("no connections here")

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", connect)
    return tried


async def refusal(url: str) -> str:
    with pytest.raises(TargetRefusedError) as refused:
        await check_target(url, ())
    return str(refused.value)


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_no_hostile_target_is_accepted_or_connected_to(
    connects: list[object], scheme: str
) -> None:
    for host in HOSTILE:
        url = f"{scheme}://{host}/hook"
        assert await refusal(url)
        outcome = await send(
            Target(url, WebhookFormat.STANDARD, (new_secret(),)), "msg_1", b"{}", NOW, ()
        )
        # a name without an address is asked again later; everything else is over
        assert outcome.is_final or "DNS" in (outcome.error or ""), url
        assert not outcome.is_delivered
    assert connects == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_",
        "javascript:alert(1)",
        "//93.184.216.34/",
        "hook",
        "",
        "https://",
        "https://[::1",
        "https://x y/",
        "https://93.184.216.34:99999/",
        "https://93.184.216.34:22/",
        "https://" + "a" * 70 + ".com/",
        "https://x.com/" + "a" * 3000,
    ],
)
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    assert await refusal(url)


async def test_the_address_that_was_judged_is_the_one_that_is_called(
    connects: list[object], names: list[str]
) -> None:
    url = "https://public.example/hook"
    await check_target(url, ())
    names.clear()
    await send(Target(url, WebhookFormat.STANDARD, (new_secret(),)), "msg_1", b"{}", NOW, ())
    assert names == ["public.example"]  # resolved once: a second answer has no chance
    assert connects == [(PUBLIC, 443)]


async def test_a_name_that_moves_inside_after_its_creation_is_refused_at_the_send(
    connects: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://public.example/hook"
    await check_target(url, ())
    monkeypatch.setitem(NAMES, "public.example", ["127.0.0.1"])
    outcome = await send(
        Target(url, WebhookFormat.STANDARD, (new_secret(),)), "msg_1", b"{}", NOW, ()
    )
    assert outcome.is_final
    assert "127.0.0.1" in (outcome.error or "")
    assert connects == []


async def test_a_name_that_does_not_resolve_yet_is_accepted() -> None:
    await check_target("https://soon.example/hook", ())


async def test_a_listed_network_takes_plain_http_on_any_port_and_no_other_does() -> None:
    allowed = (ip_network("127.0.0.0/8"),)
    async with receiving() as receiver:
        await check_target(receiver.url, allowed)
        hook = Target(receiver.url, WebhookFormat.STANDARD, (new_secret(),))
        assert (await send(hook, "msg_1", b"{}", NOW, allowed)).is_delivered
    for url in ("http://10.0.0.1/", "https://10.0.0.1/", "http://93.184.216.34/", "http://[::1]/"):
        with pytest.raises(TargetRefusedError):
            await check_target(url, allowed)
