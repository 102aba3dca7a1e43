"""A chain as it would stand after a move of spot, a shift of volatility and some time.

Knows what moves and what stays; prices nothing.
"""

from dataclasses import dataclass, replace

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import PCT, VOL_POINT, FloatArray
from greeks.settlement import is_averaging, open_share
from greeks.surface import MIN_IV

MS_PER_HOUR = 3_600_000
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a market does all at once. The default is nothing.

    Attributes
    ----------
    move_pct : move of the index and of every forward, per cent, above -100.
    shift_pts : points added to every volatility (0.01 each), floored at 1 %.
    hours : time from now, not negative.
    """

    move_pct: float = 0.0
    shift_pts: float = 0.0
    hours: float = 0.0

    def __post_init__(self) -> None:
        if not (self.move_pct > -100 and self.hours >= 0):
            raise ValueError(f"scenario: expected move above -100, hours from 0, was {self}")


NOTHING_MOVES = Scenario()


def move_chain(chain: OptionChain, scenario: Scenario) -> OptionChain:
    """The chain after the scenario, sticky strike. Options that expire on the way stay as rows.

    Spot and volatility move first, then time passes. Inside a settlement average only the open
    part of the delivery moves.
    """
    if scenario == NOTHING_MOVES:
        return chain
    x = scenario.move_pct * PCT
    iv = np.maximum(chain.mark_iv + scenario.shift_pts * VOL_POINT, MIN_IV)
    moved = replace(
        chain,
        index_price=chain.index_price * (1 + x),
        forward=chain.forward + x * open_share(chain, chain.as_of_ms) * _open_forward(chain),
        mark_iv=np.where(np.isfinite(chain.mark_iv), iv, np.nan),
    )
    return age_chain(moved, chain.as_of_ms + round(scenario.hours * MS_PER_HOUR))


def age_chain(chain: OptionChain, at_ms: int) -> OptionChain:
    """The chain at a later instant when nothing has happened but time.

    Index, forwards and the volatility of what is open of each delivery stay. That volatility is
    the mark's until the settlement average begins; inside it the mark stands for the whole
    delivery, of which a shrinking share m is open, so that mark_iv falls with it,
    iv(then) = iv(now) m(then)/m(now), and the deviation of the open part goes on as sqrt(t)
    (theory 1.4). What is averaged on the way is averaged at the index [A].
    """
    now, then = open_share(chain, chain.as_of_ms), open_share(chain, at_ms)
    fixed, alive = np.maximum(1 - then, _NOTHING), then > 0
    average = ((1 - now) * chain.settlement_average + (now - then) * chain.index_price) / fixed
    return replace(
        chain,
        as_of_ms=at_ms,
        mark_iv=chain.mark_iv * np.where(alive, then / np.maximum(now, _NOTHING), 1.0),
        settlement_average=average,
    )


def _open_forward(chain: OptionChain) -> FloatArray:
    """Forward of the part of the delivery that is not averaged yet."""
    average = chain.settlement_average
    fixed = 1 - open_share(chain, chain.as_of_ms)
    with np.errstate(invalid="ignore"):
        gone = np.where(np.isfinite(average), fixed * (chain.index_price - average), 0.0)
    inside = is_averaging(chain) & ~np.isfinite(average)
    return np.where(inside, chain.index_price, chain.forward + gone)
