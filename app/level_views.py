"""The price levels of a snapshot as plain JSON-ready values."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from app.board import expiry_label
from dealers.liquidity import Liquidity
from dealers.rules import PositionModel
from greeks.exposure import ExposureSnapshot
from greeks.levels import Cliff, Flip, Wall
from greeks.pin import Pin
from loops.gain import DEFAULT_PERMANENCE
from loops.impact import impact_per_usd

Json: TypeAlias = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | None
Models = Mapping[PositionModel, ExposureSnapshot]
UNKNOWN_MARKET = Liquidity()


def levels(
    snapshot: ExposureSnapshot, models: Models, market: Liquidity = UNKNOWN_MARKET
) -> dict[str, Json]:
    """Every flip, the walls and those behind them, the next expiry's cliff and pin, max pain."""
    found = snapshot.levels
    return {
        "flips": [flip_row(flip) for flip in found.flips],
        "flip_usd": found.flip_usd,
        "flip_reason": found.flip_reason,
        "flip_range": _flip_range(models),
        "call_wall_usd": found.call_wall_usd,
        "put_wall_usd": found.put_wall_usd,
        "call_walls": [_wall(wall) for wall in found.call_walls],
        "put_walls": [_wall(wall) for wall in found.put_walls],
        "cliff": None if found.cliff is None else _cliff(found.cliff),
        "max_pain": [
            {"expiry": expiry_label(int(expiry)), "expiry_ms": int(expiry), "max_pain_usd": pain}
            for expiry, pain in zip(
                snapshot.by_expiry.expiry_ms, snapshot.by_expiry.max_pain_usd.tolist(), strict=True
            )
        ],
        "pin": None if found.pin is None else _pin(found.pin, snapshot, market),
    }


def flip_row(flip: Flip) -> dict[str, Json]:
    """One root of the re-priced profile."""
    return {
        "spot_usd": flip.spot_usd,
        "slope": flip.slope_usd_per_1pct,
        "direction": flip.direction.value,
        "strength": flip.strength,
        "weak": flip.is_weak,
    }


def _wall(wall: Wall) -> dict[str, Json]:
    return {
        "strike_usd": wall.strike_usd,
        "gex_usd_per_1pct": wall.gex_usd_per_1pct,
        "dominance": wall.dominance,
    }


def _cliff(cliff: Cliff) -> dict[str, Json]:
    return {
        "expiry": expiry_label(cliff.expiry_ms),
        "expiry_ms": cliff.expiry_ms,
        "gex_usd_per_1pct": cliff.net_gex_usd_per_1pct,
        "gross_gex_usd_per_1pct": cliff.gross_gex_usd_per_1pct,
        "gross_share": cliff.gross_share,
    }


def _pin(pin: Pin, snapshot: ExposureSnapshot, market: Liquidity) -> dict[str, Json]:
    """The pin; its probability where the market's usual depth is known, an upper bound."""
    depth = market.recent.median_usd
    probability = None
    if depth > 0:
        impact = DEFAULT_PERMANENCE * impact_per_usd(depth) * snapshot.chain.index_price
        probability = pin.probability(impact)
    return {
        "strike_usd": pin.strike_usd,
        "expiry": expiry_label(pin.expiry_ms),
        "expiry_ms": pin.expiry_ms,
        "position_coin": pin.position_coin,
        "log_distance": pin.distance,
        "sd": pin.sd,
        "probability": probability,
        "depth_usd": depth if np.isfinite(depth) else None,
        "permanence": DEFAULT_PERMANENCE,
    }


def _flip_range(models: Models) -> list[float] | None:
    flips = [other.levels.flip_usd for other in models.values()]
    known = [flip for flip in flips if flip is not None]
    return [min(known), max(known)] if known else None
