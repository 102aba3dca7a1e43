"""The shapes of the answers about hedge flow, for the API's own description. + dealers buy."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, Field

from app.schemas import Body, Coin, Ms, Number, Usd
from dealers.response import VolatilitySource

Row = TypeVar("Row")
Lo = Annotated[Number, Field(description="5 % quantile over draws of the inventory, coins")]
Hi = Annotated[Number, Field(description="95 % quantile over draws of the inventory, coins")]


class MarketSize(BaseModel):
    """How large a flow is beside the market that must take it; null where that is unknown."""

    share_of_depth: Annotated[
        Number, Field(description="of what rests within 0.5 % on the side that is hit")
    ]
    share_of_depth_1pct: Annotated[Number, Field(description="of what rests within 1 %")]
    share_of_volume: Annotated[Number, Field(description="of the last 24 hours' volume")]
    minutes_of_volume: Annotated[Number, Field(description="of an even day's volume")]


class FlowRow(MarketSize):
    """One scenario. The parts sum to the flow."""

    move_pct: float
    horizon_s: int
    spot_usd: Usd
    flow_coin: Coin
    flow_usd: Usd
    gamma_coin: Coin
    charm_coin: Coin
    vanna_coin: Coin
    expiry_coin: Coin
    residual_coin: Coin
    flow_coin_lo: Lo
    flow_coin_hi: Hi
    linear_coin: Annotated[Number, Field(description="gamma times move: -GEX x move / spot")]
    linear_error_coin: Annotated[Number, Field(description="linear_coin less gamma_coin")]


class PathRow(MarketSize):
    """Time alone until one instant; the parts sum to the flow."""

    at_ms: Ms
    in_settlement_window: Annotated[bool, Field(description="in the last half hour before 08:00")]
    horizon_s: int
    flow_coin: Coin
    flow_usd: Usd
    charm_coin: Coin
    expiry_coin: Coin
    residual_coin: Coin
    flow_coin_lo: Lo
    flow_coin_hi: Hi


class ExpectedRow(BaseModel):
    """One horizon, spot lognormal with the 30-day at-the-money volatility."""

    horizon_s: int
    sd_pct: Annotated[Number, Field(description="one standard deviation of the move, per cent")]
    mean_coin: Coin
    mean_abs_coin: Annotated[Number, Field(description="expected size of the flow, coins")]
    mean_abs_usd: Usd
    down_sd_coin: Annotated[Number, Field(description="flow after one deviation down")]
    up_sd_coin: Annotated[Number, Field(description="flow after one deviation up")]
    share_of_volume: Number
    minutes_of_volume: Number


class ContributionRow(BaseModel):
    """One strike's or one expiry's part of a scenario's flow."""

    strike: Annotated[float, Field(description="by=strike")] | None = None
    expiry: Annotated[str, Field(description="by=expiry")] | None = None
    expiry_ms: int | None = None
    flow_coin: Coin
    flow_usd: Usd


class MeasuredSlope(BaseModel):
    """A regression with what it rests on."""

    slope: Number
    used: Annotated[Number, Field(description="what calculations take when it is not established")]
    r_squared: Number
    t_statistic: Number
    samples: int
    reason: Annotated[str | None, Field(description="why it is not established")]
    measured_on: Annotated[
        VolatilitySource,
        Field(description="`atm_iv` as this board saw it, or the venue's `volatility_index`"),
    ]


class VegaPressure(BaseModel):
    """What dealers would buy to be free of vega, and what that would do to volatility."""

    vega_usd_per_pt: Number
    iv_points: Annotated[Number, Field(description="null while the impact is not established")]


class VolatilityResponse(BaseModel):
    """How volatility answers."""

    spot_vol_beta: Annotated[MeasuredSlope, Field(description="points for +1 % of spot, hourly")]
    vega_impact: Annotated[MeasuredSlope, Field(description="points for 1 USD/pt bought, hourly")]
    vega_pressure: VegaPressure


class Market(BaseModel):
    """What the perpetual shows; null where unknown."""

    bid_depth_usd: Annotated[Number, Field(description="resting within 0.5 % below mid")]
    ask_depth_usd: Number
    bid_depth_1pct_usd: Number
    ask_depth_1pct_usd: Number
    volume_24h_usd: Number
    reason: str | None


class FlowTableBody(Body[Row]):
    """A table of flows and the conditions under which it holds."""

    iv_points_per_pct: Annotated[float, Field(description="points of volatility for +1 % of spot")]
    spot_vol_beta: MeasuredSlope
    convention: str
    market: Market


FlowBody = FlowTableBody[list[FlowRow]]
PathBody = FlowTableBody[list[PathRow]]
ExpectedBody = FlowTableBody[list[ExpectedRow]]
ContributionsBody = FlowTableBody[list[ContributionRow]]
