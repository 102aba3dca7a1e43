"""The shapes of flattening and of the flip in time, for the API's own description."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.schemas import Coin, Ms, Number, Usd, UsdPer1Pct


class FlattenTrade(BaseModel):
    """One option of the set; + dealers buy."""

    instrument_name: str
    trade_coin: Coin
    cost_usd: Usd
    gex_usd_per_1pct: UsdPer1Pct
    vega_usd_per_pt: Number


class BookSide(BaseModel):
    """The dealers' book before or after."""

    gex_usd_per_1pct: UsdPer1Pct
    vega_usd_per_pt: Number
    regime: str
    flip_usd: Usd
    flip_reason: str | None


class FlattenAnswer(BaseModel):
    """The cheapest set of listed options against net gamma and vega."""

    trades: list[FlattenTrade]
    cost_usd: Annotated[Number, Field(description="half spreads and fees")]
    perpetual_coin: Annotated[Number, Field(description="purchase that leaves delta as it was")]
    gamma_price_usd: Annotated[Number, Field(description="marginal cost of 1 USD of GEX")]
    vega_price_usd: Annotated[Number, Field(description="marginal cost of 1 USD/pt of vega")]
    left_gex_usd_per_1pct: UsdPer1Pct
    left_vega_usd_per_pt: Number
    is_flat: Annotated[bool, Field(description="whether the sizes suffice")]
    before: BookSide
    after: BookSide | None
    options_on_menu: int
    reason: str | None


class ExpiryFlip(BaseModel):
    """One expiry."""

    expiry: str
    expiry_ms: Ms
    flip_usd: Annotated[Number, Field(description="of this expiry alone")]
    flip_until_usd: Annotated[Number, Field(description="of all expiries up to it")]


class TimeFlip(BaseModel):
    """One instant to come."""

    at_ms: Ms
    hours: float
    flip_usd: Annotated[Number, Field(description="nearest to today's spot")]
    gex_usd_per_1pct: Annotated[Number, Field(description="net GEX at today's spot")]
    regime: Annotated[str, Field(description="at today's spot")]


class Zero(BaseModel):
    """One point of the zero contour."""

    at_ms: Ms
    spot_usd: Usd


class TimeSurface(BaseModel):
    """Net GEX by instant (rows) and level of spot."""

    at_ms: list[int]
    spot_usd: list[float]
    gex_usd_per_1pct: list[list[Number]]
    zero: list[Zero]


class FlipTermAnswer(BaseModel):
    """The flip by expiry, through time, and the surface between."""

    expiries: list[ExpiryFlip]
    times: list[TimeFlip]
    surface: TimeSurface
    regime_changes_ms: Annotated[
        int | None, Field(description="first instant with another regime at today's spot")
    ]
