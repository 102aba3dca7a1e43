"""The same work as anyone would write it in NumPy: one formula a line, whole arrays at a time."""

import numpy as np
from scipy.special import ndtr

from benchmarks.inputs import Options
from greeks.conventions import FloatArray

ROOT_2PI = np.sqrt(2 * np.pi)


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
