"""One webhook request: how an event becomes bytes, how they are signed, what came back.

Knows no database and no schedule.
"""

import asyncio
import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import httpx
import orjson
from drawbridge import BlockedAddressError, DrawbridgeError, Policy
from standardwebhooks import Webhook as Signer

from app.egress import (
    USER_AGENT,
    Network,
    PinnedTransport,
    TargetRefusedError,
    describe_refusal,
    parse_target,
    policy_for,
)

REQUEST_LIMIT_S = 10.0
SECRET_BYTES = 32
_MAX_ERROR = 200


class WebhookFormat(StrEnum):
    """Who reads the body."""

    STANDARD = "standard"
    SLACK = "slack"
    DISCORD = "discord"
    TELEGRAM = "telegram"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a delivery goes and what it is signed with, the newest secret first."""

    url: str
    format: WebhookFormat
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to. `is_final`: no later attempt can succeed."""

    status_code: int | None = None
    error: str | None = None
    retry_after_s: float | None = None
    is_final: bool = False

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver took it: 2xx and nothing else."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def name(self) -> str:
        """What to count it as: 2xx, 4xx ..., refused by our guard, or no answer."""
        if self.status_code is not None:
            return f"{self.status_code // 100}xx"
        return "refused" if self.is_final else "no_answer"

    @property
    def is_gone(self) -> bool:
        """Whether the receiver asked never to be called again."""
        return self.status_code == 410


def new_secret() -> str:
    """Return a fresh signing secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(signing: Sequence[str], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """Return the Standard Webhooks headers, one signature for each live secret."""
    aware = now.astimezone(UTC)  # the library relabels instead of converting
    signatures = [Signer(secret).sign(message_id, aware, body.decode()) for secret in signing]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(aware.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def check_format(url: str, body_format: WebhookFormat) -> None:
    """Refuse an address that lacks what its format needs. Raises `TargetRefusedError`."""
    if body_format == WebhookFormat.TELEGRAM and not parse_target(url).params.get("chat_id"):
        raise TargetRefusedError("telegram needs ?chat_id=... in the address")


def encode_payload(target: Target, event: bytes) -> tuple[str, bytes]:
    """Return the address and the body in which the receiver's format wants the event.

    Telegram's chat comes from `chat_id` in the address and goes into the body.
    """
    if target.format == WebhookFormat.STANDARD:
        return target.url, event
    text = describe_event(orjson.loads(event))
    if target.format == WebhookFormat.TELEGRAM:
        url = parse_target(target.url)
        body = {"chat_id": url.params["chat_id"], "text": text}
        return str(url.copy_remove_param("chat_id")), orjson.dumps(body)
    name = "content" if target.format == WebhookFormat.DISCORD else "text"
    return target.url, orjson.dumps({name: text})


def describe_event(event: Mapping[str, Any]) -> str:
    """Say in one line what happened, for a chat."""
    data = event["data"]
    words = [f"{data.get('asset') or 'gammaflip'}: {event['type']} {data.get('direction') or ''}"]
    for label, name, digits in (
        ("spot", "spot_usd", 0),
        ("flip", "flip_usd", 0),
        ("net GEX per 1 %", "gex_usd_per_1pct", 0),
    ):
        value = data.get(name)
        if value is not None:
            words.append(f"{label} {value:,.{digits}f} USD")
    words += [str(data[name]) for name in ("cause",) if data.get(name)]
    words.append(f"position {data.get('position') or 'unknown'}, source {data.get('source')}")
    if data.get("late"):
        words.append("late: happened while the board was down")
    return " · ".join(word.strip() for word in words)


async def send(
    target: Target,
    message_id: str,
    event: bytes,
    now: datetime,
    allowed: Sequence[Network],
    limit_s: float = REQUEST_LIMIT_S,
) -> Outcome:
    """Make one attempt. Never raises, never follows a redirect, never reads a body."""
    try:
        address, body = encode_payload(target, event)
        url = parse_target(address)
        policy = policy_for(url, allowed)
        headers = sign(target.secrets, message_id, now, body)
    except TargetRefusedError as error:
        return Outcome(error=str(error), is_final=True)
    headers["content-type"] = "application/json"
    try:
        # a per-read timeout alone never ends for a receiver that drips
        async with (
            asyncio.timeout(limit_s),
            # a client of its own: no cookies kept; it reads certificates, so not on the loop
            await asyncio.to_thread(_client, policy) as client,
            client.stream("POST", address, content=body, headers=headers) as response,
        ):
            return judge(response, now)
    except BlockedAddressError as error:
        return Outcome(error=describe_refusal(url, error), is_final=True)
    except TimeoutError:
        return Outcome(error=f"no answer within {limit_s:g} s")
    except (DrawbridgeError, httpx.HTTPError, OSError, ValueError) as error:
        return Outcome(error=_one_line(error))


def _client(policy: Policy) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=PinnedTransport(policy),
        timeout=REQUEST_LIMIT_S,
        follow_redirects=False,
        headers={"user-agent": USER_AGENT},
        trust_env=False,
    )


def judge(response: httpx.Response, now: datetime) -> Outcome:
    """Turn an answer into an outcome."""
    code = response.status_code
    if 200 <= code < 300:
        return Outcome(status_code=code)
    error = "redirects are not followed" if 300 <= code < 400 else f"the receiver answered {code}"
    wait_s = parse_retry_after(response.headers.get("retry-after"), now)
    return Outcome(code, error, wait_s, is_final=code == 410)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a receiver asks to wait, None when it does not say."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (until - now).total_seconds())


def _one_line(error: Exception) -> str:
    # the class alone when it has no words; addresses may hold secrets, so no more than needed
    return (" ".join(str(error).split()) or type(error).__name__)[:_MAX_ERROR]
