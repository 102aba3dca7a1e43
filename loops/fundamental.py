"""The price as it would be if nobody hedged: seeded, lognormal, with jumps if wanted."""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import DAYS_PER_YEAR, SECONDS_PER_YEAR, FloatArray


@dataclass(frozen=True, slots=True)
class Jumps:
    """Poisson jumps of the fundamental price, normal in logs, their mean not compensated."""

    per_day: float
    mean: float
    deviation: float


def draw_fundamental(
    seed: int,
    paths: int,
    seconds: FloatArray,
    volatility: float,
    jumps: Jumps | None = None,
    shock: float = 0.0,
) -> FloatArray:
    """Log prices without any loop, (J, P): dx = -s^2 dt/2 + s sqrt(dt) z, plus jumps.

    Parameters
    ----------
    seconds : (J,) rising times; prices at the first are 0.
    volatility : s, a year's, fraction.
    shock : a log move of every path within the first step.
    """
    rng = np.random.default_rng(seed)
    years = np.diff(seconds)[:, None] / SECONDS_PER_YEAR
    shape = len(years), paths
    steps = -(volatility**2) * years / 2
    steps = steps + volatility * np.sqrt(years) * rng.standard_normal(shape)
    if jumps is not None:
        counts = rng.poisson(jumps.per_day * DAYS_PER_YEAR * years, shape)
        sizes = jumps.deviation * np.sqrt(counts) * rng.standard_normal(shape)
        steps += jumps.mean * counts + sizes
    steps[0] += shock
    return np.vstack([np.zeros(paths), np.cumsum(steps, axis=0)])
