"""Every zero of a profile: bracketed on a ladder, refined on the exact sum.

A curve is a leading set of weights of a `Mixture`, summed over the whole book or over one group.
Knows Gaussians and log-moves; knows no option and no dealer.
"""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import BoolArray, FloatArray, IntArray
from greeks.ladder import Ladder
from greeks.mixture import WHOLE, Mixture

_UNSURE = 1e-10  # of a curve's largest value: below this the fast sum's sign is not trusted
_GRAZE = 0.155  # of its neighbours' sum: below it a level may hide two zeros beside it
_FINE_STEP = 0.5  # of the narrowest width: spacing of the levels added around narrow Gaussians
_MAX_FINE_LEVELS = 4000
_MAX_ITERATIONS = 60
_BISECTION_TOLERANCE = 1e-15
_NEWTON_TOLERANCE = 1e-8
"""A Newton step this small leaves an error of its square over the narrowest width: 1e-14."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Values of R curves on common rising log-moves, their signs exact.

    Attributes
    ----------
    sets, groups : (R,) the set of weights of each curve, and its group or `WHOLE`.
    moves : (L,) log-moves.
    values : (R, L).
    """

    sets: IntArray
    groups: IntArray
    moves: FloatArray
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Roots:
    """Zeros of several curves.

    Attributes
    ----------
    sets, groups : the curve of each zero, as in `Curves`.
    move : ln(S'/S) of each zero, rising within each curve.
    slope : derivative of the curve by the log-move there.
    """

    sets: IntArray
    groups: IntArray
    move: FloatArray
    slope: FloatArray


@dataclass(frozen=True, slots=True)
class _Brackets:
    """Intervals over which a curve changes sign, its value at the low end, and a first guess."""

    sets: IntArray
    groups: IntArray
    low: FloatArray
    high: FloatArray
    value_low: FloatArray
    start: FloatArray


def sample_curves(
    mixture: Mixture, ladder: Ladder, total: FloatArray, by_group: FloatArray
) -> list[Curves]:
    """The curves of each leading set, whole (P, M) and by group (P, G, M), from the ladder.

    Values too small for the fast sum's sign are evaluated anew. A group so narrow that the
    ladder may step over it gets its own finer levels, and the whole book those of all such groups.
    """
    values = np.concatenate([total[:, None], by_group], axis=1)
    size = np.abs(values)
    unsure = size < _UNSURE * size.max(axis=2, keepdims=True)
    for row in np.flatnonzero(unsure.any(axis=(0, 2))).tolist():
        _settle_signs(mixture, ladder, row + WHOLE, values[:, row], unsure[:, row])
    sets = np.repeat(np.arange(len(values))[:, None], values.shape[1], axis=1)
    groups = np.broadcast_to(np.arange(WHOLE, by_group.shape[1]), sets.shape)
    fine = _fine_moves(mixture, ladder)
    plain = ~np.isin(groups, [WHOLE, *fine]) if fine else np.ones(groups.shape, bool)
    curves = [Curves(sets[plain], groups[plain], ladder.moves, values[plain])]
    if fine:
        fine[WHOLE] = np.concatenate(list(fine.values()))
        curves += [_refined(mixture, ladder, g, values[:, g - WHOLE], fine[g]) for g in fine]
    return curves


def _settle_signs(
    mixture: Mixture, ladder: Ladder, group: int, values: FloatArray, unsure: BoolArray
) -> None:
    """Write exact values over unsure ones; beyond the curve's reach they are zero."""
    low, high = mixture.extent()
    rows = slice(None) if group == WHOLE else slice(group, group + 1)
    reached = slice(*ladder.moves.searchsorted([min(low[rows]), max(high[rows])]))
    columns = reached.start + np.flatnonzero(unsure[:, reached].any(axis=0))
    exact = mixture.leading_at(ladder.moves[columns], group)
    exact = np.where(unsure[:, columns], exact, values[:, columns])
    values[unsure] = 0.0
    values[:, columns] = exact


def _fine_moves(mixture: Mixture, ladder: Ladder) -> dict[int, FloatArray]:
    """For groups narrower than two steps: levels half a width apart wherever the group reaches."""
    fine = {}
    low, high = mixture.extent()
    for group, width in enumerate(mixture.narrowest()):
        if width < 2 * ladder.step:
            bottom, top = max(low[group], ladder.moves[0]), min(high[group], ladder.moves[-1])
            count = int(np.clip((top - bottom) / (_FINE_STEP * width), 0, _MAX_FINE_LEVELS))
            fine[group] = np.linspace(bottom, top, count)
    return fine


def _refined(
    mixture: Mixture, ladder: Ladder, group: int, values: FloatArray, extra: FloatArray
) -> Curves:
    moves = np.concatenate([ladder.moves, extra])
    order = np.argsort(moves, kind="stable")
    both = np.concatenate([values, mixture.leading_at(extra, group)], axis=1)
    sets = np.arange(len(values))
    return Curves(sets, np.full_like(sets, group), moves[order], both[:, order])


def find_roots(mixture: Mixture, curves: list[Curves]) -> Roots:
    """All zeros of the curves: sign changes, and pairs of zeros between two levels.

    Newton's method, with bisection as its safeguard, refines all zeros at once on the exact
    sums to the last bits of the log-move.
    """
    found = [_sign_changes(batch) for batch in curves]
    found += [_hidden_pairs(mixture, batch) for batch in curves]
    sets, groups, low, high, value_low, start = (
        np.concatenate([getattr(part, name) for part in found])
        for name in ("sets", "groups", "low", "high", "value_low", "start")
    )
    if not len(groups):
        return Roots(sets, groups, low, low)
    points = _PointSums.of(mixture, sets, groups)
    move, slope = _refine(points, low, high, value_low, start, order=0)
    order = np.lexsort((move, groups, sets))
    return Roots(sets[order], groups[order], move[order], slope[order])


