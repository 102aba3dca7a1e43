"""The same work in NumPy as it is usually written.

`naive` has one textbook function a Greek, each with its own d1 and d2; `plain` is one pass that
shares them, one formula a line.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from benchmarks.inputs import Options
from greeks.conventions import FloatArray

ROOT_2PI = np.sqrt(2 * np.pi)


def _d1(o: Options) -> FloatArray:
    return (np.log(o.forward / o.strike) + 0.5 * o.iv**2 * o.years) / (o.iv * np.sqrt(o.years))


def _d2(o: Options) -> FloatArray:
    return _d1(o) - o.iv * np.sqrt(o.years)


def _density(o: Options) -> FloatArray:
    return np.exp(-(_d1(o) ** 2) / 2) / ROOT_2PI


def _sign(o: Options) -> FloatArray:
    return np.where(o.is_call, 1.0, -1.0)


def _vega(o: Options) -> FloatArray:
    return o.forward * _density(o) * np.sqrt(o.years)


def _gamma(o: Options) -> FloatArray:
    return _density(o) / (o.forward * o.iv * np.sqrt(o.years))


NAIVE: dict[str, Callable[[Options], FloatArray]] = {
    "price": lambda o: (
        _sign(o) * (o.forward * ndtr(_sign(o) * _d1(o)) - o.strike * ndtr(_sign(o) * _d2(o)))
    ),
    "delta": lambda o: _sign(o) * ndtr(_sign(o) * _d1(o)),
    "rho": lambda o: _sign(o) * o.strike * o.years * ndtr(_sign(o) * _d2(o)),
    "vega": _vega,
    "gamma": _gamma,
    "speed": lambda o: -_gamma(o) / o.forward * (_d1(o) / (o.iv * np.sqrt(o.years)) + 1),
    "volga": lambda o: _vega(o) * _d1(o) * _d2(o) / o.iv,
    "zomma": lambda o: _gamma(o) * (_d1(o) * _d2(o) - 1) / o.iv,
    "vanna": lambda o: -_density(o) * _d2(o) / o.iv,
    "veta": lambda o: -_vega(o) * (1 + _d1(o) * _d2(o)) / (2 * o.years),
    "color": lambda o: _gamma(o) * (1 - _d1(o) * _d2(o)) / (2 * o.years),
    "charm": lambda o: _density(o) * _d2(o) / (2 * o.years),
    "theta": lambda o: -o.forward * _density(o) * o.iv / (2 * np.sqrt(o.years)),
    "ultima": lambda o: (
        -_vega(o) / o.iv**2 * (_d1(o) * _d2(o) * (1 - _d1(o) * _d2(o)) + _d1(o) ** 2 + _d2(o) ** 2)
    ),
}


def naive_greeks(options: Options) -> list[FloatArray]:
    return [greek(options) for greek in NAIVE.values()]


def greeks(options: Options) -> list[FloatArray]:
    F, K, T, s, is_call = options.columns
    root = np.sqrt(T)
    d1 = (np.log(F / K) + 0.5 * s**2 * T) / (s * root)
    d2 = d1 - s * root
    n1 = np.exp(-(d1**2) / 2) / ROOT_2PI
    cp = np.where(is_call, 1.0, -1.0)
    delta = cp * ndtr(cp * d1)
    price = cp * (F * ndtr(cp * d1) - K * ndtr(cp * d2))
    rho = cp * K * T * ndtr(cp * d2)
    gamma = n1 / (F * s * root)
    vega = F * n1 * root
    theta = -F * n1 * s / (2 * root)
    vanna = -n1 * d2 / s
    charm = n1 * d2 / (2 * T)
    volga = vega * d1 * d2 / s
    veta = -vega * (1 + d1 * d2) / (2 * T)
    speed = -gamma / F * (d1 / (s * root) + 1)
    zomma = gamma * (d1 * d2 - 1) / s
    color = gamma * (1 - d1 * d2) / (2 * T)
    ultima = -vega / s**2 * (d1 * d2 * (1 - d1 * d2) + d1**2 + d2**2)
    return [
        *(price, delta, rho, vega, gamma, speed, volga, zomma),
        *(vanna, veta, color, charm, theta, ultima),
    ]


def profile(options: Options, moves: FloatArray) -> FloatArray:
    F, K, T, s, _ = options.columns
    moved = F * np.exp(moves)[:, None]
    d1 = (np.log(moved / K) + 0.5 * s**2 * T) / (s * np.sqrt(T))
    gamma = np.exp(-(d1**2) / 2) / ROOT_2PI / (moved * s * np.sqrt(T))
    return np.asarray((options.position * gamma * moved**2 * 0.01).sum(axis=1))
