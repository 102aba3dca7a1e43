"""Alerts as a whole: shows every rule the board, keeps what they remember, feeds the outbox."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from app import alert_store as kept
from app.alert_rules import Rule
from app.alert_store import Event, RuleChangedError, StoredRule
from app.alert_views import EVENT_TYPES, encode_event, observe
from app.alerts import Attention, Fired, Memory, RuleState, evaluate, resettle, resume, take_over
from app.delivery import DeliveryWorker
from app.egress import Network
from app.endpoints import Endpoints
from app.hub import BoardState, SnapshotHub
from app.problems import Problem
from app.settings import Source
from app.store import Store, new_id
from app.webhooks import Outcome
from dealers.rules import PositionModel
from greeks.exposure import ExposureSnapshot

MAX_RULES = 100
REFRESH_S = 5.0
"""How often a shared database is asked for rules that another process wrote."""
KEPT_EVENTS_MS = 400 * 86_400_000
"""For how long events and their deliveries stay in the log."""
FORGET_S = 3_600.0
SIMULATED = frozenset({Source.DEMO, Source.REPLAY})

Listener = Callable[[StoredRule, Event], None]
SnapshotFor = Callable[[BoardState, PositionModel], ExposureSnapshot | None]

_log = structlog.get_logger()


def wall_clock_ms() -> int:
    """Return this machine's time."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """What a user decides about a rule. `rule.id` is overwritten when it is kept."""

    rule: Rule
    webhooks: tuple[str, ...] = ()
    enabled: bool = True


@dataclass(slots=True)
class LiveRule:
    """A stored rule and the evidence that it has gathered in this process."""

    stored: StoredRule
    attention: Attention

    @property
    def state(self) -> RuleState:
        """What the machine works on."""
        return RuleState(self.stored.memory, self.attention)


