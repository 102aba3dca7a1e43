"""Inventory with uncertainty, as a fold: E1 for every option, E2 where the gamma is.

Trades and chains in, a new state out; the random source is passed in. What the numbers rest on,
the odds of attribution and the factors that widen the intervals, comes from our own synthetic
agent market: no venue publishes who held what.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypedDict

import numpy as np

from dealers.attribution import classify
from dealers.estimate import PositionEstimate, summarise_gex
from dealers.flow import FlowBook, FlowState
from dealers.ladder import GexLadder
from dealers.marginals import Marginals, merge
from dealers.particles import PARTICLES, Block, Cloud, advance, drift, seed_cloud, summarise
from dealers.tape import AggressorSide, Trade
from dealers.three_term import estimate_three_term
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_DAY, FloatArray, IntArray

MODEL = "posterior"
DRAWS = 256
WARM_UP_MS = MS_PER_DAY
_CLOUDS = 300  # options followed by particles: those with most OI x gamma
_KEPT_CLOUDS = 450  # an option near the border keeps its cloud
_BLOCK_TRADES = 10  # trades weighed together: OI steps one by one make clouds too sure
_BLOCK_MS = 3_600_000  # or as many as an hour brought
_SETTLE_MS = 10_000  # open interest lags the tape; a block is weighed once it has been quiet
_MAX_WIDTH_OF_GROSS = 1.0


@dataclass(frozen=True, slots=True)
class Pending:
    """Trades of one option that its cloud has not been weighed with, oldest first."""

    signed_coin: tuple[float, ...] = ()
    kinds: tuple[int, ...] = ()
    oldest_ms: int = 0
    newest_ms: int = 0

    def add(self, trade: Trade) -> "Pending":
        """Return the block with one more trade."""
        buys = trade.side is AggressorSide.BUY
        ts = trade.ts_event
        return Pending(
            (*self.signed_coin, trade.amount_coin if buys else -trade.amount_coin),
            (*self.kinds, int(classify(trade))),
            min(self.oldest_ms, ts) if self.kinds else ts,
            max(self.newest_ms, ts),
        )

    def is_ready(self, now_ms: int) -> bool:
        """Whether the block is long or old enough, and its open interest has settled."""
        long_enough = len(self.kinds) >= _BLOCK_TRADES or now_ms - self.oldest_ms >= _BLOCK_MS
        return long_enough and now_ms - self.newest_ms >= _SETTLE_MS

    @property
    def block(self) -> Block:
        """The trades as particles read them."""
        return Block(np.array(self.signed_coin), np.array(self.kinds, np.int64))


class PosteriorCheckpoint(TypedDict):
    """A posterior state as plain lists and arrays; clouds are parallel, P particles each."""

    flow: FlowState
    instrument_name: list[str]
    position_coin: FloatArray  # (I, P)
    log_weight: FloatArray  # (I, P)
    odds: FloatArray  # (I, P, 3)
    lean: FloatArray  # (I, P)
    open_interest_coin: FloatArray  # (I,)
    prints: IntArray  # (I, 2): buys, sells
    pending: dict[str, tuple[list[float], list[int], int, int]]


@dataclass(frozen=True, slots=True)
class PosteriorState:
    """Everything the posterior knows of one asset. A value: folding returns a new state.

    Attributes
    ----------
    book : the signed tape; the inventory of options without a cloud follows from it (E1).
    clouds : particles by instrument name (E2).
    pending : trades that wait to be weighed, by instrument name.
    particles : P of each cloud.
    """

    book: FlowBook = field(default_factory=FlowBook)
    clouds: Mapping[str, Cloud] = field(default_factory=dict)
    pending: Mapping[str, Pending] = field(default_factory=dict)
    particles: int = PARTICLES

    def apply(self, trades: Iterable[Trade]) -> "PosteriorState":
        """Count trades, each once, whatever their order and repetition."""
        fresh = self.book.unseen(trades)
        pending = dict(self.pending)
        for trade in fresh:
            name = trade.instrument_name
            if name in self.clouds:
                pending[name] = pending.get(name, Pending()).add(trade)
        return replace(self, book=self.book.apply(fresh), pending=pending)

    def observe(self, chain: OptionChain, rng: np.random.Generator) -> "PosteriorState":
        """Weigh what the open interest of a chain says, and follow the options that matter."""
        book = self.book.observe(chain)
        rows = {name: row for row, name in enumerate(chain.instrument_name)}
        known = np.isfinite(chain.open_interest_coin)
        clouds = {name: cloud for name, cloud in self.clouds.items() if name in rows}
        pending = {name: block for name, block in self.pending.items() if name in rows}
        ready = [
            name
            for name, block in pending.items()
            if block.is_ready(chain.as_of_ms) and known[rows[name]]
        ]
        weighed = advance(
            [clouds[name] for name in ready],
            [pending.pop(name).block for name in ready],
            chain.open_interest_coin[[rows[name] for name in ready]],
            rng,
        )
        clouds.update(zip(ready, weighed, strict=True))
        state = replace(self, book=book, clouds=clouds, pending=pending)
        return state._follow(chain, rows, rng)

    def estimate(
        self,
        chain: OptionChain,
        ladder: GexLadder,
        rng: np.random.Generator,
        draws: int = DRAWS,
    ) -> PositionEstimate:
        """Inventory of every option with its interval, joint draws, and net GEX.

        Not enough data: less than 24 h of tape, or an interval of net GEX wider than gross.
        """
        marginals = self._marginals(chain, rng)
        drawn = marginals.draw(draws, rng)
        gex = summarise_gex(marginals.mean, drawn, chain.open_interest_coin, ladder)
        reason = None
        if self.book.history_ms < WARM_UP_MS:
            hours = self.book.history_ms / 3_600_000
            reason = f"expected 24 h of trades, was {hours:.1f} h"
        elif not gex.width_of_gross <= _MAX_WIDTH_OF_GROSS:
            reason = f"expected an interval within gross GEX, was {gex.width_of_gross:.2f} of it"
        return PositionEstimate(
            model=MODEL,
            mean_coin=marginals.mean,
            lo_coin=marginals.lo,
            hi_coin=marginals.hi,
            draws_coin=drawn,
            gex=gex,
            enough_data=reason is None,
            reason=reason,
        )

    def to_state(self) -> PosteriorCheckpoint:
        """Return the state as plain lists and arrays, for a checkpoint."""
        clouds, count = list(self.clouds.values()), self.particles

        def stack(name: str, *shape: int) -> FloatArray:
            return np.array([getattr(cloud, name) for cloud in clouds]).reshape(-1, *shape)

        return PosteriorCheckpoint(
            flow=self.book.to_state(),
            instrument_name=list(self.clouds),
            position_coin=stack("position_coin", count),
            log_weight=stack("log_weight", count),
            odds=stack("odds", count, 3),
            lean=stack("lean", count),
            open_interest_coin=np.array([cloud.open_interest_coin for cloud in clouds]),
            prints=np.array([(cloud.buys, cloud.sells) for cloud in clouds], np.int64),
            pending={
                name: (list(block.signed_coin), list(block.kinds), block.oldest_ms, block.newest_ms)
                for name, block in self.pending.items()
            },
        )

    @classmethod
    def from_state(
        cls, state: PosteriorCheckpoint, particles: int = PARTICLES
    ) -> "PosteriorState":
        """Return the state of a checkpoint."""
        clouds = {
            name: Cloud(
                state["position_coin"][i],
                state["log_weight"][i],
                state["odds"][i],
                state["lean"][i],
                float(state["open_interest_coin"][i]),
                int(state["prints"][i][0]),
                int(state["prints"][i][1]),
            )
            for i, name in enumerate(state["instrument_name"])
        }
        pending = {
            name: Pending(tuple(signed), tuple(kinds), oldest_ms, newest_ms)
            for name, (signed, kinds, oldest_ms, newest_ms) in state["pending"].items()
        }
        return cls(FlowBook.from_state(state["flow"]), clouds, pending, particles)

    def _follow(
        self, chain: OptionChain, rows: Mapping[str, int], rng: np.random.Generator
    ) -> "PosteriorState":
        """Seed clouds from E1 for the options with most gamma; drop those far below."""
        gamma = GexLadder.of(chain, count=1).at_spot
        weight = np.nan_to_num(chain.open_interest_coin * gamma)
        order = np.argsort(-weight, kind="stable")
        names = chain.instrument_name
        kept = {names[row] for row in order[:_KEPT_CLOUDS]}
        clouds = {name: cloud for name, cloud in self.clouds.items() if name in kept}
        wanted = [row for row in order[:_CLOUDS] if weight[row] > 0 and names[row] not in clouds]
        if wanted:
            interest = chain.open_interest_coin[wanted]
            flow = self.book.columns(chain)
            start = estimate_three_term(flow.rows(wanted), interest).inflated(1 / INFLATION, interest)
            ...
        return self

    def _marginals(self, chain: OptionChain, rng: np.random.Generator) -> Marginals:
        ...
