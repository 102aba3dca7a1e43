"""Laws of a snapshot: sums agree, scaling and mirroring act as they must, bad rows stay alone."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greeks.chain import OptionChain
from greeks.conventions import (
    Exposure,
    FlipReason,
    FloatArray,
    Regime,
    RowStatus,
    Settlement,
    SmileDynamics,
    regime_of,
)
from greeks.exposure import ExposureSnapshot, compute_exposure, compute_exposures, of_book
from tests.builders import make_chain, make_venue_chain, with_columns


def naive(chain: OptionChain) -> FloatArray:
    return chain.open_interest_coin * np.where(chain.is_call, 1.0, -1.0)


def snapshot_of(chain: OptionChain, position: FloatArray | None = None) -> ExposureSnapshot:
    return compute_exposure(chain, naive(chain) if position is None else position, "test")


@pytest.mark.parametrize("seed", range(3))
def test_sums_over_strikes_and_over_expiries_equal_the_net(seed: int) -> None:
    snapshot = snapshot_of(make_venue_chain(seed))
    for exposure in Exposure:
        net, gross = snapshot.net_of(exposure), snapshot.gross_of(exposure)
        for total in (
            snapshot.by_strike.exposures.column(exposure).sum(),
            snapshot.by_expiry.exposures.column(exposure).sum(),
            np.nansum(snapshot.matrix(exposure)),
            np.nansum(snapshot.by_option.column(exposure)),
        ):
            assert total == pytest.approx(net, abs=1e-12 * gross)
        assert np.nansum(np.abs(snapshot.by_option.column(exposure))) == pytest.approx(
            gross, rel=1e-12
        )


def test_calls_and_puts_of_a_strike_sum_to_the_strike() -> None:
    table = snapshot_of(make_venue_chain(4)).by_strike
    both = table.call_gex_usd_per_1pct + table.put_gex_usd_per_1pct
    net = table.exposures.column(Exposure.GEX)
    assert both == pytest.approx(net, abs=1e-9 * np.abs(net).max())


def test_the_profile_at_spot_is_the_net_gex() -> None:
    snapshot = snapshot_of(make_venue_chain(5))
    ladder = snapshot.profile.spot_usd
    spot = snapshot.chain.index_price
    at_spot = np.interp(np.log(spot), np.log(ladder), snapshot.profile.gex_usd_per_1pct)
    # linear interpolation between two levels of a smooth curve
    assert at_spot == pytest.approx(snapshot.net_of(Exposure.GEX), abs=1e-3 * snapshot.gross[0])


def test_expiry_profiles_sum_to_the_profile() -> None:
    profile = snapshot_of(make_venue_chain(6)).profile
    total = profile.expiry_gex_usd_per_1pct.sum(axis=0)
    scale = np.abs(profile.gex_usd_per_1pct).max()
    assert total == pytest.approx(profile.gex_usd_per_1pct, abs=1e-11 * scale)
    parts = profile.call_gex_usd_per_1pct + profile.put_gex_usd_per_1pct
    assert parts == pytest.approx(profile.gex_usd_per_1pct, abs=1e-11 * scale)


def test_one_option_has_the_exposures_of_the_convention() -> None:
    chain = make_chain(strikes=(1e5,), days=(30,), kinds="C", open_interest=1000)
    snapshot = snapshot_of(chain)
    assert snapshot.net_of(Exposure.GEX) == pytest.approx(2_775_942, abs=1)
    assert snapshot.net_of(Exposure.VEGA) == pytest.approx(114_079.8, abs=0.1)
    assert snapshot.net_of(Exposure.THETA) == pytest.approx(-95_066.5, abs=0.1)
    assert snapshot.net_of(Exposure.DELTA) == pytest.approx(528.568837545, rel=1e-9)


@given(st.floats(1e-3, 1e6), st.integers(0, 4))
@settings(max_examples=20)
def test_scaling_the_position_leaves_flips_and_regime_where_they_are(
    factor: float, seed: int
) -> None:
    chain = make_venue_chain(seed, days=(1, 9, 40), strikes_per_expiry=15)
    one, many = snapshot_of(chain), snapshot_of(chain, naive(chain) * factor)
    assert one.regime is many.regime
    assert len(one.levels.flips) == len(many.levels.flips)
    for a, b in zip(one.levels.flips, many.levels.flips, strict=True):
        assert b.spot_usd == pytest.approx(a.spot_usd, rel=1e-11)
        assert b.direction is a.direction
        assert b.strength == pytest.approx(a.strength, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_opposite_position_flips_at_the_same_levels_in_the_opposite_direction(
    seed: int,
) -> None:
    chain = make_venue_chain(seed)
    one, other = snapshot_of(chain), snapshot_of(chain, -naive(chain))
    assert len(one.levels.flips) == len(other.levels.flips) > 0
    for a, b in zip(one.levels.flips, other.levels.flips, strict=True):
        assert b.spot_usd == pytest.approx(a.spot_usd, rel=1e-11)
        assert a.direction is not b.direction
    assert {one.regime, other.regime} == {Regime.LONG_GAMMA, Regime.SHORT_GAMMA}


BAD_ROWS = {
    "unknown volatility": {"mark_iv": np.nan, "status": RowStatus.NO_IV},
    "volatility not a number": {"mark_iv": np.nan},
    "negative volatility": {"mark_iv": -0.5},
    "absurd volatility": {"mark_iv": 1e308},
    "negative strike": {"strike": -1.0},
    "absurd strike": {"strike": 1e308},
    "no forward": {"forward": np.nan, "status": RowStatus.NO_FORWARD},
    "absurd forward": {"forward": 1e308},
    "infinite forward": {"forward": np.inf},
    "zero forward": {"forward": 0.0},
    "no interest": {"open_interest_coin": 0.0},
    "unknown interest": {"open_interest_coin": np.nan},
    "absurd interest": {"open_interest_coin": 1e308},
    "expired": {"expiry_ms": 1, "status": RowStatus.EXPIRED},
    "rejected": {"status": RowStatus.REJECTED},
}


@pytest.mark.parametrize("bad", BAD_ROWS, ids=str)
@pytest.mark.parametrize("row", [0, 17, 59])
def test_a_bad_row_leaves_every_other_row_bit_identical(bad: str, row: int) -> None:
    chain = make_venue_chain(7, days=(1, 9, 40), strikes_per_expiry=10)
    spoiled = with_columns(
        chain,
        **{
            name: np.where(np.arange(len(chain)) == row, value, getattr(chain, name)).astype(
                getattr(chain, name).dtype
            )
            for name, value in BAD_ROWS[bad].items()
        },
    )
    good, other = snapshot_of(chain), snapshot_of(spoiled)
    others = np.arange(len(chain)) != row
    assert np.array_equal(good.by_option.values[:, others], other.by_option.values[:, others])
    assert np.array_equal(good.greeks.gamma[others], other.greeks.gamma[others])
    assert np.all(np.isfinite(other.net))
    assert np.all(np.isfinite(other.profile.gex_usd_per_1pct))


def test_a_row_with_a_forbidding_status_is_nan_and_counted() -> None:
    chain = make_chain(status=[RowStatus.NO_IV, RowStatus.REJECTED] + [RowStatus.STALE] * 18)
    snapshot = snapshot_of(chain)
    assert np.isnan(snapshot.by_option.values[:, :2]).all()
    assert np.isfinite(snapshot.by_option.values[:, 2:]).all()
    quality = snapshot.quality
    assert (quality.listed, quality.used, quality.stale) == (20, 18, 18)
    assert (quality.without_iv, quality.rejected) == (1, 1)


@pytest.mark.parametrize("noise", [0.0, 1e-13, -1e-13])
@pytest.mark.parametrize("dynamics", SmileDynamics)
def test_a_book_that_cancels_but_for_rounding_has_neither_regime_nor_flip(
    noise: float, dynamics: SmileDynamics
) -> None:
    chain = make_chain(days=(1, 30), strikes=np.arange(90_000.0, 110_000.0, 500.0))
    position = np.where(chain.is_call, 100.0, -100.0 * (1 + noise))
    balanced = compute_exposure(chain, position, "test", dynamics)
    assert balanced.gross_of(Exposure.GEX) > 1e6
    assert balanced.regime is Regime.UNKNOWN
    assert balanced.levels.flips == ()
    assert balanced.levels.flip_reason is FlipReason.NO_EXPOSURE


def test_gamma_too_far_away_to_be_a_fraction_of_a_dollar_makes_no_regime() -> None:
    chain = make_chain(strikes=(1_000.0, 1_000_000.0), days=(1,))
    far = snapshot_of(chain, np.full(len(chain), 1e3))
    assert 0 < far.gross_of(Exposure.GEX) < 1e-200
    assert far.regime is Regime.UNKNOWN


@given(st.floats(1e-3, 1e6), st.floats(-1, 1))
def test_regime_is_the_sign_of_net_beyond_rounding(gross: float, share: float) -> None:
    regime = regime_of(share * gross, gross)
    assert regime is not regime_of(-share * gross, gross) or regime is Regime.UNKNOWN
    beyond = abs(share) * gross > 1e-12 * max(gross, 1.0)
    assert (regime is Regime.UNKNOWN) == (not beyond)
    assert regime_of(np.nan, np.nan) is regime_of(0.0, gross) is Regime.UNKNOWN


def test_an_empty_chain_has_an_empty_snapshot() -> None:
    chain = make_chain(strikes=())
    snapshot = snapshot_of(chain)
    assert snapshot.net.tolist() == [0.0] * len(Exposure)
    assert snapshot.regime is Regime.UNKNOWN
    assert snapshot.levels.flip_usd is None


def test_without_spot_there_are_no_levels_but_still_exposures() -> None:
    chain = make_chain(index_price=np.nan, forward=1e5)
    snapshot = snapshot_of(chain, np.ones(len(chain)))
    assert snapshot.net_of(Exposure.GEX) > 0
    assert snapshot.levels.flip_usd is None
    assert snapshot.levels.flip_reason is not None


def test_two_books_add_up_to_the_asset() -> None:
    chain = make_chain(settlements=(Settlement.INVERSE, Settlement.LINEAR))
    position = np.arange(len(chain), dtype=float)
    whole = compute_exposure(chain, position, "test")
    parts = [
        compute_exposure(
            of_book(chain, book), position[np.asarray(chain.settlement == book)], "test"
        )
        for book in Settlement
    ]
    for exposure in Exposure:
        total = sum(part.net_of(exposure) for part in parts)
        assert total == pytest.approx(whole.net_of(exposure), rel=1e-12)


def test_a_position_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected shape \(20,\), was \(3,\)"):
        compute_exposure(make_chain(), np.zeros(3), "test")


def test_a_strike_or_expiry_without_a_known_option_is_unknown_and_not_zero() -> None:
    chain = make_chain(strikes=(80_000.0, 90_000.0, 100_000.0))
    unknown = chain.strike == 90_000.0
    position = np.where(unknown, np.nan, 10.0)
    snapshot = compute_exposure(chain, position, "test")
    gex = snapshot.by_strike.exposures.column(Exposure.GEX)
    assert list(np.isnan(gex)) == [False, True, False]
    assert np.isnan(snapshot.by_strike.call_gex_usd_per_1pct[1])
    assert snapshot.levels.call_wall_usd in {80_000.0, 100_000.0}
    nothing = compute_exposure(chain, np.full(len(chain), np.nan), "test")
    assert np.isnan(nothing.by_expiry.exposures.column(Exposure.GEX)).all()
    assert np.isnan(nothing.profile.gex_usd_per_1pct).all()
    assert np.isnan(nothing.profile.expiry_gex_usd_per_1pct).all()


def test_calls_of_which_nothing_is_known_are_unknown_and_no_calls_are_zero() -> None:
    """At 80k the call is unknown, at 90k none is listed, at 100k one of two expiries is known."""
    chain = make_chain(strikes=(80_000.0, 90_000.0, 100_000.0), days=(7.0, 30.0))
    chain = chain.select(~chain.is_call | (chain.strike != 90_000.0))
    near = chain.expiry_ms == chain.expiry_ms[0]
    unknown = chain.is_call & ((chain.strike == 80_000.0) | ((chain.strike == 100_000.0) & near))
    chain = with_columns(
        chain, open_interest_coin=np.where(unknown, np.nan, chain.open_interest_coin)
    )
    snapshot = compute_exposure(chain, -chain.open_interest_coin, "test")
    at = snapshot.by_strike
    assert str(at.open_interest_call_coin.tolist()) == "[nan, 0.0, 100.0]"
    assert at.open_interest_put_coin.tolist() == [200.0] * 3
    assert np.isnan(at.call_gex_usd_per_1pct).tolist() == [True, False, False]
    assert at.call_gex_usd_per_1pct[1] == 0
    assert np.isfinite(at.put_gex_usd_per_1pct).all()
    gex = at.exposures.column(Exposure.GEX)
    known = np.nan_to_num(at.call_gex_usd_per_1pct) + at.put_gex_usd_per_1pct
    np.testing.assert_allclose(gex, known, rtol=1e-12)
    assert snapshot.net_of(Exposure.GEX) == pytest.approx(gex.sum(), rel=1e-12)
    interest = snapshot.spread(chain.open_interest_coin)
    assert str(interest.tolist()) == "[[100.0, 100.0, 100.0], [100.0, 100.0, 200.0]]"


def test_interest_that_is_unknown_has_no_sum_and_no_max_pain() -> None:
    chain = make_chain(open_interest=np.repeat([np.nan, 5.0], 10))
    snapshot = compute_exposure(chain, chain.open_interest_coin, "test")
    assert np.isnan(snapshot.by_expiry.max_pain_usd).tolist() == [True, False]
    nothing = compute_exposure(make_chain(open_interest=np.nan), np.ones(20), "test")
    assert np.isnan(nothing.by_strike.open_interest_call_coin).all()
    assert np.isnan(nothing.by_strike.open_interest_put_coin).all()
    none = compute_exposure(make_chain(open_interest=0.0), np.ones(20), "test")
    assert not none.by_strike.open_interest_call_coin.any()


def test_the_profile_of_an_expiry_or_a_side_without_a_known_option_is_unknown() -> None:
    chain = make_chain(days=(7.0, 30.0))
    near = chain.expiry_ms == chain.expiry_ms[0]
    profile = compute_exposure(chain, np.where(near, np.nan, 1.0), "test").profile
    assert np.isnan(profile.expiry_gex_usd_per_1pct).all(axis=1).tolist() == [True, False]
    assert np.isfinite(profile.gex_usd_per_1pct).all()
    profile = compute_exposure(chain, np.where(chain.is_call, np.nan, 1.0), "test").profile
    assert np.isnan(profile.call_gex_usd_per_1pct).all()
    assert np.isfinite(profile.put_gex_usd_per_1pct).all()
    puts = make_chain(kinds="P")
    profile = compute_exposure(puts, np.ones(len(puts)), "test").profile
    assert not profile.call_gex_usd_per_1pct.any(), "no calls are listed"


@pytest.mark.parametrize("seed", range(3))
def test_several_positions_at_once_answer_as_each_alone(seed: int) -> None:
    chain = make_venue_chain(seed, days=(0.01, 0.3, 5, 60), strikes_per_expiry=20)
    unknown = np.random.default_rng(seed).normal(size=len(chain))
    unknown[::7] = np.nan
    positions = {"naive": naive(chain), "short": -chain.open_interest_coin, "unknown": unknown}
    together = compute_exposures(chain, positions)
    for model, position in positions.items():
        one, alone = together[model], compute_exposure(chain, position, model)
        assert one.quality == alone.quality
        assert np.array_equal(one.by_option.values, alone.by_option.values, equal_nan=True)
        assert np.array_equal(one.net, alone.net)
        assert np.array_equal(one.gross, alone.gross)
        size = np.abs(alone.profile.gex_usd_per_1pct).max()
        assert one.profile.gex_usd_per_1pct == pytest.approx(
            alone.profile.gex_usd_per_1pct, abs=1e-12 * size
        )
        assert one.by_expiry.flip_usd == pytest.approx(
            alone.by_expiry.flip_usd, abs=1e-6, nan_ok=True
        )
        assert [flip.spot_usd for flip in one.levels.flips] == pytest.approx(
            [flip.spot_usd for flip in alone.levels.flips], abs=1e-6
        )
        assert one.levels.call_walls == alone.levels.call_walls
        assert one.levels.pin == alone.levels.pin


def test_a_warm_frame_of_a_thousand_options_needs_less_than_a_megabyte() -> None:
    chain = make_venue_chain(1)
    position = naive(chain)
    compute_exposure(chain, position, "naive")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        snapshot = compute_exposure(chain, position, "naive")
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert len(snapshot.chain) == 1008
    assert peak < 1_000_000
