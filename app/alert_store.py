"""Rules, webhooks and events in SQL. A fired event and its outbox rows are one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import orjson
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.alert_rules import Rule, RuleKind, Side, parse_watched
from app.alerts import Memory
from app.outbox import allow_probe, bury
from app.retry import MAX_AGE_MS, OPEN, DeliveryStatus
from app.store import Store, new_id
from app.store_schema import alert_event, alert_rule, delivery, rule_webhook, webhook
from app.webhooks import WebhookFormat
from dealers.rules import PositionModel


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule with everything kept beside it."""

    rule: Rule
    memory: Memory
    webhooks: tuple[str, ...]
    enabled: bool
    created_ms: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook as kept; `secret` signs."""

    id: str
    url: str
    description: str
    format: WebhookFormat
    secret: str
    created_ms: int
    old_secret: str | None = None
    old_secret_until_ms: int | None = None
    enabled: bool = True
    disabled_reason: str | None = None
    failures_in_row: int = 0
    failing_since_ms: int | None = None
    resume_ms: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as it is signed and sent. `rule_id` None is a test."""

    id: str
    rule_id: str | None
    sequence: int | None
    type: str
    body: bytes
    created_ms: int
    muted: bool = False


class RuleChangedError(RuntimeError):
    """Another writer changed the rule first."""


async def list_rules(store: Store) -> list[StoredRule]:
    """Return every rule, oldest first."""
    async with store.read() as connection:
        links = (await connection.execute(select(rule_webhook))).all()
        rows = (await connection.execute(select(alert_rule).order_by(alert_rule.c.id))).all()
    webhooks: dict[str, list[str]] = {}
    for link in sorted((link.rule_id, link.webhook_id) for link in links):
        webhooks.setdefault(link[0], []).append(link[1])
    return [_stored_rule(row, tuple(webhooks.get(row.id, ()))) for row in rows]


async def insert_rule(store: Store, stored: StoredRule) -> None:
    """Keep a new rule."""
    async with store.write() as connection:
        await connection.execute(
            insert(alert_rule).values(
                **_rule_columns(stored), created_ms=stored.created_ms, version=stored.version
            )
        )
        await _link(connection, stored)


async def update_rule(store: Store, stored: StoredRule) -> StoredRule:
    """Replace a rule. Raises `RuleChangedError` when its version is not the one that was read."""
    async with store.write() as connection:
        await _swap(connection, stored, _rule_columns(stored))
        await connection.execute(
            delete(rule_webhook).where(rule_webhook.c.rule_id == stored.rule.id)
        )
        await _link(connection, stored)
    return replace(stored, version=stored.version + 1)


async def delete_rule(store: Store, rule_id: str) -> bool:
    """Forget a rule; its events and deliveries stay in the log."""
    async with store.write() as connection:
        result = await connection.execute(delete(alert_rule).where(alert_rule.c.id == rule_id))
        return result.rowcount == 1


async def record(
    store: Store, stored: StoredRule, memory: Memory, event: Event | None
) -> StoredRule:
    """Keep what a rule now remembers and the event it fired, or neither.

    Raises `RuleChangedError` when another writer was first: nothing is kept then.
    """
    async with store.write() as connection:
        await _swap(connection, stored, _memory_columns(memory))
        if event is not None:
            await _insert_event(connection, event, stored.webhooks)
    return replace(stored, memory=memory, version=stored.version + 1)


async def insert_test(store: Store, event: Event, webhook_id: str) -> str:
    """Put a test into the outbox and return its delivery id."""
    async with store.write() as connection:
        (delivery_id,) = await _insert_event(connection, event, (webhook_id,))
        await allow_probe(connection, webhook_id)
        return delivery_id


async def count_tests(store: Store, webhook_id: str, since_ms: int) -> int:
    """Count the tests sent to an endpoint."""
    query = (
        select(func.count())
        .select_from(delivery.join(alert_event, alert_event.c.id == delivery.c.event_id))
        .where(
            delivery.c.webhook_id == webhook_id,
            alert_event.c.rule_id.is_(None),
            delivery.c.created_ms >= since_ms,
        )
    )
    async with store.read() as connection:
        return int((await connection.execute(query)).scalar_one())


async def last_events(store: Store) -> dict[str, Event]:
    """Return the newest event of each rule that still exists."""
    query = select(alert_event).join(
        alert_rule,
        (alert_rule.c.id == alert_event.c.rule_id)
        & (alert_rule.c.sequence == alert_event.c.sequence),
    )
    async with store.read() as connection:
        rows = (await connection.execute(query)).all()
    return {row.rule_id: _event(row) for row in rows}


async def forget_events(store: Store, before_ms: int) -> int:
    """Delete finished deliveries and the events left without one, created before an instant.

    What is still to be delivered and the newest event of each rule stay.
    """
    is_newest = (
        select(alert_rule.c.id)
        .where(
            alert_rule.c.id == alert_event.c.rule_id,
            alert_rule.c.sequence == alert_event.c.sequence,
        )
        .exists()
    )
    async with store.write() as connection:
        result = await connection.execute(
            delete(delivery).where(
                delivery.c.created_ms < before_ms, delivery.c.status.not_in(OPEN)
            )
        )
        is_told = select(delivery.c.id).where(delivery.c.event_id == alert_event.c.id).exists()
        events = await connection.execute(
            delete(alert_event).where(alert_event.c.created_ms < before_ms, ~is_newest, ~is_told)
        )
        return int(result.rowcount + events.rowcount)


async def list_endpoints(store: Store) -> list[Endpoint]:
    """Return every webhook, oldest first."""
    async with store.read() as connection:
        rows = await connection.execute(select(webhook).order_by(webhook.c.id))
        return [_endpoint(row) for row in rows]


