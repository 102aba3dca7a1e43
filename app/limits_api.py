"""REST for risk limits: what dealers' gamma uses of the market's depth."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import FILES, PROBLEMS, Format, Read
from app.feedback_api import DepthUsd, Permanence
from app.limits_schemas import LimitsBody
from app.limits_views import Allowed, limits
from app.loop_rows import Impact
from app.tables import TableFormat
from loops.gain import DEFAULT_PERMANENCE
from loops.limits import DEFAULT_MAX_GAIN, DEFAULT_UTILISATION

router = APIRouter(prefix="/api/v1", responses=PROBLEMS, tags=["feedback"])


@router.get("/{asset}/limits", response_model=LimitsBody, responses=FILES)
async def risk_limits(
    answer: Read,
    utilisation: Annotated[
        float, Query(gt=0, le=1, description="share of depth for the hedge of a 0.5 % move")
    ] = DEFAULT_UTILISATION,
    depth_usd: DepthUsd = None,
    max_gain: Annotated[
        float, Query(gt=0, le=1, description="largest loop gain of the whole book")
    ] = DEFAULT_MAX_GAIN,
    permanence: Permanence = DEFAULT_PERMANENCE,
    wanted: Format = TableFormat.JSON,
) -> Response:
    """Use, breaches and headroom of gamma limits by strike, by expiry and for the whole book."""
    impact = Impact.of(answer.state, depth_usd, permanence)
    found = limits(answer.snapshot, impact, Allowed(utilisation, max_gain))
    return answer.table(
        "limits",
        found.strikes,
        wanted,
        expiries=found.expiries,
        portfolio=found.portfolio,
        summary=found.summary,
    )
