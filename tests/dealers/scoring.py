"""Estimates of inventory scored against the truth of the agent market."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Protocol

import numpy as np

from dealers.flow import FlowColumns, InstrumentFlow
from dealers.marginals import Marginals, merge
from dealers.particles import Block, Cloud, advance, seed_cloud, summarise
from dealers.three_term import estimate_three_term
from greeks.conventions import FloatArray

BLOCK = 10
GROUP = 40
DRAWS = 400


@dataclass(frozen=True, slots=True)
class Score:
    """How good one estimator was; everything in units of open interest or as a share.

    `coverage` and `group_coverage` are how often the 5-95 % interval held the truth, of one
    option and of the sum over 40; `group_z` is the deviation of the sums' standardised errors.
    """

    rmse: float
    sign_right: float
    coverage: float = np.nan
    width: float = np.nan
    group_coverage: float = np.nan
    group_z: float = np.nan


class Market(Protocol):
    """Options that trade, with the truth behind them; `AgentMarket` says what each means."""

    size: int

    @property
    def position_coin(self) -> FloatArray: ...

    @property
    def open_interest_coin(self) -> FloatArray: ...

    def run(self, steps: int) -> FloatArray: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """A market seen from outside: what was printed, and the clouds that followed it."""

    market: Market
    signed: FloatArray  # (trades, instruments)
    start_open_interest: FloatArray
    clouds: list[Cloud]
    knows_start: bool
    rng: np.random.Generator

    def columns(self) -> FlowColumns:
        size = self.market.size
        other_classes = np.zeros((size, 5))
        return FlowColumns(
            signed_coin=np.column_stack([self.signed.sum(axis=0), other_classes]),
            squared_coin2=np.column_stack([(self.signed**2).sum(axis=0), other_classes]),
            buys=(self.signed > 0).sum(axis=0),
            sells=(self.signed < 0).sum(axis=0),
            missing=np.zeros(size, np.int64),
            reaches_listing=np.full(size, self.knows_start),
            start_open_interest_coin=self.start_open_interest,
            is_call=np.arange(size) % 2 == 0,
        )

    def scores(self) -> dict[str, Score]:
        interest = self.market.open_interest_coin
        mirrored = np.clip(-self.signed.sum(axis=0), -interest, interest)
        first = estimate_three_term(self.columns(), interest)
        second = merge(first, summarise(self.clouds, interest), np.ones(self.market.size, bool))
        return {
            "E0 flow": self._point(mirrored),
            "E1 three-term": self._score(first.widened(interest)),
            "E2 particles": self._score(second.widened(interest)),
        }

    def _point(self, position: FloatArray) -> Score:
        truth, interest = self.market.position_coin, self.market.open_interest_coin
        error = (position - truth) / interest
        right = np.sign(position) == np.sign(truth)
        return Score(float(np.sqrt(np.mean(error**2))), float(np.mean(right)))

    def _score(self, found: Marginals) -> Score:
        truth, interest = self.market.position_coin, self.market.open_interest_coin
        point = self._point(found.mean)
        inside = (found.lo <= truth) & (truth <= found.hi)
        groups = found.draw(DRAWS, self.rng).reshape(DRAWS, -1, GROUP).sum(axis=2)
        of_group = truth.reshape(-1, GROUP).sum(axis=1)
        lo, hi = np.quantile(groups, (0.05, 0.95), axis=0)
        z = (of_group - groups.mean(axis=0)) / groups.std(axis=0)
        return Score(
            rmse=point.rmse,
            sign_right=point.sign_right,
            coverage=float(inside.mean()),
            width=float(np.mean((found.hi - found.lo) / (2 * interest))),
            group_coverage=float(np.mean((lo <= of_group) & (of_group <= hi))),
            group_z=float(np.sqrt(np.mean(z**2))),
        )


def watch(
    market: Market, seed: int, *, unseen: int = 600, trades: int = 600, count: int = 400
) -> Watched:
    """Follow a market for `trades` prints an option, after `unseen` others; 0 knows the start."""
    if unseen:
        market.run(unseen)
    start, rng = market.open_interest_coin, np.random.default_rng([seed, 1])
    watched = Watched(market, np.empty((0, market.size)), start, [], unseen == 0, rng)
    drawn = estimate_three_term(watched.columns(), start).draw(count, rng)
    nothing = InstrumentFlow()
    clouds = [
        seed_cloud(drawn[:, i] if unseen else np.zeros(count), float(start[i]), nothing, rng)
        for i in range(market.size)
    ]
    signed = []
    for block in _blocks(market, trades):
        signed.append(block)
        blocks = [Block(column, np.zeros(len(column), np.int64)) for column in block.T]
        clouds = advance(clouds, blocks, market.open_interest_coin, rng)
    return Watched(market, np.concatenate(signed), start, clouds, unseen == 0, rng)


def mean_scores(scores: Iterable[Mapping[str, Score]]) -> dict[str, Score]:
    """Each estimator's scores averaged over seeds."""
    by_name: dict[str, list[tuple[float, ...]]] = {}
    for of_seed in scores:
        for name, score in of_seed.items():
            by_name.setdefault(name, []).append(astuple(score))
    return {name: Score(*np.mean(rows, axis=0)) for name, rows in by_name.items()}


def _blocks(market: Market, trades: int) -> Iterator[FloatArray]:
    for start in range(0, trades, BLOCK):
        yield market.run(min(BLOCK, trades - start))
