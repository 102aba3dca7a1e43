"""REST for the feedback loops: gains, funding and the modelled ladder of liquidations."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from app.api import PROBLEMS, Read
from app.feedback_schemas import Feedback
from app.feedback_views import feedback
from app.loop_rows import Asked
from app.schemas import Body
from loops.coupled import DEFAULT_VEGA_REACTION_PER_PT
from loops.funding import UNWIND
from loops.gain import DEFAULT_PERMANENCE
from loops.liquidation import LEVERAGE_MIX

MOST_LEVERAGES = 20
_SHARE = r"^([1-9]\d?|1\d\d)(\.\d{1,4})?:(0\.\d{0,5}[1-9]|1)$"
"""Leverage from 1 to below 200, and a share above 0 to 1."""

DepthUsd = Annotated[
    float | None, Query(gt=0, description="USD resting within 0.5 % of mid; the books' if absent")
]
Permanence = Annotated[float, Query(gt=0, le=1, description="share of impact that stays: assumed")]
router = APIRouter(prefix="/api/v1", responses=PROBLEMS, tags=["feedback"])


@router.get("/{asset}/feedback", response_model=Body[Feedback])
async def feedback_loops(
    answer: Read,
    depth_usd: DepthUsd = None,
    permanence: Permanence = DEFAULT_PERMANENCE,
    unwind: Annotated[
        float,
        Query(ge=0, le=1000, description="open interest closed in 8 hours per funding: assumed"),
    ] = UNWIND,
    shock_pct: Annotated[float, Query(gt=0, le=20, description="a first move, both ways")] = 1.0,
    long_share: Annotated[
        float | None, Query(ge=0, le=1, description="of leveraged holders; from funding if absent")
    ] = None,
    leverage_mix: Annotated[
        list[Annotated[str, Field(pattern=_SHARE)]] | None,
        Query(max_length=MOST_LEVERAGES, description="LEVERAGE:SHARE, as in 10:0.35; assumed"),
    ] = None,
    vega_reaction_per_pt: Annotated[
        float,
        Query(ge=0, le=100, description="share of short vega bought back per point: assumed"),
    ] = DEFAULT_VEGA_REACTION_PER_PT,
) -> Response:
    """Gains of every loop for the depth of the perpetuals' books, or for one that is stated."""
    mix = LEVERAGE_MIX if leverage_mix is None else _mix(leverage_mix)
    asked = Asked(depth_usd, permanence, unwind, shock_pct, long_share, mix, vega_reaction_per_pt)
    return answer.json(feedback(answer.state, answer.snapshot, asked))


def _mix(texts: list[str]) -> Mapping[float, float]:
    """Read shares by leverage, whatever they add up to."""
    parts = (text.partition(":") for text in texts)
    return {float(times): float(share) for times, _, share in parts}
