"""What is known of dealers' inventories, kept in the database as one checkpoint an asset.

Book, clouds and what waits to be weighed are one value and one row, so that a restart counts
every trade once whatever moment it was cut off at. The recent depth of the market lies beside them.
"""

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import orjson
from sqlalchemy import delete, insert, select

from app.store import Store
from app.store_schema import inventory
from dealers.checkpoint import freeze_posterior, thaw_posterior
from dealers.hours import Hour, HourLog
from dealers.liquidity import DepthSample
from dealers.posterior import PosteriorState

VERSION = 1
_CLOUDS = ("position_coin", "log_weight", "odds", "lean")


@dataclass(frozen=True, slots=True)
class Followed:
    """All that following one asset has taught: its tape, and the depth that hedges meet."""

    state: PosteriorState = field(default_factory=PosteriorState)
    hours: HourLog = field(default_factory=HourLog)
    depth: tuple[DepthSample, ...] = ()


def encode_followed(followed: Followed) -> bytes:
    """Pack the value; particles as float32, 1e-7 of themselves."""
    frozen: dict[str, Any] = dict(freeze_posterior(followed.state))
    arrays = {name: frozen.pop(name).astype(np.float32) for name in _CLOUDS}
    hours = [
        (hour.start_ms, hour.spot_usd, hour.atm_iv, hour.taker_vega_usd_per_pt)
        for hour in followed.hours.hours
    ]
    plain = orjson.dumps(
        {"version": VERSION, "hours": hours, "depth": followed.depth, **frozen},
        option=orjson.OPT_SERIALIZE_NUMPY,
    )
    out = BytesIO()
    np.savez_compressed(out, allow_pickle=False, plain=np.frombuffer(plain, np.uint8), **arrays)
    return out.getvalue()


def decode_followed(packed: bytes) -> Followed:
    """Unpack a value. Raises ValueError or KeyError for bytes of another version."""
    with np.load(BytesIO(packed), allow_pickle=False) as columns:
        plain = orjson.loads(columns["plain"].tobytes())
        arrays = {name: columns[name].astype(np.float64) for name in _CLOUDS}
    if plain.pop("version") != VERSION:
        raise ValueError(f"checkpoint version: expected {VERSION}")
    hours = tuple(
        Hour(start_ms, *(np.nan if value is None else value for value in rest))
        for start_ms, *rest in plain.pop("hours")
    )
    # what was kept before the depth was has none
    depth = tuple((at_ms, depth_usd) for at_ms, depth_usd in plain.pop("depth", ()))
    for name in ("open_interest_coin", "prints"):
        plain[name] = np.array(plain[name])
    state = thaw_posterior({**plain, **arrays})  # type: ignore[typeddict-item]
    return Followed(state, HourLog(hours), depth)


async def save_followed(store: Store, asset: str, as_of_ms: int, packed: bytes) -> None:
    """Replace an asset's checkpoint."""
    async with store.write() as connection:
        await connection.execute(delete(inventory).where(inventory.c.asset == asset))
        await connection.execute(
            insert(inventory).values(asset=asset, ts_ms=as_of_ms, state=packed)
        )


async def load_followed(store: Store, asset: str) -> bytes | None:
    """Return an asset's checkpoint, None when there is none."""
    async with store.read() as connection:
        found = await connection.execute(
            select(inventory.c.state).where(inventory.c.asset == asset)
        )
        row = found.first()
    return None if row is None else bytes(row.state)
