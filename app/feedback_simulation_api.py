"""REST for the simulated market of dealers' hedging."""

from functools import partial

from fastapi import APIRouter, Response

from app.api import PROBLEMS, Context, read
from app.feedback_simulation import Basis
from app.feedback_simulation_schemas import AskedFeedback, FeedbackSimulation
from app.feedback_simulation_views import simulate_feedback
from app.schemas import Body
from app.simulations_api import BUSY, POSTED
from app.workbench import Workbench


def build_feedback_simulation_router(bench: Workbench) -> APIRouter:
    """Build the route that computes on one bench."""
    router = APIRouter(prefix="/api/v1", responses=PROBLEMS | BUSY, tags=["simulations"])

    @router.post("/simulations/feedback", response_model=Body[FeedbackSimulation], responses=POSTED)
    async def feedback(context: Context, asked: AskedFeedback) -> Response:
        """Let dealers hedge with impact along random prices: loops on, loops off, and the folds."""
        answer = await read(
            context, asked.asset, asked.position, asked.expiry, asked.book, asked.seq
        )
        basis = Basis.of(answer.state, answer.snapshot, asked.question())
        return answer.json(await bench.run(partial(simulate_feedback, basis)))

    return router
