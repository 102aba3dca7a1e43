"""The closed forms against reference values, their own derivatives and the laws of options."""

from dataclasses import astuple, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks.black76 import Greeks, compute_delta, compute_greeks

REFERENCE_COLUMNS = (
    *("price", "delta", "gamma", "vega", "theta", "vanna"),
    *("charm", "volga", "speed", "zomma", "color", "ultima"),
)
# forward, strike, days, volatility, kind: the columns above, from 50-digit differentiation
REFERENCE = {
    (1e5, 1e5, 30, 0.5, "C"): (
        *(5713.7675091, 0.528568837545, 2.77594197532e-5, 11407.9807205, -34699.2746915),
        *(0.0570399036025, -0.173496373458, -117.205281375, -4.16391296298e-10),
        *(-5.58040390245e-5, 1.69737285366e-4, -233.2063989),
    ),
    (1e5, 1.1e5, 30, 0.5, "C"): (
        *(2275.43378132, 0.276515183589, 2.33403957819e-5, 9591.94347202, -29175.4947274),
        *(0.492875181096, -1.49916200917, 8382.44720484, 7.32521691695e-10),
        *(-2.62835033654e-5, 7.99456560698e-5, -43757.5997555),
    ),
    (1e5, 9e4, 7, 0.6, "P"): (
        *(383.763676606, -0.095172450456, 2.03685645591e-5, 2343.78003145, -36663.4162063),
        *(-0.345954844035, 5.41172220312, 6274.03930664, -3.41388362625e-9),
        *(2.05767816141e-5, -3.21879655249e-4, -14620.2380718),
    ),
    (3000.0, 3200.0, 1, 0.7, "C"): (
        *(1.7845041092, 0.0406564739563, 7.94408114052e-4, 13.7117016946, -1751.66989148),
        *(0.222013533018, -28.3622288431, 60.7688670475, 1.23330834084e-5),
        *(2.38586721363e-3, -0.304794536542, 8.84586892589),
    ),
}


def greeks_of(F: float, K: float, T: float, s: float, kind: str = "C") -> Greeks:
    return compute_greeks(*(np.array([x]) for x in (F, K, T, s)), np.array([kind == "C"]))


@pytest.mark.parametrize("option", REFERENCE, ids=str)
def test_every_greek_equals_its_reference_value(
    option: tuple[float, float, float, float, str],
) -> None:
    F, K, days, s, kind = option
    greeks = greeks_of(F, K, days / 365, s, kind)
    for name, value in zip(REFERENCE_COLUMNS, REFERENCE[option], strict=True):
        assert getattr(greeks, name)[0] == pytest.approx(value, rel=1e-9)


def test_the_display_units_of_an_at_the_money_option() -> None:
    greeks = greeks_of(1e5, 1e5, 30 / 365, 0.5)
    assert greeks.vega[0] / 100 == pytest.approx(114.0798, abs=1e-4)
    assert greeks.theta[0] / 365 == pytest.approx(-95.0665, abs=1e-4)
    assert 1000 * greeks.gamma[0] * 1e5**2 * 0.01 == pytest.approx(2_775_942, abs=1)


options = st.tuples(
    st.floats(2e4, 2e5),  # forward
    st.floats(-2.5, 2.5),  # ln(K/F) in units of v
    st.floats(1 / 365, 2.0),  # years
    st.floats(0.1, 2.0),  # volatility
)


def strike_of(F: float, moneyness: float, T: float, s: float) -> float:
    return float(F * np.exp(moneyness * s * np.sqrt(T)))


@given(options)
def test_put_call_parity(option: tuple[float, float, float, float]) -> None:
    F, z, T, s = option
    K = strike_of(F, z, T, s)
    call, put = greeks_of(F, K, T, s, "C"), greeks_of(F, K, T, s, "P")
    assert call.price[0] - put.price[0] == pytest.approx(F - K, abs=1e-12 * (F + K))
    assert call.delta[0] - put.delta[0] == pytest.approx(1.0, rel=1e-12)


