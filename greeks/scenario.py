"""A chain as it would stand after a move of spot, a shift of volatility and some time.

Knows what moves and what stays; prices nothing.
"""

from dataclasses import dataclass, replace

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import PCT, VOL_POINT, FloatArray
from greeks.settlement import WINDOW_S, is_averaging
from greeks.surface import MIN_IV

MS_PER_HOUR = 3_600_000


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

    Inside a settlement average only the open part of the delivery moves, and what is averaged on
    the way is averaged at the moved index [A].
    """
    if scenario == NOTHING_MOVES:
        return chain
    x = scenario.move_pct * PCT
    left_s = (chain.expiry_ms - chain.as_of_ms) / 1000
    open_now = np.clip(left_s / WINDOW_S, 0.0, 1.0)
    spot = chain.index_price * (1 + x)
    iv = np.maximum(chain.mark_iv + scenario.shift_pts * VOL_POINT, MIN_IV)
    return replace(
        chain,
        as_of_ms=chain.as_of_ms + round(scenario.hours * MS_PER_HOUR),
        index_price=spot,
        forward=chain.forward + x * open_now * _open_forward(chain, open_now),
        mark_iv=np.where(np.isfinite(chain.mark_iv), iv, np.nan),
        settlement_average=_later_average(chain, open_now, scenario, spot),
    )


def _open_forward(chain: OptionChain, open_now: FloatArray) -> FloatArray:
    """Forward of the part of the delivery that is not averaged yet."""
    average = chain.settlement_average
    with np.errstate(invalid="ignore"):
        fixed = np.where(np.isfinite(average), (1 - open_now) * (chain.index_price - average), 0.0)
    inside = is_averaging(chain) & ~np.isfinite(average)
    return np.where(inside, chain.index_price, chain.forward + fixed)


def _later_average(
    chain: OptionChain, open_now: FloatArray, scenario: Scenario, spot: float
) -> FloatArray:
    """Mean of the samples taken by then, unknown where it is unknown now."""
    passed = scenario.hours * MS_PER_HOUR / 1000 / WINDOW_S
    open_then = np.maximum(open_now - passed, 0.0)
    fixed_now, fixed_then = 1 - open_now, np.maximum(1 - open_then, 1e-12)
    mean = (fixed_now * chain.settlement_average + (open_now - open_then) * spot) / fixed_then
    return np.asarray(mean)