def _sign_changes(curves: Curves) -> _Brackets:
    """Neighbouring nonzero values of opposite sign; zeros between them belong to the change."""
    flat, length = curves.values.ravel(), len(curves.moves)
    known = np.flatnonzero(flat)
    positive = flat[known] > 0
    change = np.flatnonzero(positive[1:] != positive[:-1])
    left, right = known[change], known[change + 1]
    one_curve = left // length == right // length
    left, right = left[one_curve], right[one_curve]
    row, low, high = left // length, curves.moves[left % length], curves.moves[right % length]
    start = low + (high - low) * flat[left] / (flat[left] - flat[right])
    inside = (left % length > 0) & (left % length < length - 2) & (right == left + 1)
    start[inside] = _cubic_guess(curves, left[inside], low[inside], high[inside], start[inside])
    return _Brackets(curves.sets[row], curves.groups[row], low, high, flat[left], start)


def _cubic_guess(
    curves: Curves, left: IntArray, low: FloatArray, high: FloatArray, linear: FloatArray
) -> FloatArray:
    """Where the move as a cubic of the value, through two levels to each side, has value zero.

    Neville's scheme; `linear` where that leaves the bracket.
    """
    at = np.arange(-1, 3)[:, None] + left
    value = curves.values.ravel()[at]
    guess = curves.moves[at % len(curves.moves)]
    with np.errstate(all="ignore"):
        for k in (1, 2, 3):
            first, last = value[:-k], value[k:]
            guess = (last * guess[:-1] - first * guess[1:]) / (last - first)
    return np.where((guess[0] > low) & (guess[0] < high), guess[0], linear)


def _hidden_pairs(mixture: Mixture, curves: Curves) -> _Brackets:
    """Two brackets around each extremum that crosses zero between two levels."""
    values, moves = curves.values, curves.moves
    size = np.abs(values)
    row, at = np.nonzero(size[:, 1:-1] < _GRAZE * (size[:, 2:] + size[:, :-2]))
    before, middle, after = values[row, at], values[row, at + 1], values[row, at + 2]
    sign = np.sign(middle)  # the value dips towards zero, of one sign throughout
    dips = (before * sign > middle * sign) & (after * sign > middle * sign)
    row, at, middle = row[dips], at[dips], middle[dips]
    extremum = value = middle
    if len(row):
        points = _PointSums.of(mixture, curves.sets[row], curves.groups[row])
        slope = points.at(moves[at])[1]
        extremum, _ = _refine(points, moves[at], moves[at + 2], slope, moves[at + 1], order=1)
        value = points.at(extremum)[0]
    pairs = np.flatnonzero(value * middle < 0)
    row, at, extremum, value = row[pairs], at[pairs], extremum[pairs], value[pairs]
    low = np.concatenate([moves[at], extremum])
    high = np.concatenate([extremum, moves[at + 2]])
    value_low = np.concatenate([values[row, at], value])
    value_high = np.concatenate([value, values[row, at + 2]])
    return _Brackets(
        np.tile(curves.sets[row], 2),
        np.tile(curves.groups[row], 2),
        low,
        high,
        value_low,
        low + (high - low) * value_low / (value_low - value_high),
    )


def _refine(
    points: "_PointSums",
    low: FloatArray,
    high: FloatArray,
    at_low: FloatArray,
    start: FloatArray,
    order: int,
) -> tuple[FloatArray, FloatArray]:
    """Zeros of the curves (`order` 0) or of their slopes (1), and the next derivative there."""
    rises = at_low < 0
    move = start
    for _ in range(_MAX_ITERATIONS):
        value, slope = points.at(move)[order : order + 2]
        below = (value < 0) == rises
        low, high = np.where(below, move, low), np.where(below, high, move)
        with np.errstate(all="ignore"):
            newton = move - value / slope
        inside = (newton >= low) & (newton <= high)
        following = np.where(inside, newton, (low + high) / 2)
        following = np.where(value == 0, move, following)
        tolerance = np.where(inside, _NEWTON_TOLERANCE, _BISECTION_TOLERANCE)
        settled = np.abs(following - move) <= tolerance
        move = following
        if settled.all():
            break
    return move, slope


@dataclass(frozen=True, slots=True)
class _PointSums:
    """Several curves, each to be evaluated at one log-move of its own, rows laid end to end."""

    centre: FloatArray
    sd: FloatArray
    weight: FloatArray
    counts: IntArray
    offsets: IntArray

    @classmethod
    def of(cls, mixture: Mixture, sets: IntArray, groups: IntArray) -> "_PointSums":
        edges = np.append(mixture.starts, len(mixture.sd))
        start = np.where(groups == WHOLE, 0, edges[groups])
        counts = np.where(groups == WHOLE, len(mixture.sd), edges[groups + 1]) - start
        offsets = np.cumsum(counts) - counts
        rows = np.arange(counts.sum()) + np.repeat(start - offsets, counts)
        weight = mixture.weights[np.repeat(sets, counts), rows]
        return cls(mixture.centre[rows], mixture.sd[rows], weight, counts, offsets)

    def at(self, moves: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value, slope and bend of each curve at its own move."""
        z = np.repeat(moves, self.counts) - self.centre
        z /= self.sd
        terms = np.empty((3, len(z)))
        value, slope, bend = terms
        np.multiply(z, z, out=bend)
        np.exp(-0.5 * bend, out=value)
        value *= self.weight
        np.multiply(value, z, out=slope)
        slope /= -self.sd
        bend -= 1
        bend *= value
        bend /= self.sd * self.sd
        value, slope, bend = np.add.reduceat(terms, self.offsets, axis=1)
        return value, slope, bend
