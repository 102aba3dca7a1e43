"""Every zero of a profile: bracketed on a ladder, refined on the exact sum.

A curve is a leading set of weights of a `Mixture`, summed over the whole book or over one group.
Knows Gaussians and log-moves; knows no option and no dealer.
"""

from dataclasses import dataclass, fields

import numpy as np

from greeks.black76 import differs_from_previous
from greeks.conventions import BoolArray, FloatArray, IntArray
from greeks.ladder import Ladder
from greeks.mixture import WHOLE, Mixture

_UNSURE = 1e-10  # of a curve's largest value: below this the fast sum's sign is not trusted
_GRAZE = 0.155  # of its neighbours' sum: below it a level may hide two zeros beside it
_FINE_STEP = 0.5  # of the narrowest width: spacing of the levels added around narrow Gaussians
_MAX_FINE_LEVELS = 4000
_MAX_ITERATIONS = 60
_BISECTION_TOLERANCE = 1e-15
_STEP_TOLERANCE = 1e-8
"""Newton's step of this size leaves an error of its square over the narrowest width: 1e-14."""


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
class Brackets:
    """Intervals over which a curve changes sign, its value at the low end, and a first guess.

    The guess is where the straight line between the ends is zero.
    """

    sets: IntArray
    groups: IntArray
    low: FloatArray
    high: FloatArray
    value_low: FloatArray
    start: FloatArray


def sample_curves(mixture: Mixture, ladder: Ladder, values: FloatArray) -> list[Curves]:
    """The curves of each leading set, whole and by group, from its sums on the ladder.

    `values` are (P, 1 + G, M) sums as `Mixture.on_with_groups` gives them; those too small for
    the fast sum's sign are evaluated anew in place. A group so narrow that the ladder may step
    over it gets its own finer levels, and the whole book those of all such groups.
    """
    _settle_signs(mixture, ladder, values)
    sets = np.arange(len(values)).repeat(values.shape[1])
    groups = np.tile(np.arange(values.shape[1]) + WHOLE, len(values))
    fine, rows = _fine_moves(mixture, ladder), values.reshape(len(sets), -1)
    if not fine:
        return [Curves(sets, groups, ladder.moves, rows)]
    plain = ~np.isin(groups, [WHOLE, *fine])
    curves = [Curves(sets[plain], groups[plain], ladder.moves, rows[plain])]
    fine[WHOLE] = np.concatenate(list(fine.values()))
    return curves + [_refined(mixture, ladder, g, values[:, g - WHOLE], fine[g]) for g in fine]


def _settle_signs(mixture: Mixture, ladder: Ladder, values: FloatArray) -> None:
    """Write exact sums over (P, 1 + G, M) values too small for the sign of the fast ones.

    Groups that fade out on the ladder are exact already.
    """
    size = np.abs(values)
    unsure = size < _UNSURE * size.max(axis=2, keepdims=True)
    unsure[:, 1:][:, mixture.fades(ladder)] = False
    for row in np.flatnonzero(unsure.any(axis=(0, 2))).tolist():
        mine = unsure[:, row]
        columns = np.flatnonzero(mine.any(axis=0))
        exact = mixture.leading_at(ladder.moves[columns], row + WHOLE)
        values[:, row, columns] = np.where(mine[:, columns], exact, values[:, row, columns])


def _fine_moves(mixture: Mixture, ladder: Ladder) -> dict[int, FloatArray]:
    """For groups narrower than two steps: levels half a width apart wherever the group reaches."""
    narrow = np.flatnonzero(mixture.narrowest < 2 * ladder.step)
    if not len(narrow):
        return {}
    fine, widths = {}, mixture.narrowest
    for group in narrow.tolist():
        low, high = mixture.reach(mixture.rows_of(group))
        bottom, top = max(low, ladder.moves[0]), min(high, ladder.moves[-1])
        count = int(np.clip((top - bottom) / (_FINE_STEP * widths[group]), 0, _MAX_FINE_LEVELS))
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
    """The zeros of the curves: sign changes, and pairs of zeros between two levels.

    All of a whole curve; of a single group the changes next to spot, to each side.

    Halley's method, with bisection as its safeguard, refines all zeros at once on the exact
    sums to the last bits of the log-move.
    """
    found = [find_sign_changes(batch) for batch in curves]
    found += [pair for batch in curves for pair in _hidden_pairs(mixture, batch)]
    brackets = _in_order(found)
    sets, groups = brackets.sets, brackets.groups
    if not len(groups):
        return Roots(sets, groups, brackets.start, brackets.start)
    points = _PointSums.of(mixture, sets, groups)
    return Roots(sets, groups, *_refine(points, brackets, order=0))


def _in_order(found: list[Brackets]) -> Brackets:
    """All brackets in one, by curve and then by place, as a single batch already is."""
    if len(found) == 1:
        return found[0]
    columns = [
        np.concatenate([getattr(part, item.name) for part in found]) for item in fields(Brackets)
    ]
    together = Brackets(*columns)
    order = np.lexsort((together.start, together.groups, together.sets))
    return Brackets(*(column[order] for column in columns))


