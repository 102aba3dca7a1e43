"""Which strikes an expiry lists, and how open interest starts out. Pure functions."""

import numpy as np

from exchange.specs import BookSpec
from greeks.conventions import BoolArray, FloatArray

ZONES = ((1.0, 9.0), (2.5, 4.5), (4.5, 2.0))
"""Reach in standard deviations, and strikes per standard deviation inside it."""


def strike_ladder(book: BookSpec, forward: float, sd: float) -> tuple[float, ...]:
    """Return the strikes for a forward and the standard deviation of its logarithm to expiry.

    Dense and on small steps near the money, sparse and on big steps in the wings.
    """
    strikes: set[float] = set()
    for reach, per_sd in ZONES:
        step = _step_at_least(book.asset.strike_steps, sd * forward / (per_sd * book.ladder))
        low = np.ceil(forward * np.exp(-reach * sd) / step)
        high = np.floor(forward * np.exp(reach * sd) / step)
        grid = np.arange(max(low, 1.0), high + 1.0) * step
        strikes.update(float(k) for k in np.round(grid, 6))
    return tuple(sorted(strikes))


def initial_open_interest(
    strike: FloatArray, is_call: BoolArray, x: FloatArray, sd: FloatArray, round_strike: float,
    noise: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return relative open interest: calls above the money, puts below, heavy on round strikes.

    `x` is ln(K/F), `sd` the standard deviation to expiry, `noise` positive with mean one.
    """
    centre = np.where(is_call, 0.02 + 0.55 * sd, -0.02 - 0.75 * sd)
    width = 0.02 + 0.8 * sd
    shape = np.exp(-0.5 * ((x - centre) / width) ** 2)
    rounded = np.where(strike % round_strike == 0, 3.0, 1.0)
    rounded = np.where(strike % (round_strike / 2) == 0, 1.6 * rounded, rounded)
    return np.asarray(shape * rounded * noise * np.where(is_call, 1.0, 0.85))


def _step_at_least(steps: tuple[float, ...], wanted: float) -> float:
    return next((step for step in steps if step >= wanted), steps[-1])
