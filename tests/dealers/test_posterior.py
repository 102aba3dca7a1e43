"""The posterior as a fold: counted once, resumed exactly, silent without data."""

import numpy as np
import pytest

from dealers.checkpoint import freeze_posterior, thaw_posterior
from dealers.flow import FlowBook
from dealers.ladder import GexLadder
from dealers.posterior import PosteriorState
from dealers.tape import Trade
from greeks.chain import OptionChain
from tests.builders import AS_OF_MS, make_chain, with_columns
from tests.dealers.agent_market import AgentMarket, as_trades

DAY_MS = 86_400_000
STRIKES = (90_000.0, 100_000.0, 110_000.0)
BLOCK = 10


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


class Feed:
    """An agent market behind a chain: each round brings its trades and the chain after them."""

    def __init__(self, seed: int = 5) -> None:
        self._base = make_chain(strikes=STRIKES, days=(7, 30))
        self.market = AgentMarket(seed, len(self._base))
        self.market.run(200)
        self._step = 0

    @property
    def chain(self) -> OptionChain:
        return with_columns(
            self._base,
            as_of_ms=AS_OF_MS + self._step * 1000 + 20_000,
            open_interest_coin=self.market.open_interest_coin,
        )

    def round(self, steps: int = BLOCK) -> tuple[list[Trade], OptionChain]:
        signed = self.market.run(steps)
        first_ms = AS_OF_MS + self._step * 1000
        trades = as_trades(signed, self._base.instrument_name, 100 + self._step, first_ms)
        self._step += steps
        return trades, self.chain


def follow(feed: Feed, rounds: int, state: PosteriorState | None = None) -> PosteriorState:
    draw = rng()
    state = state or PosteriorState(FlowBook(since_ms=AS_OF_MS - DAY_MS), particles=200)
    state = state.observe(feed.chain, draw)
    for _ in range(rounds):
        trades, chain = feed.round()
        state = state.apply(trades).observe(chain, draw)
    return state


def same(one: PosteriorState, other: PosteriorState) -> bool:
    return (
        one.book == other.book
        and one.pending == other.pending
        and one.clouds.keys() == other.clouds.keys()
        and all(
            np.array_equal(cloud.position_coin, other.clouds[name].position_coin)
            and np.array_equal(cloud.log_weight, other.clouds[name].log_weight)
            and np.array_equal(cloud.odds, other.clouds[name].odds)
            for name, cloud in one.clouds.items()
        )
    )


def test_the_posterior_finds_the_truth_better_than_the_mirrored_tape() -> None:
    """Squared errors of four markets of twelve options: one alone is too few to judge by."""
    squares = np.zeros(2)
    for seed in range(5, 9):
        feed = Feed(seed)
        state = follow(feed, 30)
        chain = feed.chain
        truth, interest = feed.market.position_coin, chain.open_interest_coin
        estimate = state.estimate(chain, GexLadder.of(chain), rng())
        signed = state.book.columns(chain).signed_coin.sum(axis=1)
        for i, position in enumerate((estimate.mean_coin, np.clip(-signed, -interest, interest))):
            squares[i] += np.sum(((position - truth) / interest) ** 2)
    posterior, mirrored = np.sqrt(squares)
    assert posterior < 0.85 * mirrored


def test_an_estimate_stays_within_open_interest_and_its_own_interval() -> None:
    feed = Feed()
    chain = feed.chain
    estimate = follow(feed, 3).estimate(chain, GexLadder.of(chain), rng())
    assert np.all(np.abs(estimate.draws_coin) <= chain.open_interest_coin + 1e-9)
    assert np.all(estimate.lo_coin <= estimate.mean_coin)
    assert np.all(estimate.mean_coin <= estimate.hi_coin)
    gex = estimate.gex
    assert gex.lo < gex.net < gex.hi
    assert 0 <= gex.p_short_gamma <= 1


def test_repeated_and_shuffled_trades_change_nothing() -> None:
    feed = Feed()
    state = follow(feed, 2)
    trades, _ = feed.round(4)
    once = state.apply(trades)
    twice = once.apply(trades).apply(trades[::-1])
    assert same(once, twice)
    assert sum(len(block.kinds) for block in once.pending.values()) == len(trades)


