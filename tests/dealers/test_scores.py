"""Estimators against the known truth of the agent market: a short version of the bench."""

import numpy as np
import pytest

from tests.dealers.agent_market import AgentMarket, Shares
from tests.dealers.scoring import Score, mean_scores, watch

SEEDS = (1, 2)


def scores_of(unseen: int, shares: Shares | None = None) -> dict[str, Score]:
    """Mean scores over the seeds; 120 options and 250 particles keep it to seconds."""
    markets = {seed: AgentMarket(seed, 120, shares) for seed in SEEDS}
    return mean_scores(
        watch(market, seed, unseen=unseen, count=250).scores() for seed, market in markets.items()
    )


def test_the_books_of_the_market_balance() -> None:
    market = AgentMarket(3, 50)
    for _ in range(200):
        before, held = market.open_interest_coin, market.position_coin
        amount = market.step()
        assert np.all(np.abs(market.open_interest_coin - before) <= np.abs(amount) + 1e-9)
        assert np.all(np.abs(market.position_coin - held) <= np.abs(amount) + 1e-9)
    everyone = market.longs - market.shorts + market.position_coin
    np.testing.assert_allclose(everyone, 0, atol=1e-9)
    assert np.all(np.abs(market.position_coin) <= market.open_interest_coin + 1e-9)
    assert min(market.longs.min(), market.shorts.min()) >= 0


@pytest.fixture(scope="module")
def unknown_start() -> dict[str, Score]:
    return scores_of(unseen=600)


def test_with_an_unknown_start_open_interest_beats_the_mirrored_tape(
    unknown_start: dict[str, Score],
) -> None:
    mirrored = unknown_start["E0 flow"].rmse
    assert unknown_start["E1 three-term"].rmse <= 0.85 * mirrored
    assert unknown_start["E2 particles"].rmse <= 0.65 * mirrored
    assert unknown_start["E2 particles"].sign_right > 0.88


@pytest.mark.parametrize("model", ["E1 three-term", "E2 particles"])
def test_intervals_hold_the_truth_about_as_often_as_they_say(
    model: str, unknown_start: dict[str, Score]
) -> None:
    # 240 options: two standard errors are 4 points around [.80, .95]; 6 sums allow only sanity
    assert 0.76 <= unknown_start[model].coverage <= 0.98
    assert unknown_start[model].group_coverage >= 0.5


def test_a_wrong_prior_of_attribution_shows_in_missed_intervals() -> None:
    """Dealers take five times as often as assumed: the intervals no longer hold."""
    wrong = scores_of(unseen=600, shares=Shares(0.40, 0.35, 0.20))
    for model in ("E1 three-term", "E2 particles"):
        assert wrong[model].coverage < 0.80
