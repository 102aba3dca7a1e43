"""A market whose dealers hedge the board's options: what is asked, and what stands in for the rest.

Knows a published state; what the run says is `app.feedback_simulation_views`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.board import atm_iv_30d
from app.hub import BoardState
from app.liquidation_views import Ladders, model_ladders
from app.loop_rows import NO_DEPTH, Asked, Impact
from greeks.conventions import DAYS_PER_YEAR, SECONDS_PER_YEAR, Exposure, FloatArray
from greeks.exposure import ExposureSnapshot
from loops.hedge_surface import HedgeSurface, compute_hedge_surface, log_nodes
from loops.impact import ImpactLaw
from loops.trading import Friction, Hedging, Loop

_SECONDS_PER_HOUR = 3600.0


class ImpactKind(StrEnum):
    """How impact grows with the size of a trade."""

    BOOK = "book"  # in proportion, by the depth of the book
    SQUARE_ROOT_CAP = "square_root_cap"  # no more than the square root of its share of a day


@dataclass(frozen=True, slots=True)
class Question:
    """A run. What is None is measured."""

    steps: int
    step_s: float
    paths: int
    seed: int
    shock_pct: float
    volatility: float | None
    iv_points_per_pct: float | None
    impact: ImpactKind
    decay_per_hour: float
    hedging: Hedging
    loops: frozenset[Loop]
    market: Asked


@dataclass(frozen=True, slots=True)
class Basis:
    """A question with what was measured filled in; NaN where that is unknown."""

    asked: Question
    snapshot: ExposureSnapshot
    market: Impact
    ladders: Ladders | None
    volatility: float
    iv_points_per_pct: float
    volume_24h_usd: float

    @classmethod
    def of(cls, state: BoardState, snapshot: ExposureSnapshot, asked: Question) -> "Basis":
        """Take what the state measured unless something else was asked for."""
        is_forced = Loop.LIQUIDATION in asked.loops
        answer = asked.iv_points_per_pct
        return cls(
            asked=asked,
            snapshot=snapshot,
            market=Impact.of(state, asked.market.depth_usd, asked.market.permanence),
            ladders=model_ladders(state.perpetual, snapshot, asked.market) if is_forced else None,
            volatility=asked.volatility or atm_iv_30d(snapshot) or math.nan,
            iv_points_per_pct=state.tape.beta.used if answer is None else answer,
            volume_24h_usd=state.liquidity.volume_24h_usd,
        )

    @property
    def reason(self) -> str | None:
        """Why nothing can be simulated."""
        ladders = None if self.ladders is None else self.ladders.reason
        reasons = {
            "net_gex_unknown": not math.isfinite(self.snapshot.net_of(Exposure.GEX)),
            NO_DEPTH: not self.market.depth.median_usd > 0,
            "no_volatility: state volatility": not self.volatility > 0,
            "no_volume: ask for impact book": self._is_capped and not self.volume_24h_usd > 0,
            f"no_liquidation_ladder: {ladders}": ladders is not None,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    @property
    def _is_capped(self) -> bool:
        return self.asked.impact is ImpactKind.SQUARE_ROOT_CAP

    @property
    def seconds(self) -> FloatArray:
        """Times of the run."""
        return np.arange(self.asked.steps + 1, dtype=np.float64) * self.asked.step_s

    @property
    def law(self) -> ImpactLaw:
        """Impact at the depth of the book."""
        per_usd = self.market.lam_per_usd
        if not self._is_capped:
            return ImpactLaw(per_usd)
        daily_sd = self.volatility / math.sqrt(DAYS_PER_YEAR)
        return ImpactLaw(per_usd, daily_sd, self.volume_24h_usd)

    @property
    def log_per_coin(self) -> float:
        """E, log move for a coin by the depth of the book."""
        return self.law.per_usd * self.snapshot.chain.index_price

    @property
    def friction(self) -> Friction:
        """What a trade does to the price."""
        decay = self.asked.decay_per_hour / _SECONDS_PER_HOUR
        spot = self.snapshot.chain.index_price
        return Friction(self.law, spot, self.market.permanence, decay)

    @property
    def step_share(self) -> float:
        """The share of impact that is there at the end of the step it was traded in."""
        return self.market.permanence + self.friction.transient(self.asked.step_s)

    @property
    def step_log_per_coin(self) -> float:
        """Log move for a coin bought over a step, at its end."""
        return self.step_share * self.log_per_coin

    def surface(self, seconds: FloatArray, nodes: int) -> HedgeSurface:
        """The book's hedge; dense where the price is within the run's deviation."""
        horizon = float(self.seconds[-1]) / SECONDS_PER_YEAR
        answer = self.iv_points_per_pct if Loop.VANNA in self.asked.loops else 0.0
        return compute_hedge_surface(
            self.snapshot.chain,
            self.snapshot.position_coin,
            seconds,
            log_nodes(self.volatility * math.sqrt(horizon), nodes),
            answer,
        )
