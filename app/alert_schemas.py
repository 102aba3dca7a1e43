"""The shapes of alerts and webhooks on the wire. Strict: nothing unknown, nothing coerced."""

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from app import alert_rules as rules
from app.alert_rules import CONFIRM_S, COOLDOWN_S, DEAD_BAND_PCT, Rule, RuleKind, Side, Watched
from app.alert_service import LiveRule, RuleDraft
from app.alert_store import Endpoint, Event
from app.egress import MAX_URL
from app.outbox import DeliveryRow
from app.retry import DeliveryStatus
from app.webhooks import WebhookFormat
from dealers.rules import PositionModel

MAX_WEBHOOKS_OF_RULE = 20

Ms = Annotated[int, Field(description="this machine's time, ms UTC")]
ExchangeMs = Annotated[int, Field(description="exchange time, ms UTC")]
# enums arrive as text, which strict mode would refuse
Position = Annotated[PositionModel, Field(strict=False)]
Format = Annotated[WebhookFormat, Field(strict=False)]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Url = Annotated[str, Field(min_length=1, max_length=MAX_URL, pattern=r"^[^\x00-\x20\x7f]*$")]
Id = Annotated[str, Field(max_length=64, pattern=r"^[a-z]{3}_[0-9a-f]+$")]

DeadBand = Annotated[float, Field(ge=0, le=50, description="per cent; 0 is legal")]
Confirm = Annotated[float, Field(ge=0, le=86_400, description="seconds; 0 is legal")]
Cooldown = Annotated[float, Field(ge=0, le=604_800, description="seconds; 0 is legal")]
Webhooks = Annotated[list[Id], Field(max_length=MAX_WEBHOOKS_OF_RULE)]


