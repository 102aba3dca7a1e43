"""Lending collateral: reference health factors, the toxic threshold and reference cascades."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loops.collateral import (
    Cascade,
    Loan,
    Market,
    close_factor,
    collateral_branching,
    health_factor,
    loans_triggered_at,
    run_cascade,
    toxic_loan_to_value,
)

DENSITY = 1 / 0.299  # one coin of collateral, triggers uniform on [0.70, 0.999]


def one_loan(loan_to_value: float) -> Loan:
    return Loan(np.array([1.0]), np.array([loan_to_value]))


@pytest.mark.parametrize(
    ("loan_to_value", "before", "after"),
    [
        (0.84, 0.9881, 1.1047),
        (0.90, 0.9222, 0.9729),
        (0.94, 0.8830, 0.8945),
        (0.952, 0.8718, 0.8722),
        (0.96, 0.8646, 0.8577),
    ],
)
def test_reference_health_factors(loan_to_value: float, before: float, after: float) -> None:
    loan = one_loan(loan_to_value)
    assert health_factor(loan.collateral_coin, 1.0, loan.debt_usd) == pytest.approx(
        before, abs=5e-5
    )
    half = loan.repaid(0.5, 1.0)
    assert half.loan_to_value(1.0) < 1
    assert health_factor(half.collateral_coin, 1.0, half.debt_usd) == pytest.approx(after, abs=5e-5)


def test_the_toxic_threshold() -> None:
    assert toxic_loan_to_value(0.05) == pytest.approx(0.95238, abs=5e-6)


@given(st.floats(0.5, 0.999), st.floats(0.0, 0.15), st.floats(0.01, 0.6))
def test_a_liquidation_helps_below_the_toxic_threshold_alone(
    loan_to_value: float, bonus: float, share: float
) -> None:
    loan, toxic = one_loan(loan_to_value), toxic_loan_to_value(bonus)
    after = loan.repaid(share, 1.0, bonus)
    gain = health_factor(after.collateral_coin, 1.0, after.debt_usd) - health_factor(
        loan.collateral_coin, 1.0, loan.debt_usd
    )
    if abs(loan_to_value - toxic) > 1e-6:  # at the threshold itself nothing changes
        assert (gain.item() > 0) == (loan_to_value < toxic)


def test_how_much_may_be_closed() -> None:
    assert close_factor(np.array([1.2, 1.0, 0.99, 0.95, 0.94])).tolist() == [0, 0, 0.5, 0.5, 1]
    assert health_factor(1.0, 100.0, 0.0) == math.inf


def test_the_share_sold_and_the_branching_ratio() -> None:
    assert collateral_branching(1.0, 1.0) == pytest.approx(0.43575, rel=1e-12)
    assert collateral_branching(1.0, DENSITY) == pytest.approx(1.4574, rel=1e-4)


def cascade(impact: float, shock: float) -> Cascade:
    triggers = np.linspace(0.70, 0.999, 20_000)
    loans = loans_triggered_at(triggers, np.full(len(triggers), 1 / len(triggers)))
    return run_cascade(loans, Market(1.0, impact), shock)


@pytest.mark.parametrize(("impact", "ratio"), [(0.1, 1.0855), (0.2, 1.2060)])
def test_a_small_shock_is_multiplied_by_the_branching_ratio(impact: float, ratio: float) -> None:
    found = cascade(impact, 0.002)
    # two orders smaller than the ladder: what is beyond linear is below 1e-3
    assert (1 - found.price_usd[-1]) / 0.002 == pytest.approx(ratio, rel=1e-3)
    n = collateral_branching(impact, DENSITY)
    assert (0.2 + 0.1 * n / (1 - n)) / 0.2 == pytest.approx(ratio, rel=1e-3)


@pytest.mark.parametrize(
    ("impact", "drop"), [(0.0, 5.00), (0.05, 5.40), (0.1, 5.86), (0.2, 7.07), (0.3, 9.31)]
)
def test_reference_cascades_after_five_per_cent(impact: float, drop: float) -> None:
    found = cascade(impact, 0.05)
    assert found.has_ended
    assert 100 * (1 - found.price_usd[-1]) == pytest.approx(drop, abs=0.1)
    fall = impact * found.sold_coin.sum()
    assert found.price_usd[-1] == pytest.approx(0.95 - fall, rel=1e-12)


def test_debt_that_no_collateral_covers_is_bad() -> None:
    loans = loans_triggered_at(np.array([0.999]), np.array([1.0]))
    found = run_cascade(loans, Market(1.0, 0.0), 0.3)
    # all of it is taken at 0.70, which repays 0.70 / 1.05 of 0.82917
    assert found.left.collateral_coin.tolist() == [0.0]
    assert found.bad_debt_usd == pytest.approx(0.999 * 0.83 - 0.7 / 1.05, rel=1e-12)


@given(st.floats(0, 2), st.floats(0, 0.5))
def test_a_cascade_only_lowers_and_ends(impact: float, shock: float) -> None:
    triggers = np.linspace(0.5, 0.99, 50)
    loans = loans_triggered_at(triggers, np.full(50, 0.02))
    found = run_cascade(loans, Market(1.0, impact), shock)
    assert (np.diff(found.price_usd) <= 0).all()
    assert found.price_usd[-1] >= 0
    assert found.has_ended or found.price_usd[-1] == 0
    sold = loans.collateral_coin.sum() - found.left.collateral_coin.sum()
    assert found.sold_coin.sum() == pytest.approx(sold, rel=1e-9, abs=1e-12)
