"""The settlement average: reference values, its own derivatives, and no jump at 07:30."""

from dataclasses import replace

import numpy as np
import pytest

from greeks.chain import OptionChain
from greeks.conventions import Exposure, FloatArray
from greeks.exposure import compute_exposure
from greeks.profile import Book, exact_profile
from greeks.settlement import (
    WINDOW_S,
    AveragedOptions,
    average_sd,
    averaged_strike,
    averaging_charm_at,
    compute_averaged_greeks,
)
from tests.builders import AS_OF_MS, make_chain, with_columns

F = 1e5
YEAR_S = 31_536_000.0


def averaged(seconds_left: float, K: float, A: float = np.nan, kind: str = "C") -> AveragedOptions:
    left, iv = np.array([seconds_left]), np.array([0.5])
    share = np.minimum(left / WINDOW_S, 1.0)
    strike = (
        np.array([K]) if share[0] == 1 else averaged_strike(np.array([K]), share, np.array([A]))
    )
    is_call = np.array([kind == "C"])
    return AveragedOptions(
        share, np.array([F]), strike, average_sd(iv, left), iv, left / YEAR_S, is_call
    )


@pytest.mark.parametrize(
    ("seconds_left", "K", "A", "value", "delta", "gamma"),
    [
        (7200, 1e5, np.nan, 275.184, 0.5014, 5.7835e-4),
        (1800, 1e5, np.nan, 87.15, 0.5004, 1.8262e-3),
        (900, 1e5, 1e5, 30.864, 0.2502, 1.2892e-3),
        (900, 100_100, 100_050, 6.844, 0.0833, 8.0698e-4),
        (300, 1e5, 1e5, 5.979, 0.0834, 7.3939e-4),
        (60, 1e5, 1e5, 0.556, 0.0167, 3.1811e-4),
    ],
)
def test_reference_values(
    seconds_left: float, K: float, A: float, value: float, delta: float, gamma: float
) -> None:
    greeks = compute_averaged_greeks(averaged(seconds_left, K, A))
    assert greeks.price[0] == pytest.approx(value, rel=1e-3)
    assert greeks.delta[0] == pytest.approx(delta, abs=1e-4)
    assert greeks.gamma[0] == pytest.approx(gamma, rel=1e-3)


def test_put_and_call_differ_by_the_open_forward_less_the_open_strike() -> None:
    call, put = (averaged(700, 100_200, 100_100, kind) for kind in "CP")
    a, b = compute_averaged_greeks(call), compute_averaged_greeks(put)
    assert a.price - b.price == pytest.approx(call.share * (F - call.strike), rel=1e-12)
    assert a.delta - b.delta == pytest.approx(call.share, rel=1e-12)
    assert a.gamma == b.gamma
    assert b.charm - a.charm == pytest.approx(YEAR_S / WINDOW_S, rel=1e-12)


def test_a_call_that_is_certain_to_pay_is_its_open_share_of_the_forward() -> None:
    call, put = (averaged(90, 90_000, 100_000, kind) for kind in "CP")
    assert call.strike[0] < 0
    greeks, nothing = compute_averaged_greeks(call), compute_averaged_greeks(put)
    assert greeks.price[0] == pytest.approx(call.share[0] * (F - call.strike[0]))
    assert greeks.delta[0] == call.share[0]
    assert (nothing.price[0], nothing.delta[0], greeks.gamma[0], greeks.theta[0]) == (0, 0, 0, 0)


def price_later(option: AveragedOptions, seconds: float, name: str = "price") -> float:
    """A Greek `seconds` on, spot unmoved: the average has taken more samples at F."""
    left = option.years * YEAR_S - seconds
    share = left / WINDOW_S
    strike = (option.share * option.strike - (option.share - share) * F) / share
    sd = option.sd * np.sqrt(left / (option.years * YEAR_S))
    later = replace(option, share=share, strike=strike, sd=sd, years=left / YEAR_S)
    return float(getattr(compute_averaged_greeks(later), name)[0])