class Asked(BaseModel):
    """A request body."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Nothing(Asked):
    """The body of a request that says all in its address; it may be left out."""


class NewAlert(Asked):
    """What every kind of alert may state."""

    asset: Annotated[str, Field(max_length=20)]
    kind: Any
    params: Any
    position: Position | None = None
    dead_band_pct: DeadBand = DEAD_BAND_PCT
    confirm_s: Confirm = CONFIRM_S
    cooldown_s: Cooldown = COOLDOWN_S
    webhooks: Webhooks = []
    enabled: bool = True

    def draft(self) -> RuleDraft:
        """Return the rule that was asked for."""
        rule = Rule(
            id="",
            asset=self.asset,
            kind=RuleKind(self.kind),
            watched=self.params,
            position=self.position,
            dead_band_pct=self.dead_band_pct,
            confirm_s=self.confirm_s,
            cooldown_s=self.cooldown_s,
        )
        return RuleDraft(rule, tuple(dict.fromkeys(self.webhooks)), self.enabled)


class FlipCrossedAlert(NewAlert):
    """Spot crossed the gamma flip."""

    kind: Literal["flip_crossed"]
    params: rules.FlipCrossed = rules.FlipCrossed()


class RegimeChangedAlert(NewAlert):
    """Net GEX at spot changed its sign."""

    kind: Literal["regime_changed"]
    params: rules.RegimeChanged = rules.RegimeChanged()


class LevelNearAlert(NewAlert):
    """Spot came near a level (up) or left it again (down)."""

    kind: Literal["level_near"]
    params: rules.LevelNear = rules.LevelNear()


class NetGexBeyondAlert(NewAlert):
    """Net GEX went beyond a threshold (up) or came back (down)."""

    kind: Literal["net_gex_beyond"]
    params: rules.NetGexBeyond = rules.NetGexBeyond()


class HedgeFlowBeyondAlert(NewAlert):
    """Hedge flow for a move went beyond a threshold (up) or came back (down)."""

    kind: Literal["hedge_flow_beyond"]
    params: rules.HedgeFlowBeyond = rules.HedgeFlowBeyond()


class LoopGainBeyondAlert(NewAlert):
    """The gamma loop gain went beyond a threshold (up) or came back (down)."""

    kind: Literal["loop_gain_beyond"]
    params: rules.LoopGainBeyond = rules.LoopGainBeyond()


class DataStaleAlert(NewAlert):
    """The newest data became too old (up) or fresh again (down)."""

    kind: Literal["data_stale"]
    params: rules.DataStale = rules.DataStale()


AnyNewAlert = Annotated[
    FlipCrossedAlert
    | RegimeChangedAlert
    | LevelNearAlert
    | NetGexBeyondAlert
    | HedgeFlowBeyondAlert
    | LoopGainBeyondAlert
    | DataStaleAlert,
    Field(discriminator="kind"),
]


class AlertChange(Asked):
    """What may change of an alert; asset and kind may not. Only what is sent changes.

    `params` replaces all the kind's numbers.
    """

    position: Position | None = None
    dead_band_pct: DeadBand = DEAD_BAND_PCT
    confirm_s: Confirm = CONFIRM_S
    cooldown_s: Cooldown = COOLDOWN_S
    params: dict[str, float | str | None] = {}
    webhooks: Webhooks = []
    enabled: bool = True


class NewWebhook(Asked):
    """Where events go. Telegram takes its chat from `?chat_id=...` in the address."""

    url: Url
    description: Text = ""
    format: Format = WebhookFormat.STANDARD


class WebhookChange(Asked):
    """What may change of a webhook. Only what is sent changes; no default applies."""

    url: Url = ""
    description: Text = ""
    format: Format = WebhookFormat.STANDARD
    enabled: bool = True


class EventOut(BaseModel):
    """Something that happened; `data` is what receivers get."""

    id: str
    type: str
    sequence: int | None
    created_at: Ms
    muted: Annotated[bool, Field(description="recorded without being delivered")]
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> "EventOut":
        """Show an event."""
        return cls(
            id=event.id,
            type=event.type,
            sequence=event.sequence,
            created_at=event.created_ms,
            muted=event.muted,
            data=orjson.loads(event.body)["data"],
        )


class AlertState(BaseModel):
    """What a rule remembers and what it is doing."""

    status: Literal["disabled", "unarmed", "frozen", "confirming", "armed"]
    side: Side | None
    sequence: Annotated[int, Field(description="events so far")]
    fired_at: ExchangeMs | None
    seen_at: Annotated[
        ExchangeMs | None, Field(description="the newest state that it could read since the start")
    ]
    spot_usd: Annotated[float | None, Field(description="when the side was established")]
    level_usd: Annotated[float | None, Field(description="when the side was established")]
    position: str | None

    @classmethod
    def of(cls, live: LiveRule) -> "AlertState":
        """Show the state of a rule."""
        memory = live.stored.memory
        return cls(
            status=_status(live),
            side=memory.side,
            sequence=memory.sequence,
            fired_at=memory.fired_ms,
            seen_at=live.attention.last_ms,
            spot_usd=memory.spot_usd,
            level_usd=memory.level_usd,
            position=memory.position,
        )


def _status(live: LiveRule) -> Literal["disabled", "unarmed", "frozen", "confirming", "armed"]:
    memory, attention = live.stored.memory, live.attention
    if not live.stored.enabled:
        return "disabled"
    if attention.is_blind:
        return "frozen"
    if memory.side is None:
        return "unarmed"
    is_elsewhere = attention.candidate not in {None, memory.side}
    return "confirming" if is_elsewhere else "armed"


class AlertOut(BaseModel):
    """An alert as kept."""

    id: str
    asset: str
    kind: RuleKind
    params: Watched
    position: Annotated[PositionModel | None, Field(description="null: the board's own model")]
    dead_band_pct: float
    confirm_s: float
    cooldown_s: float
    webhooks: list[str]
    enabled: bool
    created_at: Ms
    state: AlertState
    last_event: EventOut | None

    @classmethod
    def of(cls, live: LiveRule, last_event: Event | None) -> "AlertOut":
        """Show a rule."""
        stored, rule = live.stored, live.stored.rule
        return cls(
            id=rule.id,
            asset=rule.asset,
            kind=rule.kind,
            params=rule.watched,
            position=rule.position,
            dead_band_pct=rule.dead_band_pct,
            confirm_s=rule.confirm_s,
            cooldown_s=rule.cooldown_s,
            webhooks=list(stored.webhooks),
            enabled=stored.enabled,
            created_at=stored.created_ms,
            state=AlertState.of(live),
            last_event=None if last_event is None else EventOut.of(last_event),
        )


class WebhookOut(BaseModel):
    """A webhook as kept, without its secret."""

    id: str
    url: str
    description: str
    format: WebhookFormat
    enabled: bool
    disabled_reason: str | None
    failures_in_row: int
    failing_since: Ms | None
    paused_until: Annotated[Ms | None, Field(description="no request before this instant")]
    created_at: Ms

    @classmethod
    def of(cls, endpoint: Endpoint) -> "WebhookOut":
        """Show a webhook."""
        return cls(**_webhook_fields(endpoint))


class WebhookWithSecret(WebhookOut):
    """A webhook with its secret, which is never shown again."""

    secret: str

    @classmethod
    def of(cls, endpoint: Endpoint) -> "WebhookWithSecret":
        """Show a webhook for the one time that its secret is told."""
        return cls(**_webhook_fields(endpoint), secret=endpoint.secret)


def _webhook_fields(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "format": endpoint.format,
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason,
        "failures_in_row": endpoint.failures_in_row,
        "failing_since": endpoint.failing_since_ms,
        "paused_until": endpoint.resume_ms or None,
        "created_at": endpoint.created_ms,
    }


class DeliveryOut(BaseModel):
    """One line of the delivery log; its id is the `webhook-id` that receivers see."""

    id: str
    alert_id: Annotated[str | None, Field(description="null for a test")]
    webhook_id: str
    event_type: str
    status: DeliveryStatus
    attempts: int
    last_status_code: int | None
    last_error: str | None
    next_attempt_at: Ms | None
    created_at: Ms
    finished_at: Ms | None

    @classmethod
    def of(cls, row: DeliveryRow) -> "DeliveryOut":
        """Show a line of the log."""
        return cls(
            id=row.id,
            alert_id=row.alert_id,
            webhook_id=row.webhook_id,
            event_type=row.event_type,
            status=row.status,
            attempts=row.attempts,
            last_status_code=row.last_status_code,
            last_error=row.last_error,
            next_attempt_at=row.next_attempt_ms,
            created_at=row.created_ms,
            finished_at=row.finished_ms,
        )


class Listed(BaseModel):
    """What stands above every list: whether events of this source leave the machine."""

    source: str | None
    webhooks_on: bool


class AlertList(Listed):
    """Every alert, oldest first."""

    data: list[AlertOut]


class WebhookList(Listed):
    """Every webhook, oldest first."""

    data: list[WebhookOut]


class DeliveryList(Listed):
    """The delivery log, newest first; `cursor` asks for the lines before it."""

    data: list[DeliveryOut]
    cursor: str | None
