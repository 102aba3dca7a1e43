"""REST for who holds what: the position models side by side."""

from functools import partial

from fastapi import APIRouter, Response

from app import positions_schemas as shapes
from app.api import FILES, PROBLEMS, Answer, Format, Read
from app.once import OnceCache
from app.positions_views import compare_positions
from app.problems import problem_responses
from app.tables import TableFormat
from dealers.rules import PositionModel

BUSY = problem_responses({429: "Too many computations wait; Retry-After says when."})


def build_positions_router(once: OnceCache) -> APIRouter:
    """Build `/{asset}/positions`."""
    router = APIRouter(prefix="/api/v1", responses=PROBLEMS | BUSY, tags=["positions"])

    @router.get("/{asset}/positions", response_model=shapes.PositionsBody, responses=FILES)
    async def positions(answer: Read, wanted: Format = TableFormat.JSON) -> Response:
        """Every position model with its interval, their range, the stability of the flip."""
        chosen = PositionModel(answer.snapshot.position_model)
        compute = partial(compare_positions, answer.models, answer.state.tape, chosen)
        found = await once.get(question_of(answer, "positions"), compute)
        return answer.table(
            "positions", found.rows, wanted, range=found.range, stability=found.stability
        )

    return router


def question_of(answer: Answer, name: str) -> tuple[object, ...]:
    """Return what makes two requests the same question."""
    chain = answer.snapshot.chain
    return name, answer.state.asset, chain.seq, answer.selection
