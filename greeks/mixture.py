"""Sums of Gaussians in ln S: the exact sum at any level, and the fast one on a whole ladder.

F^2 gamma of an option is a Gaussian in the logarithm of its forward, so every profile of a book is
a mixture sum_i w_i phi((x - c_i)/v_i) in the log-move x,
phi(z) = exp(-z^2/2). Knows no option and no exposure.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import FLOOR_EXPONENT
from greeks.conventions import FloatArray, IntArray
from greeks.ladder import REACH, InterpolationPlan, Ladder, plans_of

WHOLE = -1
"""Names the whole mixture where a group is asked for."""
BLOCK_CELLS = 16_384
"""Densities evaluated together in the exact sum: 128 kB, inside the second-level cache."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """m Gaussians in G consecutive groups, summed with C sets of weights.

    Attributes
    ----------
    centre, sd : (m,) c_i and v_i > 0, in log-moves.
    weights : (C, m); the first set is also summed group by group.
    starts : (G,) first row of each group, rising from 0.
    """

    centre: FloatArray
    sd: FloatArray
    weights: FloatArray
    starts: IntArray

    def at(self, moves: FloatArray) -> FloatArray:
        """Exact sums at each log-move: (C, L). The reference."""
        return self._sums_at(moves, self.weights, slice(0, len(self.sd)))

    def first_at(self, moves: FloatArray, group: int = WHOLE) -> FloatArray:
        """Exact sums of the first set of weights at each log-move: (L,)."""
        rows = self.rows_of(group)
        return np.asarray(self._sums_at(moves, self.weights[:1, rows], rows)[0])

    def groups_at(self, moves: FloatArray) -> FloatArray:
        """Exact sums of the first set of weights, group by group: (G, L)."""
        rows = [self.first_at(moves, group) for group in range(len(self.starts))]
        return np.array(rows).reshape(len(rows), len(moves))

    def rows_of(self, group: int) -> slice:
        """The rows of a group, or of all."""
        if group == WHOLE:
            return slice(0, len(self.sd))
        end = self.starts[group + 1] if group + 1 < len(self.starts) else len(self.sd)
        return slice(int(self.starts[group]), int(end))

    def narrower(self, width: float) -> list[int]:
        """Groups that hold a Gaussian narrower than `width`."""
        if not len(self.starts):
            return []
        return np.flatnonzero(np.minimum.reduceat(self.sd, self.starts) < width).tolist()

    def extent(self, group: int) -> tuple[float, float, float]:
        """Where a group reaches, lowest and highest log-move, and its smallest width."""
        rows = self.rows_of(group)
        centre, reach = self.centre[rows], REACH * self.sd[rows]
        return (
            float((centre - reach).min()),
            float((centre + reach).max()),
            float(self.sd[rows].min()),
        )

    def _sums_at(self, moves: FloatArray, weights: FloatArray, rows: slice) -> FloatArray:
        out = np.empty((len(weights), len(moves)))
        step = max(1, BLOCK_CELLS // max(1, rows.stop - rows.start))
        for start in range(0, len(moves), step):
            block = slice(start, start + step)
            out[:, block] = weights @ self._densities(moves[block], rows)
        return out

    def on(self, ladder: Ladder) -> tuple[FloatArray, FloatArray]:
        """Sums at every level of a ladder: (C, M), and of the first set by group: (G, M).

        Groups are evaluated at the nodes of the plan that their narrowest Gaussian allows, and
        only where they reach; groups narrower than every plan at the levels themselves. Error
        below 1e-11 of the largest value.
        """
        count, levels = len(self.weights), ladder.count
        total, by_group = np.zeros((count, levels)), np.zeros((len(self.starts), levels))
        if not len(self.sd):
            return total, by_group
        plans = plans_of(ladder)
        reach = REACH * self.sd
        low = np.minimum.reduceat(self.centre - reach, self.starts)
        high = np.maximum.reduceat(self.centre + reach, self.starts)
        for run in self._runs([plan.min_sd for plan in plans]):
            left, right = float(low[run.groups].min()), float(high[run.groups].max())
            weights = self._weights_with_groups(run)
            if run.plan < 0:
                window = slice(*ladder.moves.searchsorted((left, right)))
                sums = weights @ self._densities(ladder.moves[window], run.rows)
            else:
                plan, window = plans[run.plan], slice(None)
                part = slice(*plan.nodes.searchsorted((left, right)))
                sums = weights @ self._node_densities(plan, part, run.rows)
                sums = sums @ plan.publish[part]
            total[:, window] += sums[:count]
            by_group[run.groups, window] = sums[count:]
        return total, by_group

    def _runs(self, widths: list[float]) -> list["_Run"]:
        """Consecutive groups that share a plan; groups too narrow for any stand alone."""
        narrowest = np.minimum.reduceat(self.sd, self.starts)
        plans = (np.searchsorted(widths, narrowest, side="right") - 1).tolist()
        ends = [*self.starts[1:].tolist(), len(self.sd)]
        runs: list[_Run] = []
        for group, (plan, start, end) in enumerate(
            zip(plans, self.starts.tolist(), ends, strict=True)
        ):
            if runs and plan >= 0 and runs[-1].plan == plan:
                last = runs.pop()
                runs.append(
                    _Run(plan, slice(last.groups.start, group + 1), slice(last.rows.start, end))
                )
            else:
                runs.append(_Run(plan, slice(group, group + 1), slice(start, end)))
        return runs

    def _weights_with_groups(self, run: "_Run") -> FloatArray:
        """The run's weights, and below them the first set again, each group in its own row."""
        count, first = len(self.weights), run.rows.start
        groups = self.starts[run.groups].tolist()
        out = np.zeros((count + len(groups), run.rows.stop - first))
        out[:count] = self.weights[:, run.rows]
        ends = [*groups[1:], run.rows.stop]
        for row, (start, end) in enumerate(zip(groups, ends, strict=True), count):
            out[row, start - first : end - first] = self.weights[0, start:end]
        return out

    def _densities(self, moves: FloatArray, rows: slice) -> FloatArray:
        """phi((x - c)/v) of the rows at each move: (rows, L)."""
        z = moves - self.centre[rows, None]
        z /= self.sd[rows, None]
        z *= z
        z *= -0.5
        return _exp_in_place(z)

    def _node_densities(self, plan: InterpolationPlan, part: slice, rows: slice) -> FloatArray:
        """The same at a part of a plan's nodes, the exponents by one matrix product."""
        centre, sd = self.centre[rows], self.sd[rows]
        exponents = np.empty((len(sd), 3))
        precision = np.divide(-0.5, sd * sd, out=exponents[:, 0])
        scaled = precision * centre
        np.multiply(scaled, -2, out=exponents[:, 1])
        np.multiply(scaled, centre, out=exponents[:, 2])
        return _exp_in_place(exponents @ plan.powers[:, part])


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive groups that are evaluated together; `plan` is -1 for none."""

    plan: int
    groups: slice
    rows: slice


def _exp_in_place(exponent: FloatArray) -> FloatArray:
    """exp(e) in place, held above the floor: denormal numbers cost ten times more."""
    np.maximum(exponent, FLOOR_EXPONENT, out=exponent)
    np.exp(exponent, out=exponent)
    return exponent
