"""The shapes of the answers about feedback loops, for the API's own description."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.schemas import Number, Usd, UsdPer1Pct

Value = float | str | None


class Assumption(BaseModel):
    """What a gain takes for granted."""

    name: str
    value: Value
    meaning: str


class Loop(BaseModel):
    """One feedback loop. Above 0 it amplifies a move, below it dampens."""

    loop: Annotated[str, Field(description="gamma, funding, liquidation, vega or coupled")]
    gain: Annotated[Number, Field(description="at the median depth; null with `reason`")]
    gain_lo: Annotated[Number, Field(description="at the quartiles of the depth")]
    gain_hi: Number
    unit: str
    direction: Literal["amplifies", "dampens", "neither"] | None
    amplification: Annotated[Number, Field(description="1/(1-g) of this loop alone")]
    basis: Annotated[
        Literal["position_model", "modelled"],
        Field(description="`modelled`: more is assumed than the position model and permanence"),
    ]
    reason: str | None
    inputs: dict[str, Value]
    assumptions: list[Assumption]


class Funding(BaseModel):
    """What the perpetual costs now. + means that longs pay shorts."""

    instrument_name: Annotated[str | None, Field(description="whose funding it is")]
    current_funding: Annotated[Number, Field(description="fraction for 8 hours, present rate")]
    funding_8h: Annotated[Number, Field(description="fraction, over the last 8 hours")]
    funding_per_year: Annotated[Number, Field(description="the present rate, not compounded")]
    open_interest_usd: Annotated[Number, Field(description="of the asset's perpetuals")]
    paid_usd_per_day: Annotated[Number, Field(description="open interest at the present rate")]
    stacked: Annotated[
        bool | None,
        Field(description="dealers are short gamma while one side of the perpetual pays"),
    ]
    stacked_push: Annotated[
        Literal["down", "up"] | None, Field(description="the move that meets both")
    ]
    reason: str | None


class LeverageShare(BaseModel):
    """A part of open interest."""

    leverage: float
    share: float


class Rungs(BaseModel):
    """The ladder in columns, from the lowest price to the highest."""

    low_usd: list[float]
    high_usd: list[float]
    forced_usd: Annotated[list[float], Field(description="+ bought, - sold")]
    branching: Annotated[list[Number], Field(description="n(x): USD set off by each USD")]


class Liquidation(BaseModel):
    """The modelled ladder of liquidations, and how far a first move would run on it."""

    label: Literal["modelled"]
    spot_usd: Usd
    long_share: Annotated[Number, Field(description="of leveraged holders, implied by funding")]
    maintenance: Annotated[Number, Field(description="margin of a small position, fraction")]
    margin_source: str | None
    entry_hours: Annotated[int, Field(description="hours of past prices, at most 169")]
    leverage_mix: list[LeverageShare]
    within_pct: Annotated[float, Field(description="of log price, for gain_down and gain_up")]
    gain_down: Annotated[Number, Field(description="mean branching ratio below spot")]
    gain_up: Annotated[Number, Field(description="mean branching ratio above spot")]
    shock_pct: float
    drop_pct: Annotated[Number, Field(description="in all, after a first fall of shock_pct")]
    rise_pct: Annotated[Number, Field(description="in all, after a first rise of shock_pct")]
    ladder: Rungs
    reason: str | None


class Coupled(BaseModel):
    """Spot and volatility as one loop: what a round makes of a move of either.

    Rows are what moves, columns what moved it, spot first. The numbers are the same for a return
    and volatility as fractions as for per cent and points.
    """

    gains: Annotated[list[list[Number]], Field(description="of one round")]
    spectral_radius: Annotated[Number, Field(description="below 1 the rounds die out")]
    stable: bool | None
    response: Annotated[
        list[list[float]] | None,
        Field(description="(1 - gains)^-1, all rounds together; null where they grow"),
    ]
    reason: str | None


class Feedback(BaseModel):
    """Loop gain of dealers' hedging, every loop as a row, and what they rest on."""

    loop_gain: Number
    loop_gain_lo: Annotated[Number, Field(description="at the quartiles of the depth")]
    loop_gain_hi: Number
    amplification: Annotated[Number, Field(description="1/(1-g); null for g >= 1")]
    gex_usd_per_1pct: UsdPer1Pct
    depth_usd: Annotated[
        Number,
        Field(description="within 0.5 % of mid, mean of both sides, median of 15 minutes"),
    ]
    depth_usd_lo: Annotated[Number, Field(description="lower quartile of the 15 minutes")]
    depth_usd_hi: Annotated[Number, Field(description="upper quartile of the 15 minutes")]
    depth_covers_s: Annotated[
        Number, Field(description="seconds that the record covers, at most 900")
    ]
    depth_source: Annotated[
        Literal["book", "stated"] | None,
        Field(description="`book`: the asset's perpetuals; `stated`: by the caller"),
    ]
    within: float
    permanence: float
    reason: str | None
    loops: list[Loop]
    funding: Funding
    liquidation: Liquidation
    coupled: Coupled
