"""What this machine does at best: the rates that every other row is made of."""

import numpy as np
from scipy.special import erfcx

from benchmarks.growth import time_row
from benchmarks.harness import Row


def rows() -> list[Row]:
    """A call on 500 numbers, exponentials in the cache, the normal tail, memory."""
    rng = np.random.default_rng(3)
    few, out = rng.random(500), np.empty(500)
    many, exponentials = -20 * rng.random(16_384), np.empty(16_384)
    tails = rng.random((16, 1008)) * 4  # in no order, sixteen sets in turn: nothing is learnt
    large = np.zeros(8_000_000)
    copy = np.empty_like(large)
    turn = iter(range(10**9))
    return [
        time_row("rate_multiply_500", lambda: np.multiply(few, few, out=out)),
        time_row("rate_exp_16384", lambda: np.exp(many, out=exponentials)),
        time_row("rate_erfcx_1008", lambda: erfcx(tails[next(turn) % 16])),
        time_row("rate_copy_64_MB", lambda: np.copyto(copy, large)),
    ]
