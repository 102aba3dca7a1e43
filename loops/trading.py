"""How dealers trade their hedge in a simulation, and what a trade does to the price."""

import math
from dataclasses import dataclass
from enum import StrEnum

from greeks.conventions import FloatArray
from loops.impact import ImpactLaw


class Loop(StrEnum):
    """What trades with an impact. Each may be switched off."""

    GAMMA = "gamma"  # the re-hedge of moves; off: traded elsewhere, without an impact
    VANNA = "vanna"  # volatility's answer to moves, part of their re-hedge; off: it does not answer
    CHARM = "charm"  # the re-hedge of time, the fading into settlement among it; off: as gamma
    LIQUIDATION = "liquidation"  # forced trades; off: nobody is liquidated


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
    law : log move for USD, at once.
    coin_usd : USD of a coin in that law, constant: the first price [A].
    permanence : the share of impact that stays.
    decay_per_s : rate kap at which the rest fades, exponentially.
    """

    law: ImpactLaw
    coin_usd: float
    permanence: float
    decay_per_s: float = 0.0

    def kept(self, seconds: float) -> float:
        """The share of faded impact that is left after so long: exp(-kap dt)."""
        return math.exp(-self.decay_per_s * seconds)

    def transient(self, seconds: float) -> float:
        """The transient share of impact at the end of a step over which a trade is spread evenly.

        (1 - permanence) (1 - exp(-kap dt)) / (kap dt): the first of it has begun to fade.
        """
        faded = self.decay_per_s * seconds
        return (1 - self.permanence) * (-math.expm1(-faded) / faded if faded else 1.0)

    def log_move(self, coins: FloatArray) -> FloatArray:
        """Impact of coins bought, at once."""
        return self.law.of(coins * self.coin_usd)
