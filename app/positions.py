"""Following the tape of one asset: who holds what, learned trade by trade, kept across restarts.

Works in a thread at its own pace; the engine takes the newest reading and never waits for it.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.board import NO_TAPE, atm_iv_30d
from app.hub import FeedStatus, SnapshotHub
from app.positions_store import (
    Followed,
    decode_followed,
    encode_followed,
    load_followed,
    save_followed,
)
from app.settings import Source
from app.store import Store
from dealers.flow import FlowBook
from dealers.hours import HOUR_MS, Hour
from dealers.liquidity import DepthLog
from dealers.posterior import PosteriorState
from dealers.reading import TapeReading, read_tape
from dealers.tape import AggressorSide, Trade
from greeks.conventions import VOL_POINT
from greeks.exposure import ExposureSnapshot

PERIOD_S = 10.0
"""Open interest is polled as often; nothing is learned from a chain without a newer one."""
CHECKPOINT_S = 300.0
WAIT_S = 1.0
WITHOUT_MEMORY = frozenset({Source.DEMO, Source.REPLAY})
"""Sources that begin anew with each start: what was learned from the last one is false."""

_log = structlog.get_logger()


class Tape(Protocol):
    """Where the trades are."""

    recorded: int

    def booked_after(self, recorded: int) -> list[Trade]:
        """Return the trades booked since `recorded` had this value."""

    def newest_first(self) -> Iterator[tuple[Trade, int]]:
        """Yield every trade that is kept, whenever it was booked."""


class TapeFeed(Protocol):
    """What following a tape needs of an asset's feed."""

    asset: str
    tape_since_ms: int | None

    @property
    def tape(self) -> Tape:
        """The trades as they are booked."""

    @property
    def past_hours(self) -> Sequence[Hour]:
        """Hours before the start, as far as the venue tells them."""


class PositionService:
    """Folds one asset's tape and open interest; `reading` is the newest result."""

    def __init__(
        self, feed: TapeFeed, hub: SnapshotHub, store: Store | None, depth: DepthLog | None = None
    ) -> None:
        self.reading: TapeReading = NO_TAPE
        self.depth = depth or DepthLog()  # the engine's: kept and put back here
        self._feed = feed
        self._hub = hub
        self._store = store
        self._followed: Followed | None = None
        self._booked = 0
        self._rng = np.random.default_rng()
        self._kept_at = time.monotonic()

    def newest(self) -> TapeReading:
        """Return the newest reading."""
        return self.reading

    async def run(self) -> None:
        """Follow until cancelled; what was learned is kept every five minutes and at the end."""
        try:
            while True:
                is_done = await self._supervised_step()
                await asyncio.sleep(PERIOD_S if is_done else WAIT_S)
                if time.monotonic() - self._kept_at >= CHECKPOINT_S:
                    await self.keep()
        finally:
            await self.keep()

    async def step(self) -> bool:
        """Take what is new, if the board is live and its tape whole; whether it was."""
        state = self._hub.latest(self._feed.asset)
        since_ms = self._feed.tape_since_ms
        if state is None or state.snapshot is None or since_ms is None:
            return False
        if state.status != FeedStatus.LIVE:
            return False
        if self._followed is None:
            self._followed = await self._resume(since_ms)
            self.depth.restore(self._followed.depth)
            # the fold counts each once: what the checkpoint knows, and what it was cut off from
            trades = self._whole_tape()
        else:
            trades = self._feed.tape.booked_after(self._booked)
        booked = self._feed.tape.recorded
        self._followed, self.reading = await asyncio.to_thread(
            follow, self._followed, trades, state.snapshot, self._rng, self._feed.past_hours
        )
        self._booked = booked
        return True

    async def keep(self) -> None:
        """Write what is known to the database; a database that is away is tried again later."""
        self._kept_at = time.monotonic()
        if self._store is None or self._followed is None:
            return
        as_of_ms = self._followed.state.book.until_ms or 0
        known = replace(self._followed, depth=self.depth.samples)
        packed = await asyncio.to_thread(encode_followed, known)
        try:
            await save_followed(self._store, self._feed.asset, as_of_ms, packed)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("positions.not_kept", asset=self._feed.asset, reason=str(error))

    async def _resume(self, since_ms: int) -> Followed:
        """Go on from the checkpoint, unless it is of another tape."""
        asset = self._feed.asset
        anew = Followed(PosteriorState(FlowBook(since_ms=since_ms)))
        packed = None if self._store is None else await load_followed(self._store, asset)
        if packed is None:
            return anew
        try:
            kept = await asyncio.to_thread(decode_followed, packed)
        except (ValueError, KeyError, TypeError, OSError) as error:
            _log.warning("positions.checkpoint_unreadable", asset=asset, reason=str(error))
            return anew
        book = kept.state.book
        if book.contradicts(self._whole_tape()):
            _log.warning("positions.checkpoint_of_another_tape", asset=asset)
            return anew
        hole_ms = max(0, since_ms - (book.until_ms or since_ms))
        _log.info("positions.resumed", asset=asset, until_ms=book.until_ms, hole_ms=hole_ms)
        return kept

    def _whole_tape(self) -> list[Trade]:
        """Return every trade that the log keeps, oldest first."""
        return [trade for trade, _ in self._feed.tape.newest_first()][::-1]

    async def _supervised_step(self) -> bool:
        try:
            return await self.step()
        except Exception:  # noqa: BLE001 - the models that follow the tape never end the board
            _log.exception("positions.step_failed", asset=self._feed.asset)
            return False


def follow(
    followed: Followed,
    trades: Sequence[Trade],
    snapshot: ExposureSnapshot,
    rng: np.random.Generator,
    past: Sequence[Hour] = (),
) -> tuple[Followed, TapeReading]:
    """Fold new trades and the open interest of a snapshot's chain, and ask the models."""
    chain = snapshot.chain
    state = followed.state.apply(trades).observe(chain, rng)
    hours = followed.hours.observe(
        chain.as_of_ms, chain.index_price, atm_iv_30d(snapshot) or np.nan
    ).add_vega(_taker_vega(trades, snapshot))
    return replace(followed, state=state, hours=hours), read_tape(state, chain, hours, past)


def _taker_vega(trades: Sequence[Trade], snapshot: ExposureSnapshot) -> float:
    """Signed vega that takers bought in the hour of the snapshot, USD per point."""
    hour = snapshot.chain.as_of_ms // HOUR_MS
    row_of = {name: row for row, name in enumerate(snapshot.chain.instrument_name)}
    bought = 0.0
    for trade in trades:
        row = row_of.get(trade.instrument_name)
        if row is None or trade.ts_event // HOUR_MS != hour:
            continue
        sign = 1.0 if trade.side is AggressorSide.BUY else -1.0
        vega = float(snapshot.greeks.vega[row]) * VOL_POINT
        bought += sign * trade.amount_coin * vega if np.isfinite(vega) else 0.0
    return bought
