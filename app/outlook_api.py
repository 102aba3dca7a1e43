"""REST for two outlooks: what would flatten the dealers, and the flip as the book ages."""

from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Response

from app import outlook_schemas as shapes
from app.api import PROBLEMS, Context, Read
from app.board import expiry_label
from app.flatten_views import Assumed, flatten
from app.positions_api import BUSY, question_of
from app.schemas import Body
from app.views import Json
from dealers.flip_term import HOUR_MS, FlipTerm, compute_flip_term
from greeks.conventions import FloatArray, regime_of
from greeks.exposure import ExposureSnapshot

SURFACE_STEP = 8
"""Every eighth level of the profile's ladder: 2 % of spot apart."""

router = APIRouter(prefix="/api/v1", responses=PROBLEMS | BUSY, tags=["positions"])


@router.get("/{asset}/flatten", response_model=Body[shapes.FlattenAnswer])
async def flatten_dealers(
    context: Context,
    answer: Read,
    size_coin: Annotated[
        float | None,
        Query(gt=0, le=1e9, description="coins to trade in each option, where none is shown"),
    ] = None,
    half_spread_pts: Annotated[
        float, Query(ge=0, le=50, description="points of volatility, where no quote is shown")
    ] = 1.0,
) -> Response:
    """Smallest set of listed options that flattens dealers' gamma and vega: a what-if."""
    assumed = Assumed(size_coin, half_spread_pts)
    question = "flatten", *question_of(answer), assumed
    data = await context.once.get(question, partial(flatten, answer.snapshot, assumed))
    return answer.json(data, assumed={"size_coin": size_coin, "half_spread_pts": half_spread_pts})


@router.get("/{asset}/flip-term", response_model=Body[shapes.FlipTermAnswer])
async def flip_term(context: Context, answer: Read) -> Response:
    """Flip by expiry and as the book ages, the surface of spot and time, its zero contour."""
    question = "flip-term", *question_of(answer)
    data = await context.once.get(question, partial(_flip_term, answer.snapshot))
    return answer.json(data)


def _flip_term(snapshot: ExposureSnapshot) -> dict[str, Json]:
    found = compute_flip_term(snapshot.chain, snapshot.position_coin)
    at_spot = found.gex_at_spot.tolist(), found.gross_at_spot.tolist()
    regimes = [regime_of(net, gross).value for net, gross in zip(*at_spot, strict=True)]
    changes = [
        at
        for at, word in zip(found.at_ms.tolist(), regimes, strict=True)
        if regimes and word != regimes[0]
    ]
    as_of_ms = snapshot.chain.as_of_ms
    return {
        "expiries": [
            {
                "expiry": expiry_label(expiry),
                "expiry_ms": expiry,
                "flip_usd": alone,
                "flip_until_usd": until,
            }
            for expiry, alone, until in _rows(found.expiry_ms, found.flip_usd, found.flip_until_usd)
        ],
        "times": [
            {
                "at_ms": at_ms,
                "hours": (at_ms - as_of_ms) / HOUR_MS,
                "flip_usd": flip,
                "gex_usd_per_1pct": gex,
                "regime": regime,
            }
            for (at_ms, flip, gex), regime in zip(
                _rows(found.at_ms, found.flip_at_usd, found.gex_at_spot), regimes, strict=True
            )
        ],
        "surface": _surface(found),
        "regime_changes_ms": changes[0] if changes and regimes[0] != "unknown" else None,
    }


def _surface(found: FlipTerm) -> dict[str, Json]:
    zeros = zip(found.zero_at_ms.tolist(), found.zero_spot_usd.tolist(), strict=True)
    return {
        "at_ms": found.at_ms.tolist(),
        "spot_usd": found.spot_usd[::SURFACE_STEP].tolist(),
        "gex_usd_per_1pct": found.gex_usd_per_1pct[:, ::SURFACE_STEP].tolist(),
        "zero": [{"at_ms": at_ms, "spot_usd": spot} for at_ms, spot in zeros],
    }


def _rows(at_ms: np.ndarray, one: FloatArray, other: FloatArray) -> list[tuple[int, float, float]]:
    return list(zip(at_ms.tolist(), one.tolist(), other.tolist(), strict=True))
