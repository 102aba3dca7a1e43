"""REST for what dealers must trade: scenarios, the coming hours, whom a flow is of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app import flow_schemas as shapes
from app import flows
from app.api import FILES, PROBLEMS, Answer, Context, Format, Read
from app.flows import By, FlowBasis
from app.positions_api import BUSY, question_of
from app.schemas import Body
from app.tables import TableFormat
from app.views import Columns
from greeks.conventions import HedgeConvention

MAX_HORIZON_S = 31_536_000

IvResponse = Annotated[
    float | None,
    Query(
        ge=-50,
        le=50,
        description="points of volatility for +1 % of spot; the measured ones if absent",
    ),
]
Convention = Annotated[
    HedgeConvention, Query(description="in which money dealers keep their wealth constant")
]
router = APIRouter(prefix="/api/v1", responses=PROBLEMS | BUSY, tags=["hedge flow"])


@dataclass(frozen=True, slots=True)
class AskedFlow:
    """What a flow is asked of, and what makes two requests the same question."""

    context: Context
    answer: Answer
    basis: FlowBasis
    question: tuple[object, ...]
    is_standing: bool  # nothing is asked for that the board does not measure itself

    async def table(
        self, name: str, wanted: TableFormat, compute: Callable[[], Columns], *more: object
    ) -> Response:
        """Compute a table unless another request did, and put its conditions beside it."""
        columns = await self.context.once.get((name, *self.question, *more), compute)
        return self.encode(name, wanted, columns)

    def encode(self, name: str, wanted: TableFormat, columns: Columns) -> Response:
        """Encode a table with its conditions beside it."""
        conditions = flows.conditions(self.basis, self.answer.state)
        return self.answer.table(name, columns, wanted, **conditions)


def asked_flow(
    context: Context,
    answer: Read,
    iv_points_per_pct: IvResponse = None,
    convention: Convention = HedgeConvention.USD,
) -> AskedFlow:
    """Read what the flow rests on."""
    basis = FlowBasis.of(answer.state, answer.snapshot, iv_points_per_pct, convention)
    is_standing = iv_points_per_pct is None and convention is HedgeConvention.USD
    question = (*question_of(answer), answer.state.seq, iv_points_per_pct, convention)
    return AskedFlow(context, answer, basis, question, is_standing)


Asked = Annotated[AskedFlow, Depends(asked_flow)]


@router.get("/{asset}/hedge-flow", response_model=shapes.FlowBody, responses=FILES)
async def hedge_flow(asked: Asked, wanted: Format = TableFormat.JSON) -> Response:
    """What dealers must trade after a move and a time, by exact re-hedge."""
    if asked.is_standing:
        answer = asked.answer
        columns = await asked.context.flows.table(answer.state, answer.snapshot, answer.selection)
        return asked.encode("hedge-flow", wanted, columns)
    return await asked.table("hedge-flow", wanted, partial(flows.scenario_table, asked.basis))


@router.get("/{asset}/hedge-flow/path", response_model=shapes.PathBody, responses=FILES)
async def path(asked: Asked, wanted: Format = TableFormat.JSON) -> Response:
    """Cumulative flow of time alone into the next 08:00 UTC, the last half hour apart."""
    return await asked.table("hedge-flow-path", wanted, partial(flows.charm_path, asked.basis))


@router.get("/{asset}/hedge-flow/expected", response_model=shapes.ExpectedBody, responses=FILES)
async def expected(asked: Asked, wanted: Format = TableFormat.JSON) -> Response:
    """Expected flow and expected size of the flow if spot moves as options price it."""
    compute = partial(flows.expected_flow, asked.basis)
    return await asked.table("hedge-flow-expected", wanted, compute)


@router.get(
    "/{asset}/hedge-flow/contributions", response_model=shapes.ContributionsBody, responses=FILES
)
async def contributions(
    asked: Asked,
    move_pct: Annotated[float, Query(ge=-90, le=500)] = 1.0,
    horizon_s: Annotated[float, Query(ge=0, le=MAX_HORIZON_S)] = 0.0,
    by: By = By.STRIKE,
    wanted: Format = TableFormat.JSON,
) -> Response:
    """Which strikes or expiries the flow of one scenario is of."""
    scenario = move_pct, horizon_s, by
    compute = partial(flows.contributions, asked.basis, *scenario)
    return await asked.table("hedge-flow-contributions", wanted, compute, *scenario)


@router.get("/{asset}/hedge-flow/response", response_model=Body[shapes.VolatilityResponse])
async def volatility(answer: Read) -> Response:
    """How volatility answers to spot and to option flow, and dealers' pressure on it."""
    return answer.json(flows.volatility_response(answer.state, answer.snapshot))
