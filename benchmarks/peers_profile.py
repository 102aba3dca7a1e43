"""Other libraries at a gamma profile: every option re-priced at every level of a ladder."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks.harness import Task
from benchmarks.inputs import Options
from benchmarks.peers import Builder, module_of
from greeks.conventions import FloatArray


def jax_profile(moves: FloatArray, inputs: Sequence[Options]) -> Task:
    """The Gaussian form, one compiled function."""
    jax = module_of("jax")
    jax.config.update("jax_enable_x64", val=True)
    jnp = jax.numpy

    @jax.jit
    def compute(F, K, T, s, q):  # type: ignore[no-untyped-def]
        v = s * jnp.sqrt(T)
        z = (moves[:, None] + jnp.log(F / K)) / v - v / 2
        return jnp.exp(-z * z / 2) @ (q * K / v * (0.01 / jnp.sqrt(2 * jnp.pi)))

    columns = [[jnp.asarray(c) for c in (*o.columns[:4], o.position)] for o in inputs]
    return lambda i: jax.block_until_ready(compute(*columns[i % len(columns)]))


def numexpr_profile(moves: FloatArray, inputs: Sequence[Options]) -> Task:
    numexpr = module_of("numexpr")
    numexpr.set_num_threads(1)

    def run(i: int) -> object:
        o = inputs[i % len(inputs)]
        v = o.iv * np.sqrt(o.years)
        names = {"x": moves[:, None], "k": np.log(o.forward / o.strike), "v": v}
        density = numexpr.evaluate("exp(-((x + k)/v - v/2)**2/2)", names)
        return density @ (o.position * o.strike / v * (0.01 / np.sqrt(2 * np.pi)))

    return run


def _tiled(
    gamma: Callable[..., object], moves: FloatArray, o: Options, **arguments: object
) -> FloatArray:
    """Net GEX from a library's gamma function on all options times all levels."""
    levels = len(moves)
    moved = (o.forward * np.exp(moves)[:, None]).ravel()
    K, T, s = (np.tile(c, levels) for c in (o.strike, o.years, o.iv))
    values = gamma(moved, K, T, s, **arguments)
    weight = np.tile(o.position, levels) * moved**2 * 0.01
    return np.asarray((np.asarray(values) * weight).reshape(levels, -1).sum(axis=1))


def fast_vollib_profile(moves: FloatArray, inputs: Sequence[Options]) -> Task:
    ask = module_of("fast_vollib").vectorized_gamma
    flags = np.tile(np.where(inputs[0].is_call, "c", "p"), len(moves))

    def gamma(F: FloatArray, K: FloatArray, T: FloatArray, s: FloatArray) -> object:
        columns = flags, F, K, T, 0.0, s
        return ask(*columns, model="black", return_as="numpy", backend="numpy")

    return lambda i: _tiled(gamma, moves, inputs[i % len(inputs)])


def pyvolr_profile(moves: FloatArray, inputs: Sequence[Options]) -> Task:
    ask = module_of("pyvolr").black76.gamma

    def gamma(F: FloatArray, K: FloatArray, T: FloatArray, s: FloatArray) -> object:
        return ask(F, K, T, 0.0, s)

    return lambda i: _tiled(gamma, moves, inputs[i % len(inputs)])


def iv_engine_profile(moves: FloatArray, inputs: Sequence[Options]) -> Task:
    ask = module_of("iv_engine").gammas
    return lambda i: _tiled(ask, moves, inputs[i % len(inputs)], parallel=False)


def profile_builders(moves: FloatArray) -> dict[str, Builder]:
    """Builders of profile tasks on one ladder of log-moves."""
    return {
        "jax": partial(jax_profile, moves),
        "numexpr": partial(numexpr_profile, moves),
        "iv_engine": partial(iv_engine_profile, moves),
        "pyvolr": partial(pyvolr_profile, moves),
        "fast_vollib": partial(fast_vollib_profile, moves),
    }
