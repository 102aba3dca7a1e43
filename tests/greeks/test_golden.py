"""Every Greek on a hard grid against 80-digit differentiation of the price (tests/golden)."""

import csv
from pathlib import Path

import numpy as np
import pytest

from greeks.black76 import Greeks, compute_delta, compute_greeks
from greeks.conventions import FloatArray

PATH = Path(__file__).parents[1] / "golden" / "black76.csv"
with PATH.open(encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))
NUMBERS = ("forward", "strike", "years", "iv")
INPUTS = [np.array([float(row[name]) for row in ROWS]) for name in NUMBERS]
IS_CALL = np.array([row["kind"] == "C" for row in ROWS])
GREEKS = compute_greeks(*INPUTS, IS_CALL)


def relative_errors(name: str) -> tuple[FloatArray, FloatArray]:
    exact = np.array([float(row[name]) for row in ROWS])
    error = np.abs(getattr(GREEKS, name) - exact)
    matters = np.abs(exact) > 1e-12 * np.abs(exact).max()
    return error[matters] / np.abs(exact[matters]), error / np.abs(exact).max()


@pytest.mark.parametrize("name", Greeks.__dataclass_fields__)
def test_a_greek_is_exact_to_the_last_digits(name: str) -> None:
    relative, to_maximum = relative_errors(name)
    assert len(relative) > 100
    # prices of deep wings minutes before expiry are the worst; every other Greek is below 1.5e-13
    assert relative.max() <= (1e-12 if name == "price" else 1.5e-13)
    assert to_maximum.max() <= 1e-14


def test_delta_alone_is_as_exact() -> None:
    assert compute_delta(*INPUTS, IS_CALL) == pytest.approx(GREEKS.delta, rel=2e-14)
