"""The alert machine alone: values in, values out."""

import dataclasses
import math
import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.alert_rules import (
    KINDS,
    Beyond,
    DataStale,
    FlipCrossed,
    HedgeFlowBeyond,
    Level,
    LevelNear,
    LoopGainBeyond,
    NetGexBeyond,
    Observation,
    RegimeChanged,
    Rule,
    RuleKind,
    Side,
    Watched,
    read,
)
from app.alerts import Cause, Fired, Memory, RuleState, evaluate, resettle, resume
from app.hub import FeedStatus

FLIP = 100_000.0
START_MS = 1_795_000_000_000


def make_rule(
    kind: RuleKind = RuleKind.FLIP_CROSSED,
    watched: Watched | None = None,
    *,
    dead_band_pct: float = 0.25,
    confirm_s: float = 10.0,
    cooldown_s: float = 300.0,
) -> Rule:
    return Rule(
        id="alr_1",
        asset="BTC",
        kind=kind,
        watched=watched or KINDS[kind](),
        dead_band_pct=dead_band_pct,
        confirm_s=confirm_s,
        cooldown_s=cooldown_s,
    )


def see(
    second: float,
    spot_pct: float = 0.0,
    *,
    flip_usd: float | None = FLIP,
    status: FeedStatus = FeedStatus.LIVE,
    position: str = "naive",
    age_ms: int = 0,
    **more: float | None,
) -> Observation:
    """See spot `spot_pct` per cent above 100,000 USD at a second of the exchange's clock."""
    return Observation(
        status=status,
        as_of_ms=START_MS + round(1000 * second),
        age_ms=age_ms,
        position=position,
        spot_usd=FLIP * (1 + spot_pct / 100),
        flip_usd=flip_usd,
        **more,
    )


def run(
    watching: Rule, seen: Iterable[Observation], state: RuleState | None = None
) -> tuple[RuleState, list[Fired]]:
    state, events = state or RuleState(), []
    for observation in seen:
        state, fired = evaluate(watching, state, observation)
        if fired is not None:
            events.append(fired)
    return state, events


def walk(path_pct: Sequence[float], start_s: int = 0) -> list[Observation]:
    return [see(start_s + second, pct) for second, pct in enumerate(path_pct)]


def ramp(start: float, stop: float, seconds: int) -> list[float]:
    return [start + (stop - start) * i / seconds for i in range(seconds)]


def test_a_walk_up_down_and_hovering_fires_exactly_the_crossings() -> None:
    rng = random.Random(7)
    hover = [rng.uniform(-0.24, 0.24) for _ in range(900)]
    path = [
        *ramp(-2, 2, 400),  # up through the flip
        *ramp(2, 0.2, 180),
        *hover,  # inside the dead band: nothing
        *ramp(0.2, -2, 220),  # down
        *ramp(-2, 0.2, 220),
        *hover,
        *ramp(0.2, -1, 120),  # came near, went back: nothing
        *ramp(-1, 3, 400),  # up
    ]
    _, events = run(make_rule(), walk(path))
    assert [event.direction for event in events] == [Side.UP, Side.DOWN, Side.UP]
    assert [event.sequence for event in events] == [1, 2, 3]
    for event in events:
        assert event.cause == Cause.SPOT_MOVED
        assert not event.late
        # confirmed 10 s after the first second beyond the band in the new direction
        at = (event.confirmed_ms - START_MS) // 1000
        sign = 1 if event.direction == Side.UP else -1
        assert all(sign * pct > 0.2501 for pct in path[at - 10 : at + 1])
        assert sign * path[at - 11] < 0.2501  # on the band itself, but for rounding


def test_first_sight_arms_and_never_fires() -> None:
    state, events = run(make_rule(confirm_s=0, cooldown_s=0), walk([3.0] * 50))
    assert events == []
    assert state.memory.side == Side.UP


def test_a_side_that_does_not_hold_for_the_confirm_time_is_no_crossing() -> None:
    path = [-1.0] * 20 + ([1.0] * 9 + [-1.0]) * 30
    assert run(make_rule(), walk(path))[1] == []


