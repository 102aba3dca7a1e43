"""REST for what happens over a ladder of spot levels, volatility sticking or moving along."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from app import schemas, views
from app.api import PROBLEMS, Answer, Context, Read
from app.board import expiry_label
from app.level_views import flip_row
from greeks.conventions import SmileDynamics
from greeks.exposure import ExposureSnapshot, compute_exposure

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
STUCK, MOVING = SmileDynamics.STICKY_STRIKE, SmileDynamics.STICKY_MONEYNESS


@router.get("/{asset}/profile", response_model=schemas.ProfileBody)
async def profile(
    context: Context,
    answer: Read,
    vol: Annotated[
        SmileDynamics, Query(description="What implied volatility does when spot moves.")
    ] = STUCK,
    by: Annotated[
        Literal["total", "expiry"], Query(description="`expiry` adds each expiry's own profile.")
    ] = "total",
) -> Response:
    """Net exposures re-priced over a ladder of spot levels."""
    snapshot = await _under(context, answer, vol)
    table, levels = snapshot.profile, snapshot.levels
    expiries: list[views.Json] = [
        {"expiry": expiry_label(expiry), "expiry_ms": expiry, "gex_usd_per_1pct": gex.tolist()}
        for expiry, gex in zip(table.expiry_ms.tolist(), table.expiry_gex_usd_per_1pct, strict=True)
    ]
    return answer.json(
        views.profile(snapshot),
        vol=vol.value,
        flip_usd=levels.flip_usd,
        flips=[flip_row(flip) for flip in levels.flips],
        expiries=expiries if by == "expiry" else None,
    )


@router.get("/{asset}/levels/dynamics", response_model=schemas.Body[schemas.FlipDynamics])
async def flip_dynamics(context: Context, answer: Read) -> Response:
    """The flip under both answers of volatility to a move of spot: the band it may lie in."""
    found = {how: (await _under(context, answer, how)).levels for how in (STUCK, MOVING)}
    flips = [levels.flip_usd for levels in found.values() if levels.flip_usd is not None]
    body: dict[str, views.Json] = {
        how.value: {
            "flip_usd": levels.flip_usd,
            "flip_reason": levels.flip_reason,
            "flips": [flip_row(flip) for flip in levels.flips],
        }
        for how, levels in found.items()
    }
    return answer.json({**body, "flip_band_usd": [min(flips), max(flips)] if flips else None})


async def _under(context: Context, answer: Answer, vol: SmileDynamics) -> ExposureSnapshot:
    """The answer's snapshot with volatility doing as asked; what moves is computed once."""
    snapshot = answer.snapshot
    if vol is STUCK:
        return snapshot
    chain, model = snapshot.chain, snapshot.position_model
    key = ("dynamics", chain.asset, chain.seq, model, chain.instrument_name)
    compute = partial(compute_exposure, chain, snapshot.position_coin, model, vol)
    return await context.once.get(key, compute)
