"""Uncertain inventories, one distribution an option, and how their errors hang together."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from greeks.conventions import BoolArray, FloatArray

LEVELS = (np.arange(100) + 0.5) / 100
"""Probabilities at which quantiles are kept: the centres of a hundred equal shares. Between them
a distribution is uniform; beyond the outermost it has nothing."""
WIDENING = 0.28
"""Makes 90 % intervals hold about 90 % of the truth on our own synthetic agent markets, whose
customers lean and close in known ways. No venue publishes a truth to calibrate on [A]."""


@dataclass(frozen=True, slots=True)
class Marginals:
    """Distributions of dealers' inventory, one an option, coins.

    Attributes
    ----------
    mean : (n,).
    quantiles : (n, 100) at `LEVELS`.
    loading : (n,) correlation of the option's error with the error of attribution that all
        options share, -1 to 1.
    """

    mean: FloatArray
    quantiles: FloatArray
    loading: FloatArray

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
        return Marginals(mean, np.clip(self.quantiles, -limit, limit), self.loading)

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
        return Marginals(self.mean, quantiles, self.loading).bounded(bound)

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Joint draws, (count, n).

        One standard normal g a draw stands for the error of attribution; option i takes the
        quantile at u = Phi(loading g + sqrt(1 - loading^2) z), z its own normal (one-factor
        Gaussian copula [A]). Each option keeps its own distribution exactly.
        """
        n = len(self.mean)
        shared = rng.standard_normal((count, 1))
        own = rng.standard_normal((count, n))
        loading = np.clip(np.nan_to_num(self.loading), -1.0, 1.0)
        u = ndtr(loading * shared + np.sqrt(1 - loading**2) * own)
        at = np.clip(u * len(LEVELS) - 0.5, 0, len(LEVELS) - 1)
        below = np.minimum(at.astype(np.int64), len(LEVELS) - 2)
        rows = np.arange(n)
        left, right = self.quantiles[rows, below], self.quantiles[rows, below + 1]
        return np.asarray(left + (at - below) * (right - left))


def merge(base: Marginals, better: Marginals, rows: BoolArray) -> Marginals:
    """Return `base` with `better` in the rows where `rows` is true, in order."""
    mean, quantiles, loading = base.mean.copy(), base.quantiles.copy(), base.loading.copy()
    mean[rows], quantiles[rows], loading[rows] = better.mean, better.quantiles, better.loading
    return Marginals(mean, quantiles, loading)


def from_weights(value: FloatArray, weight: FloatArray, loading: FloatArray) -> Marginals:
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
    return Marginals(mean, quantiles, loading)
