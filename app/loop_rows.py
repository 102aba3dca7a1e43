"""What every feedback loop has: the market that answers it, what may be asked, and its row.

A gain that cannot be known is null with the reason.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from app.hub import BoardState
from app.views import Json
from dealers.liquidity import RecentDepth
from loops.coupled import DEFAULT_VEGA_REACTION_PER_PT
from loops.funding import UNWIND
from loops.gain import DEFAULT_PERMANENCE, amplification
from loops.impact import impact_per_usd
from loops.liquidation import LEVERAGE_MIX

NO_DEPTH = "no_market_depth: state depth_usd"
UNIT = "return per return"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller may set in place of what the board measures or assumes."""

    depth_usd: float | None = None
    permanence: float = DEFAULT_PERMANENCE
    unwind: float = UNWIND
    shock_pct: float = 1.0
    long_share: float | None = None
    leverage_mix: Mapping[float, float] = field(default_factory=lambda: LEVERAGE_MIX)
    vega_reaction_per_pt: float = DEFAULT_VEGA_REACTION_PER_PT


@dataclass(frozen=True, slots=True)
class Impact:
    """The market that takes forced and hedging trades, and how much of its answer stays."""

    depth: RecentDepth
    source: str | None
    permanence: float

    @classmethod
    def of(cls, state: BoardState, depth_usd: float | None, permanence: float) -> "Impact":
        """Take the depth that the caller states, or that of the perpetuals' books."""
        if depth_usd is not None:
            return cls(RecentDepth(median_usd=depth_usd), "stated", permanence)
        depth = state.liquidity.recent
        return cls(depth, "book" if depth.median_usd > 0 else None, permanence)

    @property
    def lam_per_usd(self) -> float:
        """Return per USD bought, at the median depth; NaN without one."""
        return _impact(self.depth.median_usd)

    @property
    def lam_eff_per_usd(self) -> float:
        """Return that stays per USD bought, at the median depth; NaN without one."""
        return self.permanence * self.lam_per_usd

    def gains(self, gain_of: Callable[[float], float]) -> dict[str, float]:
        """Return a gain at the median depth, and its least and most at the quartiles."""
        low, high = (
            gain_of(self.permanence * _impact(usd))
            for usd in (self.depth.low_usd, self.depth.high_usd)
        )
        return {
            "gain": gain_of(self.lam_eff_per_usd),
            "gain_lo": float(np.minimum(low, high)),  # unlike min() not known where one is not
            "gain_hi": float(np.maximum(low, high)),
        }


def loop_row(
    name: str,
    gains: Mapping[str, float],
    *,
    basis: str,
    unit: str = UNIT,
    reason: str | None,
    inputs: Mapping[str, Json],
    assumptions: Mapping[str, tuple[Json, str]],
) -> dict[str, Json]:
    """Return one loop. `assumptions` are value and meaning by name."""
    gain = gains["gain"]
    is_known = math.isfinite(gain)
    directions = {1: "amplifies", -1: "dampens", 0: "neither"}
    return {
        "loop": name,
        **(gains if is_known else dict.fromkeys(gains)),
        "unit": unit,
        "direction": directions[int(np.sign(gain))] if is_known else None,
        "amplification": amplification(gain) if is_known else None,
        "basis": basis,
        "reason": None if is_known else reason,
        "inputs": inputs,
        "assumptions": [
            {"name": each, "value": value, "meaning": meaning}
            for each, (value, meaning) in assumptions.items()
        ],
    }


def permanence(impact: Impact) -> dict[str, tuple[Json, str]]:
    """Return the assumption that every loop shares."""
    return {"permanence": (impact.permanence, "share of impact that stays")}


def _impact(depth_usd: float) -> float:
    return impact_per_usd(depth_usd) if depth_usd > 0 else math.nan
