"""Options of the command line: their environment variables, and how their texts are read.

A text that is not understood raises `click.BadParameter` saying what was expected.
"""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import click
from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from app.lifecycle import REPLAY_PREFIX
from app.store import StoreError, check_database_url
from ingest.focus import MOST as FOCUS_MOST

ENV = "GAMMAFLIP_"
DATA_DIR = Path("~/.local/share/gammaflip")
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""When a simulated market may begin."""


class Finite(click.FloatRange):
    """A number in a range; neither infinity nor what is no number is in any."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"expected a finite number, was {value}", param, ctx)
        return number


class Folder(click.Path):
    """A folder that need not exist yet; `~` is somebody's home."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Read a path."""
        try:
            folder = Path(str(value)).expanduser()
            str(folder).encode()
        except (RuntimeError, UnicodeError) as error:
            self.fail(f"{value!r} names no folder: {error}", param, ctx)
        super().convert(folder, param, ctx)
        return folder


def option(name: str, env: str, **kwargs: Any) -> Callable[[Any], Any]:
    """Declare an option with its environment variable."""
    return click.option(
        name, envvar=ENV + env, show_envvar=True, show_default="default" in kwargs, **kwargs
    )


data_dir = option(
    "--data-dir",
    "DATA_DIR",
    default=DATA_DIR,
    type=Folder(),
    help="Folder for history, rules and the outbox.",
)


def _read_database_url(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> str | None:
    if text is not None:
        try:
            check_database_url(text)
        except StoreError as error:
            raise click.BadParameter(str(error)) from error
    return text


database_url = option(
    "--database-url",
    "DATABASE_URL",
    default=None,
    callback=_read_database_url,
    help="PostgreSQL instead of SQLite.",
)

focus = option(
    "--focus",
    "FOCUS",
    default=0,
    type=click.IntRange(0, FOCUS_MOST),
    help="Options near the money whose quotes are followed, per asset.",
)


def parse_source(text: str) -> str:
    """Return the text when it names a source."""
    if text in {"auto", "live", "demo"} or text.startswith(REPLAY_PREFIX):
        return text
    with suppress(InvalidURI, ValueError):
        parse_uri(text)
        return text
    raise click.BadParameter(
        f"expected auto, live, demo, replay:PATH or a ws:// or wss:// address, was {text!r}",
        param_hint="--source",
    )


def parse_assets(text: str) -> tuple[str, ...]:
    """Read asset names separated by commas."""
    assets = tuple(part.strip().upper() for part in text.split(",") if part.strip())
    if not assets or not all(asset.isalnum() and asset.isascii() for asset in assets):
        raise click.BadParameter(
            f"expected BTC,ETH or the like, was {text!r}", param_hint="--assets"
        )
    return tuple(dict.fromkeys(assets))


def parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read networks in CIDR notation separated by commas."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--alert-allow-cidrs") from error


def parse_origins(text: str) -> tuple[str, ...]:
    """Read web origins separated by commas; `*` is every site."""
    origins = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"https?://[\w.-]+(:\d{1,5})?", origin, re.ASCII):
            raise click.BadParameter(
                f"expected https://name or *, was {origin!r}", param_hint="--embed-origins"
            )
    return origins


def parse_instant(text: str) -> int:
    """Read an ISO 8601 instant as ms UTC; without a zone it is UTC."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"expected ISO 8601, was {text!r}", param_hint="--start"
        ) from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    if not FIRST <= instant < LAST:
        raise click.BadParameter(
            f"expected {FIRST.year} or later and before {LAST.year}, was {text!r}",
            param_hint="--start",
        )
    return round(instant.timestamp() * 1000)


def parse_token(text: str) -> str | None:
    """Read a bearer token as an HTTP header can carry it; an empty one is none."""
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise click.BadParameter(
            "expected printable ASCII without spaces around it", param_hint=ENV + "TOKEN"
        )
    return text or None
