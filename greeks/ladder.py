"""The ladder of hypothetical spot levels, and interpolation plans for smooth curves on it.

A sum of Gaussians of width v and more in ln S lives in a space of far fewer dimensions than the
ladder has levels. A plan picks that many levels as nodes and holds the matrix that carries values
at the nodes to all levels, so that the Gaussians need evaluating at the nodes only. Plans depend
on the ladder and on v, never on market data; building them takes a few tenths of a second, once.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.linalg import qr

from greeks.conventions import FloatArray

PLAN_WIDTHS = (0.012, 0.03, 0.1)
"""Smallest v of each plan; what is narrower is evaluated at every level it reaches."""
REACH = 12.0
"""Gaussians count as zero beyond this many widths: exp(-72) is below 1e-31."""
_TOLERANCE = 1e-12
_CENTRE_STEP = 0.35  # of a width: the dictionary of a plan holds a Gaussian at every such step


@dataclass(frozen=True)
class Ladder:
    """`count` log-spaced levels from `low` to `high` times spot."""

    low: float = 0.6
    high: float = 1.6
    count: int = 401

    @cached_property
    def moves(self) -> FloatArray:
        """Log-moves ln(S'/S) of the levels, rising."""
        moves = np.linspace(np.log(self.low), np.log(self.high), self.count)
        moves.flags.writeable = False
        return moves

    @cached_property
    def powers(self) -> FloatArray:
        """`powers_of` the log-moves."""
        return powers_of(self.moves)

    @property
    def step(self) -> float:
        """Log-distance between two levels."""
        return float(np.log(self.high / self.low)) / (self.count - 1)

    def levels(self, spot_usd: float) -> FloatArray:
        """Spot levels S', USD."""
        return np.asarray(spot_usd * np.exp(self.moves))


LADDER = Ladder()
"""The ladder of the public contract: 0.6 to 1.6 of spot."""


@dataclass(frozen=True, slots=True)
class InterpolationPlan:
    """Where to evaluate Gaussians of width `min_sd` or more, and how to publish them.

    Attributes
    ----------
    min_sd : smallest width the plan may be used for.
    nodes : (r,) log-moves to evaluate at, rising; a subset of the ladder.
    powers : (3, r) `powers_of` the nodes, for exponents by matrix product.
    publish : (r, M) values at all levels = values at the nodes @ publish.
    """

    min_sd: float
    nodes: FloatArray
    powers: FloatArray
    publish: FloatArray


@lru_cache(maxsize=8)
def plans_of(ladder: Ladder) -> tuple[InterpolationPlan, ...]:
    """The plans of a ladder, narrowest first. Call once before going live: it takes a moment."""
    return tuple(build_plan(ladder, width) for width in PLAN_WIDTHS)


def build_plan(ladder: Ladder, min_sd: float) -> InterpolationPlan:
    """Interpolative decomposition of Gaussians of width `min_sd`, each scaled to 1 on the ladder.

    Wider Gaussians are positive mixtures of these and come out better still. Scaling each column
    by its largest value on the ladder bounds the error relative to what is visible of a Gaussian
    whose centre lies far outside: below 1e-12 of it. A pivoted QR of the leading left singular
    vectors picks the nodes (Cheng, Gimbutas, Martinsson, Rokhlin 2005, "On the compression of
    low rank matrices").
    """
    x, reach = ladder.moves, (REACH + 1) * min_sd
    centres = np.arange(x[0] - reach, x[-1] + reach, _CENTRE_STEP * min_sd)
    dictionary = np.exp(-0.5 * ((x[:, None] - centres) / min_sd) ** 2)
    dictionary /= dictionary.max(axis=0)
    basis, strength, _ = np.linalg.svd(dictionary, full_matrices=False)
    rank = int(np.count_nonzero(strength > _TOLERANCE * strength[0]))
    basis = basis[:, :rank]
    _, _, order = qr(basis.T, mode="economic", pivoting=True)
    chosen = np.sort(order[:rank])
    nodes = x[chosen]
    return InterpolationPlan(
        min_sd=min_sd,
        nodes=nodes,
        powers=powers_of(nodes),
        publish=np.ascontiguousarray(np.linalg.solve(basis[chosen].T, basis.T)),
    )


def powers_of(moves: FloatArray) -> FloatArray:
    """x^2, -2 x and 1 of each move x, the factors of (x - c)^2 beside 1, c and c^2: (3, L)."""
    return np.stack([moves * moves, -2 * moves, np.ones_like(moves)])
