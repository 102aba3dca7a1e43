"""Prices to volatilities and back, to the last digits, with a status for what has no answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks.black76 import MAX_USD, compute_greeks
from greeks.implied_vol import IvStatus, implied_vol

CASES = {
    # volatility, years, reach of ln(K/F) in v, largest relative error
    "listed options": ((0.2, 1.5), (1 / 365, 1.0), 4.0, 1e-13),
    "last day": ((0.1, 2.0), (1e-4, 1 / 365), 6.0, 4e-13),
    "minutes, 1 % to 500 %": ((0.01, 5.0), (1e-5, 0.5), 7.0, 1e-12),
    "at the money": ((0.1, 2.0), (1e-4, 1.0), 1e-7, 1e-12),
    "very volatile": ((1.0, 5.0), (0.5, 2.0), 3.0, 4e-13),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_volatility_of_an_out_of_the_money_price_comes_back(case: str) -> None:
    (low, high), (soon, late), reach, tolerance = CASES[case]
    rng = np.random.default_rng(4)
    n = 5000
    T = np.exp(rng.uniform(np.log(soon), np.log(late), n))
    s = np.exp(rng.uniform(np.log(low), np.log(high), n))
    F = np.full(n, 1e5)
    K = F * np.exp(rng.uniform(-reach, reach, n) * s * np.sqrt(T))
    is_call = K > F
    price = compute_greeks(F, K, T, s, is_call).price
    iv, status = implied_vol(price, F, K, T, is_call)
    assert np.all(status == IvStatus.OK)
    assert np.max(np.abs(iv / s - 1)) < tolerance


def test_in_the_money_prices_come_back_as_far_as_they_carry_digits() -> None:
    F, T, s = np.full(9, 1e5), np.full(9, 0.1), np.full(9, 0.5)
    K = np.linspace(6e4, 9.9e4, 9)
    price = compute_greeks(F, K, T, s, np.full(9, True)).price
    iv, _ = implied_vol(price, F, K, T, np.full(9, True))
    assert iv == pytest.approx(s, rel=1e-8)


@pytest.mark.parametrize(
    ("price", "F", "K", "T", "expected"),
    [
        (999.0, 1e5, 9.9e4, 0.1, IvStatus.BELOW_INTRINSIC),
        (0.0, 1e5, 1.2e5, 0.1, IvStatus.BELOW_INTRINSIC),
        (-1.0, 1e5, 1.2e5, 0.1, IvStatus.BELOW_INTRINSIC),
        (1e5, 1e5, 1.2e5, 0.1, IvStatus.ABOVE_MAXIMUM),
        (np.nan, 1e5, 1.2e5, 0.1, IvStatus.NO_PRICE),
        (50.0, np.nan, 1.2e5, 0.1, IvStatus.NO_PRICE),
        (50.0, 1e5, -1.0, 0.1, IvStatus.NO_PRICE),
        (50.0, 1e5, 1.2e5, 0.0, IvStatus.NO_PRICE),
    ],
)
def test_a_price_without_answer_is_nan_with_its_reason_in_its_row_alone(
    price: float, F: float, K: float, T: float, expected: IvStatus
) -> None:
    good = (2275.43378132, 1e5, 1.1e5, 30 / 365)
    columns = np.array([good, (price, F, K, T), good]).T
    iv, status = implied_vol(*columns, np.full(3, True))
    assert status.tolist() == [IvStatus.OK, expected, IvStatus.OK]
    assert np.isnan(iv[1])
    assert iv[[0, 2]] == pytest.approx([0.5, 0.5], rel=1e-11)


@given(st.floats(0.02, 4.0), st.floats(-6, 6), st.floats(1e-4, 2.0))
def test_the_answer_reprices_to_the_question(s: float, z: float, T: float) -> None:
    K = min(1e5 * np.exp(z * s * np.sqrt(T)), MAX_USD / 2)
    option = np.array([1e5]), np.array([K]), np.array([T])
    is_call = np.array([K > 1e5])
    price = compute_greeks(*option, np.array([s]), is_call).price
    iv, _ = implied_vol(price, *option, is_call)
    assert compute_greeks(*option, iv, is_call).price == pytest.approx(price, rel=1e-11)
