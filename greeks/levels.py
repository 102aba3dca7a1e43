"""The price levels that matter: gamma flips, walls, max pain, the pin and the next expiry's cliff.

Knows profiles and strikes, not how they were computed.
"""

from dataclasses import dataclass
from math import exp

import numpy as np

from greeks.conventions import FlipDirection, FlipReason, FloatArray
from greeks.pin import Pin

WALL_LOG_RANGE = 0.35
WEAK_STRENGTH = 0.05
NEAR = 0.02
"""A flip's strength looks this far to each side of it."""
WALLS_KEPT = 2


@dataclass(frozen=True, slots=True)
class Flip:
    """One spot level at which net GEX changes sign.

    Attributes
    ----------
    spot_usd : the root of the re-priced profile.
    slope_usd_per_1pct : change of net GEX for +1 % of spot, at the root.
    direction : which side is long gamma.
    strength : max |net GEX| within 2 % of the root over gross GEX at spot, 0 to 1.
    """

    spot_usd: float
    slope_usd_per_1pct: float
    direction: FlipDirection
    strength: float

    @property
    def is_weak(self) -> bool:
        """Too flat to trust: the profile stays within 5 % of gross around the root."""
        return self.strength < WEAK_STRENGTH


@dataclass(frozen=True, slots=True)
class Wall:
    """A strike where much gamma of one kind sits.

    `dominance` is its share, 0 to 1, of all GEX of that kind and sign within reach of spot.
    """

    strike_usd: float
    gex_usd_per_1pct: float
    dominance: float


@dataclass(frozen=True, slots=True)
class Cliff:
    """The gamma that is gone after the next expiry.

    `gross_share` is the expiry's gross GEX over that of the whole book, 0 to 1.
    """

    expiry_ms: int
    net_gex_usd_per_1pct: float
    gross_gex_usd_per_1pct: float
    gross_share: float


@dataclass(frozen=True, slots=True)
class Levels:
    """All levels of one snapshot; a level that does not exist is None, never an edge value.

    `call_walls` and `put_walls` hold the wall and the one behind it, strongest first.
    """

    flips: tuple[Flip, ...]
    flip_usd: float | None  # the flip nearest to spot in log distance
    flip_reason: FlipReason | None  # set exactly when there is no flip
    call_wall_usd: float | None
    put_wall_usd: float | None
    call_walls: tuple[Wall, ...] = ()
    put_walls: tuple[Wall, ...] = ()
    cliff: Cliff | None = None
    pin: Pin | None = None


def describe_flip(spot_usd: float, slope: float, largest_near: float, gross: float) -> Flip:
    """A flip from its root, its slope by the log-move and the largest |net GEX| within 2 %."""
    return Flip(
        spot_usd=spot_usd,
        slope_usd_per_1pct=slope * 0.01,
        direction=FlipDirection.LONG_ABOVE if slope > 0 else FlipDirection.SHORT_ABOVE,
        strength=min(largest_near / gross, 1.0) if gross > 0 else 0.0,
    )


def largest_within(moves: FloatArray, values: FloatArray, low: float, high: float) -> float:
    """Largest |value| of a smooth curve between two log-moves, a peak's top by its parabola."""
    first, last = moves.searchsorted([low, high]).tolist()
    size = np.abs(values[first:last])
    if not len(size):
        return 0.0
    at = int(size.argmax())
    if not 0 < at < len(size) - 1:
        return float(size[at])
    before, top, after = (float(value) for value in size[at - 1 : at + 2])
    bend = 2 * top - before - after
    return top + (after - before) ** 2 / (8 * bend) if bend > 0 else top


def nearest_flip(flips: tuple[Flip, ...], spot_usd: float) -> float | None:
    """The flip nearest to spot in log distance, None when there is none."""
    if not flips:
        return None
    return min((flip.spot_usd for flip in flips), key=lambda level: abs(np.log(level / spot_usd)))


def reason_without_flip(net: FloatArray) -> FlipReason:
    """Why a profile without sign change has no flip."""
    if np.any(net > 0):
        return FlipReason.ALWAYS_LONG
    if len(net) and np.isnan(net).all():
        return FlipReason.UNKNOWN
    return FlipReason.ALWAYS_SHORT if np.any(net < 0) else FlipReason.NO_EXPOSURE


def rank_walls(strike_usd: FloatArray, size: FloatArray, spot_usd: float) -> tuple[Wall, ...]:
    """The strikes of largest positive `size` with |ln(K/S)| < 0.35, strongest first.

    Strikes rise; ties go to the lower one.
    """
    first = int(strike_usd.searchsorted(spot_usd * exp(-WALL_LOG_RANGE), side="right"))
    last = int(strike_usd.searchsorted(spot_usd * exp(WALL_LOG_RANGE)))
    near = np.maximum(size[first:last], 0.0)
    best = (-near).argsort(kind="stable")[:WALLS_KEPT]
    total = float(near.sum())
    return tuple(
        Wall(float(strike_usd[first + i]), float(near[i]), float(near[i]) / total)
        for i in best.tolist()
        if near[i] > 0
    )


def find_walls(
    strike_usd: FloatArray, call_gex: FloatArray, put_gex: FloatArray, spot_usd: float
) -> tuple[tuple[Wall, ...], tuple[Wall, ...]]:
    """Call walls and put walls: strikes of most positive call GEX and most negative put GEX.

    Only strikes with |ln(K/S)| < 0.35 count. Without positive call GEX there is no call wall,
    without negative put GEX no put wall; a put wall's `gex_usd_per_1pct` is negative.
    """
    puts = rank_walls(strike_usd, -put_gex, spot_usd)
    mirrored = (Wall(wall.strike_usd, -wall.gex_usd_per_1pct, wall.dominance) for wall in puts)
    return rank_walls(strike_usd, call_gex, spot_usd), tuple(mirrored)


def max_pain(
    strike_usd: FloatArray, call_open_interest: FloatArray, put_open_interest: FloatArray
) -> float | None:
    """The listed strike at which one expiry's options would pay out least, USD.

    argmin over X of sum C max(X - K, 0) + P max(K - X, 0). The sum is convex in X, so it is the
    lowest strike with at least as much call interest at or below it as put interest above it.
    None without open interest. A bookkeeping fact that says nothing about cause.
    """
    total = float(np.sum(call_open_interest) + np.sum(put_open_interest))
    if not total > 0:
        return None
    puts_above = np.sum(put_open_interest) - np.cumsum(put_open_interest)
    slope = np.cumsum(call_open_interest) - puts_above  # of the pain, right of each strike
    return float(strike_usd[np.argmax(slope >= -1e-12 * total)])
