"""The shapes of a cascade of lending collateral: a ladder that the caller makes up."""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, Field

from app.collateral_views import Shock
from app.schemas import Number, Usd
from app.simulation_schemas import Asked
from loops.collateral import BONUS, LIQUIDATION_THRESHOLD, Market
from loops.gain import DEFAULT_PERMANENCE

MOST_LOANS = 200
Fraction = Annotated[float, Field(gt=0, le=1)]


class AskedLoan(Asked):
    """Collateral that may be liquidated from one price down."""

    trigger_pct: Annotated[
        float, Field(gt=-100, lt=0, description="move of spot at which its health factor is 1")
    ]
    collateral_coin: Annotated[float, Field(gt=0, le=1e12)]


class AskedCascade(Asked):
    """A market, a shock and a ladder of loans. Everything may be set; defaults are assumptions."""

    asset: Annotated[str, Field(max_length=20)]
    shock_pct: Annotated[float, Field(ge=0, lt=100, description="first fall of the price")] = 5.0
    ladder: Annotated[list[AskedLoan], Field(min_length=1, max_length=MOST_LOANS)]
    depth_usd: Annotated[
        float | None, Field(gt=0, le=1e15, description="within 0.5 % of mid; the book's if absent")
    ] = None
    permanence: Fraction = DEFAULT_PERMANENCE
    liquidation_threshold: Fraction = LIQUIDATION_THRESHOLD
    bonus: Annotated[float, Field(ge=0, le=1, description="what a liquidator earns")] = BONUS
    pool_usd: Annotated[
        float | None, Field(gt=0, le=1e15, description="what the pool lent, for de_peg_pct")
    ] = None

    def shock(self) -> Shock:
        """Return the shock that was asked for."""
        return Shock(
            self.shock_pct,
            np.array([loan.trigger_pct for loan in self.ladder]),
            np.array([loan.collateral_coin for loan in self.ladder]),
            self.pool_usd,
        )

    def market(self, spot_usd: float, lam_eff_per_usd: float) -> Market:
        """Return the market at a price where a USD sold lowers it by a share `lam_eff`."""
        per_coin_usd = lam_eff_per_usd * spot_usd**2
        return Market(spot_usd, per_coin_usd, self.liquidation_threshold, self.bonus)


class LoanOut(BaseModel):
    """One loan before the shock and when it is over."""

    trigger_usd: float
    collateral_coin: float
    debt_usd: float
    left_coin: float
    left_debt_usd: float
    health_factor: Annotated[Number, Field(description="at the last price; null without a debt")]


class Round(BaseModel):
    """What one round of liquidations sold, and the price after it."""

    sold_coin: float
    price_usd: float


class CascadeAnswer(BaseModel):
    """What the shock came to on the hypothetical ladder."""

    label: Literal["hypothetical ladder"]
    spot_usd: Usd
    shocked_usd: Usd
    final_usd: Usd
    drop_pct: Annotated[float, Field(description="in all, negative")]
    multiplier: Annotated[Number, Field(description="the fall in all over the shock")]
    branching: Annotated[Number, Field(description="n of what was triggered, mean over the fall")]
    toxic_ltv: Annotated[float, Field(description="from here a liquidation lowers health")]
    impact_per_coin_usd: float
    depth_usd: float
    depth_source: Literal["book", "stated"]
    sold_coin: float
    bad_debt_usd: float
    de_peg_pct: Annotated[Number, Field(description="bad debt over the pool; null without one")]
    has_ended: Annotated[bool, Field(description="false when the price reached 0")]
    rounds: list[Round]
    loans: list[LoanOut]
