"""A board whose spot, flip and time a test moves by hand: real snapshots, other numbers."""

import dataclasses
import functools
import time
from collections.abc import Mapping

import numpy as np
from sqlalchemy import func, select

from app.api import BoardContext
from app.board import compute_models
from app.flows import FlowTables
from app.hub import BoardState, FeedStatus, SnapshotHub
from app.once import OnceCache
from app.push import Publisher
from app.selections import SnapshotCache
from app.settings import Settings, Source
from app.store import Store
from app.store_schema import snapshot as snapshot_table
from app.workbench import Workbench
from dealers.rules import PositionModel
from greeks.exposure import ExposureSnapshot
from tests.builders import AS_OF_MS, make_chain

FLIP = 100_000.0


@functools.cache
def _models() -> Mapping[PositionModel, ExposureSnapshot]:
    more_calls = np.tile([150.0, 50.0], 3)  # so that net GEX is not zero
    chain = make_chain(
        strikes=(90_000.0, 100_000.0, 110_000.0), days=(7.0,), open_interest=more_calls
    )
    return compute_models(chain)


class ScriptedBoard:
    """Publishes states of BTC second by second of the exchange's clock."""

    def __init__(self, source: Source = Source.LIVE) -> None:
        self.hub = SnapshotHub()
        self.source = source
        self.second = 0

    def state(
        self,
        spot_pct: float,
        *,
        flip_usd: float | None = FLIP,
        status: FeedStatus = FeedStatus.LIVE,
    ) -> BoardState:
        """Return the next second's state, spot `spot_pct` per cent above 100,000 USD."""
        self.second += 1
        models = {
            model: dataclasses.replace(
                snapshot,
                chain=dataclasses.replace(
                    snapshot.chain,
                    as_of_ms=AS_OF_MS + 1000 * self.second,
                    index_price=FLIP * (1 + spot_pct / 100),
                ),
                levels=dataclasses.replace(snapshot.levels, flip_usd=flip_usd),
            )
            for model, snapshot in _models().items()
        }
        return BoardState(
            asset="BTC",
            seq=self.hub.next_seq("BTC"),
            status=status,
            source=self.source,
            position=PositionModel.NAIVE,
            models=models,
            received_at=time.monotonic(),
            progress={},
        )

    def publish(self, spot_pct: float) -> BoardState:
        """Publish the next second's state."""
        state = self.state(spot_pct)
        self.hub.publish(state)
        return state


def context_of(board: ScriptedBoard) -> BoardContext:
    """What the reading routes need of such a board; it has no tape."""
    snapshots, once = SnapshotCache(), OnceCache(Workbench())
    flows = FlowTables(once)
    publisher = Publisher(board.hub, snapshots, lambda _asset, _limit: [], flows)
    return BoardContext(board.hub, snapshots, publisher, Settings(), lambda _asset: [], once, flows)


def snapshot_for(state: BoardState, position: PositionModel) -> ExposureSnapshot | None:
    return state.models.get(position)


async def own_rows(store: Store) -> int:
    """How many seconds are kept under the board's own position model."""
    query = select(func.count()).where(snapshot_table.c.position == PositionModel.NAIVE.value)
    async with store.read() as connection:
        return (await connection.execute(query)).scalar_one()
