"""Every position model side by side, and how much the choice matters.

To add a model, write its class in a file of its own (`dealers.inventory`) and name it in `MODELS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dealers.estimate import (
    FlipDistribution,
    PositionEstimate,
    point_estimate,
    summarise_flips,
)
from dealers.flow import FlowBook, missing_history, position_from_flow
from dealers.inventory import InventoryModel, ModelInputs, Unavailable
from dealers.posterior import PosteriorState
from dealers.rules import RULES, PositionModel, position_from_rule
from greeks.conventions import Regime, regime_of


@dataclass(frozen=True, slots=True)
class RuleModel:
    """Inventory from open interest alone, by a rule."""

    rule: PositionModel

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.rule.value

    @property
    def inputs(self) -> tuple[str, ...]:
        """Open interest only."""
        return ("open interest",)

    def estimate(self, inputs: ModelInputs) -> PositionEstimate | Unavailable:
        """Sign the open interest."""
        chain = inputs.chain
        if not np.any(np.isfinite(chain.open_interest_coin)):
            return Unavailable(self.name, "no open interest is known")
        position = position_from_rule(chain, self.rule)
        return point_estimate(self.name, position, chain.open_interest_coin, inputs.ladder)


@dataclass(frozen=True, slots=True)
class FlowModel:
    """Inventory as the opposite of what takers bought, clipped to open interest (E0)."""

    name: str = PositionModel.FLOW.value
    inputs: tuple[str, ...] = ("signed trades", "open interest")

    def estimate(self, inputs: ModelInputs) -> PositionEstimate | Unavailable:
        """Mirror the tape once it is a day long."""
        book = inputs.state.book if inputs.state else FlowBook()
        if reason := missing_history(book):
            return Unavailable(self.name, reason)
        chain = inputs.chain
        position = position_from_flow(chain, book)
        return point_estimate(self.name, position, chain.open_interest_coin, inputs.ladder)


@dataclass(frozen=True, slots=True)
class PosteriorModel:
    """Inventory with uncertainty from the tape and the steps of open interest (E1 and E2)."""

    name: str = PositionModel.POSTERIOR.value
    inputs: tuple[str, ...] = (
        "signed trades",
        "open interest over time",
        "assumed odds of who took",
        "unknown starts that lean together by 6 % of open interest",
    )

    def estimate(self, inputs: ModelInputs) -> PositionEstimate | Unavailable:
        """Summarise the posterior once it says more than the bound."""
        state = inputs.state or PosteriorState()
        if reason := missing_history(state.book):
            return Unavailable(self.name, reason)
        found = state.estimate(inputs.chain, inputs.ladder, inputs.rng)
        return Unavailable(self.name, found.reason) if found.reason else found


MODELS: tuple[InventoryModel, ...] = (
    *(RuleModel(rule) for rule in RULES),
    FlowModel(),
    PosteriorModel(),
)


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """One model beside the others.

    Attributes
    ----------
    answer : its inventory, or why there is none.
    regime : sign of net GEX; unknown without an inventory.
    flip_usd : flip nearest to spot of the mean inventory; None when there is none.
    flips : the flip over the draws; NaN for a model without error.
    """

    model: str
    inputs: tuple[str, ...]
    answer: PositionEstimate | Unavailable
    regime: Regime
    flip_usd: float | None
    flips: FlipDistribution


@dataclass(frozen=True, slots=True)
class ModelRange:
    """How far the models that answer disagree, USD per 1 % and USD.

    Attributes
    ----------
    low_gex_usd_per_1pct, high_gex_usd_per_1pct : of net GEX.
    low_flip_usd, high_flip_usd : of the flips; NaN when no model has one.
    models : how many answer.
    without_flip : how many of them have no flip.
    regime : the sign that all of them agree on, else unknown.
    """

    low_gex_usd_per_1pct: float
    high_gex_usd_per_1pct: float
    low_flip_usd: float
    high_flip_usd: float
    models: int
    without_flip: int
    regime: Regime


def compare_models(
    inputs: ModelInputs, models: Sequence[InventoryModel] = MODELS
) -> tuple[ModelAnswer, ...]:
    """Ask every model."""
    return tuple(_ask(model, inputs) for model in models)


def compute_range(answers: Sequence[ModelAnswer]) -> ModelRange:
    """How far the models that have an answer lie apart."""
    found = [answer for answer in answers if isinstance(answer.answer, PositionEstimate)]
    if not found:
        return ModelRange(np.nan, np.nan, np.nan, np.nan, 0, 0, Regime.UNKNOWN)
    nets = [of.answer.gex.net for of in found if isinstance(of.answer, PositionEstimate)]
    flips = [of.flip_usd for of in found if of.flip_usd is not None]
    regimes = {of.regime for of in found}
    return ModelRange(
        low_gex_usd_per_1pct=min(nets),
        high_gex_usd_per_1pct=max(nets),
        low_flip_usd=min(flips, default=np.nan),
        high_flip_usd=max(flips, default=np.nan),
        models=len(found),
        without_flip=len(found) - len(flips),
        regime=regimes.pop() if len(regimes) == 1 else Regime.UNKNOWN,
    )


def _ask(model: InventoryModel, inputs: ModelInputs) -> ModelAnswer:
    answer = model.estimate(inputs)
    if isinstance(answer, Unavailable):
        unknown = FlipDistribution(np.nan, np.nan, np.nan, np.nan)
        return ModelAnswer(model.name, model.inputs, answer, Regime.UNKNOWN, None, unknown)
    flip = float(inputs.ladder.flips(answer.mean_coin[None, :])[0])
    return ModelAnswer(
        model=model.name,
        inputs=model.inputs,
        answer=answer,
        regime=regime_of(answer.gex.net, answer.gex.gross),
        flip_usd=flip if np.isfinite(flip) else None,
        flips=summarise_flips(answer.draws_coin, inputs.ladder),
    )
