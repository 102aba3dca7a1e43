"""The hub: latest wins, readers wake, recent states stay readable."""

import asyncio
import time

import pytest

from app.hub import RING, BoardState, FeedStatus, SnapshotHub
from app.settings import Source
from dealers.rules import PositionModel


def state(seq: int, asset: str = "BTC") -> BoardState:
    return BoardState(
        asset=asset,
        seq=seq,
        status=FeedStatus.STARTING,
        source=Source.DEMO,
        position=PositionModel.NAIVE,
        models={},
        received_at=time.monotonic(),
        progress={},
    )


def test_latest_wins_and_recent_states_stay_readable() -> None:
    hub = SnapshotHub()
    for seq in range(1, RING + 3):
        hub.publish(state(seq))
    latest = hub.latest("BTC")
    assert latest is not None
    assert latest.seq == RING + 2
    assert hub.at("BTC", 2) is None
    assert hub.at("BTC", 3) is not None


def test_a_sequence_has_no_holes() -> None:
    hub = SnapshotHub()
    hub.publish(state(1))
    with pytest.raises(ValueError, match="expected 2, was 4"):
        hub.publish(state(4))


def test_assets_count_for_themselves() -> None:
    hub = SnapshotHub()
    hub.publish(state(1))
    hub.publish(state(1, "ETH"))
    assert (hub.assets(), hub.next_seq("ETH"), hub.latest("SOL")) == (("BTC", "ETH"), 2, None)


async def test_a_publication_wakes_every_reader() -> None:
    hub = SnapshotHub()
    readers = [asyncio.create_task(hub.changed()) for _ in range(3)]
    await asyncio.sleep(0)
    hub.publish(state(1))
    await asyncio.wait_for(asyncio.gather(*readers), 1)


def test_a_board_without_data_has_no_age() -> None:
    assert state(1).age_ms is None
    assert state(1).snapshot is None
