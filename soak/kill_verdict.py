"""What killed boards told, against what is left: the arithmetic of `soak.kills`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

import orjson
from standardwebhooks import Webhook

from app.engine import STALE_AFTER_S
from soak.check import Check
from tests.hostile import Request

DEAD_BAND_PCT = 0.5
CONFIRM_S = 2.0
CLOCK_TOLERANCE_S = 300.0  # what Standard Webhooks lets a receiver tolerate
WALK_PCT_PER_S = 1.0
"""Spot walks at most so far in a second of the exchange's clock."""


@dataclass(frozen=True, slots=True)
class Row:
    """One second of history as the API showed it."""

    spot_usd: float
    flip_usd: float | None
    gex_usd_per_1pct: float

    @property
    def side(self) -> str | None:
        """Where spot is, None inside the dead band and without a flip."""
        return self._side(DEAD_BAND_PCT)

    @property
    def sure_side(self) -> str | None:
        """Where spot is during this whole second."""
        return self._side(DEAD_BAND_PCT + WALK_PCT_PER_S)

    def _side(self, band_pct: float) -> str | None:
        if self.flip_usd is None:
            return None
        distance_pct = 100 * (self.spot_usd / self.flip_usd - 1)
        if abs(distance_pct) <= band_pct:
            return None
        return "up" if distance_pct > 0 else "down"


