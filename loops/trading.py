"""How dealers trade their hedge in a simulation, and what a trade does to the price."""

import math
from dataclasses import dataclass
from enum import StrEnum

from greeks.conventions import FloatArray
from loops.impact import ImpactLaw


class Loop(StrEnum):
    """What trades with an impact. A loop that is off trades elsewhere, without one."""

    GAMMA = "gamma"  # the re-hedge of moves, volatility's answer among them
    CHARM = "charm"  # the re-hedge of time, the fading into settlement among it
    FORCED = "forced"  # liquidations


ALL_LOOPS = frozenset(Loop)


class HedgeTiming(StrEnum):
    """When dealers trade the hedge of a step."""

    RESTING = "resting"  # inside the step, until price and hedge agree
    ROUNDS = "rounds"  # inside the step, a fixed number of times
    LATE = "late"  # in the next step


@dataclass(frozen=True, slots=True)
class Hedging:
    """How dealers hedge.

    Attributes
    ----------
    rounds : how often within a step, for `HedgeTiming.ROUNDS`.
    band_coin : they trade the whole gap when it is at least this; in rounds each gap is judged
        anew, at rest the first one of the step alone.
    most_coin_per_s : they trade no faster than this.
    """

    timing: HedgeTiming = HedgeTiming.RESTING
    rounds: int = 1
    band_coin: float = 0.0
    most_coin_per_s: float = math.inf

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ValueError(f"rounds: expected at least 1, was {self.rounds}")


@dataclass(frozen=True, slots=True)
class Friction:
    """What a trade does to the price and how long that lasts.

    Attributes
    ----------
    law : log move for USD.
    coin_usd : USD of a coin in that law, constant: the first price [A].
    permanence : the share of impact that stays.
    decay_per_s : rate at which the rest fades, exponentially.
    """

    law: ImpactLaw
    coin_usd: float
    permanence: float
    decay_per_s: float = 0.0

    def log_move(self, coins: FloatArray) -> FloatArray:
        """Impact of coins bought, before it fades."""
        return self.law.of(coins * self.coin_usd)
