"""The shapes of the answers about positions, for the API's own description."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.schemas import Body, Coin, Number, Usd, UsdPer1Pct


class PositionRow(BaseModel):
    """One position model. `_lo` and `_hi` are the 5 % and 95 % quantiles; null without error."""

    position: str
    gex_usd_per_1pct: UsdPer1Pct
    gex_usd_per_1pct_lo: UsdPer1Pct
    gex_usd_per_1pct_hi: UsdPer1Pct
    gross_gex_usd_per_1pct: UsdPer1Pct
    bound_gex_usd_per_1pct: Annotated[
        Number, Field(description="gross GEX if dealers held all open interest")
    ]
    regime: str
    p_short_gamma: Annotated[Number, Field(description="share of draws with net GEX below 0")]
    flip_usd: Usd
    flip_reason: str | None
    flip_usd_lo: Usd
    flip_usd_median: Usd
    flip_usd_hi: Usd
    p_no_flip: Annotated[Number, Field(description="share of draws without a flip")]
    delta_coin: Coin
    delta_coin_lo: Coin
    delta_coin_hi: Coin
    vega_usd_per_pt: Number
    vega_usd_per_pt_lo: Number
    vega_usd_per_pt_hi: Number
    theta_usd_per_day: Number
    theta_usd_per_day_lo: Number
    theta_usd_per_day_hi: Number
    vanna_coin_per_pt: Number
    vanna_coin_per_pt_lo: Number
    vanna_coin_per_pt_hi: Number
    charm_coin_per_day: Number
    charm_coin_per_day_lo: Number
    charm_coin_per_day_hi: Number
    volga_usd_per_pt2: Number
    volga_usd_per_pt2_lo: Number
    volga_usd_per_pt2_hi: Number
    speed_usd_per_1pct2: Number
    speed_usd_per_1pct2_lo: Number
    speed_usd_per_1pct2_hi: Number
    zomma_usd_per_1pct_per_pt: Number
    zomma_usd_per_1pct_per_pt_lo: Number
    zomma_usd_per_1pct_per_pt_hi: Number
    color_usd_per_1pct_per_day: Number
    color_usd_per_1pct_per_day_lo: Number
    color_usd_per_1pct_per_day_hi: Number
    inputs: Annotated[str, Field(description="what the model rests on")]
    coverage: Annotated[
        Number, Field(description="share of the bound in options that the model knows, 0 to 1")
    ]
    history_h: Annotated[Number, Field(description="hours of tape that were read")]
    trades: Annotated[int | None, Field(description="prints counted in the listed options")]
    missing_trades: Annotated[int | None, Field(description="prints known to be missing")]
    followed_options: Annotated[int | None, Field(description="options followed by particles")]
    reason: Annotated[str | None, Field(description="why the model gives no inventory")]


class RangeOverModels(BaseModel):
    """How far the models that answer lie apart."""

    gex_usd_per_1pct_lo: UsdPer1Pct
    gex_usd_per_1pct_hi: UsdPer1Pct
    flip_usd_lo: Usd
    flip_usd_hi: Usd
    models: Annotated[int, Field(description="how many answer")]
    models_without_flip: int
    regime: Annotated[str, Field(description="the regime that all agree on, else unknown")]


class Stability(BaseModel):
    """How far the flip of one model moves for a small disturbance, and what comes first."""

    position: str
    flip_usd: Usd
    oi_noise_usd: Annotated[Number, Field(description="deviation under 5 % noise on positions")]
    iv_up_usd: Annotated[Number, Field(description="shift for +1 point of every volatility")]
    iv_down_usd: Usd
    basis_up_usd: Annotated[Number, Field(description="shift for forwards +1 % at the same spot")]
    basis_down_usd: Usd
    day_usd: Annotated[Number, Field(description="shift after a day in which nothing changes")]
    oi_noise_without_flip: Annotated[Number, Field(description="share of noisy books without one")]
    first_cause: Annotated[
        str | None,
        Field(description="what would change the regime first: the smallest of the margins"),
    ]
    spot_margin_days: Annotated[
        Number, Field(description="distance of the flip in daily deviations of spot")
    ]
    level_margin_days: Annotated[
        Number, Field(description="the same distance in daily shifts of the flip itself")
    ]
    position_margin_sd: Annotated[
        Number, Field(description="|net GEX| in deviations under 5 % noise on positions")
    ]


class PositionsBody(Body[list[PositionRow]]):
    """The models side by side, their range, and how firmly the flip stands."""

    range: RangeOverModels
    stability: Stability
