"""Every zero of a profile: bracketed on a ladder, refined on the exact sum.

A curve is the first set of weights of a `Mixture`, over the whole book or over one group of it.
Knows Gaussians and log-moves; knows no option and no dealer.
"""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import FloatArray, IntArray
from greeks.ladder import REACH, Ladder
from greeks.mixture import Mixture

WHOLE_BOOK = -1
_UNSURE = 1e-10  # of a curve's largest value: below this the fast sum's sign is not trusted
_GRAZE = 0.1  # of its bend over a cell: how near to zero an extremum must come to be examined
_FINE_STEP = 0.5  # of the narrowest width: spacing of the levels added around narrow Gaussians
_MAX_FINE_LEVELS = 4000
_MAX_ITERATIONS = 60
_MOVE_TOLERANCE = 1e-15


@dataclass(frozen=True, slots=True)
class Roots:
    """Zeros of several curves, in rising order within each curve.

    Attributes
    ----------
    curve : group of each zero, or `WHOLE_BOOK`.
    move : ln(S'/S) of each zero.
    slope : derivative of the curve by the log-move, at the zero.
    """

    curve: IntArray
    move: FloatArray
    slope: FloatArray

    def of(self, curve: int) -> tuple[FloatArray, FloatArray]:
        """Moves and slopes of one curve's zeros."""
        mine = self.curve == curve
        return self.move[mine], self.slope[mine]


@dataclass(frozen=True, slots=True)
class Curve:
    """Exact-signed values of one curve on rising log-moves."""

    group: int
    moves: FloatArray
    values: FloatArray


def find_roots(curves: list[Curve], mixture: Mixture) -> Roots:
    """All zeros of the curves: sign changes, and pairs of zeros between two levels.

    Brackets come from the signs of the values; a pair inside one cell from extrema that come
    near zero, which are then located exactly. Newton's method with bisection as its safeguard
    refines all zeros at once on the exact sums, to the last bits of the log-move.
    """
    found = [_brackets(curve, mixture) for curve in curves]
    groups = [np.full(len(pairs), curve.group) for curve, pairs in zip(curves, found, strict=True)]
    low, high = np.concatenate([*found, np.empty((0, 2))]).T
    owner = np.concatenate([*groups, np.empty(0, np.int64)]).astype(np.int64)
    if not len(owner):
        return Roots(owner, low, low)
    points = _PointSums.of(mixture, owner)
    move, slope = _refine(points, low, high)
    return Roots(owner, move, slope)


def curves_on(
    ladder: Ladder, mixture: Mixture, total: FloatArray, by_group: FloatArray
) -> list[Curve]:
    """The whole book's curve and each group's, from their values on the ladder.

    Values too small for the fast sum's sign are evaluated anew; levels are added where a group
    is so narrow that the ladder would step over it.
    """
    values = np.concatenate([total[None], by_group])
    size = np.abs(values)
    unsure = size < _UNSURE * size.max(axis=1, keepdims=True)
    narrowest = np.minimum.reduceat(mixture.sd, mixture.starts) if len(mixture.starts) else []
    fine = [_fine_moves(ladder, mixture, g) for g in np.flatnonzero(narrowest < 2 * ladder.step)]
    curves = []
    for row, group in enumerate(range(WHOLE_BOOK, len(by_group))):
        moves, curve = ladder.moves, values[row]
        if unsure[row].any():
            curve = curve.copy()
            curve[unsure[row]] = mixture.first_at(moves[unsure[row]], group)
        curves.append(Curve(group, moves, curve))
    return curves
