"""REST for the feedback loops: gains, funding and the modelled ladder of liquidations."""

import math
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import PROBLEMS, Read
from app.feedback_schemas import Feedback
from app.feedback_views import feedback
from app.loop_rows import Asked
from app.problems import Problem
from app.schemas import Body
from loops.coupled import DEFAULT_VEGA_REACTION_PER_PT
from loops.funding import UNWIND
from loops.gain import DEFAULT_PERMANENCE
from loops.liquidation import LEVERAGE_MIX

MOST_LEVERAGES = 20
LEAST_LEVERAGE, MOST_LEVERAGE = 1.0, 200.0

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
        list[str] | None,
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
    """Read a leverage mix whose shares come to something."""
    try:
        mix = {float(times): float(share) for times, _, share in (t.partition(":") for t in texts)}
    except ValueError:
        mix = {math.nan: math.nan}
    is_sound = all(
        LEAST_LEVERAGE <= times <= MOST_LEVERAGE and 0 <= share <= 1 for times, share in mix.items()
    )
    if not (is_sound and sum(mix.values()) > 0):
        raise Problem(
            422,
            "Bad parameter",
            f"leverage_mix: expected LEVERAGE:SHARE, leverages {LEAST_LEVERAGE:g} to "
            f"{MOST_LEVERAGE:g}, shares 0 to 1 and not all 0",
        )
    return mix
