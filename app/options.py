"""Options of the command line: their environment variables, and how their texts are read.

A text that is not understood raises `click.BadParameter` saying what was expected.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import click

from app.lifecycle import REPLAY_PREFIX
from ingest.focus import MOST as FOCUS_MOST

ENV = "GAMMAFLIP_"
DATA_DIR = Path("~/.local/share/gammaflip")


def option(name: str, env: str, **kwargs: Any) -> Callable[[Any], Any]:
    """Declare an option with its environment variable."""
    return click.option(
        name, envvar=ENV + env, show_envvar=True, show_default="default" in kwargs, **kwargs
    )


data_dir = option(
    "--data-dir",
    "DATA_DIR",
    default=DATA_DIR,
    type=click.Path(path_type=Path),
    help="Folder for history, rules and the outbox.",
)
database_url = option(
    "--database-url", "DATABASE_URL", default=None, help="PostgreSQL instead of SQLite."
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
    if text in {"auto", "live", "demo"} or text.startswith(("ws://", "wss://", REPLAY_PREFIX)):
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
    return round(instant.timestamp() * 1000)