def test_a_crossing_in_the_cooldown_fires_when_it_ends_if_it_still_stands() -> None:
    path = [-1.0] * 20 + [1.0] * 100 + [-1.0] * 400
    _, (up, down) = run(make_rule(), walk(path))
    assert (up.confirmed_ms - START_MS) / 1000 == 30
    assert (down.confirmed_ms - up.confirmed_ms) / 1000 == 300
    there_and_back = [-1.0] * 20 + [1.0] * 100 + [-1.0] * 100 + [1.0] * 400
    assert len(run(make_rule(), walk(there_and_back))[1]) == 1


@pytest.mark.parametrize(
    "unreadable",
    [
        {"status": FeedStatus.STALE},
        {"status": FeedStatus.MAINTENANCE},
        {"status": FeedStatus.STARTING},
        {"flip_usd": None},
    ],
)
def test_what_cannot_be_read_freezes_the_machine(unreadable: dict[str, object]) -> None:
    watching = make_rule()
    state, _ = run(watching, walk([-1.0] * 20 + [1.0] * 6))
    frozen, events = run(watching, [see(s, 1.0, **unreadable) for s in range(26, 200)], state)
    assert events == []
    assert frozen.memory is state.memory
    assert frozen.attention.held_ms == state.attention.held_ms
    # the 5 s that were seen before still count; what stood unseen does not
    _, (up,) = run(watching, walk([1.0] * 30, start_s=200), frozen)
    assert (up.confirmed_ms - START_MS) / 1000 == 205


def test_a_clock_that_stands_still_confirms_nothing() -> None:
    seen = [*walk([-1.0] * 5), *(see(10, 1.0) for _ in range(1000))]
    assert run(make_rule(), seen)[1] == []


def test_one_jump_of_the_clock_confirms_nothing() -> None:
    seen = [*walk([-1.0] * 5), see(6, 1.0), see(7, 1.0), see(7_200, 1.0)]
    assert run(make_rule(), seen)[1] == []


def test_a_clock_that_leaps_to_and_fro_confirms_nothing() -> None:
    seen = [*walk([-1.0] * 5), *(see(10 + 600 * (i % 2), 1.0) for i in range(1000))]
    assert run(make_rule(), seen)[1] == []


def test_a_clock_that_falls_back_for_good_delays_and_does_not_silence() -> None:
    seen = [*walk([-1.0] * 20 + [1.0] * 30), *walk([-1.0] * 700, start_s=-3_600)]
    _, (up, down) = run(make_rule(), seen)
    assert (up.direction, down.direction) == (Side.UP, Side.DOWN)


def test_a_restart_fires_once_and_late_when_the_side_changed_meanwhile() -> None:
    watching = make_rule()
    state, _ = run(watching, walk([-1.0] * 20))
    path = [1.0] * 600
    _, (event,) = run(watching, walk(path, start_s=3_600), resume(state.memory))
    assert event.late
    assert event.direction == Side.UP
    assert (event.confirmed_ms - START_MS) / 1000 == 3_610


def test_a_crossing_after_the_restart_is_not_late() -> None:
    watching = make_rule()
    state, _ = run(watching, walk([-1.0] * 20))
    path = [-1.0] * 20 + [1.0] * 20
    _, (event,) = run(watching, walk(path, start_s=100), resume(state.memory))
    assert not event.late


def test_downtime_counts_for_the_cooldown() -> None:
    watching = make_rule()
    state, events = run(watching, walk([-1.0] * 20 + [1.0] * 20))
    assert len(events) == 1
    _, (soon,) = run(watching, walk([-1.0] * 400, start_s=100), resume(state.memory))
    assert (soon.confirmed_ms - START_MS) / 1000 == 330
    _, (later,) = run(watching, walk([-1.0] * 400, start_s=1_000), resume(state.memory))
    assert (later.confirmed_ms - START_MS) / 1000 == 1_010


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (see(0, -1.0), see(60, 1.0), Cause.SPOT_MOVED),
        (see(0, -1.0), see(60, -1.0, flip_usd=0.97 * FLIP), Cause.LEVEL_MOVED),
        (see(0, -1.0), see(60, -0.5, flip_usd=0.97 * FLIP), Cause.LEVEL_MOVED),
        (see(0, -1.0), see(60, 2.0, flip_usd=0.99 * FLIP), Cause.SPOT_MOVED),
        (see(0, -1.0), see(60, 1.0, position="reversed"), Cause.POSITION_CHANGED),
    ],
)
def test_the_cause_is_what_moved_more(
    before: Observation, after: Observation, cause: Cause
) -> None:
    _, (event,) = run(make_rule(confirm_s=0), [before, after])
    assert event.cause == cause