@pytest.mark.parametrize("kind", ["C", "P"])
@pytest.mark.parametrize("greek", ["theta", "charm", "color"])
def test_time_derivatives_follow_the_running_average(kind: str, greek: str) -> None:
    of = {"theta": "price", "charm": "delta", "color": "gamma"}[greek]
    option = averaged(1000, 100_050, 99_990, kind)
    step = 0.5
    difference = (price_later(option, step, of) - price_later(option, -step, of)) / (2 * step)
    assert getattr(compute_averaged_greeks(option), greek)[0] == pytest.approx(
        difference * YEAR_S, rel=1e-5
    )


def chain_before_expiry(seconds: float, **columns: object) -> OptionChain:
    chain = make_chain(
        as_of_ms=AS_OF_MS, strikes=np.arange(99_000, 101_001, 250.0), days=(seconds / 86_400,)
    )
    return with_columns(chain, **columns) if columns else chain


def gex_by_strike(chain: OptionChain, position: FloatArray) -> FloatArray:
    snapshot = compute_exposure(chain, position, "test")
    return snapshot.by_strike.exposures.values[[0, 1, 2, 4]]


@pytest.mark.parametrize(("forward", "tolerance"), [(100_000.0, 1e-4), (100_030.0, 1e-3)])
def test_nothing_jumps_when_the_average_begins(forward: float, tolerance: float) -> None:
    before, after = (chain_before_expiry(WINDOW_S + s, forward=forward) for s in (0.001, -0.001))
    position = np.linspace(-1, 1, len(before))
    scale = np.abs(gex_by_strike(before, position)).max(axis=1, keepdims=True)
    jump = np.abs(gex_by_strike(after, position) - gex_by_strike(before, position)) / scale
    assert jump.max() < tolerance  # of the basis, the part that is not yet averaged away


def test_the_mark_fixes_the_variance_inside_the_average() -> None:
    chain = chain_before_expiry(600.0, mark_iv=0.2)
    snapshot = compute_exposure(chain, np.ones(len(chain)), "test")
    share = 600 / WINDOW_S
    at_money = chain.strike == 100_000
    # the mark's own value, and the normal model's v = s sqrt(T)/m
    assert snapshot.greeks.price[at_money] == pytest.approx(
        F * 0.2 * np.sqrt(600 / YEAR_S) * 0.39894, rel=1e-4
    )
    assert snapshot.greeks.gamma[at_money] == pytest.approx(
        share * 0.39894 / (F * 0.2 * np.sqrt(600 / YEAR_S) / share), rel=1e-3
    )


def test_a_known_average_moves_the_strike_of_what_is_open() -> None:
    unknown = chain_before_expiry(600.0, mark_iv=0.3)
    known = with_columns(unknown, settlement_average=100_200.0, forward=100_200 * 2 / 3 + F / 3)
    delta = [
        compute_exposure(chain, np.ones(len(chain)), "test").greeks.delta[chain.strike == 100_000]
        for chain in (unknown, known)
    ]
    assert np.all(delta[1] > delta[0] + 0.05)


def test_the_profile_inside_the_average_is_the_exposure_at_spot() -> None:
    chain = chain_before_expiry(900.0, mark_iv=0.4)
    position = np.linspace(-1, 2, len(chain))
    snapshot = compute_exposure(chain, position, "test")
    profile = exact_profile(Book.of(chain, position), np.array([1e5]))
    for exposure, column in (
        (Exposure.GEX, profile.gex_usd_per_1pct),
        (Exposure.VEGA, profile.vega_usd_per_pt),
        (Exposure.VANNA, profile.vanna_coin_per_pt),
        (Exposure.CHARM, profile.charm_coin_per_day),
    ):
        assert column[0] == pytest.approx(snapshot.net_of(exposure), rel=1e-9)


def test_the_average_part_of_charm_is_the_difference_to_the_plain_part() -> None:
    option = averaged(1000, 100_050, 99_990)
    whole = compute_averaged_greeks(option).charm[0] / 365
    v, t = option.sd[0], option.years[0]
    d1 = np.log(F / option.strike[0]) / v + v / 2
    plain = option.share[0] * np.exp(-d1 * d1 / 2) / np.sqrt(2 * np.pi) * (d1 - v) / (2 * t) / 365
    assert averaging_charm_at(option, np.zeros(1))[0, 0] == pytest.approx(whole - plain, rel=1e-10)
