"""The hub: latest wins, readers wake, recent states stay readable."""

import asyncio
import dataclasses
import time

import orjson
import pytest

from app.board import compute_models
from app.hub import RING, BoardState, FeedStatus, SnapshotHub
from app.selections import SnapshotCache
from app.settings import Source
from app.views import VIEWS
from dealers.rules import PositionModel
from tests.builders import make_chain


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


def encode_views(state: BoardState) -> list[bytes]:
    """Everything that REST says of a state under each model, to the last digit."""
    return [
        orjson.dumps(view(state, snapshot, state.models), option=orjson.OPT_SERIALIZE_NUMPY)
        for snapshot in state.models.values()
        for view in VIEWS.values()
    ]


def test_latest_wins_and_recent_states_stay_readable() -> None:
    hub = SnapshotHub()
    for seq in range(1, RING + 3):
        hub.publish(state(seq))
    latest = hub.latest("BTC")
    assert latest is not None
    assert latest.seq == RING + 2
    assert hub.at("BTC", 2) is None
    assert hub.at("BTC", 3) is not None


async def test_a_former_state_is_computed_anew_to_the_very_same_numbers() -> None:
    hub, cache = SnapshotHub(), SnapshotCache()
    chain = make_chain(open_interest=lambda moneyness, years: 100 + moneyness + years)
    published = dataclasses.replace(state(1), models=compute_models(chain))
    hub.publish(published)
    hub.publish(state(2))
    found = await cache.state(hub, "BTC", 1)
    assert found is not None
    assert found is not published
    assert encode_views(found) == encode_views(published)
    assert await cache.state(hub, "BTC", 1) is found
    assert await cache.state(hub, "BTC", None) is hub.latest("BTC")
    assert await cache.state(hub, "BTC", 3) is None


def test_what_is_kept_of_former_states_weighs_little() -> None:
    hub = SnapshotHub()
    models = compute_models(make_chain())
    for seq in range(1, RING + 1):
        hub.publish(dataclasses.replace(state(seq), models=models))
    kept = [hub.at("BTC", seq) for seq in range(1, RING + 1)]
    assert all(past is not None and not past.state.models for past in kept)


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
