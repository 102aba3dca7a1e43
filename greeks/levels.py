"""The price levels that matter: gamma flips, call and put wall, max pain.

Knows profiles and strikes, not how they were computed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from greeks.conventions import FlipDirection, FlipReason, FloatArray

WALL_LOG_RANGE = 0.35
WEAK_STRENGTH = 0.05
_NEAR = 0.02  # a flip's strength looks this far to each side of it


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
class Levels:
    """All levels of one snapshot; a level that does not exist is None, never an edge value."""

    flips: tuple[Flip, ...]
    flip_usd: float | None  # the flip nearest to spot in log distance
    flip_reason: FlipReason | None  # set exactly when there is no flip
    call_wall_usd: float | None
    put_wall_usd: float | None


def find_flips(
    ladder_usd: FloatArray,
    net: FloatArray,
    gross: float,
    exact: Callable[[FloatArray], FloatArray],
) -> tuple[Flip, ...]:
    """Every sign change of the profile `net` over `ladder_usd`, each refined to its root.

    Parameters
    ----------
    ladder_usd, net : (M,) spot levels and net GEX on them.
    gross : sum of |GEX| at spot, the scale of `Flip.strength`.
    exact : net GEX at arbitrary levels; Brent's method runs on it to 1e-12 of the level.

    A level where the profile is exactly zero on both sides (no gamma left) is no flip.
    """
    sign = np.sign(net)
    held = np.flatnonzero(sign)  # a zero between two signs belongs to the change around it
    changes = np.flatnonzero(np.diff(sign[held]) != 0)
    flips = []
    for left, right in zip(held[changes], held[changes + 1], strict=True):
        root = brentq(
            lambda level: float(exact(np.array([level]))[0]),
            ladder_usd[left],
            ladder_usd[right],
            xtol=1e-12 * ladder_usd[left],
            rtol=1e-14,
        )
        flips.append(_describe(float(root), gross, exact))
    return tuple(flips)


def _describe(root: float, gross: float, exact: Callable[[FloatArray], FloatArray]) -> Flip:
    step = 1e-4
    below, above = exact(root * np.array([1 - step, 1 + step]))
    near = exact(root * np.linspace(1 - _NEAR, 1 + _NEAR, 41))
    strength = float(np.max(np.abs(near)) / gross) if gross > 0 else 0.0
    return Flip(
        spot_usd=root,
        slope_usd_per_1pct=float((above - below) / (2 * step) * 0.01),
        direction=FlipDirection.LONG_ABOVE if above > below else FlipDirection.SHORT_ABOVE,
        strength=min(strength, 1.0),
    )


def nearest_flip(flips: tuple[Flip, ...], spot_usd: float) -> float | None:
    """The flip nearest to spot in log distance, None when there is none."""
    if not flips:
        return None
    return min((flip.spot_usd for flip in flips), key=lambda level: abs(np.log(level / spot_usd)))


def reason_without_flip(net: FloatArray) -> FlipReason:
    """Why a profile without sign change has no flip."""
    if np.any(net > 0):
        return FlipReason.ALWAYS_LONG
    return FlipReason.ALWAYS_SHORT if np.any(net < 0) else FlipReason.NO_EXPOSURE


def find_walls(
    strike_usd: FloatArray, call_gex: FloatArray, put_gex: FloatArray, spot_usd: float
) -> tuple[float | None, float | None]:
    """Call wall and put wall: the strikes of most positive call GEX and most negative put GEX.

    Only strikes with |ln(K/S)| < 0.35 count. A wall that does not exist (no positive call GEX,
    no negative put GEX) is None. Ties go to the lower strike.
    """
    inside = np.flatnonzero(np.abs(np.log(strike_usd / spot_usd)) < WALL_LOG_RANGE)
    call_wall = put_wall = None
    if len(inside):
        top = inside[np.argmax(call_gex[inside])]
        bottom = inside[np.argmin(put_gex[inside])]
        call_wall = float(strike_usd[top]) if call_gex[top] > 0 else None
        put_wall = float(strike_usd[bottom]) if put_gex[bottom] < 0 else None
    return call_wall, put_wall


def max_pain(
    strike_usd: FloatArray, call_open_interest: FloatArray, put_open_interest: FloatArray
) -> float | None:
    """The listed strike at which one expiry's options would pay out least, USD.

    argmin over X of sum C max(X - K, 0) + P max(K - X, 0). None without open interest. It is a
    bookkeeping fact and says nothing about cause.
    """
    if not np.any(call_open_interest + put_open_interest > 0):
        return None
    x = strike_usd[:, None]
    pain = np.maximum(x - strike_usd, 0) @ call_open_interest
    pain += np.maximum(strike_usd - x, 0) @ put_open_interest
    return float(strike_usd[np.argmin(pain)])
