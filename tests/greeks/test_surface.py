"""The scenario surface against single snapshots of moved chains."""

import numpy as np
import pytest

from greeks.conventions import Exposure
from greeks.exposure import compute_exposure
from greeks.surface import Surface, compute_surface
from tests.builders import make_venue_chain, with_columns

CHAIN = make_venue_chain(12, days=(0.5, 2, 20, 90), strikes_per_expiry=16, twins_differ=0.1)
POSITION = CHAIN.open_interest_coin * np.where(CHAIN.is_call, 1.0, -1.0)


def surface() -> Surface:
    return compute_surface(
        CHAIN,
        POSITION,
        moves_pct=np.linspace(-20, 20, 81),
        shift_pts=np.array([-5.0, 0.0, 5.0]),
        hours=np.array([0.0, 6.0, 24.0]),
    )


@pytest.mark.parametrize(
    ("hour", "shift", "spot"), [(0, 1, 40), (0, 2, 10), (1, 0, 55), (2, 2, 70)]
)
def test_a_scenario_is_the_exposure_of_the_chain_moved_there(
    hour: int, shift: int, spot: int
) -> None:
    s = surface()
    move = s.spot_usd[spot] / CHAIN.index_price
    moved = with_columns(
        CHAIN,
        index_price=float(s.spot_usd[spot]),
        forward=CHAIN.forward * move,
        mark_iv=CHAIN.mark_iv + s.shift_pts[shift] * 0.01,
        as_of_ms=CHAIN.as_of_ms + int(s.hours[hour] * 3_600_000),
    )
    there = compute_exposure(
        moved.select(moved.expiry_ms > moved.as_of_ms),
        POSITION[moved.expiry_ms > moved.as_of_ms],
        "test",
    )
    for exposure, values in (
        (Exposure.GEX, s.gex_usd_per_1pct),
        (Exposure.DELTA, s.delta_coin),
        (Exposure.VEGA, s.vega_usd_per_pt),
    ):
        tolerance = 1e-12 * there.gross_of(exposure)
        assert values[hour, shift, spot] == pytest.approx(there.net_of(exposure), abs=tolerance)


def test_the_zero_contour_passes_through_todays_flips() -> None:
    s = surface()
    today = (s.zero_hours == 0) & (s.zero_shift_pts == 0)
    flips = [flip.spot_usd for flip in compute_exposure(CHAIN, POSITION, "test").levels.flips]
    inside = [flip for flip in flips if s.spot_usd[0] < flip < s.spot_usd[-1]]
    # linear between two spots half a per cent apart
    assert np.sort(s.zero_spot_usd[today]) == pytest.approx(inside, rel=2e-4)


def test_after_the_last_expiry_nothing_is_left() -> None:
    s = compute_surface(CHAIN, POSITION, np.array([0.0]), np.array([0.0]), np.array([24 * 100.0]))
    assert (s.gex_usd_per_1pct.item(), s.delta_coin.item(), s.vega_usd_per_pt.item()) == (0, 0, 0)
