"""The shapes of what-if questions and answers and of the scenario surface. Strict questions."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app import schemas
from app.board import Book
from app.what_if import CustomerTrade, OptionName, Side, WhatIf
from dealers.hedging import MOVES_PCT
from dealers.rules import PositionModel
from greeks.scenario import Scenario

MAX_TRADES = 50
MAX_MOVES = 41
MAX_COIN = 1e9
YEAR_HOURS = 8_760.0

Move = Annotated[float, Field(ge=-90, le=300, description="per cent of the index and forwards")]
Shift = Annotated[float, Field(ge=-200, le=300, description="points on every volatility")]
Hours = Annotated[float, Field(ge=0, le=YEAR_HOURS, description="hours from now")]
Label = Annotated[str, Field(max_length=20)]
# enums arrive as text, which strict mode would refuse
AskedBook = Annotated[Book, Field(strict=False)]


class Asked(BaseModel):
    """A request body."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class AskedTrade(Asked):
    """A trade of a customer: an instrument, or strike, expiry and type; `side` is the customer's.

    Without `book` the coin-margined option of the terms comes first.
    """

    instrument_name: Annotated[str | None, Field(max_length=64)] = None
    strike: Annotated[float | None, Field(gt=0, le=1e12)] = None
    expiry: Label | None = None
    type: Annotated[str | None, Field(pattern="^(call|put)$")] = None
    book: AskedBook = Book.ALL
    amount_coin: Annotated[float, Field(gt=0, le=MAX_COIN)]
    side: Annotated[Side, Field(strict=False)]

    @model_validator(mode="after")
    def _names_one_option(self) -> "AskedTrade":
        terms = (self.strike, self.expiry, self.type)
        by_name, by_terms = self.instrument_name is not None, None not in terms
        if by_name == by_terms or (by_name and terms != (None, None, None)):
            raise ValueError("expected instrument_name, or strike, expiry and type")
        return self

    def trade(self) -> CustomerTrade:
        """Return the trade that was asked for."""
        if self.instrument_name is not None:
            option: str | OptionName = self.instrument_name
        else:
            terms = (self.strike or 0.0, (self.expiry or "").upper())
            option = OptionName(*terms, is_call=self.type == "call", book=self.book)
        return CustomerTrade(option, self.amount_coin, self.side)


class AskedWhatIf(Asked):
    """A market as it might be, and trades that might have been made in it."""

    asset: Annotated[str, Field(max_length=20)]
    position: Annotated[PositionModel | None, Field(strict=False)] = None
    expiry: Annotated[list[Label], Field(max_length=64)] = []
    book: AskedBook = Book.ALL
    seq: Annotated[int | None, Field(ge=1, description="a recent state; newest if absent")] = None
    move_pct: Move = 0.0
    iv_shift_pts: Shift = 0.0
    hours: Hours = 0.0
    trades: Annotated[list[AskedTrade], Field(max_length=MAX_TRADES)] = []
    moves_pct: Annotated[
        list[Move] | None,
        Field(min_length=1, max_length=MAX_MOVES, description="moves of the hedge-flow ladders"),
    ] = None

    def question(self, iv_points_per_pct: float) -> WhatIf:
        """Return the question that was asked, volatility answering moves as on the board."""
        scenario = Scenario(self.move_pct, self.iv_shift_pts, self.hours)
        trades = tuple(trade.trade() for trade in self.trades)
        moves = MOVES_PCT if self.moves_pct is None else tuple(self.moves_pct)
        return WhatIf(scenario, trades, moves, iv_points_per_pct)


class ScenarioOut(BaseModel):
    """The market as it is supposed to be."""

    move_pct: float
    iv_shift_pts: float
    hours: float
    as_of: schemas.Ms
    spot_usd: schemas.Usd
    expired: Annotated[list[str], Field(description="expiries that are over by then")]


class ArrivalFlow(BaseModel):
    """What dealers trade on the way there; + they buy. USD at today's index."""

    scenario_coin: Annotated[
        schemas.Number, Field(description="to follow the market with the book that they have")
    ]
    scenario_usd: schemas.Usd
    trades_coin: Annotated[
        schemas.Number, Field(description="to hedge the added trades, once there")
    ]
    trades_usd: schemas.Usd


class AddedTrade(BaseModel):
    """What one added trade puts into dealers' book, in the scenario."""

    instrument_name: str
    side: str
    amount_coin: float
    position_change_coin: schemas.Coin
    gex_usd_per_1pct: schemas.UsdPer1Pct
    delta_coin: schemas.Coin
    vega_usd_per_pt: schemas.Number


class FlowLadder(BaseModel):
    """Hedge flow of sudden moves, in columns; + dealers buy."""

    move_pct: list[float]
    spot_usd: list[schemas.Usd]
    flow_coin: list[schemas.Coin]
    flow_usd: list[schemas.Usd]


class NetProfile(BaseModel):
    """Net GEX re-priced over hypothetical spot levels."""

    spot_usd: list[float]
    gex_usd_per_1pct: list[schemas.Number]


class Compared(BaseModel):
    """One side of the comparison."""

    net: schemas.Exposures
    gross: schemas.Exposures
    regime: str
    levels: schemas.Levels
    hedge_flow: FlowLadder
    profile: NetProfile


class WhatIfAnswer(BaseModel):
    """The board before and after."""

    scenario: ScenarioOut
    flow: ArrivalFlow
    trades: list[AddedTrade]
    before: Compared
    after: Compared


class ZeroPoint(BaseModel):
    """A scenario in which net GEX is zero."""

    hours: float
    shift_pts: float
    spot_usd: float


class SurfaceAnswer(BaseModel):
    """Net exposures at every scenario: `values[hour][shift][spot]`, null where unknown."""

    hours: list[float]
    shift_pts: list[float]
    move_pct: list[float]
    spot_usd: list[float]
    gex_usd_per_1pct: list[list[list[schemas.Number]]]
    delta_coin: list[list[list[schemas.Number]]]
    flow_coin: Annotated[
        list[list[list[schemas.Number]]],
        Field(description="what dealers trade from now to there; + they buy"),
    ]
    vega_usd_per_pt: list[list[list[schemas.Number]]]
    zero: Annotated[
        list[ZeroPoint], Field(description="where net GEX is zero, linear between spots")
    ]
