"""What a set of simulated paths says: volatility, large moves, squeezes and their end."""

import math
from dataclasses import dataclass

import numpy as np

from greeks.conventions import SECONDS_PER_YEAR, BoolArray, FloatArray
from loops.market import MarketPaths

WINDOW_S = 3600.0
LARGE_SD = 3.0
SQUEEZE_SHARE = 0.4
"""The share of signed flow above which a large move is named after who traded it."""
SPENT_SHARE = 0.1
"""Flow below this part of its peak is over; a price within it of the extreme is still there."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What happened on each path, (P,). A window is an hour, or the whole run if that is shorter.

    Attributes
    ----------
    is_large : some window's |r| was above 3 s sqrt(window).
    is_squeeze : in such a window dealers traded more than 40 % of the signed flow.
    is_cascade : in such a window forced traders did.
    is_exhausted : after the first squeeze began, dealers' flow of a window in its direction fell
        below 10 % of its peak while the price kept 90 % of its furthest move.
    """

    is_large: BoolArray
    is_squeeze: BoolArray
    is_cascade: BoolArray
    is_exhausted: BoolArray


def realised_volatility(log_price: FloatArray, seconds: FloatArray) -> FloatArray:
    """Root of the mean squared log return, a year's, of each path: (J, P) to (P,)."""
    years = (seconds[-1] - seconds[0]) / SECONDS_PER_YEAR
    return np.asarray(np.sqrt(np.sum(np.diff(log_price, axis=0) ** 2, axis=0) / years))


def window_steps(seconds: FloatArray) -> int:
    """How many even steps make an hour, at least 1 and at most all of them."""
    return int(np.clip(round(WINDOW_S / (seconds[1] - seconds[0])), 1, len(seconds) - 1))


def is_large_move(log_price: FloatArray, seconds: FloatArray, volatility: float) -> BoolArray:
    """Whether each window's move is above 3 s sqrt(window): (J, P) to (J - window, P)."""
    steps = window_steps(seconds)
    moves = log_price[steps:] - log_price[:-steps]
    sd = volatility * math.sqrt((seconds[steps] - seconds[0]) / SECONDS_PER_YEAR)
    return np.asarray(np.abs(moves) > LARGE_SD * sd)


def label_paths(paths: MarketPaths, log_per_coin: float, volatility: float) -> Labels:
    """Name what happened on each path, by the rules of `Labels`.

    The flow of everybody else is what would move the price as the fundamental moved: its log move
    over E = `log_per_coin`. A share counts flow with the sign of the move; flow against it is
    negative, and a window whose signed flow is not positive has no share.
    """
    steps = window_steps(paths.seconds)
    moves = paths.log_price[steps:] - paths.log_price[:-steps]
    sign = np.sign(moves)
    dealers, forced = (
        log_per_coin * _over_window(flow, steps) for flow in (paths.dealer_coin, paths.forced_coin)
    )
    others = paths.fundamental[steps:] - paths.fundamental[:-steps]
    signed = sign * (others + dealers + forced)
    large = is_large_move(paths.log_price, paths.seconds, volatility)

    def is_of(flow: FloatArray) -> BoolArray:
        return large & (signed > 0) & (sign * flow > SQUEEZE_SHARE * signed)

    squeezes = is_of(dealers)
    return Labels(
        is_large=np.any(large, axis=0),
        is_squeeze=np.any(squeezes, axis=0),
        is_cascade=np.any(is_of(forced), axis=0),
        is_exhausted=_is_exhausted(paths.log_price, dealers, squeezes, sign, steps),
    )


def _over_window(flow: FloatArray, steps: int) -> FloatArray:
    """Sums of `steps` neighbours along time, (J - 1, P) to (J - steps, P)."""
    total = np.vstack([np.zeros(flow.shape[1]), np.cumsum(flow, axis=0)])
    return np.asarray(total[steps:] - total[:-steps])


def _is_exhausted(
    log_price: FloatArray,
    dealers: FloatArray,
    squeezes: BoolArray,
    sign: FloatArray,
    steps: int,
) -> BoolArray:
    """Whether dealers' flow ran out while the price was still near the end of its first squeeze.

    Both are counted from the start of that squeeze's window on, in its direction.
    """
    paths = np.arange(log_price.shape[1])
    first = squeezes.argmax(axis=0)
    direction = sign[first, paths]
    since = np.arange(len(squeezes))[:, None] >= first
    flow = np.where(since, dealers * direction, -np.inf)
    move = np.where(since, (log_price[steps:] - log_price[first, paths]) * direction, -np.inf)
    peak = np.maximum.accumulate(flow, axis=0)
    furthest = np.maximum.accumulate(move, axis=0)
    is_spent = since & (flow < SPENT_SHARE * peak) & (move >= (1 - SPENT_SHARE) * furthest)
    return np.asarray(squeezes.any(axis=0) & is_spent.any(axis=0))
