"""What would flatten the dealers: the board before and after, and why there is no answer."""

import math
from typing import Any

import pytest

from app.flatten_views import Assumed, flatten
from dealers.rules import PositionModel
from greeks.conventions import Exposure
from tests.app.test_positions import reading_of, traded_feed


@pytest.fixture(scope="module")
def models() -> Any:
    feed = traded_feed()
    return feed.publish(reading_of(feed)).models


@pytest.mark.parametrize("model", PositionModel)
def test_the_set_zeroes_gamma_and_vega_of_any_model(models: Any, model: PositionModel) -> None:
    snapshot = models[model]
    found: Any = flatten(snapshot, Assumed(1e6, 1.0))
    assert found["is_flat"]
    assert found["reason"] is None
    assert len(found["trades"]) <= 2, "a vertex uses two options unless sizes bind"
    gross = snapshot.gross_of(Exposure.GEX)
    assert abs(found["after"]["gex_usd_per_1pct"]) <= 1e-6 * gross
    assert abs(found["after"]["vega_usd_per_pt"]) <= 1e-6 * snapshot.gross_of(Exposure.VEGA)
    assert found["before"]["gex_usd_per_1pct"] == snapshot.net_of(Exposure.GEX)
    traded = sum(trade["gex_usd_per_1pct"] for trade in found["trades"])
    assert traded == pytest.approx(-snapshot.net_of(Exposure.GEX), rel=1e-6)
    assert found["cost_usd"] == pytest.approx(sum(t["cost_usd"] for t in found["trades"]))


def test_wider_quotes_cost_more(models: Any) -> None:
    snapshot = models[PositionModel.NAIVE]
    costs: list[Any] = [flatten(snapshot, Assumed(1e6, pts))["cost_usd"] for pts in (0.5, 1, 3)]
    assert costs == sorted(costs)
    assert costs[0] > 0


def test_too_small_sizes_leave_something_and_say_so(models: Any) -> None:
    found: Any = flatten(models[PositionModel.CUSTOMER_LONG], Assumed(1.0, 1.0))
    assert not found["is_flat"]
    assert found["reason"] == "the sizes on the menu do not suffice"
    before, after = found["before"]["gex_usd_per_1pct"], found["after"]["gex_usd_per_1pct"]
    assert abs(after) < abs(before)
    assert found["left_gex_usd_per_1pct"] == pytest.approx(after, rel=1e-6)
    assert math.isnan(found["gamma_price_usd"])


def test_without_sizes_or_without_a_position_there_is_no_answer(models: Any) -> None:
    found: Any = flatten(models[PositionModel.NAIVE], Assumed(None, 1.0))
    assert found["reason"] == "the feed shows no sizes of options: state size_coin"
    assert found["after"] is None
    assert not found["trades"]
    unknown = traded_feed().publish().models[PositionModel.POSTERIOR]
    found = flatten(unknown, Assumed(100.0, 1.0))
    assert found["reason"] == "net GEX is unknown under this position model"
