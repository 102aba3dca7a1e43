"""What is read from the tape, in a form that later chains can use: positions and responses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dealers.estimate import PositionEstimate
from dealers.hours import Hour, HourLog
from dealers.inventory import ModelInputs, Unavailable
from dealers.ladder import GexLadder
from dealers.models import FlowModel, PosteriorModel
from dealers.posterior import PosteriorState
from dealers.response import Slope
from dealers.rules import RULES, PositionModel, position_from_rule
from greeks.chain import OptionChain
from greeks.conventions import FloatArray, IntArray

NOT_READ = "the past of the tape has not been read yet"
SEED = 1
"""Every reading draws with the same numbers: intervals move with the evidence, not by chance."""


@dataclass(frozen=True, slots=True)
class TapeReading:
    """The answers of the models that follow the tape, as of one chain.

    Attributes
    ----------
    instrument_name : (n,) rows of the estimates.
    answers : by model; without an answer a model gives no inventory, see `reason`.
    history_ms : length of the tape that was read.
    trades, missing : prints counted, and known to be missing, in the listed options.
    followed : options that have a cloud of particles.
    beta, vega_impact : how volatility answers, `dealers.response`.
    """

    instrument_name: tuple[str, ...] = ()
    answers: Mapping[PositionModel, PositionEstimate | Unavailable] = field(default_factory=dict)
    history_ms: int = 0
    trades: int = 0
    missing: int = 0
    followed: int = 0
    beta: Slope = field(default_factory=lambda: HourLog().spot_vol_beta())
    vega_impact: Slope = field(default_factory=lambda: HourLog().vega_impact())

    def reason(self, model: PositionModel) -> str | None:
        """Why a model gives no inventory; None when it does."""
        if model in RULES:
            return None
        answer = self.answers.get(model)
        return NOT_READ if answer is None else answer.reason

    def position(self, model: PositionModel, chain: OptionChain) -> FloatArray:
        """(n,) inventory in the rows of a chain, coins, + = dealers long.

        NaN where the model says nothing of an option: it was listed since, or its open interest
        is unknown. Never beyond today's open interest.
        """
        if model in RULES:
            return position_from_rule(chain, model)
        answer = self.answers.get(model)
        if not isinstance(answer, PositionEstimate):
            return np.full(len(chain), np.nan)
        return np.asarray(self._aligned(answer.mean_coin[None, :], chain)[0])

    def draws(self, model: PositionModel, chain: OptionChain) -> FloatArray:
        """(D, n) joint draws in the rows of a chain; D = 0 for a model without error."""
        answer = self.answers.get(model)
        if not isinstance(answer, PositionEstimate):
            return np.empty((0, len(chain)))
        return self._aligned(answer.draws_coin, chain)

    def _aligned(self, positions: FloatArray, chain: OptionChain) -> FloatArray:
        bound = chain.open_interest_coin
        if chain.instrument_name != self.instrument_name:
            rows = self._rows(chain)
            positions = np.where(rows >= 0, positions[:, rows], np.where(bound == 0, 0.0, np.nan))
        return np.asarray(np.clip(positions, -bound, bound))

    def _rows(self, chain: OptionChain) -> IntArray:
        """Row of each option of the chain in the estimates, -1 where there is none."""
        row_of = {name: row for row, name in enumerate(self.instrument_name)}
        rows = (row_of.get(name, -1) for name in chain.instrument_name)
        return np.fromiter(rows, np.int64, len(chain))


def read_tape(
    state: PosteriorState, chain: OptionChain, hours: HourLog, past: Sequence[Hour] = ()
) -> TapeReading:
    """Ask the models that follow the tape what dealers hold in a chain.

    `past` stands in for hours that were not seen, `HourLog.spot_vol_beta`.
    """
    inputs = ModelInputs(chain, GexLadder.of(chain), state, np.random.default_rng(SEED))
    flows = state.book.flows.values()
    return TapeReading(
        instrument_name=chain.instrument_name,
        answers={
            PositionModel.FLOW: FlowModel().estimate(inputs),
            PositionModel.POSTERIOR: PosteriorModel().estimate(inputs),
        },
        history_ms=state.book.history_ms,
        trades=sum(flow.trades for flow in flows),
        missing=sum(flow.missing for flow in flows),
        followed=len(state.clouds),
        beta=hours.spot_vol_beta(past),
        vega_impact=hours.vega_impact(),
    )
