"""Other libraries at implied volatility from out-of-the-money prices."""

from collections.abc import Sequence

import mpmath
import numpy as np

from benchmarks.harness import Task
from benchmarks.inputs import Options
from benchmarks.peers import Builder, flags_of, frame_of, module_of, only_small, vectorized_vollib
from greeks.black76 import compute_greeks
from greeks.conventions import FloatArray


def out_of_the_money(options: Options) -> Options:
    """The same strikes, each as the option that carries time value only."""
    return Options(*options.columns[:4], options.strike > options.forward, options.position)


def prices_of(options: Options) -> FloatArray:
    return compute_greeks(*options.columns).price


def exact_prices_of(options: Options) -> FloatArray:
    """Prices rounded once; in double precision a price is off by 1e-13 itself where v is small."""
    sign = np.where(options.is_call, 1, -1)
    with mpmath.workdps(40):
        rows = zip(sign, *options.columns[:4], strict=True)
        return np.array([_exact_price(*map(float, row)) for row in rows], np.float64)


def _exact_price(sign: float, F: float, K: float, T: float, s: float) -> mpmath.mpf:
    """sign [F N(sign d1) - K N(sign d2)], sign = 1 for a call and -1 for a put."""
    v = mpmath.mpf(s) * mpmath.sqrt(T)
    d1 = (mpmath.log(F) - mpmath.log(K)) / v + v / 2
    return sign * (F * mpmath.ncdf(sign * d1) - K * mpmath.ncdf(sign * (d1 - v)))


def iv_engine_iv(inputs: Sequence[Options]) -> Task:
    """Let's be rational in Rust; one type a call, so calls and puts apart."""
    ask = module_of("iv_engine").implied_volatilities
    parts = []
    for o in inputs:
        price = prices_of(o)
        for mine, is_call in ((o.is_call, True), (~o.is_call, False)):
            columns = [c[mine] for c in (price, o.forward, o.strike, o.years)]
            parts.append((columns, is_call))

    def run(i: int) -> object:
        at = 2 * (i % len(inputs))
        return [
            ask(*columns, is_call=is_call, parallel=False)
            for columns, is_call in parts[at : at + 2]
        ]

    return run


def pyvolr_iv(inputs: Sequence[Options]) -> Task:
    """Let's be rational in Rust."""
    ask = module_of("pyvolr").black76.implied_vol
    cases = [(prices_of(o), flags_of(o), o.forward, o.strike, o.years, 0.0) for o in inputs]
    return lambda i: ask(*cases[i % len(cases)])


def polars_vol_iv(inputs: Sequence[Options]) -> Task:
    """Newton's method in Rust."""
    polars, vol = module_of("polars"), module_of("polars_vol")
    frames = [frame_of(polars, o, prices_of(o)) for o in inputs]
    ask = vol.implied_vol("price", "K", "S", "T", "r", "is_call")
    return lambda i: frames[i % len(frames)].select(ask)  # type: ignore[attr-defined]


def fast_vollib_iv(inputs: Sequence[Options]) -> Task:
    """Its NumPy back end."""
    ask = module_of("fast_vollib").fast_implied_volatility_black
    cases = [(prices_of(o), o.forward, o.strike, 0.0, o.years, flags_of(o)) for o in inputs]
    settings = {"return_as": "numpy", "backend": "numpy", "on_error": "ignore"}
    return lambda i: ask(*cases[i % len(cases)], **settings)


def py_vollib_vectorized_iv(inputs: Sequence[Options]) -> Task:
    """Let's be rational, compiled by numba."""
    ask = vectorized_vollib().vectorized_implied_volatility_black
    cases = [(prices_of(o), o.forward, o.strike, 0.0, o.years, flags_of(o)) for o in inputs]
    return lambda i: ask(*cases[i % len(cases)], return_as="numpy")


def quantlib_iv(inputs: Sequence[Options]) -> Task:
    """A loop over its formula."""
    ql = module_of("QuantLib")
    kinds = ql.Option.Put, ql.Option.Call
    only_small(inputs)
    prices = [prices_of(o).tolist() for o in inputs]

    def run(i: int) -> object:
        at = i % len(inputs)
        o = inputs[at]
        rows = zip(prices[at], *(c.tolist() for c in o.columns), strict=True)
        return [
            ql.blackFormulaImpliedStdDevLiRS(kinds[is_call], K, F, price) / T**0.5
            for price, F, K, T, _, is_call in rows
        ]

    return run


def vollib_iv(inputs: Sequence[Options]) -> Task:
    """A loop over its scalar function."""
    ask = module_of("vollib.black.implied_volatility").implied_volatility
    only_small(inputs)
    prices = [prices_of(o).tolist() for o in inputs]

    def run(i: int) -> object:
        at = i % len(inputs)
        o = inputs[at]
        rows = zip(
            prices[at], flags_of(o).tolist(), *(c.tolist() for c in o.columns[:3]), strict=True
        )
        return [ask(price, F, K, 0.0, T, flag) for price, flag, F, K, T in rows]

    return run


IMPLIED_VOL: dict[str, Builder] = {
    "iv_engine": iv_engine_iv,
    "pyvolr": pyvolr_iv,
    "polars_vol": polars_vol_iv,
    "fast_vollib": fast_vollib_iv,
    "py_vollib_vectorized": py_vollib_vectorized_iv,
    "quantlib": quantlib_iv,
    "vollib": vollib_iv,
}
