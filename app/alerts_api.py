"""REST for alerts, webhooks and the delivery log."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import TypeAdapter, ValidationError

from app.alert_schemas import (
    AlertChange,
    AlertList,
    AlertOut,
    AnyNewAlert,
    DeliveryList,
    DeliveryOut,
    NewAlert,
    NewWebhook,
    Nothing,
    WebhookChange,
    WebhookList,
    WebhookOut,
    WebhookWithSecret,
)
from app.alert_service import AlertService, LiveRule
from app.outbox import DeliveryFilter
from app.problems import Problem, describe_errors, problem_responses
from app.retry import DeliveryStatus
from app.security import Guard
from app.tokens import Scope

MAX_DELIVERIES = 1000

_ID = r"^[a-z]{3}_[0-9a-f]+$"
Name = Annotated[str, Path(max_length=64, pattern=_ID)]
_Filter = Annotated[str | None, Query(max_length=64, pattern=_ID)]
_NEW_ALERT: TypeAdapter[NewAlert] = TypeAdapter(AnyNewAlert)


def _problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    texts = {
        401: "A bearer token is needed, or the one given is not known.",
        403: "Not from here: no token exists, so only this machine and page may ask; or the "
        "token lacks the scope.",
        404: "No such asset, alert, webhook or delivery.",
        409: "It cannot be done in the present state; the detail says why.",
        413: "The body is too large.",
        415: "The body is not JSON.",
        421: "The host name is not one of this board's.",
        422: "A parameter that is not understood or not allowed; the detail names it.",
        429: "Too many; Retry-After says when.",
        503: "The database cannot be used now; nothing was changed.",
    }
    return problem_responses({code: texts[code] for code in codes})


async def _check_body(_body: Nothing | None = None) -> None:
    """Refuse fields where there is nothing to say."""


_WITHOUT_FIELDS = Depends(_check_body)
_GUARDED = _problems(401, 403, 421, 429, 503)
_WRITING = _problems(409, 413, 415, 422)
_ONE = _problems(404, 422)


def build_alerts_router(service: AlertService, auth: Guard) -> APIRouter:
    """Build every route of the contract's section 5 around one service."""
    router = APIRouter(
        prefix="/api/v1",
        dependencies=[Depends(auth.require(Scope.ALERTS))],
        responses=_GUARDED,
    )
    _add_alerts(router, service)
    _add_webhooks(router, service)
    _add_deliveries(router, service)
    return router


def _add_alerts(router: APIRouter, service: AlertService) -> None:
    @router.get("/alerts", tags=["alerts"])
    async def alerts() -> AlertList:
        """Every alert with its state and its newest event."""
        events = await service.last_events()
        rows = [AlertOut.of(live, events.get(live.stored.rule.id)) for live in service.rules()]
        return AlertList(data=rows, **_header(service))

    @router.post("/alerts", tags=["alerts"], status_code=201, responses=_ONE | _WRITING)
    async def create_alert(alert: AnyNewAlert) -> AlertOut:
        """Create an alert. Its first sight of the board arms it and never fires."""
        return AlertOut.of(await service.create_rule(alert.draft()), None)

    @router.get("/alerts/{alert_id}", tags=["alerts"], responses=_ONE)
    async def alert(alert_id: Name) -> AlertOut:
        """One alert."""
        return await _show(service, service.rule(alert_id))

    @router.patch("/alerts/{alert_id}", tags=["alerts"], responses=_ONE | _WRITING)
    async def change_alert(alert_id: Name, change: AlertChange) -> AlertOut:
        """Change an alert. New numbers of its kind arm it anew; a new position does not."""
        wanted = _merge(service.rule(alert_id), change)
        return await _show(service, await service.change_rule(alert_id, wanted.draft()))

    @router.delete("/alerts/{alert_id}", tags=["alerts"], status_code=204, responses=_ONE)
    async def delete_alert(alert_id: Name) -> Response:
        """Forget an alert; its deliveries stay in the log."""
        await service.delete_rule(alert_id)
        return Response(status_code=204)


