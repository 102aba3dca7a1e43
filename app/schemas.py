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
    gross_gex_usd_per_1pct: UsdPer1Pct
    flip_usd: Usd
    max_pain_usd: Usd
    forward_source: Annotated[
        str | None, Field(description="future, synthetic, index, or parity of the marks")
    ]
    settlement_average_usd: Annotated[Number, Field(description="in the settlement window")]
    settlement_average_source: Annotated[
        str | None,
        Field(description="venue, samples or forward in the settlement window, else null"),
    ]


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
    bid_iv: Annotated[Number, Field(description="known of options that traded or are in focus")]
    ask_iv: Number
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
    rho_usd_per_rate_pt: Number
    veta_usd_per_pt_per_day: Number
    ultima_usd_per_pt3: Number
    net_delta_coin: Annotated[Number, Field(description="premium-adjusted: delta - price/F")]
    venue_theta_usd_per_day: Annotated[
        Number, Field(description="as the venue shows it: at most a day, at most the price")
    ]
    gex_usd_per_1pct: UsdPer1Pct
    ts_event: int
    forward_source: str | None
    iv_source: Annotated[str, Field(description="mark, twin or price")]
    status: str


class Flip(BaseModel):
    """One sign change of the re-priced profile."""

    spot_usd: float
    slope: Annotated[float, Field(description="change of net GEX for +1 % of spot")]
    direction: str
    strength: Annotated[float, Field(description="max |net| within 2 % over gross, 0 to 1")]
    weak: bool


class ExpiryProfile(BaseModel):
    """Net GEX of one expiry at every level."""

    expiry: str
    expiry_ms: Ms
    gex_usd_per_1pct: list[Number]


class Profile(BaseModel):
    """Net exposures over the ladder of hypothetical spot levels."""

    spot_usd: list[float]
    gex_usd_per_1pct: list[Number]
    call_gex_usd_per_1pct: list[Number]
    put_gex_usd_per_1pct: list[Number]
    vega_usd_per_pt: list[Number]
    vanna_coin_per_pt: list[Number]
    charm_coin_per_day: list[Number]


class ProfileBody(Body[Profile]):
    """The profile, where GEX is zero on it, and the GEX of each expiry if asked."""

    vol: Annotated[str, Field(description="sticky_strike or sticky_moneyness")]
    flip_usd: Usd
    flips: list[Flip]
    expiries: Annotated[list[ExpiryProfile] | None, Field(description="with by=expiry")]


class FlipsUnder(BaseModel):
    """Flips while volatility does one thing."""

    flip_usd: Usd
    flip_reason: str | None
    flips: list[Flip]


class FlipDynamics(BaseModel):
    """The flip while each option keeps its volatility, and while the smile moves with spot."""

    sticky_strike: FlipsUnder
    sticky_moneyness: FlipsUnder
    flip_band_usd: list[float] | None


class Wall(BaseModel):
    """A strike where much GEX of one kind sits."""

    strike_usd: float
    gex_usd_per_1pct: UsdPer1Pct
    dominance: Annotated[float, Field(description="share of all such GEX within reach, 0 to 1")]


class Cliff(BaseModel):
    """The gamma that is gone after the next expiry."""

    expiry: str
    expiry_ms: Ms
    gex_usd_per_1pct: UsdPer1Pct
    gross_gex_usd_per_1pct: UsdPer1Pct
    gross_share: Annotated[float, Field(description="of the whole book's gross GEX, 0 to 1")]


class Pin(BaseModel):
    """The strike of the next expiry that draws spot most while dealers are long there."""

    strike_usd: float
    expiry: str
    expiry_ms: Ms
    position_coin: Coin
    log_distance: Annotated[float, Field(description="ln(spot / strike)")]
    sd: Annotated[float, Field(description="total volatility to the settlement average")]
    probability: Annotated[
        Number, Field(description="upper bound; null while the market's depth is unknown")
    ]
    depth_usd: Usd
    permanence: Annotated[float, Field(description="share of impact that stays: assumed")]


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
    call_walls: Annotated[list[Wall], Field(description="the wall and the one behind it")]
    put_walls: list[Wall]
    cliff: Cliff | None
    max_pain: list[MaxPain]
    pin: Pin | None


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
    p_short_gamma: Annotated[
        Number, Field(description="share of the draws with net GEX below 0; null without draws")
    ]


class Summary(BaseModel):
    """The headline of an asset."""

    net: Exposures
    gross: Exposures
    regime: Annotated[str, Field(description="long_gamma, short_gamma or unknown")]
    levels: HeadlineLevels
    hedge_flow: HeadlineFlow
    range: dict[str, ModelRange]
    atm_iv: Annotated[Number, Field(description="at the money, 30 days, fraction")]
    volatility_index: Annotated[
        Number, Field(description="the venue's own (DVOL): 30 days, all strikes, fraction")
    ]
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
    """The assets on the board: as new as the newest of them, as sure as the least sure."""

    asset: None
    as_of: int | None
    age_ms: int | None
    source: str | None
    status: str
    position: str
    spot_usd: None
    quality: Quality | None
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
