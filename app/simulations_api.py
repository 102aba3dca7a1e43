"""REST for questions that begin with "what if": simulations and the scenario surface."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

import numpy as np
from fastapi import APIRouter, Query, Response

from app import collateral_schemas, schemas, simulation_schemas, views
from app.api import PROBLEMS, Context, Read, read
from app.collateral_views import collateral_cascade
from app.loop_rows import Impact
from app.problems import Problem, problem_responses
from app.what_if import UnknownOptionError, UnpricedOptionError, compute_what_if
from app.workbench import Workbench
from greeks.conventions import Exposure, FloatArray
from greeks.exposure import ExposureSnapshot
from greeks.surface import compute_surface

MAX_CELLS = 20_000
DEFAULT_HOURS = (0.0, 24.0, 72.0, 168.0)
DEFAULT_SHIFTS = (-10.0, -5.0, 0.0, 5.0, 10.0)
_T = TypeVar("_T")

BUSY = problem_responses({429: "Too many simulations wait; Retry-After says when."})
POSTED = problem_responses(
    {
        403: "Another site's page asks.",
        413: "The body is too large.",
        415: "The body is not JSON.",
        421: "The host name is not one of this board's.",
    }
)


def build_simulations_router(bench: Workbench) -> APIRouter:
    """Build the routes that compute on one bench."""
    router = APIRouter(prefix="/api/v1", responses=PROBLEMS | BUSY, tags=["simulations"])

    @router.post(
        "/simulations/what-if",
        response_model=schemas.Body[simulation_schemas.WhatIfAnswer],
        responses=POSTED,
    )
    async def what_if(context: Context, asked: simulation_schemas.AskedWhatIf) -> Response:
        """Move spot, volatility and time, add customers' trades; the board before and after."""
        answer = await read(
            context, asked.asset, asked.position, asked.expiry, asked.book, asked.seq
        )
        question = asked.question(answer.state.tape.beta.used)
        compute = partial(compute_what_if, answer.snapshot, question)
        return answer.json(await _ask(bench, compute))

    @router.post(
        "/simulations/collateral",
        response_model=schemas.Body[collateral_schemas.CascadeAnswer],
        responses=POSTED,
    )
    async def collateral(context: Context, asked: collateral_schemas.AskedCascade) -> Response:
        """Let the price fall on a hypothetical ladder of lending collateral, round by round."""
        answer = await read(context, asked.asset)
        impact = Impact.of(answer.state, asked.depth_usd, asked.permanence)
        if impact.source is None:
            raise Problem(422, "Bad parameter", "depth_usd: the books show none now, state it")
        market = asked.market(answer.snapshot.chain.index_price, impact.lam_eff_per_usd)
        data = await bench.run(partial(collateral_cascade, market, asked.shock()))
        depth_usd = impact.depth.median_usd
        return answer.json({**data, "depth_usd": depth_usd, "depth_source": impact.source})

    @router.get("/{asset}/surface", response_model=schemas.Body[simulation_schemas.SurfaceAnswer])
    async def surface(
        answer: Read,
        hours: Annotated[list[simulation_schemas.Hours] | None, Query(max_length=100)] = None,
        shift_pts: Annotated[list[simulation_schemas.Shift] | None, Query(max_length=100)] = None,
        reach_pct: Annotated[
            float, Query(gt=0, le=60, description="the widest move of spot, both ways")
        ] = 20.0,
        spots: Annotated[int, Query(ge=3, le=201, description="levels of spot")] = 41,
    ) -> Response:
        """Net GEX, delta and vega over spot, shift of volatility and time; where GEX is zero."""
        wanted_hours = np.unique(hours or DEFAULT_HOURS)
        wanted_shifts = np.unique(shift_pts or DEFAULT_SHIFTS)
        cells = spots * len(wanted_hours) * len(wanted_shifts)
        if cells > MAX_CELLS:
            raise Problem(
                422,
                "Bad parameter",
                f"spots: expected at most {MAX_CELLS} scenarios in all, was {cells}",
            )
        moves = np.expm1(np.linspace(-1, 1, spots) * np.log1p(reach_pct / 100)) * 100
        compute = partial(_surface, answer.snapshot, moves, wanted_shifts, wanted_hours)
        return answer.json(await bench.run(compute))

    return router


async def _ask(bench: Workbench, compute: Callable[[], _T]) -> _T:
    try:
        return await bench.run(compute)
    except UnknownOptionError as error:
        raise Problem(404, "Unknown option", f"trades: {error} is not in the selection") from error
    except UnpricedOptionError as error:
        raise Problem(422, "Bad parameter", f"trades: {error} has no known mark now") from error


def _surface(
    snapshot: ExposureSnapshot, moves_pct: FloatArray, shifts: FloatArray, hours: FloatArray
) -> dict[str, views.Json]:
    """Return a surface as JSON-ready lists; all unknown when it rests on no option."""
    found = compute_surface(snapshot.chain, snapshot.position_coin, moves_pct, shifts, hours)
    known = 1.0 if snapshot.quality.used else np.nan
    zeros = (found.zero_hours.tolist(), found.zero_shift_pts.tolist(), found.zero_spot_usd.tolist())
    return {
        "hours": hours.tolist(),
        "shift_pts": shifts.tolist(),
        "move_pct": moves_pct.tolist(),
        "spot_usd": found.spot_usd.tolist(),
        "gex_usd_per_1pct": (known * found.gex_usd_per_1pct).tolist(),
        "delta_coin": (known * found.delta_coin).tolist(),
        "flow_coin": (known * (snapshot.net_of(Exposure.DELTA) - found.delta_coin)).tolist(),
        "vega_usd_per_pt": (known * found.vega_usd_per_pt).tolist(),
        "zero": [
            {"hours": hour, "shift_pts": shift, "spot_usd": spot}
            for hour, shift, spot in zip(*zeros, strict=True)
        ],
    }
