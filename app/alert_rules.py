"""What a rule may watch: the seven kinds, their own numbers, and how each reads the board.

Pure. Knows the values of one instant; what a rule remembers is in `alerts`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.hub import FeedStatus
from dealers.rules import PositionModel
from loops.gain import DEFAULT_PERMANENCE, gamma_loop_gain
from loops.impact import impact_per_usd

DEAD_BAND_PCT = 0.25
CONFIRM_S = 10.0
COOLDOWN_S = 300.0


class RuleKind(StrEnum):
    """What a rule watches."""

    FLIP_CROSSED = "flip_crossed"
    REGIME_CHANGED = "regime_changed"
    LEVEL_NEAR = "level_near"
    NET_GEX_BEYOND = "net_gex_beyond"
    HEDGE_FLOW_BEYOND = "hedge_flow_beyond"
    LOOP_GAIN_BEYOND = "loop_gain_beyond"
    DATA_STALE = "data_stale"


class Level(StrEnum):
    """A price level that spot may come near."""

    FLIP = "flip"
    CALL_WALL = "call_wall"
    PUT_WALL = "put_wall"


class Beyond(StrEnum):
    """Which side of its threshold a number must be on."""

    ABOVE = "above"
    BELOW = "below"


class Side(StrEnum):
    """Where a reading stands; as a direction, where it went."""

    UP = "up"  # above the flip, long gamma, near the level, beyond the threshold, stale
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one rule sees of the board at one instant of the exchange's clock.

    `hedge_flow_usd` is for the rule's own move; `depth_usd` rested within 0.5 % of mid, the mean of
    both sides, the median of the last 15 minutes. None is unknown, never zero.
    """

    status: FeedStatus
    as_of_ms: int
    age_ms: int
    position: str | None = None
    spot_usd: float | None = None
    flip_usd: float | None = None
    call_wall_usd: float | None = None
    put_wall_usd: float | None = None
    gex_usd_per_1pct: float | None = None
    gross_gex_usd_per_1pct: float | None = None
    hedge_flow_usd: float | None = None
    depth_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A number, the threshold beyond which it is up, and the one back beyond which it is down.

    Between the two nothing is decided.
    """

    value: float
    up_beyond: float
    down_beyond: float
    when: Beyond = Beyond.ABOVE

    @property
    def side(self) -> Side | None:
        """Which side of the dead band the value is on, None inside it."""
        sign = 1 if self.when == Beyond.ABOVE else -1
        if sign * (self.value - self.up_beyond) > 0:
            return Side.UP
        return Side.DOWN if sign * (self.value - self.down_beyond) < 0 else None


def _beyond(value: float, threshold: float, when: Beyond, band: float) -> Reading:
    """Up at the threshold itself, down a dead band before it."""
    return Reading(
        value, threshold, threshold - band if when == Beyond.ABOVE else threshold + band, when
    )


class Params(BaseModel):
    """A kind's own numbers, as a user writes them and as they are kept."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


# enums arrive as text, which strict mode would refuse
_Level = Annotated[Level, Field(strict=False)]
_When = Annotated[Beyond, Field(strict=False)]


class FlipCrossed(Params):
    """Spot against the gamma flip, as a fraction of the flip."""

    def read(self, seen: Observation, band: float) -> Reading | None:
        """Measure (spot - flip) / flip."""
        if seen.spot_usd is None or seen.flip_usd is None or seen.flip_usd <= 0:
            return None
        return Reading((seen.spot_usd - seen.flip_usd) / seen.flip_usd, band, -band)


class RegimeChanged(Params):
    """The sign of net GEX at spot, as a fraction of gross GEX."""

    def read(self, seen: Observation, band: float) -> Reading | None:
        """Measure net over gross."""
        if seen.gex_usd_per_1pct is None or not seen.gross_gex_usd_per_1pct:
            return None
        return Reading(seen.gex_usd_per_1pct / seen.gross_gex_usd_per_1pct, band, -band)


class LevelNear(Params):
    """Which level, and how near in per cent of it."""

    level: _Level = Level.FLIP
    within_pct: Annotated[float, Field(gt=0, le=50)] = 1.0

    def read(self, seen: Observation, band: float) -> Reading | None:
        """Measure the distance in per cent of the level."""
        level = self.level_usd(seen)
        if seen.spot_usd is None or level is None or level <= 0:
            return None
        distance_pct = 100 * abs(seen.spot_usd - level) / level
        return _beyond(distance_pct, self.within_pct, Beyond.BELOW, 100 * band)

    def level_usd(self, seen: Observation) -> float | None:
        """Return the watched level."""
        return {
            Level.FLIP: seen.flip_usd,
            Level.CALL_WALL: seen.call_wall_usd,
            Level.PUT_WALL: seen.put_wall_usd,
        }[self.level]


