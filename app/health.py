"""Liveness, readiness and metrics: what machines ask before they trust the board."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from app import schemas
from app.engine import FAILURES_UNTIL_UNREADY, Engine
from app.hub import FeedStatus, SnapshotHub
from app.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class ReadyCheck:
    """One line of the readiness report."""

    name: str
    ok: bool
    detail: str


def check_assets(hub: SnapshotHub, engines: Sequence[Engine]) -> list[ReadyCheck]:
    """Judge every asset's feed and engine."""
    checks = []
    for asset in hub.assets():
        state = hub.latest(asset)
        if state is None:
            continue
        done = [name for name, is_done in state.progress.items() if is_done]
        detail = f"{state.status.value}, age {state.age_ms} ms, has {', '.join(done) or 'nothing'}"
        checks.append(ReadyCheck(f"feed {asset}", state.status == FeedStatus.LIVE, detail))
    for engine in engines:
        failed = engine.failures_in_row
        detail = f"{failed} failed ticks in a row"
        checks.append(ReadyCheck(f"engine {engine.asset}", failed < FAILURES_UNTIL_UNREADY, detail))
    return checks


def build_health_router(
    checks: Callable[[], Sequence[ReadyCheck]], source: Callable[[], str], metrics: Metrics
) -> APIRouter:
    """Build `/healthz`, `/readyz` and `/metrics`."""
    router = APIRouter()

    @router.get("/healthz", response_class=PlainTextResponse)
    async def healthz() -> PlainTextResponse:
        """Answer while the process and its event loop live, whatever the feed does."""
        return PlainTextResponse("ok\n")

    @router.get(
        "/readyz",
        response_model=schemas.Readiness,
        responses={503: {"model": schemas.Readiness, "description": "At least one check failed."}},
    )
    async def readyz() -> JSONResponse:
        """Report check by check whether the numbers can be trusted now."""
        found = checks()
        ready = bool(found) and all(check.ok for check in found)
        body = {
            "ready": ready,
            "source": source(),
            "checks": [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in found],
        }
        return JSONResponse(body, status_code=200 if ready else 503)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def prometheus() -> Response:
        """Return the metrics in the Prometheus text format."""
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")

    return router
