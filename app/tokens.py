"""Bearer tokens: random, shown once, kept as a hash."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import exists, insert, select, update

from app.store import Store, new_id
from app.store_schema import token

PREFIX = "gfl_"


class Scope(StrEnum):
    """What a token may do; each includes the ones before it."""

    READ = "read"
    ALERTS = "alerts"
    ADMIN = "admin"

    def includes(self, wanted: "Scope") -> bool:
        """Whether a holder of this scope may do what `wanted` allows."""
        order = list(Scope)
        return order.index(self) >= order.index(wanted)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as kept; the token itself is not."""

    id: str
    name: str
    scope: Scope
    created_ms: int
    revoked_ms: int | None


def digest(value: str) -> str:
    """Return the hash that is kept: 256 random bits need no slow one."""
    return hashlib.sha256(value.encode()).hexdigest()


async def create_token(store: Store, name: str, scope: Scope, now_ms: int) -> tuple[TokenRow, str]:
    """Create a token and return it for the one time that it is known."""
    value = PREFIX + secrets.token_urlsafe(32)
    row = TokenRow(new_id("tok", now_ms), name, scope, now_ms, None)
    async with store.write() as connection:
        await connection.execute(
            insert(token).values(
                id=row.id, name=name, digest=digest(value), scopes=scope.value, created_ms=now_ms
            )
        )
    return row, value


async def list_tokens(store: Store) -> Sequence[TokenRow]:
    """Return every token ever created, oldest first."""
    async with store.read() as connection:
        rows = (await connection.execute(select(token).order_by(token.c.id))).all()
    return [TokenRow(r.id, r.name, Scope(r.scopes), r.created_ms, r.revoked_ms) for r in rows]


async def revoke_token(store: Store, token_id: str, now_ms: int) -> bool:
    """End a token's life; False when there is no living one of that id."""
    async with store.write() as connection:
        result = await connection.execute(
            update(token)
            .where(token.c.id == token_id, token.c.revoked_ms.is_(None))
            .values(revoked_ms=now_ms)
        )
        return result.rowcount == 1


async def any_token(store: Store) -> bool:
    """Whether a living token exists."""
    async with store.read() as connection:
        found = await connection.execute(select(exists().where(token.c.revoked_ms.is_(None))))
        return bool(found.scalar_one())


async def scope_of(store: Store, value: str) -> Scope | None:
    """Return what a token may do, None when it is unknown or revoked."""
    query = select(token.c.scopes).where(
        token.c.digest == digest(value), token.c.revoked_ms.is_(None)
    )
    async with store.read() as connection:
        row = (await connection.execute(query)).first()
        return None if row is None else Scope(row.scopes)
