"""Implied volatility from prices, vectorised, to the last digits, with a status per row.

Works on the out-of-the-money time value, which alone carries the information: with
x = |ln(F/K)|, v = s sqrt(T), h = x/v and t = v/2 it is sqrt(F K) b(x, v),
b = exp(-(h^2 + t^2)/2) [erfcx((h - t)/sqrt 2) - erfcx((h + t)/sqrt 2)] / 2
(Jaeckel 2015, "Let's be rational"). A first guess comes from a table of the normal model's time
value, then a third-order Householder step on 1/ln b or, above the inflection v^2 = 2 x of b, on
ln b, and a second-order Halley step on ln b.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx, log_ndtr

from greeks.black76 import (
    INV_SQRT_2PI,
    ROOT_HALF,
    SQRT_HALF_PI,
    log_ratio,
    tail_difference,
)
from greeks.conventions import BoolArray, FloatArray

NARROW_SD = 0.05
"""Below this v the two tails of b nearly cancel, and its series gives the last digits."""
WIDE_SD = 1.5
"""Above this v the first guess is poor, and more steps follow."""
WIDE_STEPS = 3
BLOCK = 2048
MIN_TIME_VALUE = 1e-300
_TABLE_POINTS = 4000
_LOG_VALUE_LOW, _LOG_VALUE_STEP = -760.0, 0.2


class IvStatus(IntEnum):
    """How a price was answered, ordered so that the worst code wins."""

    OK = 0
    BELOW_INTRINSIC = 1  # no time value: the price carries no volatility
    ABOVE_MAXIMUM = 2  # worth more than the forward (call) or the strike (put)
    NO_PRICE = 3  # an input is missing or impossible


def implied_vol(
    price: FloatArray,
    forward: FloatArray,
    strike: FloatArray,
    years: FloatArray,
    is_call: BoolArray,
) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Black-76 volatility of each undiscounted USD price, and an `IvStatus` code per row.

    Rows that have no answer are NaN. Relative error below 2e-13 for out-of-the-money prices; for
    deep in-the-money ones the price itself has lost the digits, so ask for the twin's.
    """
    with np.errstate(all="ignore"):
        gap = forward - strike
        time_value = price - np.maximum(np.where(is_call, gap, -gap), 0.0)
        most = np.minimum(forward, strike)
        known = np.isfinite(price + gap + years) & (most > 0) & (years > 0)
        status = np.full(len(price), IvStatus.NO_PRICE, np.int8)
        np.copyto(status, IvStatus.OK, where=known)
        np.copyto(status, IvStatus.BELOW_INTRINSIC, where=known & (time_value <= MIN_TIME_VALUE))
        np.copyto(status, IvStatus.ABOVE_MAXIMUM, where=known & (time_value >= most))
    solvable = status == IvStatus.OK
    if solvable.all():
        return implied_sd(time_value, forward, strike) / np.sqrt(years), status
    rows = np.flatnonzero(solvable)
    iv = np.full(len(price), np.nan)
    sd = implied_sd(time_value[rows], forward[rows], strike[rows])
    iv[rows] = sd / np.sqrt(years[rows])
    return iv, status


def implied_sd(time_value: FloatArray, forward: FloatArray, strike: FloatArray) -> FloatArray:
    """Total standard deviation v = s sqrt(T) of out-of-the-money values, in blocks.

    Every `time_value` must lie strictly between 0 and min(F, K).
    """
    out = np.empty(len(time_value))
    for start in range(0, len(out), BLOCK):
        rows = slice(start, start + BLOCK)
        F, K = forward[rows], strike[rows]
        out[rows] = _solve(np.abs(log_ratio(F, K)), time_value[rows] / np.sqrt(F * K))
    return out


def _solve(x: FloatArray, beta: FloatArray) -> FloatArray:
    """Invert b(x, v) = beta for v."""
    with np.errstate(all="ignore"):
        log_beta = np.log(beta)
        v = _guess(x, beta, log_beta)
        v = _halley(x, _householder(x, v, log_beta), log_beta)
        wide = np.flatnonzero(v > WIDE_SD)
        for _ in range(WIDE_STEPS if len(wide) else 0):
            v[wide] = _halley_on_value(x[wide], v[wide], beta[wide])
        narrow = np.flatnonzero(v < NARROW_SD)
        if len(narrow):
            v[narrow] += _newton_step(x[narrow], v[narrow], beta[narrow])
        return v


