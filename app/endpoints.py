"""Webhook endpoints and their delivery log, as their owner handles them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app import alert_store as kept
from app.alert_store import Endpoint, Event
from app.alert_views import TEST_TYPE, encode_test
from app.egress import Network, TargetRefusedError, check_target
from app.outbox import DeliveryFilter, DeliveryRow, find_delivery, list_deliveries, redeliver
from app.problems import Problem
from app.store import Store, new_id
from app.webhooks import WebhookFormat, check_format, new_secret

MAX_WEBHOOKS = 100
TESTS_PER_HOUR = 10
HOUR_MS = 3_600_000
ROTATION_MS = 24 * HOUR_MS
"""How long an old secret signs beside the new one."""


class Endpoints:
    """Creates, changes, tests and forgets webhooks; reads and repeats deliveries."""

    def __init__(
        self,
        store: Store,
        allowed: Sequence[Network],
        clock_ms: Callable[[], int],
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._allowed = allowed
        self._clock_ms = clock_ms
        self._wake = wake
        self._lock = asyncio.Lock()

    async def all(self) -> list[Endpoint]:
        """Return every webhook, oldest first."""
        return await kept.list_endpoints(self._store)

    async def get(self, webhook_id: str) -> Endpoint:
        """Return one webhook, or raise the 404 that it is."""
        endpoint = await kept.find_endpoint(self._store, webhook_id)
        if endpoint is None:
            raise Problem(404, "Unknown webhook", f"there is no webhook {webhook_id}")
        return endpoint

    async def create(self, url: str, description: str, body_format: WebhookFormat) -> Endpoint:
        """Keep a new webhook with a fresh secret, or raise the problem with its address."""
        await self._check(url, body_format)
        now_ms = self._clock_ms()
        endpoint = Endpoint(
            new_id("whk", now_ms), url, description, body_format, new_secret(), now_ms
        )
        async with self._lock:
            if len(await self.all()) >= MAX_WEBHOOKS:
                raise Problem(409, "Too many webhooks", f"at most {MAX_WEBHOOKS} are kept")
            await kept.insert_endpoint(self._store, endpoint)
        return endpoint

    async def change(self, webhook_id: str, changes: Mapping[str, Any]) -> Endpoint:
        """Change what the owner may: url, description, format, enabled."""
        async with self._lock:
            before = await self.get(webhook_id)
            after = replace(before, **changes)
            await self._check(after.url, after.format)
            written = dict(changes)
            if after.enabled and not before.enabled:
                # a fresh start: the old run of failures says nothing about the new one
                written |= {
                    "disabled_reason": None,
                    "failures_in_row": 0,
                    "failing_since_ms": None,
                    "resume_ms": 0,
                }
            if written:
                await kept.change_endpoint(self._store, webhook_id, written)
        self._wake()
        return await self.get(webhook_id)

    async def rotate(self, webhook_id: str) -> Endpoint:
        """Give a webhook a new secret; the old one signs beside it for a day."""
        async with self._lock:
            before = await self.get(webhook_id)
            changes: dict[str, Any] = {
                "secret": new_secret(),
                "old_secret": before.secret,
                "old_secret_until_ms": self._clock_ms() + ROTATION_MS,
            }
            await kept.change_endpoint(self._store, webhook_id, changes)
        return replace(before, **changes)

    async def delete(self, webhook_id: str) -> None:
        """Forget a webhook; its deliveries stay in the log."""
        if not await kept.delete_endpoint(self._store, webhook_id, self._clock_ms()):
            raise Problem(404, "Unknown webhook", f"there is no webhook {webhook_id}")

    async def test(self, webhook_id: str, source: str | None) -> DeliveryRow:
        """Send a test event, whatever the source; returns its line in the log."""
        endpoint = await self.get(webhook_id)
        if not endpoint.enabled:
            raise Problem(409, "Webhook disabled", endpoint.disabled_reason or "by its owner")
        now_ms = self._clock_ms()
        async with self._lock:
            sent = await kept.count_tests(self._store, webhook_id, now_ms - HOUR_MS)
            if sent >= TESTS_PER_HOUR:
                raise Problem(
                    429,
                    "Too many tests",
                    f"at most {TESTS_PER_HOUR} an hour and webhook",
                    {"Retry-After": str(HOUR_MS // 1000)},
                )
            body = encode_test(webhook_id, source, now_ms)
            event = Event(new_id("evt", now_ms), None, None, TEST_TYPE, body, now_ms)
            delivery_id = await kept.insert_test(self._store, event, webhook_id)
        self._wake()
        return await self.delivery(delivery_id)

    async def deliveries(self, wanted: DeliveryFilter, most: int) -> list[DeliveryRow]:
        """Return the delivery log, newest first."""
        return await list_deliveries(self._store, wanted, most)

    async def delivery(self, delivery_id: str) -> DeliveryRow:
        """Return one line of the log, or raise the 404 that it is."""
        row = await find_delivery(self._store, delivery_id)
        if row is None:
            raise Problem(404, "Unknown delivery", f"there is no delivery {delivery_id}")
        return row

    async def redeliver(self, delivery_id: str) -> DeliveryRow:
        """Send again, now, under the same id; receivers that have it already can tell."""
        await self.delivery(delivery_id)
        if not await redeliver(self._store, delivery_id, self._clock_ms()):
            raise Problem(409, "Webhook off", "its webhook is disabled or deleted")
        self._wake()
        return await self.delivery(delivery_id)

    async def _check(self, url: str, body_format: WebhookFormat) -> None:
        try:
            await check_target(url, self._allowed)
            check_format(url, body_format)
        except TargetRefusedError as error:
            raise Problem(422, "Webhook address refused", f"url: {error}") from error