class AlertService:
    """Evaluates rules on every published state and delivers what they fire."""

    def __init__(
        self,
        store: Store,
        hub: SnapshotHub,
        snapshot_for: SnapshotFor,
        *,
        allowed: Sequence[Network] = (),
        demo_webhooks: bool = False,
        assets: Sequence[str] = (),
        clock_ms: Callable[[], int] = wall_clock_ms,
        rng: random.Random | None = None,
        observe_attempt: Callable[[Outcome], None] = lambda _outcome: None,
    ) -> None:
        self._store = store
        self._hub = hub
        self._snapshot_for = snapshot_for
        self._demo_webhooks = demo_webhooks
        self._assets = tuple(assets)
        self._clock_ms = clock_ms
        self._rules: dict[str, LiveRule] = {}
        self._lock = asyncio.Lock()
        self._listeners: list[Listener] = []
        self.worker = DeliveryWorker(
            store, allowed, clock_ms, rng or random.SystemRandom(), observe_attempt
        )
        self.endpoints = Endpoints(store, allowed, clock_ms, self.worker.wake)

    async def start(self) -> None:
        """Take up every rule where the last process left it."""
        await self._reload()
        await self.worker.start()

    async def run(self) -> None:
        """Evaluate and deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._evaluate_news())
            group.create_task(self.worker.run())
            group.create_task(self._forget_in_time())
            if self._store.is_shared:
                group.create_task(self._refresh())

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after each event is safely kept; it must not block or raise."""
        self._listeners.append(listener)

    @property
    def source(self) -> Source | None:
        """Where the numbers come from, None before the first state."""
        states = (self._hub.latest(asset) for asset in self._hub.assets())
        return next((state.source for state in states if state is not None), None)

    def is_muted(self, source: Source | None) -> bool:
        """Whether events of a source are recorded without being delivered."""
        return source in SIMULATED and not self._demo_webhooks

    def rules(self) -> list[LiveRule]:
        """Return every rule, oldest first."""
        return list(self._rules.values())

    def rule(self, rule_id: str) -> LiveRule:
        """Return one rule, or raise the 404 that it is."""
        live = self._rules.get(rule_id)
        if live is None:
            raise Problem(404, "Unknown alert", f"there is no alert {rule_id}")
        return live

    async def last_events(self) -> dict[str, Event]:
        """Return the newest event of each rule."""
        return await kept.last_events(self._store)

    async def create_rule(self, draft: RuleDraft) -> LiveRule:
        """Keep a new rule; its first sight of the board arms it."""
        await self._check(draft)
        now_ms = self._clock_ms()
        rule = replace(draft.rule, id=new_id("alr", now_ms))
        stored = StoredRule(rule, Memory(), draft.webhooks, draft.enabled, now_ms)
        async with self._lock:
            if len(self._rules) >= MAX_RULES:
                raise Problem(409, "Too many alerts", f"at most {MAX_RULES} are kept")
            await kept.insert_rule(self._store, stored)
            live = self._rules[rule.id] = LiveRule(stored, Attention())
        return live

    async def change_rule(self, rule_id: str, draft: RuleDraft) -> LiveRule:
        """Replace a rule. One that watches something else now, or was off, is armed anew."""
        await self._check(draft)
        async with self._lock:
            live = self.rule(rule_id)
            before = live.stored
            rule = replace(draft.rule, id=rule_id)
            is_new_question = rule.watched != before.rule.watched or not before.enabled
            memory = before.memory
            if is_new_question:
                memory = Memory(sequence=memory.sequence, fired_ms=memory.fired_ms)
            changed = replace(
                before, rule=rule, memory=memory, webhooks=draft.webhooks, enabled=draft.enabled
            )
            try:
                live.stored = await kept.update_rule(self._store, changed)
            except RuleChangedError as error:
                raise Problem(409, "Alert changed", "someone else changed it first") from error
            live.attention = Attention() if is_new_question else resettle(live.state).attention
            return live

    async def delete_rule(self, rule_id: str) -> None:
        """Forget a rule; its events stay in the log."""
        async with self._lock:
            self.rule(rule_id)
            await kept.delete_rule(self._store, rule_id)
            self._rules.pop(rule_id, None)

    async def delete_webhook(self, webhook_id: str) -> None:
        """Forget a webhook, and that rules were to call it."""
        async with self._lock:
            await self.endpoints.delete(webhook_id)
            for live in self._rules.values():
                left = tuple(name for name in live.stored.webhooks if name != webhook_id)
                live.stored = replace(live.stored, webhooks=left)

    async def show(self, state: BoardState) -> None:
        """Show one published state to every rule of its asset."""
        async with self._lock:
            for live in self._rules.values():
                if live.stored.enabled and live.stored.rule.asset == state.asset:
                    await self._show_supervised(live, state)

    async def _show_supervised(self, live: LiveRule, state: BoardState) -> None:
        try:
            try:
                await self._show(live, state)
            except RuleChangedError:
                await self._reload()
        except Exception:  # noqa: BLE001 - neither one rule nor a lost database ends the others
            # nothing was kept and the state stands: the next publication tries again
            _log.exception("alerts.evaluation_failed", rule=live.stored.rule.id)

    async def _show(self, live: LiveRule, state: BoardState) -> None:
        stored = live.stored
        position = stored.rule.position or state.position
        seen = observe(stored.rule, state, self._snapshot_for(state, position))
        if seen is None:
            live.attention = replace(live.attention, is_blind=True)
            return
        after, fired = evaluate(stored.rule, live.state, seen)
        if after.memory is not stored.memory:
            event = None if fired is None else self._event(stored, fired, state.source)
            live.stored = await kept.record(self._store, stored, after.memory, event)
            if event is not None:
                self._announce(live.stored, event)
        live.attention = after.attention

    def _event(self, stored: StoredRule, fired: Fired, source: Source) -> Event:
        now_ms = self._clock_ms()
        rule = stored.rule
        return Event(
            id=new_id("evt", now_ms),
            rule_id=rule.id,
            sequence=fired.sequence,
            type=EVENT_TYPES[rule.kind],
            body=encode_event(rule, fired, source.value, now_ms),
            created_ms=now_ms,
            muted=self.is_muted(source),
        )

    def _announce(self, stored: StoredRule, event: Event) -> None:
        self.worker.wake()
        _log.info("alerts.fired", rule=stored.rule.id, type=event.type, sequence=event.sequence)
        for listener in self._listeners:
            listener(stored, event)

    async def _evaluate_news(self) -> None:
        shown: dict[str, int] = {}
        while True:
            latest = (self._hub.latest(asset) for asset in self._hub.assets())
            news = [s for s in latest if s is not None and s.seq > shown.get(s.asset, 0)]
            if not news:
                # no await since the look at the hub, so no publication is missed
                await self._hub.changed()
            for state in news:
                shown[state.asset] = state.seq
                await self.show(state)

    async def _forget_in_time(self) -> None:
        while True:
            try:
                await kept.forget_events(self._store, self._clock_ms() - KEPT_EVENTS_MS)
            except Exception:  # noqa: BLE001 - a database that is away comes back
                _log.exception("alerts.retention_failed")
            await asyncio.sleep(FORGET_S)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                async with self._lock:
                    await self._reload()
            except Exception:  # noqa: BLE001 - a database that is away comes back
                _log.exception("alerts.refresh_failed")

    async def _reload(self) -> None:
        """Take over what is kept, without forgetting evidence."""
        rules = {}
        for stored in await kept.list_rules(self._store):
            live = self._rules.get(stored.rule.id)
            if live is None:
                live = LiveRule(stored, resume(stored.memory).attention)
            else:
                live.attention = take_over(live.state, stored.memory).attention
            live.stored = stored
            rules[stored.rule.id] = live
        self._rules = rules

    async def _check(self, draft: RuleDraft) -> None:
        known_assets = self._assets or self._hub.assets()
        if draft.rule.asset not in known_assets:
            raise Problem(
                404,
                "Unknown asset",
                f"asset: expected one of {', '.join(known_assets)}, was {draft.rule.asset!r}",
            )
        known = {endpoint.id for endpoint in await self.endpoints.all()}
        for webhook_id in draft.webhooks:
            if webhook_id not in known:
                raise Problem(422, "Bad parameter", f"webhooks: there is no {webhook_id!r}")
