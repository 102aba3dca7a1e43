"""The shapes of the answer about risk limits, for the API's own description."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.schemas import Body, Ms, Number, Usd, UsdPer1Pct

Use = Annotated[Number, Field(description="|GEX| over the limit")]
Breached = Annotated[bool | None, Field(description="use beyond 1; null where it is unknown")]
Headroom = Annotated[
    Number, Field(description="what dealers can still go short of; below 0: too short by it")
]
HeadroomCoin = Annotated[
    Number, Field(description="the same in coins of headroom_option, which takes most per coin")
]


class StrikeLimit(BaseModel):
    """One strike with spot standing at it: its own options alone."""

    strike: float
    gex_usd_per_1pct: Annotated[Number, Field(description="re-priced with spot at the strike")]
    use: Use
    breached: Breached
    headroom_usd_per_1pct: Headroom
    headroom_coin: HeadroomCoin
    headroom_option: str | None


class ExpiryLimit(BaseModel):
    """One expiry at today's spot, all strikes."""

    expiry: str
    expiry_ms: Ms
    gex_usd_per_1pct: UsdPer1Pct
    use: Use
    breached: Breached
    headroom_usd_per_1pct: Headroom
    headroom_coin: HeadroomCoin
    headroom_option: str | None


class PortfolioLimit(BaseModel):
    """The whole book at today's spot: its loop gain beside the largest one."""

    gex_usd_per_1pct: UsdPer1Pct
    limit_usd_per_1pct: Annotated[Number, Field(description="net GEX may fall to minus this")]
    gain: Annotated[Number, Field(description="loop gain; below 0 hedging dampens")]
    use: Annotated[Number, Field(description="gain over max_gain; below 0 nothing is used")]
    breached: Breached
    headroom_usd_per_1pct: Headroom
    headroom_coin: HeadroomCoin
    headroom_option: str | None


class LimitSummary(BaseModel):
    """The limits, what is breached, and what they rest on."""

    limit_usd_per_1pct: Annotated[Number, Field(description="of |GEX| of a strike, of an expiry")]
    breached_strikes: list[float]
    breached_expiries: list[str]
    portfolio_breached: bool | None
    utilisation: Annotated[float, Field(description="share of depth for the hedge of a move")]
    max_gain: float
    permanence: float
    within: Annotated[float, Field(description="the move, and how far the depth reaches")]
    depth_usd: Usd
    depth_source: Annotated[
        Literal["book", "stated"] | None,
        Field(description="`book`: the asset's perpetuals; `stated`: by the caller"),
    ]
    reason: str | None


class LimitsBody(Body[list[StrikeLimit]]):
    """The strikes, and beside them the expiries, the whole book and a summary."""

    expiries: list[ExpiryLimit]
    portfolio: PortfolioLimit
    summary: LimitSummary
