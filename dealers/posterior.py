"""Inventory with uncertainty, as a fold: E1 for every option, E2 where the gamma is.

Trades and chains in, a new state out; the random source is passed in. What the numbers rest on,
the odds of attribution and the widening of the intervals, comes from our own synthetic
agent market: no venue publishes who held what.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from dealers.attribution import classify
from dealers.estimate import PositionEstimate, summarise_gex
from dealers.flow import FlowBook, missing_history
from dealers.ladder import GexLadder, gex_per_coin
from dealers.marginals import Marginals, merge
from dealers.particles import (
    PARTICLES,
    Block,
    Cloud,
    advance,
    blur,
    drift,
    seed_cloud,
    summarise,
)
from dealers.rules import PositionModel
from dealers.tape import AggressorSide, Trade
from dealers.three_term import estimate_three_term
from greeks.chain import OptionChain

DRAWS = 256
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
        book, fresh = self.book.fold(trades)
        pending = dict(self.pending)
        for trade in fresh:
            name = trade.instrument_name
            if name in self.clouds:
                pending[name] = pending.get(name, Pending()).add(trade)
        return replace(self, book=book, pending=pending)

    def observe(self, chain: OptionChain, rng: np.random.Generator) -> "PosteriorState":
        """Weigh what the open interest of a chain says, and follow the options that matter."""
        state = replace(self, book=self.book.observe(chain))
        rows = {name: row for row, name in enumerate(chain.instrument_name)}
        known = np.isfinite(chain.open_interest_coin)
        ready = [
            name
            for name, block in self.pending.items()
            if block.is_ready(chain.as_of_ms) and name in rows and known[rows[name]]
        ]
        weighed = advance(
            [blur(self.clouds[name], state.book.flows[name], rng) for name in ready],
            [self.pending[name].block for name in ready],
            chain.open_interest_coin[[rows[name] for name in ready]],
            rng,
        )
        state = replace(
            state,
            clouds={**self.clouds, **dict(zip(ready, weighed, strict=True))},
            pending={name: block for name, block in self.pending.items() if name not in ready},
        )
        return state._follow(chain, rng)

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
        reason = missing_history(self.book)
        if reason is None and not gex.width_of_gross <= _MAX_WIDTH_OF_GROSS:
            reason = f"expected an interval within gross GEX, was {gex.width_of_gross:.2f} of it"
        return PositionEstimate(
            model=PositionModel.POSTERIOR.value,
            mean_coin=marginals.mean,
            lo_coin=marginals.lo,
            hi_coin=marginals.hi,
            draws_coin=drawn,
            gex=gex,
            reason=reason,
        )

    def _follow(self, chain: OptionChain, rng: np.random.Generator) -> "PosteriorState":
        """Seed clouds from E1 for the options with most gamma; drop those far below."""
        names = chain.instrument_name
        weight = np.nan_to_num(chain.open_interest_coin * gex_per_coin(chain))
        order = np.argsort(-weight, kind="stable")
        kept = {names[row] for row in order[:_KEPT_CLOUDS]}
        clouds = {name: cloud for name, cloud in self.clouds.items() if name in kept}
        pending = {name: block for name, block in self.pending.items() if name in kept}
        wanted = [row for row in order[:_CLOUDS] if weight[row] > 0 and names[row] not in clouds]
        if wanted:
            rows = np.array(wanted)
            interest = chain.open_interest_coin[rows]
            start = estimate_three_term(self.book.columns(chain).select(rows), interest)
            drawn = start.draw(self.particles, rng)
            for i, row in enumerate(wanted):
                clouds[names[row]] = seed_cloud(
                    drawn[:, i].copy(), float(interest[i]), self.book.flows[names[row]], rng
                )
        return replace(self, clouds=clouds, pending=pending)

    def _marginals(self, chain: OptionChain, rng: np.random.Generator) -> Marginals:
        """E1 for every row, E2 where there is a cloud, their intervals widened."""
        interest = chain.open_interest_coin
        base = estimate_three_term(self.book.columns(chain), interest).widened(interest)
        followed = np.array([name in self.clouds for name in chain.instrument_name], np.bool_)
        followed &= np.isfinite(interest)
        if not followed.any():
            return base
        names = [chain.instrument_name[row] for row in np.flatnonzero(followed)]
        clouds = [self.clouds[name] for name in names]
        waiting = [i for i, name in enumerate(names) if name in self.pending]
        blocks = [self.pending[names[i]].block for i in waiting]
        for i, cloud in zip(waiting, drift([clouds[i] for i in waiting], blocks, rng), strict=True):
            clouds[i] = cloud
        better = summarise(clouds, interest[followed])
        return merge(base, better.widened(interest[followed]), followed)
