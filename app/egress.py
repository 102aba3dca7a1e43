"""Where a webhook may go: the one guard against requests forged through us.

A name is resolved once, every answer is judged, and the connection goes to the judged address.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

import httpx
from drawbridge import (
    BlockedAddressError,
    DrawbridgeDNSError,
    DrawbridgeError,
    Policy,
)
from drawbridge._validator import resolve_and_validate

Network = IPv4Network | IPv6Network

PUBLIC_PORTS = frozenset({443, 8443})
MAX_URL = 2000
USER_AGENT = "gammaflip-webhook/1"

_LISTED = "needs its network in GAMMAFLIP_ALERT_ALLOW_CIDRS"
_PRIVATE_NAMES = ("localhost", ".local", ".internal", ".home.arpa")
_EVERYTHING: frozenset[Network] = frozenset({IPv4Network("0.0.0.0/0"), IPv6Network("::/0")})
_NOT_PUBLIC: frozenset[Network] = frozenset(
    ip_network(network)
    for network in (
        "::/3", "4000::/2", "8000::/1",  # all that is not global unicast
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # a cloud's metadata service on a public address
    )
)  # fmt: skip


class TargetRefusedError(ValueError):
    """A webhook address that is not allowed, with the reason for its owner."""


def policy_for(url: httpx.URL, allowed: Sequence[Network]) -> Policy:
    """Return what a request to `url` may connect to. Raises `TargetRefusedError`.

    Public addresses take https on its usual ports. Everything else, plain http above all, only
    reaches networks that the operator lists.
    """
    if url.scheme not in {"http", "https"}:
        raise TargetRefusedError(f"expected an https address, was {url.scheme or 'none'}:")
    if not url.host:
        raise TargetRefusedError("expected an address with a host")
    if url.userinfo:
        raise TargetRefusedError("an address with user information is not allowed")
    port = url.port or (443 if url.scheme == "https" else 80)
    is_public = url.scheme == "https" and port in PUBLIC_PORTS
    if not is_public and not allowed:
        what = "plain http" if url.scheme == "http" else f"port {port}"
        raise TargetRefusedError(f"{what} {_LISTED}")
    return Policy(
        allow_ports=frozenset({port}),
        ip_allowlist=frozenset(allowed),
        ip_blocklist=_NOT_PUBLIC if is_public else _EVERYTHING,
        max_redirects=0,
        verify_ssl=url.scheme
        == "https",  # loading certificates takes 50 ms that http need not wait
    )


def parse_target(url: str) -> httpx.URL:
    """Parse a webhook address. Raises `TargetRefusedError`."""
    if len(url) > MAX_URL:
        raise TargetRefusedError(f"expected at most {MAX_URL} characters, was {len(url)}")
    if " " in url or not url.isprintable():
        raise TargetRefusedError("expected a web address")
    try:
        target = httpx.URL(url)
        target.host.encode()  # names of another script are decoded, and refused, only here
    except (httpx.InvalidURL, ValueError) as error:
        raise TargetRefusedError("expected a web address") from error
    return target


class PinnedTransport(httpx.AsyncBaseTransport):
    """Connects to the very address that was judged; the name stays for Host and certificate.

    Raises `DrawbridgeError` before anything is connected to. Drawbridge's own transport hands the
    name on as bytes, which newer TLS layers refuse. Certificates are judged by the system's
    authorities, or those that `SSL_CERT_FILE` names.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._inner = httpx.AsyncHTTPTransport(
            verify=policy.verify_ssl, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Resolve, judge, and send to what was judged."""
        url = request.url
        port = next(iter(self._policy.allow_ports))
        address = await resolve_and_validate(url.host, port, self._policy)
        request.url = url.copy_with(host=address)
        request.extensions["sni_hostname"] = url.raw_host.decode("ascii")
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()


async def check_target(url: str, allowed: Sequence[Network]) -> None:
    """Refuse an address that must not be reached. Raises `TargetRefusedError`.

    A name that does not resolve now is judged at the first send.
    """
    target = parse_target(url)
    policy = policy_for(target, allowed)
    host = target.host.rstrip(".")  # "localhost." is localhost to some resolvers
    port = next(iter(policy.allow_ports))
    try:
        await resolve_and_validate(host, port, policy)
    except DrawbridgeDNSError as error:
        if host.endswith(_PRIVATE_NAMES) and not allowed:
            raise TargetRefusedError(f"{host} is a private name and {_LISTED}") from error
    except (DrawbridgeError, UnicodeError, ValueError) as error:
        raise TargetRefusedError(describe_refusal(target, error)) from error


def describe_refusal(url: httpx.URL, error: Exception) -> str:
    """Say why an address is refused and what an operator can do about it."""
    if not isinstance(error, BlockedAddressError):
        return "expected a web address"
    if url.scheme == "http":
        return f"plain http to {error.ip} {_LISTED}"
    if url.port not in {None, *PUBLIC_PORTS}:
        return f"port {url.port} of {error.ip} {_LISTED}"
    return f"{error.ip} is not a public address and {_LISTED}"
