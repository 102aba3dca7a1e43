"""Other libraries at the same work, each optional: what is missing is listed with its reason.

A builder imports its library, adapts the inputs once and returns a task; most deliver fewer Greeks
than we do, which is said in the table.
"""

import importlib
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np

from benchmarks.harness import Task
from benchmarks.inputs import Options
from greeks.conventions import FloatArray

Builder = Callable[[Sequence[Options]], Task]

SCALAR_LIMIT = 20_000
"""Loops over single options are not asked for more than this."""


def build(
    builders: dict[str, Builder], inputs: Sequence[Options], missing: dict[str, str]
) -> dict[str, Task]:
    """The tasks of the peers that can be imported and run; reasons of the others into `missing`."""
    tasks = {}
    for name, builder in builders.items():
        if name in missing:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                task = builder(inputs)
                task(0)
        except Exception as error:  # noqa: BLE001 (a peer may fail in any way; the table says how)
            missing[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
        else:
            tasks[name] = task
    return tasks


def module_of(name: str) -> ModuleType:
    return importlib.import_module(name)


def flags_of(options: Options) -> FloatArray:
    return np.where(options.is_call, "c", "p")


# All Greeks


def jax_greeks(inputs: Sequence[Options]) -> Task:
    """All fourteen, one compiled function."""
    jax = module_of("jax")
    jax.config.update("jax_enable_x64", val=True)
    jnp, ndtr = jax.numpy, jax.scipy.special.ndtr

    @jax.jit
    def compute(F, K, T, s, cp):  # type: ignore[no-untyped-def]
        root = jnp.sqrt(T)
        v = s * root
        d1 = jnp.log(F / K) / v + v / 2
        d2 = d1 - v
        n1 = jnp.exp(-d1 * d1 / 2) / jnp.sqrt(2 * jnp.pi)
        N1, N2, dd = ndtr(cp * d1), ndtr(cp * d2), d1 * d2
        gamma, vega = n1 / (F * v), F * n1 * root
        return (
            *(cp * (F * N1 - K * N2), cp * N1, cp * K * T * N2, vega, gamma),
            *(-gamma / F * (d1 / v + 1), vega * dd / s, gamma * (dd - 1) / s, -n1 * d2 / s),
            *(-vega * (1 + dd) / (2 * T), gamma * (1 - dd) / (2 * T), n1 * d2 / (2 * T)),
            *(-vega * s / (2 * T), -vega / s**2 * (dd * (1 - dd) + d1 * d1 + d2 * d2)),
        )

    columns = [
        [jnp.asarray(c) for c in (*o.columns[:4], np.where(o.is_call, 1.0, -1.0))] for o in inputs
    ]
    return lambda i: jax.block_until_ready(compute(*columns[i % len(columns)]))


def numexpr_greeks(inputs: Sequence[Options]) -> Task:
    """Eleven: it has no normal distribution, so no price, delta and rho."""
    numexpr = module_of("numexpr")
    numexpr.set_num_threads(1)
    d1 = "(log(F/K)/(s*sqrt(T)) + s*sqrt(T)/2)"
    first = f"{d1}"
    rest = [
        "F*n*sqrt(T)", "n/(F*s*sqrt(T))", "-n/(F*s*sqrt(T))/F*(d/(s*sqrt(T))+1)",
        "F*n*sqrt(T)*d*e/s", "n/(F*s*sqrt(T))*(d*e-1)/s", "-n*e/s",
        "-F*n*sqrt(T)*(1+d*e)/(2*T)", "n/(F*s*sqrt(T))*(1-d*e)/(2*T)", "n*e/(2*T)",
        "-F*n*s/(2*sqrt(T))", "-F*n*sqrt(T)/s**2*(d*e*(1-d*e)+d*d+e*e)",
    ]  # fmt: skip

    def run(i: int) -> object:
        F, K, T, s, _ = inputs[i % len(inputs)].columns
        names = {"F": F, "K": K, "T": T, "s": s}
        d = numexpr.evaluate(first, names)
        e = numexpr.evaluate("d - s*sqrt(T)", names | {"d": d})
        n = numexpr.evaluate("exp(-d*d/2)*0.3989422804014327", {"d": d})
        names |= {"d": d, "e": e, "n": n}
        return [numexpr.evaluate(formula, names) for formula in rest]

    return run


def pyvolr_greeks(inputs: Sequence[Options]) -> Task:
    """Five, in Rust."""
    greeks = module_of("pyvolr").black76.greeks
    flags = [flags_of(o) for o in inputs]

    def run(i: int) -> object:
        o = inputs[i % len(inputs)]
        return greeks(flags[i % len(inputs)], o.forward, o.strike, o.years, 0.0, o.iv)

    return run


def polars_vol_greeks(inputs: Sequence[Options]) -> Task:
    """Price and five, in Rust."""
    polars, vol = module_of("polars"), module_of("polars_vol")
    frames = [frame_of(polars, o) for o in inputs]
    ask = vol.black_scholes_with_greeks("K", "S", "v", "T", "r", "is_call")
    return lambda i: frames[i % len(frames)].select(ask)


def frame_of(polars: ModuleType, o: Options, price: FloatArray | None = None) -> object:
    columns = {"K": o.strike, "S": o.forward, "v": o.iv, "T": o.years, "is_call": o.is_call}
    columns["r"] = np.zeros(len(o))
    if price is not None:
        columns["price"] = price
    return polars.DataFrame(columns)


def iv_engine_greeks(inputs: Sequence[Options]) -> Task:
    """Price and five, in Rust, calls only."""
    lib = module_of("iv_engine")

    def run(i: int) -> object:
        F, K, T, s, _ = inputs[i % len(inputs)].columns
        return (
            lib.black_prices(F, K, T, s, is_call=True, parallel=False),
            lib.deltas(F, K, T, s, is_call=True, parallel=False),
            lib.gammas(F, K, T, s, parallel=False),
            lib.vegas(F, K, T, s, parallel=False),
            lib.vannas(F, K, T, s, parallel=False),
            lib.vommas(F, K, T, s, parallel=False),
        )

    return run


def fast_vollib_greeks(inputs: Sequence[Options]) -> Task:
    """Five, its NumPy back end."""
    ask = module_of("fast_vollib").get_all_greeks
    flags = [flags_of(o) for o in inputs]

    def run(i: int) -> object:
        o = inputs[i % len(inputs)]
        columns = flags[i % len(inputs)], o.forward, o.strike, o.years, 0.0, o.iv
        return ask(*columns, model="black", return_as="dict", backend="numpy")

    return run


def py_vollib_vectorized_greeks(inputs: Sequence[Options]) -> Task:
    """Five, compiled by numba."""
    ask = vectorized_vollib().get_all_greeks
    flags = [flags_of(o) for o in inputs]

    def run(i: int) -> object:
        o = inputs[i % len(inputs)]
        columns = flags[i % len(inputs)], o.forward, o.strike, o.years, 0.0, o.iv
        return ask(*columns, model="black", return_as="dict")

    return run


def vectorized_vollib() -> ModuleType:
    """Its import patches vollib, so it stays out where it cannot run."""
    numba = module_of("numba").__version__
    if tuple(map(int, numba.split(".")[:2])) > (0, 56):
        raise RuntimeError(f"needs numba 0.56 (Python 3.10, NumPy 1.23), here is {numba}")
    return module_of("py_vollib_vectorized")


def quantlib_greeks(inputs: Sequence[Options]) -> Task:
    """Price and five, a loop over its calculator."""
    ql = module_of("QuantLib")
    kinds = ql.Option.Put, ql.Option.Call
    only_small(inputs)

    def run(i: int) -> object:
        o = inputs[i % len(inputs)]
        out = []
        for F, K, T, s, is_call in zip(*(c.tolist() for c in o.columns), strict=True):
            payoff = ql.PlainVanillaPayoff(kinds[is_call], K)
            option = ql.BlackCalculator(payoff, F, s * T**0.5)
            out.append((
                option.value(), option.deltaForward(), option.gammaForward(),
                option.vega(T), option.theta(F, T), option.rho(T),
            ))  # fmt: skip
        return out

    return run


def vollib_greeks(inputs: Sequence[Options]) -> Task:
    """Five, a loop over its functions."""
    analytical = module_of("vollib.black.greeks.analytical")
    names = ("delta", "gamma", "vega", "theta", "rho")
    functions = [getattr(analytical, name) for name in names]
    only_small(inputs)

    def run(i: int) -> object:
        o = inputs[i % len(inputs)]
        rows = zip(flags_of(o).tolist(), *(c.tolist() for c in o.columns[:4]), strict=True)
        return [[f(flag, F, K, T, 0.0, s) for f in functions] for flag, F, K, T, s in rows]

    return run


def only_small(inputs: Sequence[Options]) -> None:
    if len(inputs[0]) > SCALAR_LIMIT:
        raise ValueError(f"a loop over single options, asked for {SCALAR_LIMIT:,} at most")


GREEKS: dict[str, Builder] = {
    "jax": jax_greeks,
    "numexpr": numexpr_greeks,
    "pyvolr": pyvolr_greeks,
    "polars_vol": polars_vol_greeks,
    "iv_engine": iv_engine_greeks,
    "fast_vollib": fast_vollib_greeks,
    "py_vollib_vectorized": py_vollib_vectorized_greeks,
    "quantlib": quantlib_greeks,
    "vollib": vollib_greeks,
}