def find_sign_changes(curves: Curves) -> Brackets:
    """Neighbouring nonzero values of opposite sign; zeros between them belong to the change.

    All of a whole curve, in order; of a single group the last below spot and the first above it.
    """
    flat, length = curves.values.ravel(), len(curves.moves)
    known = np.flatnonzero(flat != 0)
    positive = flat[known] > 0
    change = np.flatnonzero(positive[1:] != positive[:-1])
    left, right = known[change], known[change + 1]
    row = left // length
    one_curve = row == right // length
    row, left, right = row[one_curve], left[one_curve], right[one_curve]
    value_low, value_high = flat[left], flat[right]
    low, high = curves.moves[left % length], curves.moves[right % length]
    start = _chord(low, high, value_low, value_high)
    groups = curves.groups[row]
    kept = np.flatnonzero((groups == WHOLE) | _is_next_to_spot(row, start))
    return Brackets(
        curves.sets[row[kept]], groups[kept], low[kept], high[kept], value_low[kept], start[kept]
    )


def _is_next_to_spot(curve: IntArray, moves: FloatArray) -> BoolArray:
    """Which of each curve's moves, rising, are the last below zero and the first above it."""
    above = moves >= 0
    first = differs_from_previous(curve, above)
    return np.where(above, first, np.append(first[1:], True))


def _chord(
    low: FloatArray, high: FloatArray, value_low: FloatArray, value_high: FloatArray
) -> FloatArray:
    """Where the straight line between two values is zero."""
    return low + (high - low) * (value_low / (value_low - value_high))


def _hidden_pairs(mixture: Mixture, curves: Curves) -> list[Brackets]:
    """Two brackets around each extremum that crosses zero between two levels."""
    values, moves = curves.values, curves.moves
    row, at = _grazing(values)
    before, middle, after = (values[row, at + step] for step in (-1, 0, 1))
    sign = np.sign(middle)  # the value dips towards zero, of one sign throughout
    dips = (before * sign > middle * sign) & (after * sign > middle * sign)
    if not dips.any():
        return []
    row, at, middle = row[dips], at[dips], middle[dips]
    low, high = moves[at - 1], moves[at + 1]
    sets, groups = curves.sets[row], curves.groups[row]
    points = _PointSums.of(mixture, sets, groups)
    slope = points.at(low)[1]
    around = Brackets(sets, groups, low, high, slope, moves[at])
    extremum, _ = _refine(points, around, order=1)
    value = points.at(extremum)[0]
    found = value * middle < 0
    row, low, extremum, high = row[found], low[found], extremum[found], high[found]
    edges = values[row, at[found] - 1], value[found], values[row, at[found] + 1]
    sets, groups = sets[found], groups[found]
    return [
        Brackets(sets, groups, left, right, at_left, _chord(left, right, at_left, at_right))
        for left, right, at_left, at_right in (
            (low, extremum, *edges[:2]),
            (extremum, high, *edges[1:]),
        )
    ]


def _grazing(values: FloatArray) -> tuple[IntArray, IntArray]:
    """Curve and level of the values much smaller than their neighbours."""
    size = np.abs(values)
    beside = size[:, 2:] + size[:, :-2]
    beside *= _GRAZE
    grazes = size[:, 1:-1] < beside
    at = np.flatnonzero(grazes)
    return at // grazes.shape[1], at % grazes.shape[1] + 1


def _refine(points: "_PointSums", brackets: Brackets, order: int) -> tuple[FloatArray, FloatArray]:
    """Zeros of the curves (`order` 0) or of their slopes (1), and the next derivative there.

    Halley's step for the curves, Newton's for their slopes; bisection where it leaves the bracket.
    """
    low, high, move = brackets.low, brackets.high, brackets.start
    rises = brackets.value_low < 0
    for _ in range(_MAX_ITERATIONS):
        value, slope, *bend = points.at(move)[order:]
        below = (value < 0) == rises
        low, high = np.where(below, move, low), np.where(below, high, move)
        with np.errstate(all="ignore"):
            step = value / slope
            if bend:
                step /= 1 - 0.5 * step * bend[0] / slope
        following = move - step
        inside = (following >= low) & (following <= high)
        if not inside.all():
            following = np.where(inside, following, (low + high) / 2)
        following[value == 0] = move[value == 0]
        tolerance = np.where(inside, _STEP_TOLERANCE, _BISECTION_TOLERANCE)
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
        rows = [mixture.rows_of(group) for group in groups.tolist()]
        counts = np.array([each.stop - each.start for each in rows])
        owners = zip(sets.tolist(), rows, strict=True)
        return cls(
            np.concatenate([mixture.centre[each] for each in rows]),
            np.concatenate([mixture.sd[each] for each in rows]),
            np.concatenate([mixture.weights[own, each] for own, each in owners]),
            counts,
            np.cumsum(counts) - counts,
        )

    def at(self, moves: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value, slope and bend of each curve at its own move."""
        z = np.repeat(moves, self.counts) - self.centre
        z /= self.sd
        terms = np.empty((3, len(z)))
        value, slope, bend = terms
        np.multiply(z, z, out=bend)
        np.multiply(bend, -0.5, out=value)
        np.exp(value, out=value)
        value *= self.weight
        np.multiply(value, z, out=slope)
        bend -= 1
        bend *= value
        bend /= self.sd
        terms[1:] /= self.sd
        value, slope, bend = np.add.reduceat(terms, self.offsets, axis=1)
        return value, -slope, bend