async def find_endpoint(store: Store, webhook_id: str) -> Endpoint | None:
    """Return one webhook."""
    async with store.read() as connection:
        row = (await connection.execute(select(webhook).where(webhook.c.id == webhook_id))).first()
        return None if row is None else _endpoint(row)


async def insert_endpoint(store: Store, endpoint: Endpoint) -> None:
    """Keep a new webhook."""
    async with store.write() as connection:
        await connection.execute(
            insert(webhook).values(**_endpoint_columns(endpoint), lease_until_ms=0)
        )


async def change_endpoint(store: Store, webhook_id: str, changes: Mapping[str, Any]) -> None:
    """Write some fields of a webhook and leave the rest as it is."""
    async with store.write() as connection:
        await connection.execute(
            update(webhook).where(webhook.c.id == webhook_id).values(**changes)
        )


async def delete_endpoint(store: Store, webhook_id: str, now_ms: int) -> bool:
    """Forget a webhook and give up what waits for it; the log stays."""
    async with store.write() as connection:
        await bury(connection, webhook_id, "endpoint deleted", now_ms)
        result = await connection.execute(delete(webhook).where(webhook.c.id == webhook_id))
        return result.rowcount == 1


async def _swap(connection: AsyncConnection, stored: StoredRule, values: Mapping[str, Any]) -> None:
    result = await connection.execute(
        update(alert_rule)
        .where(alert_rule.c.id == stored.rule.id, alert_rule.c.version == stored.version)
        .values(**values, version=stored.version + 1)
    )
    if result.rowcount != 1:
        raise RuleChangedError(stored.rule.id)


async def _link(connection: AsyncConnection, stored: StoredRule) -> None:
    if stored.webhooks:
        links = [{"rule_id": stored.rule.id, "webhook_id": name} for name in stored.webhooks]
        await connection.execute(insert(rule_webhook), links)


async def _insert_event(
    connection: AsyncConnection, event: Event, webhooks: Sequence[str]
) -> list[str]:
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    await connection.execute(insert(alert_event).values(**values | {"body": event.body.decode()}))
    if event.muted or not webhooks:
        return []
    listed = select(webhook.c.id, webhook.c.enabled, webhook.c.disabled_reason)
    endpoints = (await connection.execute(listed.where(webhook.c.id.in_(webhooks)))).all()
    rows = [_outbox_row(event, endpoint) for endpoint in endpoints]
    if rows:
        await connection.execute(insert(delivery), rows)
    return [row["id"] for row in rows]


def _outbox_row(event: Event, endpoint: Row[Any, Any, Any]) -> dict[str, Any]:
    reason = None
    if not endpoint.enabled:
        reason = f"endpoint disabled: {endpoint.disabled_reason or 'by its owner'}"
    return {
        "id": new_id("msg", event.created_ms),
        "event_id": event.id,
        "webhook_id": endpoint.id,
        "status": DeliveryStatus.PENDING if endpoint.enabled else DeliveryStatus.DEAD,
        "attempts": 0,
        "next_attempt_ms": event.created_ms if endpoint.enabled else None,
        "expires_ms": event.created_ms + MAX_AGE_MS,
        "last_error": reason,
        "created_ms": event.created_ms,
        "finished_ms": None if endpoint.enabled else event.created_ms,
    }


def _rule_columns(stored: StoredRule) -> dict[str, Any]:
    rule = stored.rule
    return {
        "id": rule.id,
        "asset": rule.asset,
        "kind": rule.kind.value,
        "position": None if rule.position is None else rule.position.value,
        "dead_band_pct": rule.dead_band_pct,
        "confirm_s": rule.confirm_s,
        "cooldown_s": rule.cooldown_s,
        "params": rule.watched.model_dump_json(),
        "enabled": stored.enabled,
        **_memory_columns(stored.memory),
    }


def _memory_columns(memory: Memory) -> dict[str, Any]:
    return {
        "side": None if memory.side is None else memory.side.value,
        "sequence": memory.sequence,
        "fired_ms": memory.fired_ms,
        "side_spot_usd": memory.spot_usd,
        "side_level_usd": memory.level_usd,
        "side_position": memory.position,
    }


def _stored_rule(row: Row[Any], webhooks: tuple[str, ...]) -> StoredRule:
    kind = RuleKind(row.kind)
    rule = Rule(
        id=row.id,
        asset=row.asset,
        kind=kind,
        watched=parse_watched(kind, orjson.loads(row.params)),
        position=None if row.position is None else PositionModel(row.position),
        dead_band_pct=row.dead_band_pct,
        confirm_s=row.confirm_s,
        cooldown_s=row.cooldown_s,
    )
    memory = Memory(
        side=None if row.side is None else Side(row.side),
        sequence=row.sequence,
        fired_ms=row.fired_ms,
        spot_usd=row.side_spot_usd,
        level_usd=row.side_level_usd,
        position=row.side_position,
    )
    return StoredRule(rule, memory, webhooks, row.enabled, row.created_ms, row.version)


def _endpoint(row: Row[Any]) -> Endpoint:
    values = {field.name: getattr(row, field.name) for field in fields(Endpoint)}
    return Endpoint(**values | {"format": WebhookFormat(row.format)})


def _endpoint_columns(endpoint: Endpoint) -> dict[str, Any]:
    return {field.name: getattr(endpoint, field.name) for field in fields(endpoint)}


def _event(row: Row[Any]) -> Event:
    values = {field.name: getattr(row, field.name) for field in fields(Event)}
    return Event(**values | {"body": row.body.encode()})