def gex(net: float, gross: float = 1e9) -> Observation:
    return see(0, gex_usd_per_1pct=net, gross_gex_usd_per_1pct=gross)


@pytest.mark.parametrize(
    ("kind", "watched", "up", "inside", "down"),
    [
        (RuleKind.FLIP_CROSSED, FlipCrossed(), see(0, 0.3), see(0, 0.2), see(0, -0.3)),
        (RuleKind.REGIME_CHANGED, RegimeChanged(), gex(3e6), gex(2e6), gex(-3e6)),
        (RuleKind.LEVEL_NEAR, LevelNear(), see(0, -0.9), see(0, 1.1), see(0, -1.3)),
        (
            RuleKind.LEVEL_NEAR,
            LevelNear(level=Level.CALL_WALL, within_pct=2),
            see(0, call_wall_usd=1.01 * FLIP),
            see(0, call_wall_usd=1.0215 * FLIP),
            see(0, call_wall_usd=1.03 * FLIP),
        ),
        (RuleKind.NET_GEX_BEYOND, NetGexBeyond(), gex(-1.0), gex(1e6), gex(3e6)),
        (
            RuleKind.NET_GEX_BEYOND,
            NetGexBeyond(gex_usd_per_1pct=5e8, when=Beyond.ABOVE),
            gex(5.1e8),
            gex(4.98e8),
            gex(4.9e8),
        ),
        (
            RuleKind.HEDGE_FLOW_BEYOND,
            HedgeFlowBeyond(flow_usd=-1e8),
            see(0, hedge_flow_usd=-1.1e8, gross_gex_usd_per_1pct=1e9),
            see(0, hedge_flow_usd=-0.99e8, gross_gex_usd_per_1pct=1e9),
            see(0, hedge_flow_usd=-0.9e8, gross_gex_usd_per_1pct=1e9),
        ),
        # depth 50 M USD within 0.5 %: impact 1e-10 a USD, gain = -3e-9 x GEX
        (
            RuleKind.LOOP_GAIN_BEYOND,
            LoopGainBeyond(depth_usd=50e6),
            gex(-1.7e8),
            gex(-1.66e8),
            gex(-1.6e8),
        ),
        (
            RuleKind.DATA_STALE,
            DataStale(),
            see(0, age_ms=10_001, status=FeedStatus.STALE),
            see(0, age_ms=10_000, status=FeedStatus.STALE),
            see(0, age_ms=9_999),
        ),
    ],
)
def test_each_kind_reads_its_two_sides_and_its_dead_band(
    kind: RuleKind, watched: Watched, up: Observation, inside: Observation, down: Observation
) -> None:
    watching = make_rule(kind, watched)
    sides = [
        None if (reading := read(watching, seen)) is None else reading.side
        for seen in (up, inside, down)
    ]
    assert sides == [Side.UP, None, Side.DOWN]


@pytest.mark.parametrize("kind", list(RuleKind))
def test_a_kind_whose_input_is_unknown_freezes(kind: RuleKind) -> None:
    seen = Observation(FeedStatus.STARTING, START_MS, 0)
    assert read(make_rule(kind), seen) is None
    if kind != RuleKind.DATA_STALE:
        assert read(make_rule(kind), dataclasses.replace(seen, status=FeedStatus.LIVE)) is None


def test_loop_gain_takes_the_depth_of_the_books_unless_one_is_stated() -> None:
    seen = dataclasses.replace(gex(-1.7e8), depth_usd=50e6)
    of_the_books = read(make_rule(RuleKind.LOOP_GAIN_BEYOND), seen)
    assert of_the_books is not None
    stated = read(make_rule(RuleKind.LOOP_GAIN_BEYOND, LoopGainBeyond(depth_usd=100e6)), seen)
    assert stated is not None
    assert of_the_books.value == pytest.approx(2 * stated.value, rel=1e-12)
    assert read(make_rule(RuleKind.LOOP_GAIN_BEYOND), gex(-1e12)) is None, "neither is known"


def test_stale_data_fires_by_age_though_the_exchange_clock_stands_still() -> None:
    watching = make_rule(RuleKind.DATA_STALE, cooldown_s=0)
    fresh = [see(second) for second in range(5)]
    silent = [
        see(5, age_ms=1000 * second, status=FeedStatus.STALE if second > 5 else FeedStatus.LIVE)
        for second in range(40)
    ]
    back = [see(45 + second) for second in range(20)]
    _, (stale, recovered) = run(watching, [*fresh, *silent, *back])
    assert (stale.direction, recovered.direction) == (Side.UP, Side.DOWN)
    assert (stale.confirmed_ms - START_MS) / 1000 == 5 + 11 + 10
    assert stale.cause is None