def _add_webhooks(router: APIRouter, service: AlertService) -> None:
    endpoints = service.endpoints

    @router.get("/webhooks", tags=["webhooks"])
    async def webhooks() -> WebhookList:
        """Every webhook with its health."""
        rows = [WebhookOut.of(endpoint) for endpoint in await endpoints.all()]
        return WebhookList(data=rows, **_header(service))

    @router.post("/webhooks", tags=["webhooks"], status_code=201, responses=_WRITING)
    async def create_webhook(webhook: NewWebhook) -> WebhookWithSecret:
        """Create a webhook; its secret is in this answer and in no other."""
        endpoint = await endpoints.create(webhook.url, webhook.description, webhook.format)
        return WebhookWithSecret.of(endpoint)

    @router.get("/webhooks/{webhook_id}", tags=["webhooks"], responses=_ONE)
    async def webhook(webhook_id: Name) -> WebhookOut:
        """One webhook."""
        return WebhookOut.of(await endpoints.get(webhook_id))

    @router.patch("/webhooks/{webhook_id}", tags=["webhooks"], responses=_ONE | _WRITING)
    async def change_webhook(webhook_id: Name, change: WebhookChange) -> WebhookOut:
        """Change a webhook; turning it on again forgets its failures."""
        changes = change.model_dump(exclude_unset=True)
        return WebhookOut.of(await endpoints.change(webhook_id, changes))

    @router.delete("/webhooks/{webhook_id}", tags=["webhooks"], status_code=204, responses=_ONE)
    async def delete_webhook(webhook_id: Name) -> Response:
        """Forget a webhook; what waits for it is given up, visibly."""
        await service.delete_webhook(webhook_id)
        return Response(status_code=204)

    @router.post(
        "/webhooks/{webhook_id}/test",
        tags=["webhooks"],
        status_code=202,
        responses=_ONE | _WRITING | _problems(429),
        dependencies=[_WITHOUT_FIELDS],
    )
    async def test_webhook(webhook_id: Name) -> DeliveryOut:
        """Send a test event, for any source; at most 10 an hour."""
        source = service.source
        row = await endpoints.test(webhook_id, None if source is None else source.value)
        return DeliveryOut.of(row)

    @router.post(
        "/webhooks/{webhook_id}/rotate",
        tags=["webhooks"],
        responses=_ONE | _WRITING,
        dependencies=[_WITHOUT_FIELDS],
    )
    async def rotate_secret(webhook_id: Name) -> WebhookWithSecret:
        """Replace the secret; for a day the old one signs as well."""
        return WebhookWithSecret.of(await endpoints.rotate(webhook_id))


def _add_deliveries(router: APIRouter, service: AlertService) -> None:
    endpoints = service.endpoints

    @router.get("/deliveries", tags=["webhooks"], responses=_problems(422))
    async def deliveries(
        webhook: _Filter = None,
        alert: _Filter = None,
        status: DeliveryStatus | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_DELIVERIES)] = 100,
        cursor: _Filter = None,
    ) -> DeliveryList:
        """The delivery log, newest first."""
        wanted = DeliveryFilter(webhook, alert, status, cursor)
        rows = await endpoints.deliveries(wanted, limit)
        following = rows[-1].id if len(rows) == limit else None
        return DeliveryList(
            data=[DeliveryOut.of(row) for row in rows], cursor=following, **_header(service)
        )

    @router.get("/deliveries/{delivery_id}", tags=["webhooks"], responses=_ONE)
    async def delivery(delivery_id: Name) -> DeliveryOut:
        """One line of the delivery log."""
        return DeliveryOut.of(await endpoints.delivery(delivery_id))

    @router.post(
        "/deliveries/{delivery_id}/redeliver",
        tags=["webhooks"],
        status_code=202,
        responses=_ONE | _WRITING,
        dependencies=[_WITHOUT_FIELDS],
    )
    async def redeliver(delivery_id: Name) -> DeliveryOut:
        """Send again under the same id."""
        return DeliveryOut.of(await endpoints.redeliver(delivery_id))


def _header(service: AlertService) -> dict[str, Any]:
    source = service.source
    return {
        "source": None if source is None else source.value,
        "webhooks_on": not service.is_muted(source),
    }


async def _show(service: AlertService, live: LiveRule) -> AlertOut:
    events = await service.last_events()
    return AlertOut.of(live, events.get(live.stored.rule.id))


def _merge(live: LiveRule, change: AlertChange) -> NewAlert:
    """Return the alert as if it were created with the change."""
    stored, rule = live.stored, live.stored.rule
    body: dict[str, Any] = {
        "asset": rule.asset,
        "kind": rule.kind.value,
        "params": rule.watched,
        "position": rule.position,
        "dead_band_pct": rule.dead_band_pct,
        "confirm_s": rule.confirm_s,
        "cooldown_s": rule.cooldown_s,
        "webhooks": list(stored.webhooks),
        "enabled": stored.enabled,
    }
    try:
        return _NEW_ALERT.validate_python(body | change.model_dump(exclude_unset=True))
    except ValidationError as error:
        raise Problem(422, "Bad parameter", describe_errors(error.errors())) from error