def _newton_step(x: FloatArray, v: FloatArray, beta: FloatArray) -> FloatArray:
    """One Newton step on b = b' v times the series of the tails' difference."""
    h, t = x / v, v / 2
    slope = INV_SQRT_2PI * np.exp(-0.5 * (h * h + t * t))
    return np.asarray(beta / slope - v * tail_difference(h, v))


def _guess(x: FloatArray, beta: FloatArray, log_beta: FloatArray) -> FloatArray:
    """The normal model's v: x/h with n(h)/h - N(-h) = beta/x from a table, at the money beta."""
    at = (log_beta - np.log(x) - _LOG_VALUE_LOW) * (1 / _LOG_VALUE_STEP)
    np.minimum(np.maximum(at, 0.0), len(_LOG_H) - 2.0, out=at)
    left = at.astype(np.int64)
    h = np.exp(_LOG_H[left] + (at - left) * (_LOG_H[left + 1] - _LOG_H[left]))
    at_money = beta / INV_SQRT_2PI
    return np.where(x < 1e-12 * at_money, at_money, x / h)


def _value(x: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """b(x, v), its derivative b' by v, and h^2/v; b''/b' is h^2/v - v/4."""
    h, t = x / v, v / 2
    z = np.empty((2, len(x)))
    np.subtract(h, t, out=z[0])
    np.add(h, t, out=z[1])
    z *= ROOT_HALF
    erfcx(z, out=z)
    h *= h
    density = t * t
    density += h
    density *= -0.5
    np.exp(density, out=density)
    density *= INV_SQRT_2PI
    h /= v
    b = z[0] - z[1]
    b *= density
    b *= SQRT_HALF_PI
    return b, density, h


def _householder(x: FloatArray, v: FloatArray, log_beta: FloatArray) -> FloatArray:
    """One third-order step on f = 1/ln b below the inflection of b, on ln b above it.

    nu = -f/f', r2 = f''/f', r3 = f'''/f'.
    """
    b, slope, bend = _value(x, v)
    log_b, rate = np.log(b), slope / b
    below = v * v < 2 * x
    s = np.where(below, 1 / log_b, 0.0)
    nu = (log_beta - log_b) / rate
    nu *= np.where(below, log_b / log_beta, 1.0)
    curve = bend - v / 4  # b''/b'
    tilt = rate * (1 + 2 * s)
    r2 = curve - tilt
    r3 = 2 * rate * rate * (1 + 3 * s * (1 + s)) - 3 * curve * tilt
    r3 += curve * curve - 3 * bend / v - 0.25  # b'''/b'
    step = nu * (1 + 0.5 * r2 * nu) / (1 + nu * (r2 + r3 * nu / 6))
    return np.asarray(np.maximum(v + step, v / 4))


def _halley(x: FloatArray, v: FloatArray, log_beta: FloatArray) -> FloatArray:
    """One second-order step on ln b."""
    b, slope, bend = _value(x, v)
    rate = slope / b
    nu = (log_beta - np.log(b)) / rate
    step = nu / (1 + 0.5 * nu * (bend - v / 4 - rate))
    return np.asarray(np.maximum(v + step, v / 4))


def _halley_on_value(x: FloatArray, v: FloatArray, beta: FloatArray) -> FloatArray:
    """One second-order step on b, which flattens towards 1 as v grows."""
    b, slope, bend = _value(x, v)
    nu = (beta - b) / slope
    step = nu / (1 + 0.5 * nu * (bend - v / 4))
    return np.asarray(np.maximum(v + step, v / 4))


def _log_h_table() -> FloatArray:
    """Values of ln h at even steps of ln[n(h)/h - N(-h)], from `_LOG_VALUE_LOW` up."""
    log_h = np.linspace(np.log(45.0), np.log(1e-16), 8 * _TABLE_POINTS)
    h = np.exp(log_h)
    log_density = -0.5 * h * h + np.log(INV_SQRT_2PI) - log_h
    log_value = log_density + np.log1p(-np.exp(log_ndtr(-h) - log_density))
    even = _LOG_VALUE_LOW + _LOG_VALUE_STEP * np.arange(_TABLE_POINTS)
    return np.asarray(np.interp(even, log_value, log_h))


_LOG_H = _log_h_table()
