"""The shapes of the answers, for the API's own description. Units are in the names.

Answers are encoded directly from the views; these models document them and tests compare.
"""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

Number = float | None
Data = TypeVar("Data")

UsdPer1Pct = Annotated[Number, Field(description="USD of delta to trade for +1 %")]
Usd = Annotated[Number, Field(description="USD")]
Coin = Annotated[Number, Field(description="coins of the base asset")]
Ms = Annotated[int, Field(description="exchange time, ms UTC")]


class Quality(BaseModel):
    """How many options the numbers rest on."""

    listed: int
    used: int
    stale: int
    without_iv: int
    rejected: int
    gaps: int


class Body(BaseModel, Generic[Data]):
    """Every answer: how old, how sure, under which position model, and the data."""

    asset: str
    seq: int
    as_of: Ms
    age_ms: int
    source: str
    status: str
    position: str
    position_reason: Annotated[
        str | None, Field(description="why the position model knows nothing; null when it does")
    ]
    spot_usd: Usd
    quality: Quality
    data: Data


class Exposures(BaseModel):
    """Position times Greek times the scale in the name."""

    gex_usd_per_1pct: UsdPer1Pct
    delta_coin: Coin
    vega_usd_per_pt: Number
    theta_usd_per_day: Number
    vanna_coin_per_pt: Number
    charm_coin_per_day: Number
    volga_usd_per_pt2: Number
    speed_usd_per_1pct2: Number
    zomma_usd_per_1pct_per_pt: Number
    color_usd_per_1pct_per_day: Number


class StrikeRow(Exposures):
    """One strike, all expiries together."""

    strike: float
    call_gex_usd_per_1pct: UsdPer1Pct
    put_gex_usd_per_1pct: UsdPer1Pct
    open_interest_call_coin: Coin
    open_interest_put_coin: Coin


class ExpiryRow(Exposures):
    """One expiry, all strikes together; the flip is of that expiry alone."""

    expiry: str
    expiry_ms: Ms
    days: float
    forward_usd: Usd
    atm_iv: Annotated[Number, Field(description="fraction")]
    flip_usd: Usd


class Matrix(BaseModel):
    """One exposure by expiry and strike; null where nothing is listed."""

    greek: str
    strikes: list[float]
    expiries: list[str]
    values: list[list[Number]]


class ChainRow(BaseModel):
    """One option with its Greeks per coin."""

    instrument_name: str
    book: str
    strike: float
    expiry_ms: Ms
    type: str
    open_interest_coin: Coin
    position_coin: Coin
    forward_usd: Usd
    mark_iv: Number
    price_usd: Usd
    delta_coin: Coin
    gamma_per_usd: Number
    vega_usd_per_pt: Number
    theta_usd_per_day: Number
    vanna_coin_per_pt: Number
    charm_coin_per_day: Number
    volga_usd_per_pt2: Number
    speed_per_usd2: Number
    zomma_per_usd_per_pt: Number
    color_per_usd_per_day: Number
    gex_usd_per_1pct: UsdPer1Pct
    ts_event: int
    status: str


class Profile(BaseModel):
    """Net exposures over the ladder of hypothetical spot levels, sticky strike."""

    spot_usd: list[float]
    gex_usd_per_1pct: list[Number]
    call_gex_usd_per_1pct: list[Number]
    put_gex_usd_per_1pct: list[Number]
    vega_usd_per_pt: list[Number]
    vanna_coin_per_pt: list[Number]
    charm_coin_per_day: list[Number]


class Flip(BaseModel):
    """One sign change of the re-priced profile."""

    spot_usd: float
    slope: Annotated[float, Field(description="change of net GEX for +1 % of spot")]
    direction: str
    strength: Annotated[float, Field(description="max |net| within 2 % over gross, 0 to 1")]
    weak: bool


class MaxPain(BaseModel):
    """Where one expiry's options would pay out least."""

    expiry: str
    expiry_ms: Ms
    max_pain_usd: Usd


class Levels(BaseModel):
    """All levels; null is none or unknown, never an edge value."""

    flips: list[Flip]
    flip_usd: Usd
    flip_reason: str | None
    flip_range: list[float] | None
    call_wall_usd: Usd
    put_wall_usd: Usd
    max_pain: list[MaxPain]
    pin: float | None


class HeadlineLevels(BaseModel):
    """The levels of the headline."""

    flip_usd: Usd
    flip_reason: str | None
    call_wall_usd: Usd
    put_wall_usd: Usd


class HeadlineFlow(BaseModel):
    """What dealers trade on a sudden move of 1 %; + they buy."""

    up_1pct_coin: Coin
    up_1pct_usd: Usd
    down_1pct_coin: Coin
    down_1pct_usd: Usd


class ModelRange(BaseModel):
    """The headline under another position model."""

    gex_usd_per_1pct: UsdPer1Pct
    flip_usd: Usd
    regime: str


class Summary(BaseModel):
    """The headline of an asset."""

    net: Exposures
    gross: Exposures
    regime: Annotated[str, Field(description="long_gamma, short_gamma or unknown")]
    levels: HeadlineLevels
    hedge_flow: HeadlineFlow
    range: dict[str, ModelRange]
    atm_iv: Annotated[Number, Field(description="at the money, 30 days, fraction")]
    next_expiry_ms: int | None


class TradeRow(BaseModel):
    """One print of the option tape."""

    trade_id: str
    timestamp: Ms
    instrument_name: str
    direction: Annotated[str, Field(description="the taker's side")]
    amount_coin: Coin
    price: float
    iv: Number
    index_price_usd: Usd
    premium_usd: Usd
    block_trade_id: str | None
    combo_id: str | None
    liquidation: str | None
    gap_before: Annotated[int, Field(description="prints missing right before this one")]


class TradesBody(Body[list[TradeRow]]):
    """The tape, newest first, and where the next page starts."""

    cursor: str | None


class Feedback(BaseModel):
    """Loop gain with the inputs it rests on."""

    loop_gain: Number
    amplification: Annotated[Number, Field(description="1/(1-g); null for g >= 1")]
    gex_usd_per_1pct: UsdPer1Pct
    depth_usd: Usd
    within: float
    permanence: float
    reason: str | None


class AssetRow(BaseModel):
    """One asset of the board."""

    asset: str
    status: str
    source: str
    as_of: int | None
    age_ms: int | None
    spot_usd: Usd
    books: list[str]
    expiries: list[str]
    progress: dict[str, bool]


class Assets(BaseModel):
    """The assets on the board."""

    source: str
    data: list[AssetRow]


class Check(BaseModel):
    """One line of the readiness report."""

    name: str
    ok: bool
    detail: str


class Readiness(BaseModel):
    """Whether the board can be trusted now, check by check."""

    ready: bool
    source: str
    checks: list[Check]
