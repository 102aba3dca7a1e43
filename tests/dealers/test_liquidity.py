"""Flows beside depth and volume, and the depth of the last quarter of an hour."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealers.liquidity import UNKNOWN_DEPTH, DepthLog, Liquidity, compare_with_market


def test_buying_is_measured_against_asks_and_selling_against_bids() -> None:
    market = Liquidity(
        bid_half_pct_usd=10e6,
        ask_half_pct_usd=20e6,
        bid_one_pct_usd=40e6,
        ask_one_pct_usd=50e6,
        volume_24h_usd=1.44e9,
    )
    size = compare_with_market(np.array([5e6, -5e6, 0.0]), market)
    np.testing.assert_allclose(size.share_of_half_pct_depth, [0.25, 0.5, 0.0])
    np.testing.assert_allclose(size.share_of_one_pct_depth, [0.1, 0.125, 0.0])
    np.testing.assert_allclose(size.share_of_volume, [5 / 1440, 5 / 1440, 0.0])
    np.testing.assert_allclose(size.minutes_of_volume, [5.0, 5.0, 0.0])


def test_an_unknown_or_empty_market_gives_no_share() -> None:
    size = compare_with_market(np.array([5e6]), Liquidity(volume_24h_usd=0.0))
    assert np.isnan(size.share_of_half_pct_depth).all()
    assert np.isnan(size.share_of_volume).all()
    assert np.isnan(size.minutes_of_volume).all()


def recorded(*samples: tuple[int, float]) -> DepthLog:
    log = DepthLog()
    for second, depth_usd in samples:
        log.record(1000 * second, depth_usd)
    return log


def test_the_depth_of_the_last_minutes_is_its_median_and_quartiles() -> None:
    depths = np.random.default_rng(2).lognormal(16, 1, 800)
    recent = recorded(*enumerate(depths.tolist())).recent()
    low, median, high = np.quantile(depths, (0.25, 0.5, 0.75))
    assert (recent.low_usd, recent.median_usd, recent.high_usd) == (low, median, high)
    assert (recent.covers_s, recent.samples) == (799.0, 800)


def test_what_is_older_than_a_quarter_of_an_hour_is_forgotten() -> None:
    log = recorded((0, 1e6), (1, 2e6), (901, 3e6))
    assert (log.recent().median_usd, log.recent().samples) == (3e6, 1)
    log.record(1000 * 1802, np.nan)
    assert log.recent() is UNKNOWN_DEPTH, "time passes while the depth is unknown"


@pytest.mark.parametrize("depth_usd", [np.nan, 0.0])
def test_an_unknown_depth_is_no_sample(depth_usd: float) -> None:
    assert recorded((0, depth_usd)).recent() is UNKNOWN_DEPTH
    recent = recorded((0, 5e6), (1, depth_usd), (2, 7e6)).recent()
    assert (recent.median_usd, recent.samples, recent.covers_s) == (6e6, 2, 2.0)


def test_a_burst_of_samples_counts_once_a_second() -> None:
    log = recorded((0, 5e6))
    for at_ms in range(0, 1000, 100):
        log.record(at_ms, 9e6)
    assert (log.recent().median_usd, log.recent().samples) == (5e6, 1)


def test_a_clock_that_went_back_leaves_nothing_from_its_future() -> None:
    log = recorded((0, 5e6), (10, 50e6), (20, 60e6), (5, 7e6))
    assert (log.recent().median_usd, log.recent().covers_s) == (6e6, 5.0)


def test_a_hole_is_not_covered() -> None:
    recent = recorded((0, 5e6), (1, 5e6), (11, 7e6), (22, 7e6), (25, 7e6)).recent()
    assert (recent.covers_s, recent.samples) == (14.0, 5)


# Over a restart


def test_a_restored_record_goes_on_where_it_stopped_and_its_hole_is_not_covered() -> None:
    kept = recorded(*((second, 4e6) for second in range(300))).samples
    log = recorded((360, 6e6), (361, 6e6))
    log.restore(kept)
    assert (log.recent().median_usd, log.recent().samples) == (4e6, 302)
    assert log.recent().covers_s == 299 + 1, "a minute away covers nothing"


@pytest.mark.parametrize("own", [((1000, 6e6),), ()], ids=["before", "after"])
def test_what_is_restored_falls_out_with_age(own: tuple[tuple[int, float], ...]) -> None:
    log = recorded(*own)
    log.restore(recorded(*((second, 4e6) for second in range(300))).samples)
    log.record(1000 * 1001, 6e6)
    oldest_ms, _ = log.samples[0]
    assert oldest_ms == 102 * 1000, "exactly 15 minutes are too old"


def test_a_record_of_the_future_is_not_restored() -> None:
    log = recorded((5, 6e6))
    log.restore(recorded((4, 4e6), (7, 9e6), (8, 9e6)).samples)
    assert log.samples == ((4000, 4e6), (5000, 6e6))


@given(st.dictionaries(st.integers(0, 2_000), st.floats(1e5, 1e9)), st.integers(0, 60))
def test_a_restart_between_two_samples_changes_nothing(
    depth_of: dict[int, float], stop: int
) -> None:
    seen = sorted(depth_of.items())
    before, after = recorded(*seen[:stop]), recorded(*seen[stop:])
    after.restore(before.samples)
    assert after.samples == recorded(*seen).samples
