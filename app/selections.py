"""Snapshots of selections, computed once however many readers ask."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

from app.board import Book, Selection, compute_selection
from app.hub import BoardState, SnapshotHub
from dealers.rules import PositionModel
from greeks.exposure import ExposureSnapshot

CACHED_SNAPSHOTS = 128
CACHED_STATES = 4
"""Readers of a former state ask for several views of one, and seldom."""


class SnapshotCache:
    """The newest snapshots by asset, chain and selection."""

    def __init__(self, size: int = CACHED_SNAPSHOTS) -> None:
        self._size = size
        self._snapshots: OrderedDict[tuple[str, int, Selection], ExposureSnapshot] = OrderedDict()
        self._states: OrderedDict[tuple[str, int], BoardState] = OrderedDict()

    async def state(self, hub: SnapshotHub, asset: str, seq: int | None) -> BoardState | None:
        """Return the newest state or a recent one by its number; None when it is gone."""
        newest = hub.latest(asset)
        if newest is None or seq is None or seq == newest.seq:
            return newest
        past = hub.at(asset, seq)
        if past is None:
            return None
        found = self._states.get((asset, seq))
        if found is None:
            found = await asyncio.to_thread(past.compute)
            self._states[asset, seq] = found
            if len(self._states) > CACHED_STATES:
                self._states.popitem(last=False)
        return found

    async def get(self, state: BoardState, selection: Selection) -> ExposureSnapshot | None:
        """Return the snapshot of a selection at a state; None while the asset is starting.

        Raises `UnknownExpiryError`.
        """
        whole = state.models.get(selection.position)
        if whole is None or (not selection.expiries and selection.book == Book.ALL):
            return whole
        key = (state.asset, whole.chain.seq, selection)
        found = self._snapshots.get(key)
        if found is None:
            found = await asyncio.to_thread(compute_selection, whole.chain, selection, state.tape)
            self._snapshots[key] = found
            if len(self._snapshots) > self._size:
                self._snapshots.popitem(last=False)
        return found

    async def models(
        self, state: BoardState, selection: Selection
    ) -> Mapping[PositionModel, ExposureSnapshot]:
        """Return the selection under every position model of the state."""
        found = {
            model: await self.get(state, replace(selection, position=model))
            for model in state.models
        }
        return {model: snapshot for model, snapshot in found.items() if snapshot is not None}
