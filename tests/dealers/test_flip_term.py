"""The flip as the book ages: exact roots, expiries that drop out, the contour where GEX is zero."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealers.flip_term import HOUR_MS, compute_flip_term
from dealers.rules import PositionModel, position_from_rule
from greeks.exposure import compute_exposure
from greeks.profile import Book
from tests.builders import AS_OF_MS, make_chain, make_venue_chain

INTEREST = np.tile([150.0, 60.0], 6)
CHAIN = make_chain(
    strikes=(90_000.0, 100_000.0, 115_000.0), days=(2.0, 30.0), open_interest=INTEREST
)
POSITION = position_from_rule(CHAIN, PositionModel.NAIVE) * np.where(CHAIN.strike < 1e5, -2, 1)


def test_now_is_what_the_board_says() -> None:
    found = compute_flip_term(CHAIN, POSITION)
    board = compute_exposure(CHAIN, POSITION, "any")
    assert found.at_ms[0] == AS_OF_MS
    assert found.flip_at_usd[0] == pytest.approx(board.levels.flip_usd, rel=1e-9)
    np.testing.assert_allclose(found.flip_usd, board.by_expiry.flip_usd, rtol=1e-9)
    np.testing.assert_allclose(found.gex_usd_per_1pct[0], board.profile.gex_usd_per_1pct)
    # all expiries together are the book
    assert found.flip_until_usd[-1] == pytest.approx(board.levels.flip_usd, rel=1e-14)


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_flip_until_an_expiry_is_that_of_a_board_without_what_expires_later(seed: int) -> None:
    chain = make_venue_chain(seed, days=(0.1, 2, 40), strikes_per_expiry=8)
    position = np.random.default_rng(seed).normal(size=len(chain))
    found = compute_flip_term(chain, position)
    for expiry_ms, until in zip(found.expiry_ms, found.flip_until_usd, strict=True):
        kept = chain.expiry_ms <= expiry_ms
        flip = compute_exposure(chain.select(kept), position[kept], "any").levels.flip_usd
        assert until == pytest.approx(np.nan if flip is None else flip, rel=1e-14, nan_ok=True)


@pytest.mark.parametrize("days", [(1 / 24, 7.0), (4 / 24, 1.0)])
def test_a_book_that_is_short_everywhere_flips_until_no_expiry(days: tuple[float, ...]) -> None:
    chain = make_chain(strikes=np.arange(98_000.0, 102_001.0, 1_000.0), days=days, mark_iv=0.4)
    found = compute_flip_term(chain, np.full(len(chain), -100.0))
    assert np.isnan([*found.flip_until_usd, *found.flip_usd, *found.flip_at_usd]).all()
    assert not len(found.zero_at_ms)


def test_each_instant_is_the_board_of_that_time() -> None:
    found = compute_flip_term(CHAIN, POSITION)
    for row in range(len(found.at_ms)):
        later = replace(CHAIN, as_of_ms=int(found.at_ms[row]))
        kept = later.select(later.expiry_ms > later.as_of_ms)
        if not len(kept):
            assert np.isnan(found.gex_at_spot[row])
            continue
        board = compute_exposure(kept, POSITION[later.expiry_ms > later.as_of_ms], "any")
        flip = np.nan if board.levels.flip_usd is None else board.levels.flip_usd
        assert found.flip_at_usd[row] == pytest.approx(flip, rel=1e-9, nan_ok=True)


def test_the_contour_is_where_the_aged_book_is_zero() -> None:
    found = compute_flip_term(CHAIN, POSITION)
    assert len(found.zero_at_ms)
    for at_ms, spot in zip(found.zero_at_ms.tolist(), found.zero_spot_usd.tolist(), strict=True):
        book = Book.of(replace(CHAIN, as_of_ms=at_ms), POSITION)
        gross = Book.of(replace(CHAIN, as_of_ms=at_ms), np.abs(POSITION))
        level = np.array([spot])
        assert abs(book.net_gex_at(level)[0]) <= 1e-9 * gross.net_gex_at(level)[0]


def test_an_expiry_has_an_instant_right_after_it_without_its_options() -> None:
    found = compute_flip_term(CHAIN, POSITION)
    after = int(CHAIN.expiry_ms[0]) + 1000
    assert after in found.at_ms
    row = int(np.flatnonzero(found.at_ms == after)[0])
    late = CHAIN.select(CHAIN.expiry_ms > CHAIN.expiry_ms[0])
    alone = Book.of(replace(late, as_of_ms=after), POSITION[CHAIN.expiry_ms > CHAIN.expiry_ms[0]])
    expected = alone.net_gex_at(np.array([CHAIN.index_price]))[0]
    assert found.gex_at_spot[row] == pytest.approx(expected, rel=1e-12)
    assert np.all(np.diff(found.at_ms) > 0)
    assert found.at_ms[-1] >= AS_OF_MS + 720 * HOUR_MS


def test_nothing_is_known_of_an_unknown_book() -> None:
    found = compute_flip_term(CHAIN, np.full(len(CHAIN), np.nan))
    assert np.isnan(found.flip_usd).all()
    assert np.isnan(found.flip_at_usd).all()
    assert np.isnan(found.gex_at_spot).all()
    assert np.isnan(found.gex_usd_per_1pct).all()
    assert not len(found.zero_at_ms)
