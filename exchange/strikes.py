"""Which strikes an expiry lists, and how open interest starts out. Pure functions."""

import numpy as np

from exchange.specs import BookSpec
from greeks.conventions import BoolArray, FloatArray

ZONES = ((1.0, 12.0), (2.5, 6.0))
"""Reach in standard deviations, and strikes per standard deviation inside it."""
WING_REACH, WINGS = 4.2, 11.0
"""Reach of the wings, and how many strikes they have on a side."""
PLACED_REACH = 2.8

FLIP_BELOW = -0.025
"""Where naive gamma changes its sign when a market begins, as a move of spot."""


def strike_ladder(book: BookSpec, forward: float, sd: float, placed: float) -> tuple[float, ...]:
    """Return the strikes for a forward and the standard deviation of its logarithm to expiry.

    Dense and on small steps near the money, sparse and on big steps in the wings, which reach
    what was asked for when the life ahead was longer: `placed` is that deviation.
    """
    wing = max(WING_REACH * sd, PLACED_REACH * placed)
    reaches = [(reach * sd, sd / per_sd) for reach, per_sd in ZONES] + [(wing, wing / WINGS)]
    strikes: set[float] = set()
    for reach, gap in reaches:
        step = _step_at_least(book.asset.strike_steps, gap / book.ladder * forward)
        low = np.ceil(forward * np.exp(-reach) / step)
        high = np.floor(forward * np.exp(reach) / step)
        grid = np.arange(max(low, 1.0), high + 1.0) * step
        strikes.update(float(k) for k in np.round(grid, 6))
    return tuple(sorted(strikes))


def initial_open_interest(
    strike: FloatArray, is_call: BoolArray, x: FloatArray, placed: FloatArray, round_strike: float,
    noise: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return relative open interest: calls above the money, puts below, heavy on round strikes.

    `x` is ln(K/F), `placed` the deviation that holdings were chosen for, `noise` positive with
    mean one.
    """
    reach = 0.025 + 0.75 * placed
    centre = np.where(is_call, reach, -reach)
    shape = np.exp(-0.5 * ((x - centre) / (0.03 + 0.85 * placed)) ** 2)
    rounded = np.where(strike % round_strike == 0, 1.6, 1.0)
    rounded = np.where(strike % (round_strike / 2) == 0, 1.6 * rounded, rounded)
    return np.asarray(shape * rounded * noise)


def balance_puts(
    weight: FloatArray, is_call: BoolArray, x: FloatArray, sd: FloatArray
) -> FloatArray:
    """Scale the puts so that calls and puts carry the same gamma `FLIP_BELOW` under spot.

    That is where the world's "naive" dealer gamma (long calls, short puts) then flips its sign.
    """
    d1 = (FLIP_BELOW - x) / sd + sd / 2
    gamma = weight * np.exp(-0.5 * d1 * d1) / sd
    calls, puts = gamma[is_call].sum(), gamma[~is_call].sum()
    return np.where(is_call, weight, weight * calls / max(puts, 1e-300))


def _step_at_least(steps: tuple[float, ...], wanted: float) -> float:
    return next((step for step in steps if step >= wanted), steps[-1])
