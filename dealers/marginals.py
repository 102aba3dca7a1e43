"""Uncertain inventories, one distribution an option, and how their errors hang together."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from greeks.conventions import BoolArray, FloatArray

LEVELS = np.linspace(0.0, 1.0, 101)
"""Probabilities at which quantiles are kept; between them a distribution is uniform."""
_LO, _HI = 5, 95


@dataclass(frozen=True, slots=True)
class Marginals:
    """Distributions of dealers' inventory, one an option, coins.

    Attributes
    ----------
    mean : (n,).
    quantiles : (n, 101) at `LEVELS`.
    loading : (n,) correlation of the option's error with the error of attribution that all
        options share, -1 to 1.
    """

    mean: FloatArray
    quantiles: FloatArray
    loading: FloatArray

    @property
    def lo(self) -> FloatArray:
        """5 % quantile."""
        return self.quantiles[:, _LO]

    @property
    def hi(self) -> FloatArray:
        """95 % quantile."""
        return self.quantiles[:, _HI]

    def bounded(self, bound: FloatArray) -> "Marginals":
        """Clip every distribution to +- `bound` (n,)."""
        limit = bound[:, None]
        mean = np.clip(self.mean, -bound, bound)
        return Marginals(mean, np.clip(self.quantiles, -limit, limit), self.loading)

    def widened(self, by: float, bound: FloatArray) -> "Marginals":
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
        loading = np.clip(self.loading, -1.0, 1.0)
        at = ndtr(loading * shared + np.sqrt(1 - loading**2) * own) * (len(LEVELS) - 1)
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

    Weights need not sum to 1. A quantile is linear between the centres of the weights.
    """
    share = weight / weight.sum(axis=1, keepdims=True)
    centre = np.cumsum(share, axis=1) - share / 2
    offset = 2.0 * np.arange(len(value))[:, None]  # one row after the other on a single axis
    points = np.interp((LEVELS + offset).ravel(), (centre + offset).ravel(), value.ravel())
    quantiles = np.clip(points.reshape(-1, len(LEVELS)), value[:, :1], value[:, -1:])
    return Marginals((share * value).sum(axis=1), quantiles, loading)
