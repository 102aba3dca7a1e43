"""REST for who holds what: the position models side by side."""

from functools import partial

from fastapi import APIRouter, Response

from app import positions_schemas as shapes
from app.api import FILES, PROBLEMS, Answer, Context, Format, Read
from app.positions_views import compare_positions
from app.problems import problem_responses
from app.tables import TableFormat
from dealers.rules import PositionModel

BUSY = problem_responses({429: "Too many computations wait; Retry-After says when."})
router = APIRouter(prefix="/api/v1", responses=PROBLEMS | BUSY, tags=["positions"])


@router.get("/{asset}/positions", response_model=shapes.PositionsBody, responses=FILES)
async def positions(context: Context, answer: Read, wanted: Format = TableFormat.JSON) -> Response:
    """Every position model with its interval, their range, the stability of the flip."""
    chosen = PositionModel(answer.snapshot.position_model)
    compute = partial(compare_positions, answer.models, answer.state.tape, chosen)
    found = await context.once.get(("positions", *question_of(answer)), compute)
    return answer.table(
        "positions", found.rows, wanted, range=found.range, stability=found.stability
    )


def question_of(answer: Answer) -> tuple[object, ...]:
    """Return what makes two requests ask for the same numbers."""
    return answer.state.asset, answer.snapshot.chain.seq, answer.selection