def test_a_restart_resumes_as_if_nothing_had_happened() -> None:
    feed = Feed()
    state = follow(feed, 3)
    trades, chain = feed.round(4)
    waiting = state.apply(trades).observe(chain, rng())
    assert waiting.pending, "four trades wait for their block to fill"
    resumed = thaw_posterior(freeze_posterior(waiting))
    assert same(resumed, waiting)
    more, later = feed.round()
    gone_on, again = (
        one.apply([*trades, *more]).observe(later, rng(9)) for one in (waiting, resumed)
    )
    assert same(gone_on, again)


def test_an_empty_state_survives_a_checkpoint() -> None:
    assert same(thaw_posterior(freeze_posterior(PosteriorState())), PosteriorState())


def test_trades_wait_until_their_block_is_full_and_its_interest_settled() -> None:
    feed = Feed()
    state = follow(feed, 1)
    trades, chain = feed.round()
    early = with_columns(chain, as_of_ms=trades[-1].ts_event + 1000)
    assert state.apply(trades).observe(early, rng()).pending
    assert not state.apply(trades).observe(chain, rng()).pending


def test_waiting_trades_already_move_the_estimate() -> None:
    feed = Feed()
    state = follow(feed, 3)
    chain = feed.chain
    name = chain.instrument_name[0]
    bought = [
        Trade(**{**_fields(trade), "amount_coin": 200.0, "instrument_name": name})
        for trade in as_trades(np.ones((3, 1)), (name,), 5000, AS_OF_MS)
    ]
    wide = with_columns(chain, open_interest_coin=chain.open_interest_coin + 2000)
    ladder = GexLadder.of(wide)
    before = state.estimate(wide, ladder, rng()).mean_coin[0]
    after = state.apply(bought).estimate(wide, ladder, rng()).mean_coin[0]
    assert after < before - 200


def _fields(trade: Trade) -> dict[str, object]:
    return {name: getattr(trade, name) for name in Trade.__dataclass_fields__}


def test_a_short_tape_is_not_enough_data() -> None:
    feed = Feed()
    state = follow(feed, 1, PosteriorState(FlowBook(since_ms=AS_OF_MS - 3_600_000)))
    estimate = state.estimate(feed.chain, GexLadder.of(feed.chain), rng())
    assert not estimate.enough_data
    assert estimate.reason == "expected 24 h of trades, was 1.0 h"


def test_a_day_without_trades_is_not_enough_data_either() -> None:
    """Nothing but the bound is known: the interval of net GEX is wider than gross."""
    chain = make_chain(strikes=(100_000.0,), days=(30,), kinds="C")
    state = PosteriorState(FlowBook(since_ms=AS_OF_MS - DAY_MS)).observe(chain, rng())
    estimate = state.estimate(chain, GexLadder.of(chain), rng())
    assert not estimate.enough_data
    assert estimate.reason is not None
    assert "within gross" in estimate.reason
    assert 0.3 < estimate.gex.p_short_gamma < 0.7


def test_delivered_options_are_forgotten_and_new_ones_followed() -> None:
    feed = Feed()
    state = follow(feed, 2)
    next_week = make_chain(strikes=STRIKES, days=(30, 60))
    moved = state.observe(next_week, rng())
    assert set(moved.clouds) == set(next_week.instrument_name)
    assert set(moved.book.flows) == set(next_week.instrument_name)


def test_unknown_open_interest_leaves_the_row_unknown() -> None:
    feed = Feed()
    state = follow(feed, 2)
    interest = feed.chain.open_interest_coin.copy()
    interest[0] = np.nan
    chain = with_columns(feed.chain, open_interest_coin=interest)
    estimate = state.observe(chain, rng()).estimate(chain, GexLadder.of(chain), rng())
    assert np.isnan(estimate.mean_coin[0])
    assert np.isfinite(estimate.mean_coin[1:]).all()
    assert np.isfinite(estimate.gex.net)


def test_the_same_seed_gives_the_same_answer() -> None:
    chain = Feed().chain
    first, again = (
        follow(Feed(), 2).estimate(chain, GexLadder.of(chain), rng(3)).draws_coin for _ in range(2)
    )
    assert np.array_equal(first, again)


@pytest.mark.parametrize("draws", [1, 64])
def test_as_many_draws_as_asked_for(draws: int) -> None:
    feed = Feed()
    estimate = follow(feed, 1).estimate(feed.chain, GexLadder.of(feed.chain), rng(), draws)
    assert estimate.draws_coin.shape == (draws, len(feed.chain))
