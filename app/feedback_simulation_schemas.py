"""The shapes of a feedback simulation: what may be asked of it, and what it answers."""

from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from app import schemas
from app.board import Book
from app.feedback_simulation import ImpactKind, Question
from app.loop_rows import Asked as AskedLoops
from app.simulation_schemas import Asked, AskedBook, Label
from dealers.rules import PositionModel
from loops.gain import DEFAULT_PERMANENCE
from loops.trading import HedgeTiming, Hedging, Loop

MAX_CELLS = 600_000
MAX_STEPS = 1_000
DECAY_PER_HOUR = 60.0
"""What does not stay lasts a minute on average: an assumption of ours."""

DEFAULT_LOOPS = (Loop.GAMMA, Loop.VANNA)
"""What follows the price. Time's re-hedge is known to everybody in advance, and liquidations are
modelled: both must be asked for."""

AskedLoop = Annotated[Loop, Field(strict=False)]
Positive = Annotated[float, Field(gt=0, le=1e15)]


class AskedFeedback(Asked):
    """A market whose dealers hedge the board's options. Defaults are measured or assumptions."""

    asset: Annotated[str, Field(max_length=20)]
    position: Annotated[PositionModel | None, Field(strict=False)] = None
    expiry: list[Label] = Field(default_factory=list, max_length=64)
    book: AskedBook = Book.ALL
    seq: Annotated[int | None, Field(ge=1, description="a recent state; newest if absent")] = None
    hours: Annotated[float, Field(gt=0, le=168)] = 24.0
    step_s: Annotated[float, Field(ge=10, le=3600, description="seconds a step")] = 300.0
    paths: Annotated[int, Field(ge=2, le=20_000)] = 1_000
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1
    shock_pct: Annotated[
        float, Field(ge=-50, le=100, description="a move of every path in the first step")
    ] = 0.0
    volatility: Annotated[
        float | None,
        Field(ge=0.01, le=5, description="without loops; 30 days at the money if absent"),
    ] = None
    iv_points_per_pct: Annotated[
        float | None, Field(ge=-50, le=50, description="volatility's answer; measured if absent")
    ] = None
    depth_usd: Annotated[
        float | None,
        Field(ge=1, le=1e15, description="within 0.5 % of mid; the book's if absent"),
    ] = None
    impact: Annotated[ImpactKind, Field(strict=False)] = ImpactKind.BOOK
    permanence: Annotated[float, Field(ge=0, le=1, description="share that stays: assumed")] = (
        DEFAULT_PERMANENCE
    )
    decay_per_hour: Annotated[
        float, Field(ge=0, le=1e4, description="rate at which the rest fades: assumed")
    ] = DECAY_PER_HOUR
    timing: Annotated[HedgeTiming, Field(strict=False)] = HedgeTiming.RESTING
    rounds: Annotated[int, Field(ge=1, le=60, description="trades a step, for timing rounds")] = 1
    band_coin: Annotated[
        float, Field(ge=0, le=1e12, description="gaps smaller than this stay open")
    ] = 0.0
    most_coin_per_min: Annotated[
        Positive | None, Field(description="dealers trade no faster; any speed if absent")
    ] = None
    loops: list[AskedLoop] = Field(
        default_factory=lambda: list(DEFAULT_LOOPS), max_length=len(Loop)
    )

    @model_validator(mode="after")
    def _is_bounded(self) -> "AskedFeedback":
        if self.steps < 1:
            raise ValueError("hours: expected at least one step of step_s")
        if self.steps > MAX_STEPS:
            raise ValueError(f"hours, step_s: expected at most {MAX_STEPS} steps, was {self.steps}")
        cells = self.paths * self.steps
        if cells > MAX_CELLS:
            raise ValueError(
                f"paths: expected at most {MAX_CELLS} paths x steps, was {cells} "
                f"({self.paths} x {self.steps})"
            )
        return self

    @property
    def steps(self) -> int:
        """How many steps fit."""
        return int(self.hours * 3600 / self.step_s + 1e-9)

    def question(self) -> Question:
        """Return the question that was asked."""
        rate = float("inf") if self.most_coin_per_min is None else self.most_coin_per_min / 60
        return Question(
            steps=self.steps,
            step_s=self.step_s,
            paths=self.paths,
            seed=self.seed,
            shock_pct=self.shock_pct,
            volatility=self.volatility,
            iv_points_per_pct=self.iv_points_per_pct,
            impact=self.impact,
            decay_per_hour=self.decay_per_hour,
            hedging=Hedging(self.timing, self.rounds, self.band_coin, rate),
            loops=frozenset(self.loops),
            market=AskedLoops(depth_usd=self.depth_usd, permanence=self.permanence),
        )


