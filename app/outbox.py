"""The outbox in SQL: claim what is due, settle what was tried, list what happened.

The lease is on the endpoint, so at most one request to it is in flight in any number of
processes; a lease that nobody settles ends by itself.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.retry import MAX_AGE_MS, OPEN, DeliveryStatus, Health, Verdict
from app.store import Store
from app.store_schema import alert_event, delivery, webhook
from app.webhooks import REQUEST_LIMIT_S, Target, WebhookFormat

LEASE_MS = round(2000 * REQUEST_LIMIT_S)


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery that this process alone may send until its lease ends."""

    delivery_id: str
    webhook_id: str
    lease_until_ms: int
    event: bytes
    attempts: int  # before this one
    target: Target
    health: Health


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One line of the delivery log."""

    id: str
    alert_id: str | None
    webhook_id: str
    event_type: str
    status: DeliveryStatus
    attempts: int
    last_status_code: int | None
    last_error: str | None
    next_attempt_ms: int | None
    created_ms: int
    finished_ms: int | None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which lines of the log; None is any."""

    webhook_id: str | None = None
    alert_id: str | None = None
    status: DeliveryStatus | None = None
    older_than: str | None = None


async def claim_due(store: Store, now_ms: int, most: int) -> list[Claim]:
    """Lease up to `most` endpoints and return the most urgent delivery of each."""
    async with store.write() as connection:
        await _bury_expired(connection, now_ms)
        due = (
            select(webhook)
            .where(
                webhook.c.enabled,
                webhook.c.lease_until_ms <= now_ms,
                webhook.c.resume_ms <= now_ms,
                exists().where(_is_due(now_ms)),
            )
            .order_by(webhook.c.lease_until_ms)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        endpoints = (await connection.execute(due)).all()
        claims = [await _lease(connection, endpoint, now_ms) for endpoint in endpoints]
    return [claim for claim in claims if claim is not None]


def _is_due(now_ms: int) -> Any:
    return and_(
        delivery.c.webhook_id == webhook.c.id,
        delivery.c.status.in_(OPEN),
        delivery.c.next_attempt_ms <= now_ms,
    )


async def _lease(connection: AsyncConnection, endpoint: Row[Any], now_ms: int) -> Claim | None:
    first = (
        select(delivery.c.id, delivery.c.attempts, alert_event.c.body)
        .join(alert_event, alert_event.c.id == delivery.c.event_id)
        .where(
            delivery.c.webhook_id == endpoint.id,
            delivery.c.status.in_(OPEN),
            delivery.c.next_attempt_ms <= now_ms,
        )
        .order_by(delivery.c.next_attempt_ms, delivery.c.id)
        .limit(1)
    )
    row = (await connection.execute(first)).first()
    if row is None:
        return None
    lease_until_ms = now_ms + LEASE_MS
    await connection.execute(
        update(webhook).where(webhook.c.id == endpoint.id).values(lease_until_ms=lease_until_ms)
    )
    old_lives = endpoint.old_secret is not None and now_ms < endpoint.old_secret_until_ms
    signing = (endpoint.secret, endpoint.old_secret) if old_lives else (endpoint.secret,)
    return Claim(
        delivery_id=row.id,
        webhook_id=endpoint.id,
        lease_until_ms=lease_until_ms,
        event=row.body.encode(),
        attempts=row.attempts,
        target=Target(endpoint.url, WebhookFormat(endpoint.format), signing),
        health=Health(endpoint.failures_in_row, endpoint.failing_since_ms),
    )


async def _bury_expired(connection: AsyncConnection, now_ms: int) -> None:
    await connection.execute(
        update(delivery)
        .where(delivery.c.status.in_(OPEN), delivery.c.expires_ms <= now_ms)
        .values(
            status=DeliveryStatus.DEAD,
            next_attempt_ms=None,
            finished_ms=now_ms,
            last_error=func.coalesce(delivery.c.last_error, "not delivered within a day"),
        )
    )


async def settle(
    store: Store, claim: Claim, verdict: Verdict, status_code: int | None, now_ms: int
) -> None:
    """Write what an attempt came to and end the lease, in one transaction."""
    is_open = verdict.status in OPEN
    health = verdict.health
    async with store.write() as connection:
        await connection.execute(
            update(delivery)
            .where(delivery.c.id == claim.delivery_id, delivery.c.attempts == claim.attempts)
            .values(
                status=verdict.status,
                attempts=claim.attempts + 1,
                next_attempt_ms=verdict.next_attempt_ms,
                last_status_code=status_code,
                last_error=verdict.error,
                finished_ms=None if is_open else now_ms,
            )
        )
        await connection.execute(
            update(webhook)
            .where(
                webhook.c.id == claim.webhook_id,
                webhook.c.lease_until_ms == claim.lease_until_ms,  # else another process has it
            )
            .values(
                lease_until_ms=0,
                failures_in_row=health.failures_in_row,
                failing_since_ms=health.failing_since_ms,
                resume_ms=health.resume_ms,
            )
        )
        if health.disabled_reason is not None:
            await disable(connection, claim.webhook_id, health.disabled_reason, now_ms)


async def disable(connection: AsyncConnection, webhook_id: str, reason: str, now_ms: int) -> None:
    """Turn an endpoint off and bury what waits for it, visibly."""
    await connection.execute(
        update(webhook)
        .where(webhook.c.id == webhook_id)
        .values(enabled=False, disabled_reason=reason)
    )
    await bury(connection, webhook_id, f"endpoint disabled: {reason}", now_ms)


async def bury(connection: AsyncConnection, webhook_id: str, reason: str, now_ms: int) -> None:
    """Give up every open delivery of an endpoint."""
    await connection.execute(
        update(delivery)
        .where(delivery.c.webhook_id == webhook_id, delivery.c.status.in_(OPEN))
        .values(
            status=DeliveryStatus.DEAD,
            next_attempt_ms=None,
            finished_ms=now_ms,
            last_error=reason,
        )
    )


async def next_due_ms(store: Store) -> int | None:
    """Return when the next delivery may be sent, None when nothing waits."""
    waiting = (
        select(webhook.c.resume_ms, webhook.c.lease_until_ms, func.min(delivery.c.next_attempt_ms))
        .join(delivery, delivery.c.webhook_id == webhook.c.id)
        .where(webhook.c.enabled, delivery.c.status.in_(OPEN))
        .group_by(webhook.c.id, webhook.c.resume_ms, webhook.c.lease_until_ms)
    )
    async with store.read() as connection:
        rows = (await connection.execute(waiting)).all()
    return min((max(row) for row in rows), default=None)


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How much waits and since when."""

    waiting: int
    oldest_ms: int | None


async def outbox_state(store: Store) -> OutboxState:
    """Count the deliveries that were not made yet."""
    query = select(func.count(), func.min(delivery.c.created_ms)).where(delivery.c.status.in_(OPEN))
    async with store.read() as connection:
        waiting, oldest_ms = (await connection.execute(query)).one()
    return OutboxState(waiting, oldest_ms)


async def release_leases(store: Store) -> None:
    """Forget the leases of a process that is gone; only for a database nobody shares."""
    async with store.write() as connection:
        await connection.execute(update(webhook).values(lease_until_ms=0))


async def list_deliveries(store: Store, wanted: DeliveryFilter, most: int) -> list[DeliveryRow]:
    """Return the log, newest first."""
    conditions = {
        delivery.c.webhook_id: wanted.webhook_id,
        alert_event.c.rule_id: wanted.alert_id,
        delivery.c.status: wanted.status,
    }
    query = _log().where(*(column == value for column, value in conditions.items() if value))
    if wanted.older_than is not None:
        query = query.where(delivery.c.id < wanted.older_than)
    async with store.read() as connection:
        rows = await connection.execute(query.order_by(delivery.c.id.desc()).limit(most))
        return [_row(row) for row in rows]


async def find_delivery(store: Store, delivery_id: str) -> DeliveryRow | None:
    """Return one line of the log."""
    async with store.read() as connection:
        row = (await connection.execute(_log().where(delivery.c.id == delivery_id))).first()
        return None if row is None else _row(row)


async def redeliver(store: Store, delivery_id: str, now_ms: int) -> bool:
    """Put a delivery back at the start of its schedule; False when its endpoint is off."""
    async with store.write() as connection:
        result = await connection.execute(
            update(delivery)
            .where(
                delivery.c.id == delivery_id,
                exists().where(webhook.c.id == delivery.c.webhook_id, webhook.c.enabled),
            )
            .values(
                status=DeliveryStatus.PENDING,
                attempts=0,
                next_attempt_ms=now_ms,
                expires_ms=now_ms + MAX_AGE_MS,
                finished_ms=None,
            )
            .returning(delivery.c.webhook_id)
        )
        row = result.first()
        if row is not None:
            await allow_probe(connection, row.webhook_id)
        return row is not None


async def allow_probe(connection: AsyncConnection, webhook_id: str) -> None:
    """Let the next request go now: its owner asks, so the circuit does not."""
    await connection.execute(update(webhook).where(webhook.c.id == webhook_id).values(resume_ms=0))


def _log() -> Any:
    return select(delivery, alert_event.c.rule_id, alert_event.c.type).join(
        alert_event, alert_event.c.id == delivery.c.event_id
    )


def _row(row: Row[Any]) -> DeliveryRow:
    return DeliveryRow(
        id=row.id,
        alert_id=row.rule_id,
        webhook_id=row.webhook_id,
        event_type=row.type,
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        last_status_code=row.last_status_code,
        last_error=row.last_error,
        next_attempt_ms=row.next_attempt_ms,
        created_ms=row.created_ms,
        finished_ms=row.finished_ms,
    )
