"""REST for GEX by strike through time."""

from typing import Annotated

import numpy as np
import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from app import schemas, views
from app.api import PROBLEMS, Context, find_state
from app.history_api import TimeMs, latest, refuse_a_part, window_of
from app.history_store import Series
from app.problems import problem_responses
from app.store import Store
from app.strike_history import MAX_CURVES, StrikeHistory, assemble, read_rows
from app.tables import MEDIA_TYPES, TableFormat
from app.workbench import Workbench
from dealers.rules import PositionModel
from greeks.conventions import Exposure

DEFAULT_CURVES = 240
_BUSY = problem_responses({429: "Too many simulations wait; Retry-After says when."})
Curve = list[schemas.UsdPer1Pct]


class StrikeHistoryData(BaseModel):
    """Instants by strikes, oldest first; null where a strike was not listed or not known."""

    timestamp: Annotated[list[int], Field(description="exchange time, ms UTC")]
    strikes: list[float]
    gex_usd_per_1pct: list[Curve]
    call_gex_usd_per_1pct: list[Curve]
    put_gex_usd_per_1pct: list[Curve]
    spot_usd: list[schemas.Usd]
    flip_usd: list[schemas.Usd]
    call_wall_usd: list[schemas.Usd]
    put_wall_usd: list[schemas.Usd]
    net_gex_usd_per_1pct: Curve
    gross_gex_usd_per_1pct: Curve


class StrikeHistoryBody(schemas.Body[StrikeHistoryData]):
    """Curves as kept, one a minute at most; `step_ms` is the width of a bucket of time."""

    step_ms: int


def build_strike_history_router(store: Store, bench: Workbench) -> APIRouter:
    """Build `/{asset}/history/strikes` on one store."""
    router = APIRouter(prefix="/api/v1", responses=PROBLEMS | _BUSY)

    @router.get(
        "/{asset}/history/strikes",
        response_model=StrikeHistoryBody,
        dependencies=[Depends(refuse_a_part)],
        tags=["history"],
    )
    async def strike_history(
        context: Context,
        asset: str,
        since: Annotated[TimeMs, Query(alias="from")] = None,
        until: Annotated[TimeMs, Query(alias="to")] = None,
        points: Annotated[
            int, Query(ge=1, description=f"at most {MAX_CURVES}, more is cut")
        ] = DEFAULT_CURVES,
        reach_pct: Annotated[
            float, Query(gt=0, le=100, description="strikes this far beyond where spot was")
        ] = 20.0,
        position: PositionModel | None = None,
    ) -> Response:
        """GEX by strike of the whole book through time, with levels; by default the last day."""
        state = find_state(context.hub, asset)
        snapshot = latest(state, position)
        window = window_of(since, until, snapshot.chain.as_of_ms, min(points, MAX_CURVES))
        rows = await read_rows(store, Series(asset, snapshot.position_model), window)
        header = views.header(state, snapshot) | {"step_ms": window.step_ms}
        body = await bench.run(lambda: _encode(header, assemble(rows, reach_pct)))
        return Response(body, media_type=MEDIA_TYPES[TableFormat.JSON])

    return router


def _encode(header: dict[str, views.Json], found: StrikeHistory) -> bytes:
    grids = {
        name: np.ascontiguousarray(getattr(found, name))
        for name in ("gex_usd_per_1pct", "call_gex_usd_per_1pct", "put_gex_usd_per_1pct")
    }
    levels = ("spot_usd", "flip_usd", "call_wall_usd", "put_wall_usd", "gross_gex_usd_per_1pct")
    data = {
        "timestamp": found.ts_ms,
        "strikes": found.strikes,
        **grids,
        **{name: found.scalars[name] for name in levels},
        "net_gex_usd_per_1pct": found.scalars[Exposure.GEX.value],
    }
    return orjson.dumps(header | {"data": data}, option=orjson.OPT_SERIALIZE_NUMPY)
