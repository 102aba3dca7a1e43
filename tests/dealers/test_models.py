"""All models behind one interface: an inventory, or a reason and no number."""

import numpy as np
import pytest

from dealers.estimate import PositionEstimate
from dealers.flow import FlowBook
from dealers.inventory import ModelInputs, Unavailable
from dealers.ladder import GexLadder
from dealers.models import MODELS, compare_models, compute_range
from dealers.posterior import PosteriorState
from dealers.rules import RULES, PositionModel, position_from_rule
from greeks.chain import OptionChain
from greeks.conventions import Exposure, Regime
from greeks.exposure import compute_exposure
from tests.builders import AS_OF_MS, make_chain, make_venue_chain, with_columns
from tests.dealers.agent_market import AgentMarket, as_trades

DAY_MS = 86_400_000


def inputs_of(chain: OptionChain, state: PosteriorState | None = None) -> ModelInputs:
    return ModelInputs(chain, GexLadder.of(chain), state, np.random.default_rng(1))


def traded_day() -> ModelInputs:
    """A day of tape, read from the listing of every option on."""
    chain = make_chain(strikes=(90_000, 100_000, 110_000), days=(7, 30))
    market, rng = AgentMarket(2, len(chain)), np.random.default_rng(3)
    state = PosteriorState(FlowBook(since_ms=AS_OF_MS - DAY_MS), particles=100)
    state = state.observe(with_columns(chain, open_interest_coin=0.0), rng)
    for start in range(0, 200, 10):
        first_ms = AS_OF_MS - DAY_MS + start * 1000
        trades = as_trades(market.run(10), chain.instrument_name, start + 1, first_ms)
        now = with_columns(
            chain, open_interest_coin=market.open_interest_coin, as_of_ms=first_ms + 30_000
        )
        state = state.apply(trades).observe(now, rng)
    chain = with_columns(chain, open_interest_coin=market.open_interest_coin)
    return inputs_of(chain, state.observe(chain, rng))


def test_the_models_are_named_in_the_words_of_the_contract() -> None:
    names = [model.name for model in MODELS]
    assert names == ["naive", "reversed", "customer_long", "flow", "posterior"]
    assert all(model.inputs for model in MODELS)


def test_without_a_tape_flow_and_posterior_give_a_reason_and_no_number() -> None:
    answers = {answer.model: answer for answer in compare_models(inputs_of(make_venue_chain()))}
    for name in ("flow", "posterior"):
        answer = answers[name]
        assert answer.answer == Unavailable(name, "expected 24 h of trades, was 0.0 h")
        assert answer.regime is Regime.UNKNOWN
        assert answer.flip_usd is None
        assert np.isnan(answer.flips.median_usd)
    assert isinstance(answers["naive"].answer, PositionEstimate)


def test_without_open_interest_no_rule_answers() -> None:
    chain = make_chain(open_interest=np.nan)
    answers = compare_models(inputs_of(chain))
    assert all(isinstance(answer.answer, Unavailable) for answer in answers)
    assert compute_range(answers).models == 0
    assert np.isnan(compute_range(answers).low_gex_usd_per_1pct)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_answers_as_its_exposure_does(rule: PositionModel) -> None:
    chain = make_venue_chain(3)
    answers = {answer.model: answer for answer in compare_models(inputs_of(chain))}
    snapshot = compute_exposure(chain, position_from_rule(chain, rule), rule.value)
    answer = answers[rule.value]
    assert isinstance(answer.answer, PositionEstimate)
    gross = snapshot.gross_of(Exposure.GEX)
    assert answer.answer.gex.net == pytest.approx(snapshot.net_of(Exposure.GEX), abs=1e-9 * gross)
    assert answer.answer.gex.gross == pytest.approx(gross)
    assert answer.regime is snapshot.regime
    exact = snapshot.levels.flip_usd
    assert answer.flip_usd == (None if exact is None else pytest.approx(exact, rel=1e-4))


def test_the_range_spans_the_models_and_says_where_they_disagree() -> None:
    answers = compare_models(inputs_of(make_venue_chain(3)))
    found = compute_range(answers)
    assert found.models == 3
    assert found.low_gex_usd_per_1pct < 0 < found.high_gex_usd_per_1pct
    assert found.regime is Regime.UNKNOWN
    assert found.without_flip == 1, "dealers short everything have no flip"
    assert found.low_flip_usd == pytest.approx(found.high_flip_usd), (
        "reversed flips where naive does"
    )


def test_with_a_day_of_tape_every_model_answers() -> None:
    inputs = traded_day()
    answers = {answer.model: answer for answer in compare_models(inputs)}
    assert all(isinstance(answer.answer, PositionEstimate) for answer in answers.values())
    posterior = answers["posterior"].answer
    assert isinstance(posterior, PositionEstimate)
    assert posterior.enough_data
    assert posterior.gex.lo < posterior.gex.net < posterior.gex.hi
    assert 0 <= answers["posterior"].flips.p_none <= 1
