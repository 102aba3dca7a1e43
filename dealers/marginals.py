"""Uncertain inventories, one distribution an option, and how their errors hang together."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy.special import ndtr

from greeks.conventions import BoolArray, FloatArray

LEVELS = (np.arange(100) + 0.5) / 100
"""Probabilities at which quantiles are kept: the centres of a hundred equal shares. Between them
a distribution is uniform; beyond the outermost it has nothing."""
WIDENING = 0.25
"""Makes 90 % intervals hold about 90 % of the truth on our own synthetic agent markets, whose
customers lean and close in known ways. No venue publishes a truth to calibrate on [A]."""


class SharedError(IntEnum):
    """Errors that options have in common; columns of `Marginals.loadings`."""

    ATTRIBUTION = 0
    START_OF_CALLS = 1
    START_OF_PUTS = 2


@dataclass(frozen=True, slots=True)
class Marginals:
    """Distributions of dealers' inventory, one an option, coins.

    Attributes
    ----------
    mean : (n,).
    quantiles : (n, 100) at `LEVELS`.
    loadings : (n, 3) correlation of the option's error with each error that options share: of
        attribution, all of them; of the unknown start, calls and puts apart (`SharedError`).
    """

    mean: FloatArray
    quantiles: FloatArray
    loadings: FloatArray

    @property
    def lo(self) -> FloatArray:
        """5 % quantile."""
        return np.asarray(self.quantiles[:, 4:6].mean(axis=1))

    @property
    def hi(self) -> FloatArray:
        """95 % quantile."""
        return np.asarray(self.quantiles[:, 94:96].mean(axis=1))

    def bounded(self, bound: FloatArray) -> "Marginals":
        """Clip every distribution to +- `bound` (n,)."""
        limit = bound[:, None]
        mean = np.clip(self.mean, -bound, bound)
        return Marginals(mean, np.clip(self.quantiles, -limit, limit), self.loadings)

    def widened(self, bound: FloatArray, by: float = WIDENING) -> "Marginals":
        """Stretch about the mean by k = 1 + `by` (1 - (hi - lo)/(2 bound)), within +- `bound`.

        The surer a distribution claims to be, the more it is stretched: one that spans all that
        open interest allows needs none.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            span = np.where(bound > 0, (self.hi - self.lo) / (2 * bound), 1.0)
        factor = (1 + by * (1 - span))[:, None]
        mean = self.mean[:, None]
        quantiles = mean + factor * (self.quantiles - mean)
        return Marginals(self.mean, quantiles, self.loadings).bounded(bound)

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Joint draws, (count, n).

        Three standard normals g a draw stand for the shared errors; option i takes the quantile
        at u = Phi(L g + sqrt(1 - |L|^2) z), L its loadings and z its own normal (a Gaussian
        copula [A]). Each option keeps its own distribution exactly.
        """
        n = len(self.mean)
        loadings = np.nan_to_num(self.loadings)
        own = np.sqrt(np.maximum(1 - (loadings**2).sum(axis=1), 0.0))
        shared = rng.standard_normal((count, len(SharedError))) @ loadings.T
        u = ndtr(shared + own * rng.standard_normal((count, n)))
        at = np.clip(u * len(LEVELS) - 0.5, 0, len(LEVELS) - 1)
        below = np.minimum(at.astype(np.int64), len(LEVELS) - 2)
        rows = np.arange(n)
        left, right = self.quantiles[rows, below], self.quantiles[rows, below + 1]
        return np.asarray(left + (at - below) * (right - left))


def merge(base: Marginals, better: Marginals, rows: BoolArray) -> Marginals:
    """Return `base` with `better` in the rows where `rows` is true, in order.

    What a row shares through its unknown start stays that of `base`.
    """
    mean, quantiles, loadings = base.mean.copy(), base.quantiles.copy(), base.loadings.copy()
    mean[rows], quantiles[rows] = better.mean, better.quantiles
    loadings[rows, SharedError.ATTRIBUTION] = better.loadings[:, SharedError.ATTRIBUTION]
    return Marginals(mean, quantiles, loadings)


def from_weights(value: FloatArray, weight: FloatArray, loadings: FloatArray) -> Marginals:
    """Distributions of weighted points: `value` and `weight` (n, G), values rising along G.

    Weights need not sum to 1. A quantile is linear between the centres of the weights. A row
    with anything that is not finite is NaN.
    """
    n = len(value)
    known = np.isfinite(value).all(axis=1) & np.isfinite(weight).all(axis=1)
    mean, quantiles = np.full(n, np.nan), np.full((n, len(LEVELS)), np.nan)
    points = value[known]
    share = weight[known] / weight[known].sum(axis=1, keepdims=True)
    centre = np.cumsum(share, axis=1) - share / 2
    offset = 2.0 * np.arange(len(points))[:, None]  # one row after the other on a single axis
    if len(points):
        found = np.interp((LEVELS + offset).ravel(), (centre + offset).ravel(), points.ravel())
        table = found.reshape(-1, len(LEVELS))
        quantiles[known] = np.clip(table, points[:, :1], points[:, -1:])
        mean[known] = (share * points).sum(axis=1)
    return Marginals(mean, quantiles, loadings)
