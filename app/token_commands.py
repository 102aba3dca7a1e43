"""`gammaflip token`: create, list and revoke bearer tokens."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from app import options
from app.lifecycle import make_data_dir
from app.settings import Settings
from app.store import Store
from app.tokens import Scope, create_token, list_tokens, revoke_token

T = TypeVar("T")


@click.group()
def token() -> None:
    """Manage bearer tokens. Once one exists, alerts and webhooks ask for it."""


@token.command("create")
@options.data_dir
@options.database_url
@click.option("--scope", type=click.Choice([s.value for s in Scope]), default=Scope.ALERTS.value)
@click.argument("name")
def token_create(name: str, scope: str, data_dir: Path, database_url: str | None) -> None:
    """Create a token called NAME and show it, once."""
    if not name.strip() or not name.isprintable():
        raise click.BadParameter("expected printable text", param_hint="NAME")
    now_ms = round(time.time() * 1000)

    async def create(store: Store) -> str:
        return (await create_token(store, name, Scope(scope), now_ms))[1]

    click.echo(asyncio.run(_with_tokens(create, data_dir, database_url)))


@token.command("list")
@options.data_dir
@options.database_url
def token_list(data_dir: Path, database_url: str | None) -> None:
    """List the tokens; what they are worth was shown once and is not kept."""
    for row in asyncio.run(_with_tokens(list_tokens, data_dir, database_url)):
        created = datetime.fromtimestamp(row.created_ms / 1000, UTC)
        state = "live" if row.revoked_ms is None else "revoked"
        click.echo(f"{row.id}  {row.scope.value:6}  {state:7}  {created:%Y-%m-%d}  {row.name}")


@token.command("revoke")
@options.data_dir
@options.database_url
@click.argument("token_id")
def token_revoke(token_id: str, data_dir: Path, database_url: str | None) -> None:
    """Make a token worthless."""
    now_ms = round(time.time() * 1000)
    known = token_id.isprintable() and asyncio.run(
        _with_tokens(lambda store: revoke_token(store, token_id, now_ms), data_dir, database_url)
    )
    if not known:
        raise click.BadParameter(f"there is no live token {token_id!r}", param_hint="TOKEN_ID")


async def _with_tokens(
    act: Callable[[Store], Awaitable[T]], data_dir: Path, database_url: str | None
) -> T:
    make_data_dir(data_dir)
    store = await Store.open_tokens(Settings(data_dir=data_dir, database_url=database_url))
    try:
        return await act(store)
    finally:
        await store.close()