class NetGexBeyond(Params):
    """A threshold of net GEX; by default the point where hedging starts to amplify."""

    gex_usd_per_1pct: float = 0.0
    when: _When = Beyond.BELOW

    def read(self, seen: Observation, band: float) -> Reading | None:
        """Measure net GEX; the dead band is a share of gross."""
        if seen.gex_usd_per_1pct is None or seen.gross_gex_usd_per_1pct is None:
            return None
        width = band * seen.gross_gex_usd_per_1pct
        return _beyond(seen.gex_usd_per_1pct, self.gex_usd_per_1pct, self.when, width)


class HedgeFlowBeyond(Params):
    """A threshold of hedge flow after a sudden move; by default selling into a 1 % drop."""

    move_pct: Annotated[float, Field(ge=-50, le=50)] = -1.0
    flow_usd: float = 0.0
    when: _When = Beyond.BELOW

    def read(self, seen: Observation, band: float) -> Reading | None:
        """Measure the flow in USD; the dead band is a share of gross GEX times the move."""
        if seen.hedge_flow_usd is None or seen.gross_gex_usd_per_1pct is None:
            return None
        width = band * seen.gross_gex_usd_per_1pct * abs(self.move_pct)
        return _beyond(seen.hedge_flow_usd, self.flow_usd, self.when, width)


class LoopGainBeyond(Params):
    """A threshold of the gamma loop gain for a stated depth, else that of the books."""

    gain: float = 0.5
    depth_usd: Annotated[float, Field(gt=0)] | None = None
    permanence: Annotated[float, Field(gt=0, le=1)] = DEFAULT_PERMANENCE
    when: _When = Beyond.ABOVE

    def read(self, seen: Observation, band: float) -> Reading | None:
        """Measure the gain; the dead band is absolute."""
        depth_usd = seen.depth_usd if self.depth_usd is None else self.depth_usd
        if seen.gex_usd_per_1pct is None or depth_usd is None:
            return None
        impact = impact_per_usd(depth_usd)
        gain = gamma_loop_gain(seen.gex_usd_per_1pct, impact, self.permanence)
        return _beyond(gain, self.gain, self.when, band)


class DataStale(Params):
    """The age in seconds at which the newest data counts as stale."""

    after_s: Annotated[float, Field(gt=0, le=86_400)] = 10.0

    def read(self, seen: Observation, _band: float) -> Reading | None:
        """Measure the age; one limit for both directions, since an age never hovers."""
        return Reading(seen.age_ms / 1000, self.after_s, self.after_s)


Watched = (
    FlipCrossed
    | RegimeChanged
    | LevelNear
    | NetGexBeyond
    | HedgeFlowBeyond
    | LoopGainBeyond
    | DataStale
)
KINDS: dict[RuleKind, type[Watched]] = {
    RuleKind.FLIP_CROSSED: FlipCrossed,
    RuleKind.REGIME_CHANGED: RegimeChanged,
    RuleKind.LEVEL_NEAR: LevelNear,
    RuleKind.NET_GEX_BEYOND: NetGexBeyond,
    RuleKind.HEDGE_FLOW_BEYOND: HedgeFlowBeyond,
    RuleKind.LOOP_GAIN_BEYOND: LoopGainBeyond,
    RuleKind.DATA_STALE: DataStale,
}


def parse_watched(kind: RuleKind, params: dict[str, Any]) -> Watched:
    """Build what a kind watches from its numbers. Raises pydantic's `ValidationError`."""
    return KINDS[kind].model_validate(params)


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert as its user defined it. `position` None is the board's own model."""

    id: str
    asset: str
    kind: RuleKind
    watched: Watched
    position: PositionModel | None = None
    dead_band_pct: float = DEAD_BAND_PCT
    confirm_s: float = CONFIRM_S
    cooldown_s: float = COOLDOWN_S


def read(rule: Rule, seen: Observation) -> Reading | None:
    """Measure what the rule watches; None freezes it: stale, maintenance, or a missing level."""
    knowable = {FeedStatus.LIVE}
    if rule.kind == RuleKind.DATA_STALE:
        knowable.add(FeedStatus.STALE)
    if seen.status not in knowable:
        return None
    reading = rule.watched.read(seen, rule.dead_band_pct / 100)
    return reading if reading is not None and math.isfinite(reading.value) else None


def level_usd(rule: Rule, seen: Observation) -> float | None:
    """Return the price level that a rule's cause is judged by: its own, else the flip."""
    if isinstance(rule.watched, LevelNear):
        return rule.watched.level_usd(seen)
    return seen.flip_usd
