"""REST for history: a time series of spot, levels and net exposures."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from app import schemas, views
from app.api import PROBLEMS, Context, Format, find_state
from app.board import Book
from app.history_store import DAY_MS, KEPT_MS, MAX_POINTS, Series, Window, read_window
from app.hub import BoardState
from app.problems import Problem
from app.store import Store
from app.store_schema import snapshot
from app.tables import MEDIA_TYPES, TableFormat, table_response
from dealers.rules import PositionModel
from greeks.conventions import Exposure, Regime, regime_of
from greeks.exposure import ExposureSnapshot

DEFAULT_POINTS = 1_000
MAX_TIME_MS = 2**53

TimeMs = Annotated[int | None, Query(ge=0, le=MAX_TIME_MS, description="exchange time, ms UTC")]


class HistoryRow(schemas.Exposures):
    """One bucket of time: means, and extremes where a mean would hide what matters."""

    timestamp: Annotated[int, Field(description="start of the bucket, exchange time, ms UTC")]
    samples: Annotated[int, Field(description="seconds that the bucket rests on")]
    spot_usd: schemas.Usd
    flip_usd: schemas.Usd
    call_wall_usd: Annotated[float | None, Field(description="at the end of the bucket, USD")]
    put_wall_usd: Annotated[float | None, Field(description="at the end of the bucket, USD")]
    gross_gex_usd_per_1pct: schemas.UsdPer1Pct
    spot_usd_last: Annotated[float | None, Field(description="at the end of the bucket, USD")]
    spot_usd_min: schemas.Usd
    spot_usd_max: schemas.Usd
    flip_usd_min: schemas.Usd
    flip_usd_max: schemas.Usd
    gex_usd_per_1pct_min: schemas.UsdPer1Pct
    gex_usd_per_1pct_max: schemas.UsdPer1Pct
    regime: Annotated[str, Field(description="sign of the mean net GEX")]


class HistoryBody(schemas.Body[list[HistoryRow]]):
    """A time series, oldest first; buckets without data are left out."""

    resolution: Annotated[
        str, Field(description="seconds, minutes, ten_minutes or hours: what the means are of")
    ]
    step_ms: Annotated[int, Field(description="width of a bucket")]


def build_history_router(store: Store) -> APIRouter:
    """Build `/{asset}/history` on one store."""
    router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
    files: dict[str, Any] = {
        MEDIA_TYPES[name]: {} for name in (TableFormat.CSV, TableFormat.PARQUET)
    }

    @router.get(
        "/{asset}/history",
        response_model=HistoryBody,
        responses={200: {"content": files}},
        dependencies=[Depends(refuse_a_part)],
        tags=["history"],
    )
    async def history(
        context: Context,
        asset: str,
        since: Annotated[TimeMs, Query(alias="from")] = None,
        until: Annotated[TimeMs, Query(alias="to")] = None,
        points: Annotated[
            int, Query(ge=1, description=f"at most {MAX_POINTS}, more is cut")
        ] = DEFAULT_POINTS,
        position: PositionModel | None = None,
        wanted: Format = TableFormat.JSON,
    ) -> Response:
        """Spot, levels and net exposures of the whole book over time; by default the last day."""
        state = find_state(context.hub, asset)
        snapshot = latest(state, position)
        window = window_of(since, until, snapshot.chain.as_of_ms, points)
        columns = await read_window(store, Series(asset, snapshot.position_model), window)
        columns["regime"] = list(
            map(_regime, columns[Exposure.GEX.value], columns["gross_gex_usd_per_1pct"])
        )
        header = views.header(state, snapshot) | {
            "resolution": window.resolution.value,
            "step_ms": window.step_ms,
        }
        if wanted == TableFormat.JSON:
            body = orjson.dumps(header | {"data": views.rows(columns)})
            return Response(body, media_type=MEDIA_TYPES[wanted])
        name = f"{asset}-history-{state.source}-{window.from_ms}-{window.to_ms}"
        return table_response(columns, header, wanted, name)

    return router


def refuse_a_part(
    expiry: Annotated[list[str] | None, Query(include_in_schema=False)] = None,
    book: Annotated[Book, Query(include_in_schema=False)] = Book.ALL,
) -> None:
    """Refuse what other routes select: nothing but the whole book is kept."""
    if expiry or book != Book.ALL:
        asked = "expiry" if expiry else "book"
        raise Problem(422, "Bad parameter", f"{asked}: history is kept of the whole book alone")


def latest(state: BoardState, model: PositionModel | None) -> ExposureSnapshot:
    """The newest snapshot under the model whose past is asked for, the board's own unless named."""
    if state.snapshot is None:
        raise Problem(503, "Starting", f"{state.asset} waits for its first complete chain")
    return state.models[model or state.position]


def window_of(since_ms: int | None, until_ms: int | None, as_of_ms: int, points: int) -> Window:
    """Return the window that was asked for; by default the day up to now.

    Nothing has happened yet after a `since_ms` beyond now, which is no mistake.
    """
    to_ms = max(as_of_ms, since_ms or 0) + 1 if until_ms is None else until_ms
    from_ms = max(0, to_ms - DAY_MS) if since_ms is None else since_ms
    if from_ms >= to_ms:
        raise Problem(422, "Bad parameter", f"from: expected less than to, {to_ms}")
    return Window(from_ms, to_ms, points, seconds_from_ms=as_of_ms - KEPT_MS[snapshot])


def _regime(gex_usd_per_1pct: float | None, gross: float | None) -> str:
    if gex_usd_per_1pct is None or gross is None:
        return Regime.UNKNOWN.value
    return regime_of(gex_usd_per_1pct, gross).value
