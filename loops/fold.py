"""All prices at which dealers' hedges and the price agree, and how far the next jump is.

After a shock u the price solves x = u + E [phi(x) - phi(0)], x and u in logs. Where E phi' < 1
there is one solution; where it is not, the map of shocks to prices folds, and a shock past the
fold jumps (Schoenbucher and Wilmott 2000). phi saturates: that ends every squeeze.
"""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import FloatArray

FOLD_NODES = 4001


@dataclass(frozen=True, slots=True)
class FoldSide:
    """One direction of shocks; all in logs, positive upwards, NaN where there is no fold.

    Attributes
    ----------
    shock : the largest shock that the price still follows without a jump; 0 where the hedge runs
        away at once.
    jump_from, jump_to : the price just before the jump and where it comes to rest.
    push : the furthest that dealers' buying (selling, for the way down) can move the price on this
        side; 0 where they lean against it.
    """

    shock: float
    jump_from: float
    jump_to: float
    push: float


@dataclass(frozen=True, slots=True)
class Fold:
    """Both directions, and the gain E phi'(0) between them."""

    gain: float
    up: FoldSide
    down: FoldSide


def find_equilibria(
    log_price: FloatArray, target_coin: FloatArray, log_per_coin: float, shock: float
) -> FloatArray:
    """Every x with x = shock + E [phi(x) - phi(0)], rising; phi linear between the nodes.

    Parameters
    ----------
    log_price : (M,) rising nodes, 0 among them.
    target_coin : (M,) phi, dealers' hedge at each.
    log_per_coin : E, log move for a coin bought.
    """
    excess = _shocks(log_price, target_coin, log_per_coin) - shock
    before, after = excess[:-1], excess[1:]
    left = np.flatnonzero((before < 0) & (after > 0) | (before > 0) & (after < 0))
    share = before[left] / (before[left] - after[left])
    between = log_price[left] + share * (log_price[left + 1] - log_price[left])
    return np.sort(np.concatenate([between, log_price[excess == 0]]))


def find_fold(log_price: FloatArray, target_coin: FloatArray, log_per_coin: float) -> Fold:
    """The largest shocks up and down before a jump, its size, and the push that hedging holds.

    Arguments as in `find_equilibria`.
    """
    shocks = _shocks(log_price, target_coin, log_per_coin)
    pushes = log_price - shocks
    middle = int(np.searchsorted(log_price, 0.0))
    slope = (pushes[middle + 1] - pushes[middle - 1]) / (
        log_price[middle + 1] - log_price[middle - 1]
    )
    up = _side(log_price[middle:], shocks[middle:], pushes[middle:])
    down = _side(*(-column[middle::-1] for column in (log_price, shocks, pushes)))
    return Fold(float(slope), up, FoldSide(-down.shock, -down.jump_from, -down.jump_to, -down.push))


def _shocks(log_price: FloatArray, target_coin: FloatArray, log_per_coin: float) -> FloatArray:
    """The shock u that each price x answers to; the first price to none."""
    now = np.interp(0.0, log_price, target_coin)
    return log_price - log_per_coin * (target_coin - now)


def _side(x: FloatArray, shocks: FloatArray, pushes: FloatArray) -> FoldSide:
    """The fold of the prices above the first one, which is 0."""
    push = float(np.max(pushes))
    falling = np.flatnonzero(np.diff(shocks) < 0)
    if not len(falling):
        return FoldSide(np.nan, np.nan, np.nan, push)
    fold = int(falling[0])
    beyond = fold + 1 + np.flatnonzero(shocks[fold + 1 :] >= shocks[fold])
    to = np.nan
    if len(beyond):
        ends = slice(int(beyond[0]) - 1, int(beyond[0]) + 1)
        to = float(np.interp(shocks[fold], shocks[ends], x[ends]))
    return FoldSide(float(shocks[fold]), float(x[fold]), to, push)
