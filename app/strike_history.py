"""GEX by strike through time: the kept curves of a range, on one common list of strikes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Row, and_, func, select

from app.history_rows import decode_curve
from app.history_store import Series, Window
from app.store import Store
from app.store_schema import SCALARS, curve, snapshot
from greeks.conventions import FloatArray

MAX_CURVES = 600
Grid = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StrikeHistory:
    """T instants by K strikes; NaN where a strike was not listed or not known.

    Attributes
    ----------
    ts_ms : (T,) exchange time, rising.
    strikes : (K,) USD, rising.
    call_gex_usd_per_1pct, put_gex_usd_per_1pct : (T, K).
    scalars : spot, levels and net exposures of each instant, by column; None where unknown.
    """

    ts_ms: list[int]
    strikes: FloatArray
    call_gex_usd_per_1pct: Grid
    put_gex_usd_per_1pct: Grid
    scalars: dict[str, list[float | None]]

    @property
    def gex_usd_per_1pct(self) -> Grid:
        """Net of what is known, (T, K)."""
        calls, puts = self.call_gex_usd_per_1pct, self.put_gex_usd_per_1pct
        with_one = np.where(np.isnan(calls), puts, calls)
        return np.where(np.isnan(calls) | np.isnan(puts), with_one, calls + puts)


async def read_rows(store: Store, series: Series, window: Window) -> Sequence[Row[tuple[object]]]:
    """Return the last kept curve of each bucket with what was known at that second."""
    of_series = (curve.c.asset == series.asset, curve.c.position == series.position)
    inside = (curve.c.ts_ms >= window.from_ms, curve.c.ts_ms < window.to_ms)
    bucket = (curve.c.ts_ms - window.from_ms) // window.step_ms
    newest = select(func.max(curve.c.ts_ms)).where(*of_series, *inside).group_by(bucket)
    same_second = and_(
        snapshot.c.asset == curve.c.asset,
        snapshot.c.position == curve.c.position,
        snapshot.c.ts_ms == curve.c.ts_ms,
    )
    query = (
        select(curve.c.ts_ms, curve.c.strikes, *(snapshot.c[name] for name in SCALARS))
        .select_from(curve.outerjoin(snapshot, same_second))
        .where(*of_series, curve.c.ts_ms.in_(newest))
        .order_by(curve.c.ts_ms)
    )
    async with store.read() as connection:
        return (await connection.execute(query)).all()


def assemble(rows: Sequence[Row[tuple[object]]], reach_pct: float) -> StrikeHistory:
    """Lay the curves on the strikes within `reach_pct` of where spot has been."""
    curves = [decode_curve(row.strikes) for row in rows]
    spots = [row.spot_usd for row in rows if row.spot_usd is not None]
    low = min(spots, default=0.0) * (1 - reach_pct / 100)
    high = max(spots, default=np.inf) * (1 + reach_pct / 100)
    listed = np.unique(np.concatenate([found[0] for found in curves] or [np.empty(0)]))
    strikes = listed[(listed >= low) & (listed <= high)]
    grids = np.full((2, len(rows), len(strikes)), np.nan, np.float32)
    for grid_row, (own, calls, puts) in enumerate(curves):
        near = np.isin(own, strikes)
        place = np.searchsorted(strikes, own[near])
        grids[0, grid_row, place], grids[1, grid_row, place] = calls[near], puts[near]
    return StrikeHistory(
        ts_ms=[row.ts_ms for row in rows],
        strikes=strikes,
        call_gex_usd_per_1pct=grids[0],
        put_gex_usd_per_1pct=grids[1],
        scalars={name: [getattr(row, name) for row in rows] for name in SCALARS},
    )
