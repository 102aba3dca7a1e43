"""Flows beside depth and volume."""

import numpy as np

from dealers.liquidity import Liquidity, compare_with_market


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