@given(options)
def test_a_call_and_its_put_share_every_higher_greek(
    option: tuple[float, float, float, float],
) -> None:
    F, z, T, s = option
    K = strike_of(F, z, T, s)
    call, put = greeks_of(F, K, T, s, "C"), greeks_of(F, K, T, s, "P")
    for field in fields(Greeks):
        if field.name not in {"price", "delta", "rho"}:
            assert getattr(call, field.name)[0] == getattr(put, field.name)[0]


# which Greek is the derivative of which by which argument: 0 forward, 2 time, 3 volatility
DERIVATIVES = {
    "delta": ("price", 0),
    "gamma": ("delta", 0),
    "vega": ("price", 3),
    "theta": ("price", 2),
    "vanna": ("delta", 3),
    "charm": ("delta", 2),
    "volga": ("vega", 3),
    "veta": ("vega", 2),
    "speed": ("gamma", 0),
    "zomma": ("gamma", 3),
    "color": ("gamma", 2),
    "ultima": ("volga", 3),
}


@given(options, st.sampled_from(sorted(DERIVATIVES)), st.sampled_from("CP"))
def test_each_greek_is_the_finite_difference_of_a_lower_one(
    option: tuple[float, float, float, float], name: str, kind: str
) -> None:
    F, z, T, s = option
    of, argument = DERIVATIVES[name]
    point = [F, strike_of(F, z, T, s), T, s]
    sign = -1.0 if argument == 2 else 1.0  # calendar time runs against time to expiry
    v = s * np.sqrt(T)
    scale = point[argument] * (v if argument == 0 else 1.0)  # the forward's natural step is F v
    step = 2e-4 * scale
    stencil = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}  # five points, error step^4
    difference = 0.0
    for offset, weight in stencil.items():
        moved = point.copy()
        moved[argument] += offset * step
        difference += weight * getattr(greeks_of(*moved, kind), of)[0]
    value = getattr(greeks_of(*point, kind), name)[0]
    size = abs(getattr(greeks_of(*point, kind), of)[0]) + abs(value) * scale
    assert sign * difference / step == pytest.approx(value, rel=1e-5, abs=1e-5 * size / scale)


def test_at_expiry_an_option_is_its_intrinsic_value() -> None:
    F = np.array([1e5, 1e5, 1e5])
    K = np.array([9e4, 1e5, 1.1e5])
    for T in (0.0, -1.0, 1e-20):
        call = compute_greeks(F, K, np.full(3, T), np.full(3, 0.5), np.full(3, True))
        put = compute_greeks(F, K, np.full(3, T), np.full(3, 0.5), np.full(3, False))
        assert call.price.tolist() == [1e4, 0, 0]
        assert put.price.tolist() == [0, 0, 1e4]
        assert call.delta.tolist() == [1, 0.5, 0]
        assert put.delta.tolist() == [0, -0.5, -1]
        assert call.gamma.tolist() == call.vega.tolist() == call.ultima.tolist() == [0, 0, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1.0, 0.0])
@pytest.mark.parametrize("argument", [0, 1, 3])
def test_an_impossible_input_is_nan_in_its_row_alone(argument: int, bad: float) -> None:
    good = [np.full(5, x) for x in (1e5, 9e4, 0.1, 0.5)]
    mixed = [column.copy() for column in good]
    mixed[argument][2] = bad
    kinds = np.full(5, True)
    for whole, other in zip(
        astuple(compute_greeks(*good, kinds)), astuple(compute_greeks(*mixed, kinds)), strict=True
    ):
        assert np.isnan(other[2])
        assert np.delete(whole, 2).tolist() == np.delete(other, 2).tolist()
    assert np.isnan(compute_delta(*mixed, kinds)[2])


def test_delta_alone_equals_the_delta_of_the_whole_set() -> None:
    K = np.linspace(5e4, 2e5, 301)
    rest = np.full(301, 1e5), K, np.full(301, 0.02), np.full(301, 0.6), np.arange(301) % 2 == 0
    whole = compute_greeks(*rest).delta
    assert compute_delta(*rest) == pytest.approx(whole, rel=2e-14)