@dataclass(slots=True)
class Life:
    """One board from its start to its death, by this machine's clock."""

    number: int
    started_s: float
    ended_s: float = 0.0
    shown_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What one board said about the rule: what it remembers, and how far it has looked.

    Seconds are by this machine's clock: when it was asked, how old its data were then, and when
    it had answered.
    """

    life: int
    asked_s: float
    age_s: float
    told_s: float
    status: str
    seen_ms: int | None
    side: str | None
    sequence: int


@dataclass(slots=True)
class Told:
    """Everything that the boards of one lane said, and what the last one still knows."""

    secret: str = ""
    rule_id: str = ""
    since_ms: int = 0  # exchange time when the rule was armed
    lives: list[Life] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)  # by exchange time
    looks: list[Look] = field(default_factory=list)
    rows_after: dict[int, Row] = field(default_factory=dict)
    rules: set[str] = field(default_factory=set)
    rules_after: set[str] = field(default_factory=set)
    description: int = 0  # the last change that was confirmed
    asked_description: int = 0
    description_after: int = 0
    deliveries: set[str] = field(default_factory=set)
    delivered: set[str] = field(default_factory=set)
    status_after: dict[str, str] = field(default_factory=dict)
    events_after: int = 0
    requests: list[Request] = field(default_factory=list)
    redelivered: int = 0
    holes_in_tape: int = 0
    integrity: str = "ok"
    surprises: list[str] = field(default_factory=list)  # what a living board should not have said


@dataclass(frozen=True, slots=True)
class Heard:
    """One event as the receiver heard it, and under which ids."""

    sequence: int
    direction: str
    confirmed_ms: int
    late: bool
    ids: frozenset[str]


def judge(name: str, lanes: list[Told]) -> list[Check]:
    """Three lines: what was kept, what was fired, what arrived."""
    return [
        _kept(f"{name}: acknowledged is kept", lanes),
        judge_events(f"{name}: every crossing once", lanes),
        _arrived(f"{name}: deliveries", lanes),
    ]


def _kept(name: str, lanes: list[Told]) -> Check:
    lost_rows = sum(
        told.rows_after.get(at) != row for told in lanes for at, row in told.rows.items()
    )
    lost_rules = sum(len(told.rules - told.rules_after) for told in lanes)
    lost_changes = sum(
        not told.description <= told.description_after <= told.asked_description for told in lanes
    )
    lost_deliveries = sum(
        len(told.deliveries - told.status_after.keys())
        + sum(told.status_after.get(i) != "delivered" for i in told.delivered)
        for told in lanes
    )
    shown = [life.shown_after_s for told in lanes for life in told.lives if life.shown_after_s]
    holes = sum(told.holes_in_tape for told in lanes)
    broken = sum(told.integrity != "ok" for told in lanes)
    surprises = [surprise for told in lanes for surprise in told.surprises]
    return Check(
        name,
        lost_rows + lost_rules + lost_changes + lost_deliveries + holes + broken == 0
        and not surprises,
        {
            "kills": sum(len(told.lives) for told in lanes),
            "rows acknowledged": sum(len(told.rows) for told in lanes),
            "rows lost or changed": lost_rows,
            "rules acknowledged": sum(len(told.rules) for told in lanes),
            "rules lost": lost_rules,
            "changes acknowledged": sum(told.description for told in lanes),
            "changes lost": lost_changes,
            "delivery lines lost": lost_deliveries,
            "holes in the tape": holes,
            "damaged files": broken,
            "refusals of a living board": len(surprises),
            **({"refused": str(surprises)} if surprises else {}),
            "lives that showed a state": len(shown),
            "start to first state, median s": round(median(shown), 2) if shown else "none",
        },
    )


def judge_events(name: str, lanes: list[Told]) -> Check:
    """Whether rules remembered and fired what the machine promises, no more and no less."""
    pairs = [(events(told), told) for told in lanes]
    heard = [lane for lane, _ in pairs]
    gaps = sum(
        [event.sequence for event in lane] != list(range(1, told.events_after + 1))
        for lane, told in pairs
    )
    repeats = sum(a.direction == b.direction for lane in heard for a, b in pairwise(lane))
    false = sum(_is_false(event, told) for lane, told in pairs for event in lane)
    proofs = [proof for _, told in pairs for proof in confirmed(told)]
    missed = [look for look, side in proofs if look.side != side]
    forgotten = sum(_forgets(a, b) for _, told in pairs for a, b in pairwise(told.looks))
    late = sum(_is_wrongly_late(lane, told) for lane, told in pairs)
    others = sum(_contradicts(lane, look) for lane, told in pairs for look in told.looks)
    return Check(
        name,
        gaps + repeats + false + len(missed) + forgotten + others + late == 0 and bool(proofs),
        {
            "events": sum(map(len, heard)),
            "of them late": sum(event.late for lane in heard for event in lane),
            "looks at the rule": sum(len(told.looks) for told in lanes),
            "of them with a side confirmed": len(proofs),
            "crossings missed": len(missed),
            **({"missed": str(missed)} if missed else {}),
            "sides forgotten or changed without an event": forgotten,
            "sides that differ from the event": others,
            "called late though seen": late,
            "false events": false,
            "sides that do not alternate": repeats,
            "lanes with a gap in the sequence": gaps,
        },
    )


def _arrived(name: str, lanes: list[Told]) -> Check:
    requests = [request for told in lanes for request in told.requests]
    accepted = [request for request in requests if request.code == 204]
    bad = sum(not _is_signed(request, told.secret) for told in lanes for request in told.requests)
    two_ids = sum(len(event.ids) > 1 for told in lanes for event in events(told))
    never = sum(told.events_after - len(events(told)) for told in lanes)
    return Check(
        name,
        bad + two_ids + never == 0 and bool(accepted),
        {
            "requests": len(requests),
            "failed": sum(request.code == 500 for request in requests),
            "hung": sum(request.code == 0 for request in requests),
            "redirected": sum(request.code == 302 for request in requests),
            "accepted": len(accepted),
            "repeated under the same id": len(accepted) - len({r.id for r in accepted}),
            "duplicates by webhook-id": two_ids,
            "events never received": never,
            "bad signatures": bad,
            "pressed again at the end": sum(told.redelivered for told in lanes),
        },
    )


def events(told: Told) -> list[Heard]:
    """What the receiver accepted, by sequence, each event once."""
    bodies: dict[int, tuple[dict[str, object], set[str]]] = {}
    for request in told.requests:
        if request.code != 204:
            continue
        data = orjson.loads(request.body)["data"]
        if data["rule_id"] == told.rule_id:
            bodies.setdefault(data["sequence"], (data, set()))[1].add(request.id)
    return [
        Heard(
            sequence,
            str(data["direction"]),
            int(str(data["confirmed_at"])),
            bool(data["late"]),
            frozenset(ids),
        )
        for sequence, (data, ids) in sorted(bodies.items())
    ]


def confirmed(told: Told) -> list[tuple[Look, str]]:
    """The looks at which the rule must remember this side, by what the machine promises.

    A side is confirmed when one board read it without a break until the steps, each worth at most
    half of the confirm time, add up to it. What the board read between two looks can only add to
    the step, unless it was blind, which takes silence of the index, or spot was elsewhere.
    """
    proofs = []
    held_s = 0.0
    for before, look in pairwise(told.looks):
        side = _side_between(told, before, look)
        if side is None:
            held_s = 0.0
            continue
        held_s += min(_step_s(before, look), CONFIRM_S / 2)
        if held_s >= CONFIRM_S:
            proofs.append((look, side))
    return proofs


def _side_between(told: Told, before: Look, look: Look) -> str | None:
    """The one side on which a board read every state from one look to the next, if it is sure."""
    is_silent = before.age_s + look.told_s - before.asked_s >= STALE_AFTER_S
    is_blind = "frozen" in {before.status, look.status}
    if before.life != look.life or is_silent or is_blind:
        return None
    if before.seen_ms is None or look.seen_ms is None or look.seen_ms < before.seen_ms:
        return None
    seconds = range(before.seen_ms // 1000 * 1000, look.seen_ms + 1, 1000)
    rows = [told.rows_after[at] for at in seconds if at in told.rows_after]
    ends = {seconds[0], seconds[-1]} <= told.rows_after.keys()
    sides = {row.sure_side for row in rows}
    return sides.pop() if ends and len(sides) == 1 else None


def _step_s(before: Look, look: Look) -> float:
    return ((look.seen_ms or 0) - (before.seen_ms or 0)) / 1000


def _forgets(before: Look, look: Look) -> bool:
    """Whether the rule fell back, or changed its side without an event, through a death or not."""
    if look.sequence == before.sequence:
        return look.side != before.side
    return look.sequence < before.sequence


def _contradicts(lane: list[Heard], look: Look) -> bool:
    """Whether a board remembered another side than the event that set it says."""
    return any(e.sequence == look.sequence and e.direction != look.side for e in lane)


def _is_wrongly_late(lane: list[Heard], told: Told) -> bool:
    """Whether an event is called late though its board had confirmed the side before."""
    proven = {(look.life, look.sequence) for look, _ in confirmed(told)}
    lives = {(look.life, look.sequence) for look in told.looks}
    return any(
        event.late and (life, event.sequence) in lives
        for life, sequence in proven
        for event in lane
        if event.sequence == sequence + 1
    )


def _is_false(event: Heard, told: Told) -> bool:
    """Whether spot was elsewhere at some second of the time that confirmed the event."""
    since_ms = event.confirmed_ms - round(1000 * CONFIRM_S)
    seconds = range(-(-since_ms // 1000) * 1000, event.confirmed_ms + 1, 1000)
    rows = [told.rows_after[at] for at in seconds if at in told.rows_after]
    return any(row.side != event.direction for row in rows)


def _is_signed(request: Request, secret: str) -> bool:
    sent = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    right = Webhook(secret).sign(request.id, sent, request.body.decode())
    is_recent = abs(sent.timestamp() - request.received_s) < CLOCK_TOLERANCE_S
    return is_recent and right in request.headers["webhook-signature"].split()