class Inputs(BaseModel):
    """Everything that the run rested on, defaults filled in."""

    steps: int
    step_s: float
    paths: int
    seed: int
    shock_pct: float
    spot_usd: schemas.Usd
    gex_usd_per_1pct: schemas.UsdPer1Pct
    depth_usd: schemas.Usd
    depth_source: str | None
    lam_per_usd: Annotated[schemas.Number, Field(description="log move for a USD bought")]
    loop_gain_now: Annotated[schemas.Number, Field(description="of impact at once, all of it")]
    loop_gain_step: Annotated[
        schemas.Number, Field(description="of what is left of it at the end of a step")
    ]
    loop_gain: Annotated[schemas.Number, Field(description="of what stays, as in /feedback")]
    volume_24h_usd: schemas.Usd
    iv_points_per_pct: float
    loops: list[str]


class Assumption(BaseModel):
    """What no market shows."""

    name: str
    value: str | float | None
    meaning: str


class Quantiles(BaseModel):
    """Price by quantile and time: `values[quantile][time]`."""

    at_s: Annotated[list[float], Field(description="seconds from now")]
    quantile: list[float]
    with_loops_usd: list[list[schemas.Usd]]
    without_loops_usd: list[list[schemas.Usd]]


class Spread(BaseModel):
    """Realised volatility over the paths, a year's, fraction."""

    median: schemas.Number
    lo: Annotated[schemas.Number, Field(description="5 %")]
    hi: Annotated[schemas.Number, Field(description="95 %")]


class Share(BaseModel):
    """A share of the paths with the standard error of a count."""

    share: schemas.Number
    error: schemas.Number


class Compared(BaseModel):
    """The same of both runs."""

    with_loops: Spread
    without_loops: Spread


class LargeMove(BaseModel):
    """Paths with a window whose move is beyond 3 standard deviations."""

    window_s: float
    beyond_pct: Annotated[float, Field(description="a move of that size, per cent")]
    with_loops: Share
    without_loops: Share
    squeeze: Annotated[Share, Field(description="dealers traded over 40 % of its signed flow")]
    cascade: Annotated[Share, Field(description="forced traders did")]
    exhaustion: Annotated[Share, Field(description="a squeeze whose flow ended near its extreme")]


class CauseFlow(BaseModel):
    """What one cause asked to be bought over the run, mean over paths; + buys. Today's USD."""

    cause: str
    mean_coin: schemas.Coin
    mean_usd: schemas.Usd
    mean_abs_usd: Annotated[schemas.Usd, Field(description="mean size over paths")]


class Side(BaseModel):
    """One direction. Per cent of today's price."""

    shock_pct: Annotated[
        schemas.Number, Field(description="largest shock before a jump; null without a fold")
    ]
    jump_from_pct: schemas.Number
    jump_to_pct: schemas.Number
    push_pct: Annotated[schemas.Number, Field(description="all that hedging can still move it")]


class FoldOut(BaseModel):
    """Prices at which hedges and price agree, for one part of the impact."""

    impact: Annotated[str, Field(description="whole: at once; lasting: what stays of it")]
    gain: schemas.Number
    rests_at_pct: Annotated[
        list[float], Field(description="every move at which the price rests after shock_pct")
    ]
    up: Side
    down: Side


class Run(BaseModel):
    """What the simulated paths say."""

    price: Quantiles
    realised_volatility: Compared
    large_move: LargeMove
    beyond_reach: Annotated[
        Share, Field(description="paths that left 0.61 to 1.65 of spot, where hedges are flat")
    ]
    flow: list[CauseFlow]


class FeedbackSimulation(BaseModel):
    """Loops on and off under the same random numbers; nulls with the reason."""

    inputs: Inputs
    assumptions: list[Assumption]
    run: Run | None
    folds: list[FoldOut] | None
    reason: Annotated[str | None, Field(description="why run and folds are null")]
