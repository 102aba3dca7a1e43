"""What the engine knows of a snapshot and REST serves: dynamics, expiries, levels, sources."""

import math
from collections.abc import Iterator

import pytest

from tests.processes import Board, Launcher


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("profile")).board("demo") as running:
        yield running.wait_ready()


def test_the_profile_of_the_expiries_adds_up_to_the_whole(board: Board) -> None:
    body = board.get("/BTC/profile", by="expiry")
    whole = body["data"]["gex_usd_per_1pct"]
    assert body["vol"] == "sticky_strike"
    size = max(map(abs, whole))
    columns = zip(*(expiry["gex_usd_per_1pct"] for expiry in body["expiries"]), strict=True)
    assert [math.fsum(column) for column in columns] == pytest.approx(whole, abs=1e-9 * size)
    assert board.get("/BTC/profile")["expiries"] is None


def test_a_smile_that_moves_along_moves_the_flip_and_the_band_holds_both(board: Board) -> None:
    seq = board.get("/BTC")["seq"]
    moving = board.get("/BTC/profile", vol="sticky_moneyness", seq=seq)
    stuck = board.get("/BTC/profile", seq=seq)
    assert moving["vol"] == "sticky_moneyness"
    assert moving["data"]["spot_usd"] == stuck["data"]["spot_usd"]
    assert moving["data"]["gex_usd_per_1pct"] != stuck["data"]["gex_usd_per_1pct"]
    band = board.get("/BTC/levels/dynamics", seq=seq)["data"]
    assert band["sticky_strike"]["flip_usd"] == stuck["flip_usd"]
    assert band["sticky_moneyness"]["flip_usd"] == moving["flip_usd"]
    flips = [found for found in (stuck["flip_usd"], moving["flip_usd"]) if found is not None]
    assert band["flip_band_usd"] == ([min(flips), max(flips)] if flips else None)


def test_levels_show_the_wall_behind_the_cliff_and_the_pin(board: Board) -> None:
    levels = board.get("/BTC/levels")["data"]
    for kind, sign in (("call", 1), ("put", -1)):
        first, second = levels[f"{kind}_walls"]
        assert first["strike_usd"] == levels[f"{kind}_wall_usd"]
        assert sign * first["gex_usd_per_1pct"] >= sign * second["gex_usd_per_1pct"] > 0
        assert 0 < second["dominance"] <= first["dominance"] < 1
    assert levels["cliff"]["expiry_ms"] == levels["max_pain"][0]["expiry_ms"]
    assert 0 < levels["cliff"]["gross_share"] < 1
    pin = levels["pin"]
    if pin is not None:
        assert pin["position_coin"] > 0
        assert pin["probability"] is None or 0 <= pin["probability"] <= 1


def test_where_forward_and_volatility_come_from_is_said(board: Board) -> None:
    expiries = board.get("/BTC/expiries")["data"]
    assert {row["forward_source"] for row in expiries} <= {"future", "synthetic", "parity", "index"}
    assert any(row["forward_source"] == "future" for row in expiries)
    for row in expiries:
        assert row["gross_gex_usd_per_1pct"] >= abs(row["gex_usd_per_1pct"])
    chain = board.get("/BTC/chain")["data"]
    assert {row["iv_source"] for row in chain} <= {"mark", "twin", "price"}
    for row in chain:
        if row["price_usd"] is not None:
            assert -row["price_usd"] <= row["venue_theta_usd_per_day"] <= 0
            assert row["net_delta_coin"] <= row["delta_coin"]


def test_an_unknown_dynamic_is_refused_by_name(board: Board) -> None:
    answer = board.client.get("/api/v1/BTC/profile?vol=sticky_wicket")
    assert answer.status_code == 422
    assert "vol" in answer.json()["detail"]
