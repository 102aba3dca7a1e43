"""What killed boards told, against what is left: the arithmetic of `soak.kills`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, pairwise
from statistics import median

import orjson
from standardwebhooks import Webhook

from soak.check import Check
from tests.hostile import Request

DEAD_BAND_PCT = 0.5
CONFIRM_S = 2.0
CLOCK_TOLERANCE_S = 300.0  # what Standard Webhooks lets a receiver tolerate
NOTICE_S, NOTICE_ROWS = 8.0, 6
"""What one board saw for this long, by the exchange's clock, and this often must have been kept.

Three sights confirm a side, since a step counts for half of the confirm time at most; a board may
die after a row of history is kept and before the rule has been shown the same state.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One second of history as the API showed it."""

    spot_usd: float
    flip_usd: float | None
    gex_usd_per_1pct: float

    @property
    def side(self) -> str | None:
        """Where spot is, None inside the dead band and without a flip."""
        if self.flip_usd is None:
            return None
        distance = self.spot_usd / self.flip_usd - 1
        if abs(distance) * 100 <= DEAD_BAND_PCT:
            return None
        return "up" if distance > 0 else "down"


@dataclass(slots=True)
class Life:
    """One board from its start to its death, by this machine's clock."""

    number: int
    started_s: float
    ended_s: float = 0.0
    shown_after_s: float | None = None


@dataclass(slots=True)
class Told:
    """Everything that the boards of one lane said, and what the last one still knows."""

    secret: str = ""
    rule_id: str = ""
    since_ms: int = 0  # exchange time when the rule was armed
    lives: list[Life] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)  # by exchange time
    life_of: dict[int, int] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True)
class Heard:
    """One event as the receiver heard it, and under which ids."""

    sequence: int
    direction: str
    confirmed_ms: int
    late: bool
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Seen:
    """A side that one board saw without a break, until the exchange's time of its last row."""

    side: str
    until_ms: int
    rows: int
    life: int


def judge(name: str, lanes: list[Told]) -> list[Check]:
    """Four lines: what was kept, what was fired, what arrived, how it was."""
    return [
        _kept(f"{name}: acknowledged is kept", lanes),
        _fired(f"{name}: every net crossing once", lanes),
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
    return Check(
        name,
        lost_rows + lost_rules + lost_changes + lost_deliveries + holes + broken == 0,
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
            "lives that showed a state": len(shown),
            "start to first state, median s": round(median(shown), 2) if shown else "none",
        },
    )


def _fired(name: str, lanes: list[Told]) -> Check:
    pairs = [(events(told), told) for told in lanes]
    heard = [lane for lane, _ in pairs]
    gaps = sum(
        [event.sequence for event in lane] != list(range(1, told.events_after + 1))
        for lane, told in pairs
    )
    repeats = sum(a.direction == b.direction for lane in heard for a, b in pairwise(lane))
    false = sum(_is_false(event, told) for lane, told in pairs for event in lane)
    seen = [(lane, told, s) for lane, told in pairs for s in must_have_seen(told)]
    missed = [s for lane, told, s in seen if _side_at(lane, s.until_ms, told) != s.side]
    return Check(
        name,
        gaps + repeats + false + len(missed) == 0 and bool(seen),
        {
            "events": sum(map(len, heard)),
            "of them late": sum(event.late for lane in heard for event in lane),
            "sides that a board saw long enough": len(seen),
            "crossings missed, net": len(missed),
            **({"missed": str(missed)} if missed else {}),
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


def must_have_seen(told: Told) -> list[Seen]:
    """The sides that one board saw unbroken for long and often enough."""
    found: list[Seen] = []
    times = sorted(told.rows)
    for (side, life), group in groupby(
        times, key=lambda at: (told.rows[at].side, told.life_of[at])
    ):
        run = list(group)
        if side is None or len(run) < NOTICE_ROWS or run[-1] - run[0] < 1000 * NOTICE_S:
            continue
        found.append(Seen(side, run[-1], len(run), life))
    return found


def _side_at(lane: list[Heard], at_ms: int, told: Told) -> str | None:
    before = [event for event in lane if event.confirmed_ms <= at_ms + 1000]
    if before:
        return before[-1].direction
    # nothing fired yet: the side is the one that armed the rule, opposite to the first event
    if lane:
        return "up" if lane[0].direction == "down" else "down"
    return told.rows[min(told.rows)].side


def _is_false(event: Heard, told: Told) -> bool:
    row = told.rows_after.get(event.confirmed_ms // 1000 * 1000)
    return row is not None and row.side != event.direction


def _is_signed(request: Request, secret: str) -> bool:
    sent = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    right = Webhook(secret).sign(request.id, sent, request.body.decode())
    is_recent = abs(sent.timestamp() - request.received_s) < CLOCK_TOLERANCE_S
    return is_recent and right in request.headers["webhook-signature"].split()
