"""What it takes to hedge a coin-margined option."""

import numpy as np
import pytest

from greeks.black76 import compute_greeks
from greeks.conventions import HedgeConvention
from greeks.inverse import hedge_charm, hedge_delta, hedge_vanna, net_delta

F = np.array([1e5])


def test_the_reference_values_of_a_long_inverse_call() -> None:
    greeks = compute_greeks(F, np.array([1.1e5]), np.array([30 / 365]), np.array([0.5]), F > 0)
    assert greeks.price / F == pytest.approx([0.0227543378], rel=1e-8)
    assert net_delta(greeks, F) == pytest.approx([0.2537608458], rel=1e-9)
    coin = HedgeConvention.COIN
    assert -F * hedge_charm(greeks, F, coin) == pytest.approx([120_740.706], rel=1e-6)
    assert -hedge_charm(greeks, F, coin) / 365 == pytest.approx([0.00330796], rel=1e-5)
    assert -F * hedge_vanna(greeks, F, coin) == pytest.approx([-39_695.575], rel=1e-6)


def test_the_net_delta_falls_short_of_the_plain_gamma_that_is_traded() -> None:
    K, T, s = np.array([1.1e5]), np.array([30 / 365]), np.array([0.5])

    def net(forward: float) -> float:
        moved = np.array([forward])
        return float(net_delta(compute_greeks(moved, K, T, s, F > 0), moved)[0])

    assert (net(1e5 + 1) - net(1e5 - 1)) / 2 == pytest.approx(2.08027873e-5, rel=1e-7)
    # N(S) = -S x net delta USD of inverse perpetual: its slope is minus plain gamma x S
    slope = -(net(1e5 + 1) * (1e5 + 1) - net(1e5 - 1) * (1e5 - 1)) / 2
    assert slope == pytest.approx(-2.33403958, rel=1e-6)


def test_in_usd_the_hedge_is_the_plain_delta() -> None:
    greeks = compute_greeks(F, F, np.array([0.1]), np.array([0.5]), F > 0)
    usd = HedgeConvention.USD
    assert hedge_delta(greeks, F, usd) is greeks.delta
    assert hedge_charm(greeks, F, usd) is greeks.charm
    assert hedge_vanna(greeks, F, usd) is greeks.vanna
