"""Implied volatility from prices, vectorised, to the last digits, with a status per row.

Works on the out-of-the-money time value, which alone carries the information: with
x = |ln(F/K)|, v = s sqrt(T), h = x/v and t = v/2 it is sqrt(F K) b(x, v),
b = exp(-(h^2 + t^2)/2) [erfcx((h - t)/sqrt 2) - erfcx((h + t)/sqrt 2)] / 2
(Jaeckel 2015, "Let's be rational"). A first guess comes from a table of the normal model's time
value, then two third-order Householder steps follow, on 1/ln b below the inflection v^2 = 2 x of
b and on b above it.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx, log_ndtr

from greeks.black76 import INV_SQRT_2PI, log_ratio, tail_difference
from greeks.conventions import BoolArray, FloatArray

STEPS = 2
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
        intrinsic = np.maximum(np.where(is_call, forward - strike, strike - forward), 0.0)
        time_value = price - intrinsic
        known = np.isfinite(price) & (np.minimum(forward, strike) > 0) & (years > 0)
        known &= np.isfinite(forward) & np.isfinite(strike) & np.isfinite(years)
        status = np.full(len(price), IvStatus.NO_PRICE, np.int8)
        status[known] = IvStatus.OK
        status[known & (time_value <= MIN_TIME_VALUE)] = IvStatus.BELOW_INTRINSIC
        status[known & (time_value >= np.minimum(forward, strike))] = IvStatus.ABOVE_MAXIMUM
    rows = np.flatnonzero(status == IvStatus.OK)
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
        lower = v * v < 2 * x
        for _ in range(STEPS):
            v = _householder(x, v, beta, log_beta, lower)
        wide = np.flatnonzero(v > WIDE_SD)
        for _ in range(WIDE_STEPS if len(wide) else 0):
            v[wide] = _householder(x[wide], v[wide], beta[wide], log_beta[wide], lower[wide])
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


def _value(x: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """b(x, v) and its derivative by v."""
    h, t = x / v, v / 2
    common = np.exp(-0.5 * (h * h + t * t))
    root_half = np.sqrt(0.5)
    b = 0.5 * common * (erfcx((h - t) * root_half) - erfcx((h + t) * root_half))
    return b, INV_SQRT_2PI * common


def _householder(
    x: FloatArray, v: FloatArray, beta: FloatArray, log_beta: FloatArray, lower: BoolArray
) -> FloatArray:
    """One third-order step. With f the objective: nu = -f/f', r2 = f''/f', r3 = f'''/f'."""
    b, slope = _value(x, v)
    curve = (x / v) ** 2 / v - v / 4  # b''/b'
    third = curve * curve - 3 * (x / v**2) ** 2 - 0.25  # b'''/b'
    nu, r2, r3 = (beta - b) / slope, curve, third
    log_b, rate = np.log(b), slope / b
    tilt = rate * (1 + 2 / log_b)
    nu_low = (log_beta - log_b) * log_b / log_beta / rate
    r2_low = curve - tilt
    r3_low = third + 2 * rate * rate * (1 + 3 / log_b * (1 + 1 / log_b)) - 3 * curve * tilt
    nu = np.where(lower, nu_low, nu)
    r2 = np.where(lower, r2_low, r2)
    r3 = np.where(lower, r3_low, r3)
    step = nu * (1 + 0.5 * r2 * nu) / (1 + nu * (r2 + r3 * nu / 6))
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