@pytest.mark.parametrize(
    ("path_before", "path_after", "cause"),
    [
        ([-2.0] * 20 + [0.6] * 20, [0.6] * 20, Cause.SETTINGS_CHANGED),
        ([-2.0] * 20 + [0.6] * 20, [0.1, *[0.6] * 20], Cause.SPOT_MOVED),
        ([-2.0] * 20, [-2.0] * 20 + [0.6] * 20, Cause.SPOT_MOVED),
        ([-2.0] * 20 + [1.2] * 5, [1.2] * 20, Cause.SPOT_MOVED),  # was being confirmed already
    ],
)
def test_a_side_that_only_a_change_of_settings_made_says_so(
    path_before: list[float], path_after: list[float], cause: Cause
) -> None:
    state, fired = run(make_rule(dead_band_pct=1.0), walk(path_before))
    assert not fired
    narrower = make_rule(dead_band_pct=0.25)
    _, (event,) = run(narrower, walk(path_after, len(path_before)), resettle(state))
    assert (event.direction, event.cause) == (Side.UP, cause)


class RestartedMachine(RuleBasedStateMachine):
    """A live rule and its twin, which has nothing but what was kept, under any path."""

    @initialize(
        dead_band_pct=st.sampled_from([0.0, 0.1, 0.25]),
        confirm_s=st.sampled_from([0.0, 1.0, 3.0, 10.0]),
        cooldown_s=st.sampled_from([0.0, 5.0, 60.0]),
    )
    def begin(self, dead_band_pct: float, confirm_s: float, cooldown_s: float) -> None:
        self.rule = make_rule(
            dead_band_pct=dead_band_pct, confirm_s=confirm_s, cooldown_s=cooldown_s
        )
        self.live, self.twin = RuleState(), RuleState()
        self.kept = Memory()
        self.second = 0.0
        self.last: Fired | None = None

    @rule(
        step_s=st.sampled_from([0.0, 0.25, 1.0, 1.0, 4.0, 30.0, 3_600.0]),
        spot_pct=st.sampled_from([-2.0, -0.3, -0.2, 0.0, 0.2, 0.3, 2.0]),
        repeat=st.integers(1, 12),
        is_readable=st.sampled_from([True, True, True, False]),
    )
    def look(self, step_s: float, spot_pct: float, repeat: int, *, is_readable: bool) -> None:
        for _ in range(repeat):
            self.second += step_s
            seen = see(self.second, spot_pct, flip_usd=FLIP if is_readable else None)
            self._show(seen)

    def _show(self, seen: Observation) -> None:
        before = self.live
        self.live, fired = evaluate(self.rule, before, seen)
        self.twin, echo = evaluate(self.rule, self.twin, seen)
        assert fired == echo
        if self.live.memory is not before.memory:
            self.kept = dataclasses.replace(self.live.memory)
        if fired is None:
            return
        assert fired.reading.side == fired.direction  # outside the band
        assert fired.direction != before.memory.side  # the sides alternate
        assert fired.sequence == before.memory.sequence + 1
        if self.last is not None:
            spacing_ms = fired.confirmed_ms - self.last.confirmed_ms
            assert spacing_ms >= 1000 * self.rule.cooldown_s
        self.last = fired

    @precondition(lambda self: self.kept.side is not None)
    @rule()
    def restart(self) -> None:
        self.live = resume(self.live.memory)
        self.twin = resume(self.kept)

    @rule(dead_band_pct=st.sampled_from([0.0, 0.1, 0.25]))
    def change_settings(self, dead_band_pct: float) -> None:
        self.rule = dataclasses.replace(self.rule, dead_band_pct=dead_band_pct)
        self.live, self.twin = resettle(self.live), resettle(self.twin)

    @invariant()
    def what_was_kept_is_what_lives(self) -> None:
        assert self.kept == self.live.memory == self.twin.memory
        assert not math.isnan(self.live.attention.held_ms)


TestRestartedMachine = RestartedMachine.TestCase
TestRestartedMachine.settings = settings(max_examples=2000, stateful_step_count=25)
