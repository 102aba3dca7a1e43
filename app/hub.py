"""The latest state of every asset, for every reader: REST, push, page, alerts, history.

One value replaces the last; a slow reader skips and never delays anyone.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.board import NO_TAPE
from app.settings import Source
from dealers.liquidity import Liquidity
from dealers.perpetual import UNKNOWN_PERPETUAL, Perpetual
from dealers.reading import TapeReading
from dealers.rules import PositionModel
from greeks.chain import OptionChain
from greeks.conventions import FloatArray
from greeks.exposure import ExposureSnapshot, compute_exposures

RING = 32
"""How many past states of an asset stay readable by `seq`."""


class FeedStatus(StrEnum):
    """What the feed is doing, as every body states it."""

    STARTING = "starting"
    LIVE = "live"
    STALE = "stale"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class BoardState:
    """One asset as published: the snapshot and how far to trust it.

    `seq` rises by one per asset and publication; `models` holds the last good snapshot under
    each position model, empty until the first; `position` is the model that readers get who
    name none; `received_at` is this machine's monotonic clock when the newest data arrived.
    """

    asset: str
    seq: int
    status: FeedStatus
    source: Source
    position: PositionModel
    models: Mapping[PositionModel, ExposureSnapshot]
    received_at: float
    progress: Mapping[str, bool]  # steps of the bootstrap
    tape: TapeReading = NO_TAPE  # what `models` took from the tape
    liquidity: Liquidity = field(default_factory=Liquidity)  # of the market that takes hedges
    perpetual: Perpetual = UNKNOWN_PERPETUAL
    volatility_index: float = math.nan  # DVOL, a fraction

    @property
    def snapshot(self) -> ExposureSnapshot | None:
        """The last good snapshot under the board's own position model."""
        return self.models.get(self.position)

    @property
    def age_ms(self) -> int | None:
        """Milliseconds since the newest data arrived; None before the first."""
        if self.snapshot is None:
            return None
        return max(0, round((time.monotonic() - self.received_at) * 1000))


@dataclass(frozen=True, slots=True)
class PastState:
    """What a former state was made of; its numbers weigh ten times as much.

    `state` is without `models`; `chain` is None when it had none; `positions_coin` are those of
    each model, in the rows of the chain.
    """

    state: BoardState
    chain: OptionChain | None
    positions_coin: Mapping[PositionModel, FloatArray]

    @classmethod
    def of(cls, state: BoardState) -> "PastState":
        """Keep what the numbers of a state follow from."""
        chain = None if state.snapshot is None else state.snapshot.chain
        positions = {model: each.position_coin for model, each in state.models.items()}
        return cls(replace(state, models={}), chain, positions)

    def compute(self) -> BoardState:
        """Return the state as it was published, its numbers computed anew: the same ones."""
        if self.chain is None:
            return self.state
        found = compute_exposures(
            self.chain, {model.value: coins for model, coins in self.positions_coin.items()}
        )
        models = {PositionModel(name): snapshot for name, snapshot in found.items()}
        return replace(self.state, models=models)


class SnapshotHub:
    """Replaces the latest state of an asset and wakes its readers."""

    def __init__(self) -> None:
        self._latest: dict[str, BoardState] = {}
        self._rings: dict[str, OrderedDict[int, PastState]] = {}
        self._changed = asyncio.Event()
        self._listeners: set[Callable[[str], None]] = set()

    def publish(self, state: BoardState) -> None:
        """Replace the asset's latest state; `state.seq` must be the next one."""
        expected = self.next_seq(state.asset)
        if state.seq != expected:
            raise ValueError(f"seq of {state.asset}: expected {expected}, was {state.seq}")
        self._latest[state.asset] = state
        ring = self._rings.setdefault(state.asset, OrderedDict())
        ring[state.seq] = PastState.of(state)
        if len(ring) > RING:
            ring.popitem(last=False)
        self._changed.set()
        self._changed = asyncio.Event()
        for listener in self._listeners:
            listener(state.asset)

    @contextmanager
    def listening(self, listener: Callable[[str], None]) -> Iterator[None]:
        """Call `listener` with the asset of each publication, until the block is left.

        For the many: to be told costs no task. It must neither wait nor raise.
        """
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    def next_seq(self, asset: str) -> int:
        """Return the sequence number of the asset's next publication, from 1."""
        latest = self._latest.get(asset)
        return 1 if latest is None else latest.seq + 1

    def latest(self, asset: str) -> BoardState | None:
        """Return the asset's newest state, None for an asset that is not on the board."""
        return self._latest.get(asset)

    def at(self, asset: str, seq: int) -> PastState | None:
        """Return a recent state by its sequence number, None when it is gone or never was."""
        return self._rings.get(asset, OrderedDict()).get(seq)

    def assets(self) -> tuple[str, ...]:
        """Return the assets on the board in the order they were first published."""
        return tuple(self._latest)

    def changed(self) -> Awaitable[object]:
        """Return what completes with the next publication after this call, of any asset."""
        return self._changed.wait()
