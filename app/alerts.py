"""When a rule fires: a pure, edge-triggered machine on what the rule remembers.

Its only clock is the exchange's, and no clock is believed blindly. A step between two
observations counts at most half of the time that is waited for, and a step back takes away as
much as a step forward gave. So a stale clock adds nothing, one jump never confirms anything by
itself, and a clock that leaps to and fro stands still.
"""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.alert_rules import Observation, Reading, Rule, RuleKind, Side, level_usd, read


class Cause(StrEnum):
    """What moved since the side was last established."""

    SPOT_MOVED = "spot_moved"
    LEVEL_MOVED = "level_moved"
    POSITION_CHANGED = "position_changed"
    SETTINGS_CHANGED = "settings_changed"  # the rule's own: the market stood there already


@dataclass(frozen=True, slots=True)
class Memory:
    """What survives a restart: the established side and where things stood then."""

    side: Side | None = None  # None until the first sight
    sequence: int = 0  # events so far
    fired_ms: int | None = None
    spot_usd: float | None = None
    level_usd: float | None = None
    position: str | None = None


@dataclass(frozen=True, slots=True)
class Attention:
    """What a restart forgets: the evidence gathered for the next decision."""

    last_ms: int | None = None  # exchange time of the last readable observation
    is_blind: bool = False  # something unreadable came since
    is_resumed: bool = False  # no side was confirmed since the restart
    is_resettled: bool = False  # the rule's settings changed, and the first sight since stands
    candidate: Side | None = None
    held_ms: float = 0.0  # for how long the candidate stood
    cooled_ms: float = math.inf  # time since the last event


@dataclass(frozen=True, slots=True)
class RuleState:
    """All that a rule knows between two observations."""

    memory: Memory = field(default_factory=Memory)
    attention: Attention = field(default_factory=Attention)


@dataclass(frozen=True, slots=True)
class Fired:
    """A side changed, beyond doubt and for long enough."""

    direction: Side
    cause: Cause | None  # None where neither spot nor a level is involved
    sequence: int
    late: bool
    confirmed_ms: int
    reading: Reading
    seen: Observation


def resume(memory: Memory) -> RuleState:
    """Return the state after a restart: the side is remembered, the evidence is not."""
    return RuleState(memory, Attention(is_resumed=memory.side is not None))


def take_over(state: RuleState, memory: Memory) -> RuleState:
    """Return the state after another process kept something else about the rule.

    The evidence is of the same market and stands; an event that the other fired starts the
    cooldown here too, and a side that it confirmed is no longer late.
    """
    attention = state.attention
    if memory.sequence != state.memory.sequence and memory.fired_ms is not None:
        elapsed_ms = 0 if attention.last_ms is None else attention.last_ms - memory.fired_ms
        attention = replace(attention, is_resumed=False, cooled_ms=max(0.0, elapsed_ms))
    return RuleState(memory, attention)


def resettle(state: RuleState) -> RuleState:
    """Return the state after a change of the rule's settings: what they make of the board counts.

    A crossing that the market was confirming already stays the market's.
    """
    attention = state.attention
    if attention.candidate not in {None, state.memory.side}:
        return state
    return replace(
        state, attention=replace(attention, candidate=None, held_ms=0.0, is_resettled=True)
    )


def evaluate(rule: Rule, state: RuleState, seen: Observation) -> tuple[RuleState, Fired | None]:
    """Show a rule the board once.

    `memory` of the returned state is the same object unless it must be kept.
    """
    reading = read(rule, seen)
    if reading is None:
        return replace(state, attention=replace(state.attention, is_blind=True)), None
    now_ms = _clock_ms(rule, seen)
    memory, attention = state.memory, _attend(rule, state, reading.side, now_ms)
    side = attention.candidate
    if side is not None and memory.side is None:
        return RuleState(_remember(rule, memory, side, seen), attention), None
    if side is None or attention.held_ms < 1000 * rule.confirm_s:
        return RuleState(memory, attention), None
    if side == memory.side:
        return RuleState(memory, replace(attention, is_resumed=False, is_resettled=False)), None
    if attention.cooled_ms < 1000 * rule.cooldown_s:
        return RuleState(memory, attention), None
    fired = Fired(
        direction=side,
        cause=_cause(rule, RuleState(memory, attention), seen),
        sequence=memory.sequence + 1,
        late=attention.is_resumed,
        confirmed_ms=now_ms,
        reading=reading,
        seen=seen,
    )
    established = replace(
        _remember(rule, memory, side, seen), sequence=fired.sequence, fired_ms=now_ms
    )
    rested = replace(attention, is_resumed=False, is_resettled=False, cooled_ms=0.0)
    return RuleState(established, rested), fired


def _clock_ms(rule: Rule, seen: Observation) -> int:
    # while data is stale the exchange's clock stands still: the age carries it on
    return seen.as_of_ms + (seen.age_ms if rule.kind == RuleKind.DATA_STALE else 0)


def _attend(rule: Rule, state: RuleState, side: Side | None, now_ms: int) -> Attention:
    """Add one readable observation to the evidence."""
    before = state.attention
    step_ms = 0 if before.last_ms is None else now_ms - before.last_ms
    held_ms = 0.0
    if side is not None and side == before.candidate:
        # what stood unseen is no evidence
        held_ms = (
            before.held_ms
            if before.is_blind
            else _add(before.held_ms, step_ms, 1000 * rule.confirm_s)
        )
    return Attention(
        last_ms=now_ms,
        is_resumed=before.is_resumed,
        # once it is decided again, it is the market's doing
        is_resettled=before.is_resettled and side is not None and before.candidate in {None, side},
        candidate=side,
        held_ms=held_ms,
        cooled_ms=_cooled_ms(rule, state, step_ms, now_ms),
    )


def _cooled_ms(rule: Rule, state: RuleState, step_ms: int, now_ms: int) -> float:
    before, fired_ms = state.attention, state.memory.fired_ms
    if before.last_ms is None and fired_ms is not None:
        return max(0.0, now_ms - fired_ms)  # downtime counts in full
    return _add(before.cooled_ms, step_ms, 1000 * rule.cooldown_s)


def _add(total_ms: float, step_ms: float, awaited_ms: float) -> float:
    most = awaited_ms / 2
    return max(0.0, total_ms + min(max(step_ms, -most), most))


def _remember(rule: Rule, memory: Memory, side: Side, seen: Observation) -> Memory:
    return replace(
        memory,
        side=side,
        spot_usd=seen.spot_usd,
        level_usd=level_usd(rule, seen),
        position=seen.position,
    )


def _cause(rule: Rule, state: RuleState, seen: Observation) -> Cause | None:
    memory = state.memory
    if rule.kind != RuleKind.DATA_STALE and seen.position != memory.position:
        return Cause.POSITION_CHANGED
    if state.attention.is_resettled:
        return Cause.SETTINGS_CHANGED
    if rule.kind == RuleKind.DATA_STALE:
        return None
    spot = _log_move(memory.spot_usd, seen.spot_usd)
    level = _log_move(memory.level_usd, level_usd(rule, seen))
    return Cause.SPOT_MOVED if spot > level else Cause.LEVEL_MOVED


def _log_move(before: float | None, now: float | None) -> float:
    if not before or not now or before < 0 or now < 0:
        return 0.0
    return abs(math.log(now / before))
