"""Sums of Gaussians in ln S: the exact sum at any level, and the fast one on a whole ladder.

F^2 gamma of an option is a Gaussian in the logarithm of its forward, so every profile of a book is
a mixture sum_i w_i phi((x - c_i)/v_i) in the log-move x, with phi(z) = exp(-z^2/2). Knows no option
and no exposure.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from greeks.conventions import BoolArray, FloatArray, IntArray
from greeks.ladder import REACH, Ladder, plans_of

WHOLE = -1
"""Names the whole mixture where a group is asked for."""
ALONE = -1
"""In place of a plan: the group is evaluated at the levels it reaches."""
FADED = 6.8
"""Widths from the outermost centre at which a Gaussian has fallen to 1e-10."""
_SHARP = 0.01
"""Below this width an exponent summed by powers of x would lose digits: it is (x - c)^2 instead."""
_RUN_ROWS = 600
"""Gaussians evaluated together on a plan's nodes, unless one group alone has more."""
_BLOCK_CELLS = 24_576
"""Terms evaluated together: 192 kB, inside the second-level cache."""


@dataclass(frozen=True)
class Mixture:
    """m Gaussians in G consecutive groups, summed with C sets of weights.

    Attributes
    ----------
    centre, sd : (m,) c_i and v_i > 0, in log-moves.
    weights : (C, m); the leading sets are also summed group by group.
    starts : (G,) first row of each group, rising from 0.
    leading : P, the number of leading sets.
    """

    centre: FloatArray
    sd: FloatArray
    weights: FloatArray
    starts: IntArray
    leading: int = 1

    def at(self, moves: FloatArray) -> FloatArray:
        """Exact sums at each log-move: (C, L). The reference."""
        return self._sums_at(moves, self.weights, slice(0, len(self.sd)))

    def leading_at(self, moves: FloatArray, group: int = WHOLE) -> FloatArray:
        """Exact sums of the leading sets at each log-move, of one group or all: (P, L)."""
        rows = self.rows_of(group)
        return self._sums_at(moves, self.weights[: self.leading, rows], rows)

    def groups_at(self, moves: FloatArray) -> FloatArray:
        """Exact sums of the leading sets, group by group: (P, G, L)."""
        out = np.empty((self.leading, len(self.starts), len(moves)))
        for group in range(len(self.starts)):
            out[:, group] = self.leading_at(moves, group)
        return out

    def on(self, ladder: Ladder) -> FloatArray:
        """Sums at every level of a ladder: (C, M), to 1e-11 of the largest value.

        Neighbouring groups are evaluated together at the nodes of the plan that their narrowest
        Gaussian allows; groups narrower than every plan at the levels themselves.
        """
        total = np.zeros((len(self.weights), ladder.count))
        for run in self._runs(ladder, self._plans(ladder)):
            total[:, run.levels] += self._sums(run, self.weights[:, run.rows])
        return total

    def on_with_groups(self, ladder: Ladder) -> tuple[FloatArray, FloatArray]:
        """The same, the leading sets also group by group: (P, 1 + G, M) and (C - P, M).

        The leading sets of the whole mixture come first, then those of each group. A group that
        fades out inside the ladder is exact at every level, tails too.
        """
        lead = self.leading
        leading = np.zeros((lead, 1 + len(self.starts), ladder.count))
        further = np.zeros((len(self.weights) - lead, ladder.count))
        by_group = leading[:, 1:]
        plan_of_group = np.where(self.fades(ladder), ALONE, self._plans(ladder)).tolist()
        for run in self._runs(ladder, plan_of_group):
            groups = run.last - run.first
            sums = self._sums(run, self._weights_with_groups(run))
            alone = sums[: lead * groups].reshape(lead, groups, -1)
            by_group[:, run.first : run.last, run.levels] += alone
            further[:, run.levels] += sums[lead * groups :]
        by_group.sum(axis=1, out=leading[:, 0])
        return leading, further

    def rows_of(self, group: int) -> slice:
        """The rows of a group, or of all."""
        if group == WHOLE:
            return slice(0, len(self.sd))
        end = self.starts[group + 1] if group + 1 < len(self.starts) else len(self.sd)
        return slice(int(self.starts[group]), int(end))

    @cached_property
    def narrowest(self) -> FloatArray:
        """The smallest width in each group, (G,)."""
        return _by_group(np.minimum, self.sd, self.starts)

    def reach(self, rows: slice) -> tuple[float, float]:
        """Lowest and highest log-move that some rows reach."""
        centre, away = self.centre[rows], REACH * self.sd[rows]
        return float(np.minimum.reduce(centre - away)), float(np.maximum.reduce(centre + away))

    def fades(self, ladder: Ladder) -> BoolArray:
        """Groups so far below their peak at an end of the ladder that a plan has no digits there.

        Plans are exact to 1e-12 of the peak, which is more than some of what is left.
        """
        away = FADED * self.sd
        low = _by_group(np.minimum, self.centre - away, self.starts)
        high = _by_group(np.maximum, self.centre + away, self.starts)
        return np.asarray((low > ladder.moves[0]) | (high < ladder.moves[-1]))

    def _sums_at(self, moves: FloatArray, weights: FloatArray, rows: slice) -> FloatArray:
        out = np.empty((len(weights), len(moves)))
        step = max(1, _BLOCK_CELLS // max(1, rows.stop - rows.start))
        for start in range(0, len(moves), step):
            block = slice(start, start + step)
            terms = _terms(self.centre[rows], self.sd[rows], moves[block])
            np.matmul(weights, terms, out=out[:, block])
        return out

    def _plans(self, ladder: Ladder) -> list[int]:
        """The plan that each group's narrowest Gaussian allows, `ALONE` below all of them."""
        least = [plan.min_sd for plan in plans_of(ladder)]
        return [bisect_right(least, width) - 1 for width in self.narrowest.tolist()]

    def _runs(self, ladder: Ladder, chosen: list[int]) -> Iterator["_Run"]:
        """Consecutive groups that share a plan together, those without one alone."""
        plans, edges = plans_of(ladder), [*self.starts.tolist(), len(self.sd)]
        first = 0
        while first < len(chosen):
            choice, last, end = chosen[first], first + 1, edges[first] + _RUN_ROWS
            if choice != ALONE:
                while last < len(chosen) and chosen[last] == choice and edges[last + 1] <= end:
                    last += 1
            rows = slice(edges[first], edges[last])
            if choice > 0:
                plan = plans[choice]
                yield _Run(first, last, rows, slice(None), plan.powers, plan.publish)
            else:  # only the narrowest plan, or none, leaves parts of the ladder untouched
                reach = self.reach(rows)
                levels = _within(ladder.moves, *reach)
                powers, publish = ladder.powers[:, levels], None
                if choice != ALONE:
                    nodes = _within(plans[choice].nodes, *reach)
                    powers = plans[choice].powers[:, nodes]
                    publish = plans[choice].publish[nodes, levels]
                yield _Run(first, last, rows, levels, powers, publish)
            first = last

    def _sums(self, run: "_Run", weights: FloatArray) -> FloatArray:
        """Sums of a run at the levels that it reaches, with (R, rows) weights: (R, levels)."""
        start, stop = run.rows.start, run.rows.stop
        step = max(1, _BLOCK_CELLS // max(1, run.powers.shape[1]))
        if stop - start <= step:
            sums = weights @ self._terms_of(run, run.rows)
        else:
            sums = np.zeros((len(weights), run.powers.shape[1]))
            for begin in range(start, stop, step):
                rows = slice(begin, min(begin + step, stop))
                block = weights[:, begin - start : rows.stop - start]
                sums += block @ self._terms_of(run, rows)
        return sums if run.publish is None else sums @ run.publish

    def _terms_of(self, run: "_Run", rows: slice) -> FloatArray:
        """phi((x - c)/v) of some rows of a run at its nodes: (rows, r)."""
        if run.publish is None and self.narrowest[run.first] < _SHARP:
            return _terms(self.centre[rows], self.sd[rows], -0.5 * run.powers[1])
        return _exp(self._by_power[rows] @ run.powers)

    @cached_property
    def _by_power(self) -> FloatArray:
        """-(x - c)^2/(2 v^2) as coefficients of x^2, -2 x and 1: (m, 3)."""
        by_power = np.empty((3, len(self.sd)))
        square, value, one = by_power
        np.multiply(self.sd, self.sd, out=one)
        np.divide(-0.5, one, out=square)
        np.multiply(square, self.centre, out=value)
        np.multiply(value, self.centre, out=one)
        return by_power.T

    def _weights_with_groups(self, run: "_Run") -> FloatArray:
        """The leading sets of a run with each group in its own row, and the other sets below."""
        if run.last - run.first == 1:
            return self.weights[:, run.rows]
        lead, width, start = self.leading, run.last - run.first, run.rows.start
        edges = [*self.starts[run.first : run.last].tolist(), run.rows.stop]
        out = np.zeros((lead * width + len(self.weights) - lead, run.rows.stop - start))
        out[lead * width :] = self.weights[lead:, run.rows]
        alone = out[: lead * width].reshape(lead, width, -1)
        for row, (begin, end) in enumerate(pairwise(edges)):
            alone[:, row, begin - start : end - start] = self.weights[:lead, begin:end]
        return out


@dataclass(slots=True)
class _Run:
    """Consecutive groups, `first` to before `last`, and where their sums are to be evaluated."""

    first: int
    last: int
    rows: slice
    levels: slice  # of the ladder, that the groups reach
    powers: FloatArray  # (3, r) of the nodes, or of the levels themselves
    publish: FloatArray | None  # (r, levels) from nodes to levels


def _within(moves: FloatArray, low: float, high: float) -> slice:
    """The rising moves from `low` to `high`."""
    return slice(*moves.searchsorted((low, high)).tolist())


def _by_group(ufunc: np.ufunc, values: FloatArray, starts: IntArray) -> FloatArray:
    return np.asarray(ufunc.reduceat(values, starts)) if len(starts) else np.empty(0)


def _exp(exponents: FloatArray) -> FloatArray:
    """Exponentials in place."""
    np.exp(exponents, out=exponents)
    return exponents


def _terms(centre: FloatArray, sd: FloatArray, moves: FloatArray) -> FloatArray:
    """phi((x - c)/v) of every row at every move: (rows, L)."""
    z = moves - centre[:, None]
    z /= sd[:, None]
    z *= z
    z *= -0.5
    return _exp(z)
