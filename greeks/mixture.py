"""Sums of Gaussians in ln S: the exact sum at any level, and the fast one on a whole ladder.

F^2 gamma of an option is a Gaussian in the logarithm of its forward, so every profile of a book is
a mixture sum_i w_i phi((x - c_i)/v_i) in the log-move x, with phi(z) = exp(-z^2/2). Knows no option
and no exposure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from greeks.conventions import FloatArray, IntArray
from greeks.ladder import PLAN_WIDTHS, REACH, Ladder, plans_of

WHOLE = -1
"""Names the whole mixture where a group is asked for."""
_BLOCK_CELLS = 16_384
"""Terms evaluated together in the exact sum: 128 kB, inside the second-level cache."""


@dataclass(frozen=True, slots=True)
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

        Groups are evaluated at the nodes of the plan that their narrowest Gaussian allows; groups
        narrower than every plan at the levels themselves, where they reach.
        """
        total = np.zeros((len(self.weights), ladder.count))
        for run in self._runs(ladder):
            total[:, run.levels] += run.publish(self.weights[:, run.rows])
        return total

    def on_with_groups(self, ladder: Ladder) -> tuple[FloatArray, FloatArray]:
        """The same, and the sums of the leading sets group by group: (P, G, M)."""
        count = len(self.weights)
        total = np.zeros((count, ladder.count))
        by_group = np.zeros((self.leading, len(self.starts), ladder.count))
        for run in self._runs(ladder):
            sums = run.publish(self._weights_with_groups(run.groups, run.rows))
            total[:, run.levels] += sums[:count]
            alone = by_group[:, run.groups, run.levels]
            alone[...] = sums[count:].reshape(alone.shape)
        return total, by_group

    def rows_of(self, group: int) -> slice:
        """The rows of a group, or of all."""
        if group == WHOLE:
            return slice(0, len(self.sd))
        end = self.starts[group + 1] if group + 1 < len(self.starts) else len(self.sd)
        return slice(int(self.starts[group]), int(end))

    def narrowest(self) -> list[float]:
        """The smallest width in each group."""
        if not len(self.starts):
            return []
        return list(np.minimum.reduceat(self.sd, self.starts).tolist())

    def extent(self) -> tuple[list[float], list[float]]:
        """Lowest and highest log-move that each group reaches."""
        if not len(self.starts):
            return [], []
        reach = REACH * self.sd
        low = np.minimum.reduceat(self.centre - reach, self.starts)
        high = np.maximum.reduceat(self.centre + reach, self.starts)
        return low.tolist(), high.tolist()

    def _sums_at(self, moves: FloatArray, weights: FloatArray, rows: slice) -> FloatArray:
        out = np.empty((len(weights), len(moves)))
        step = max(1, _BLOCK_CELLS // max(1, rows.stop - rows.start))
        for start in range(0, len(moves), step):
            block = slice(start, start + step)
            terms = _terms(self.centre[rows], self.sd[rows], moves[block])
            np.matmul(weights, terms, out=out[:, block])
        return out

    def _runs(self, ladder: Ladder) -> Iterator["_Run"]:
        """Evaluate consecutive groups that share a plan together; too narrow ones alone."""
        plans, edges = plans_of(ladder), [*self.starts.tolist(), len(self.sd)]
        chosen = [bisect_right(PLAN_WIDTHS, width) - 1 for width in self.narrowest()]
        by_power = self._exponents_by_power()
        first = 0
        while first < len(chosen):
            plan, last = chosen[first], first + 1
            while plan >= 0 and last < len(chosen) and chosen[last] == plan:
                last += 1
            groups, rows = slice(first, last), slice(edges[first], edges[last])
            if plan >= 0:
                terms = by_power[rows] @ plans[plan].powers
                np.exp(terms, out=terms)
                yield _Run(groups, rows, slice(None), terms, plans[plan].publish)
            else:
                centre, sd = self.centre[rows], self.sd[rows]
                reach = REACH * sd.max()
                levels = slice(
                    bisect_left(ladder.moves, centre.min() - reach),
                    bisect_left(ladder.moves, centre.max() + reach),
                )
                yield _Run(groups, rows, levels, _terms(centre, sd, ladder.moves[levels]), None)
            first = last

    def _exponents_by_power(self) -> FloatArray:
        """-(x - c)^2/(2 v^2) as coefficients of x^2, x and 1: (m, 3)."""
        by_power = np.empty((len(self.sd), 3))
        square, value, one = by_power[:, 0], by_power[:, 1], by_power[:, 2]
        np.divide(-0.5, self.sd * self.sd, out=square)
        np.multiply(square, self.centre, out=value)
        np.multiply(value, self.centre, out=one)
        value *= -2
        return by_power

    def _weights_with_groups(self, groups: slice, rows: slice) -> FloatArray:
        """The weights of a run, and below them its leading sets with each group in its own row."""
        count, lead, first = len(self.weights), self.leading, rows.start
        width = groups.stop - groups.start
        out = np.zeros((count + lead * width, rows.stop - first))
        out[:count] = self.weights[:, rows]
        alone = out[count:].reshape(lead, width, out.shape[1])
        edges = [*self.starts[groups].tolist(), rows.stop]
        for row, (start, end) in enumerate(pairwise(edges)):
            alone[:, row, start - first : end - first] = self.weights[:lead, start:end]
        return out


@dataclass(slots=True)
class _Run:
    """Consecutive groups with their terms evaluated: (rows, nodes)."""

    groups: slice
    rows: slice
    levels: slice  # of the ladder, that the sums belong to
    terms: FloatArray
    plan: FloatArray | None  # from these nodes to the levels; None when the nodes are the levels

    def publish(self, weights: FloatArray) -> FloatArray:
        """Weighted sums at the run's levels."""
        sums = weights @ self.terms
        return sums if self.plan is None else sums @ self.plan


def _terms(centre: FloatArray, sd: FloatArray, moves: FloatArray) -> FloatArray:
    """phi((x - c)/v) of every row at every move: (rows, L)."""
    z = moves - centre[:, None]
    z /= sd[:, None]
    z *= z
    z *= -0.5
    np.exp(z, out=z)
    return z
