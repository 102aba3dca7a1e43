"""Every root, also those that a ladder steps over, as exact as a root finder makes them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from greeks.chain import OptionChain
from greeks.conventions import FlipDirection, FloatArray
from greeks.exposure import compute_exposure
from greeks.profile import Book
from tests.builders import make_chain, make_venue_chain


def roots_by_brent(chain: OptionChain, position: FloatArray, levels: int = 4001) -> list[float]:
    """Sign changes of the exact net GEX on a dense ladder, each refined by Brent's method."""
    book = Book.of(chain, position)
    ladder = chain.index_price * np.exp(np.linspace(np.log(0.6), np.log(1.6), levels))
    sign = np.sign(book.net_gex_at(ladder))
    return [
        brentq(lambda x: book.net_gex_at(np.array([x]))[0], ladder[i], ladder[i + 1], xtol=1e-9)
        for i in np.flatnonzero(sign[1:] * sign[:-1] < 0)
    ]


def flips_of(chain: OptionChain, position: FloatArray) -> list[float]:
    return [flip.spot_usd for flip in compute_exposure(chain, position, "test").levels.flips]


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_all_roots_of_a_listed_chain_are_within_a_millionth_of_a_dollar(seed: int) -> None:
    chain = make_venue_chain(seed, days=(0.4, 2, 9, 40, 180), strikes_per_expiry=24)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(chain))
    position = chain.open_interest_coin * signs
    assert flips_of(chain, position) == pytest.approx(roots_by_brent(chain, position), abs=1e-6)


def tangent_book(lift: float) -> tuple[OptionChain, FloatArray]:
    """A long wide hill less a short narrow one that all but touches it, `lift` of the way."""
    chain = make_chain(strikes=(100_000,), days=(2, 60), kinds="C", mark_iv=0.5)
    position = np.array([-1.0, 10.0])
    book = Book.of(chain, position)
    spots = 1e5 * np.exp(np.linspace(-0.05, 0.05, 20_001))
    wide = Book.of(chain, np.array([0.0, 10.0])).net_gex_at(spots)
    narrow = wide - book.net_gex_at(spots)
    return chain, np.array([-np.min(wide / narrow) * (1 + lift), 10.0])


@pytest.mark.parametrize("lift", [1e-6, 1e-5, 1e-4, 1e-3])
def test_two_roots_inside_one_cell_of_the_ladder_are_both_found(lift: float) -> None:
    chain, position = tangent_book(lift)
    expected = roots_by_brent(chain, position, levels=400_001)
    assert len(expected) == 2
    assert flips_of(chain, position) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("lift", [-1e-6, -1e-4])
def test_a_profile_that_only_comes_near_zero_has_no_flip(lift: float) -> None:
    chain, position = tangent_book(lift)
    assert flips_of(chain, position) == []


def test_roots_between_narrow_hills_minutes_before_expiry_are_found() -> None:
    chain = make_chain(strikes=np.arange(98_000, 102_001, 250.0), days=(35 / 1440,), kinds="C")
    position = np.where(np.arange(len(chain)) % 2 == 0, 100.0, -100.0)
    assert flips_of(chain, position) == pytest.approx(
        roots_by_brent(chain, position, levels=40_001), abs=1e-6
    )


def test_each_expirys_own_flip_is_that_of_its_book_alone() -> None:
    chain = make_venue_chain(2, days=(0.5, 3, 30, 120), strikes_per_expiry=20)
    position = chain.open_interest_coin * np.where(chain.is_call, 1.0, -1.0)
    table = compute_exposure(chain, position, "test").by_expiry
    for expiry, flip in zip(table.expiry_ms, table.flip_usd, strict=True):
        alone = roots_by_brent(chain, np.where(chain.expiry_ms == expiry, position, 0.0))
        nearest = min(alone, key=lambda root: abs(np.log(root / chain.index_price)), default=np.nan)
        assert flip == pytest.approx(nearest, abs=1e-6, nan_ok=True)


def test_slope_direction_and_strength_describe_the_profile_around_a_flip() -> None:
    chain = make_venue_chain(11)
    position = chain.open_interest_coin * np.where(chain.is_call, 1.0, -1.0)
    snapshot = compute_exposure(chain, position, "test")
    book = Book.of(chain, position)
    assert snapshot.levels.flips
    for flip in snapshot.levels.flips:
        below, above = book.net_gex_at(flip.spot_usd * np.exp([-1e-5, 1e-5]))
        assert flip.slope_usd_per_1pct == pytest.approx((above - below) / 2e-5 * 0.01, rel=1e-6)
        assert (flip.direction is FlipDirection.LONG_ABOVE) == (above > below)
        near = np.abs(book.net_gex_at(flip.spot_usd * np.linspace(0.98, 1.02, 801))).max()
        assert flip.strength == pytest.approx(min(1.0, near / snapshot.gross[0]), rel=1e-3)
        assert flip.is_weak == (flip.strength < 0.05)


def listed_book(crowd: float) -> tuple[OptionChain, FloatArray]:
    """Eleven expiries at 95,000, dealers long calls above and short puts below; then, in the next
    expiry, short `crowd` coins of puts at 99,000 and as many at 99,500.
    """
    days = (0.92, 1.92, 2.92, 4.92, 11.92, 18.92, 33, 61, 124, 215, 306)
    strikes = sorted({*np.arange(60_000, 150_001, 2_500.0), 99_000.0, 99_500.0})
    chain = make_chain(index_price=95_000.0, strikes=strikes, days=days)
    centre = np.where(chain.is_call, 107_000.0, 84_000.0)
    position = np.where(chain.is_call, 600.0, -600.0)
    position *= np.exp(-(((chain.strike - centre) / 14_000) ** 2))
    crowded = (chain.expiry_ms == chain.expiry_ms[0]) & np.isin(chain.strike, (99_000, 99_500))
    return chain, position - crowd * (crowded & ~chain.is_call)


@pytest.mark.parametrize(("crowd", "roots"), [(0.0, 1), (3000.0, 3)])
def test_a_crowd_in_the_next_expiry_turns_one_flip_into_three(crowd: float, roots: int) -> None:
    chain, position = listed_book(crowd)
    expected = roots_by_brent(chain, position)
    assert len(expected) == roots
    assert flips_of(chain, position) == pytest.approx(expected, abs=1e-6)


def test_a_book_that_dealers_are_long_all_over_has_no_flip_at_any_size() -> None:
    chain, position = listed_book(3000.0)
    for size in (1e-3, 1.0, 1e3):
        assert flips_of(chain, size * np.abs(position)) == []
