"""Inventory from the signed tape: what takers bought and sold, counted once, holes known.

A fold: trades and open interest in, a new value out. Knows no clock; time is the trades'.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypedDict

import numpy as np

from dealers.attribution import TradeClass, classify
from dealers.tape import AggressorSide, Trade
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_DAY, BoolArray, FloatArray, IntArray

Runs = tuple[tuple[int, int], ...]
"""Sequence numbers seen, as closed intervals, rising and apart from each other."""

WARM_UP_MS = MS_PER_DAY
_NOTHING = (0.0,) * len(TradeClass)


@dataclass(frozen=True, slots=True)
class InstrumentFlow:
    """What the tape says of one instrument. Tuples are indexed by `TradeClass`.

    Attributes
    ----------
    seen : sequence numbers of the trades counted; the venue numbers each instrument from 1
        without holes, so they name a trade as surely as its id and tell what is missing.
    signed_coin : sum of +v for a taker's buy, -v for a sale, coins.
    squared_coin2 : sum of v^2, coins squared.
    buys, sells : prints by the taker's side.
    start_open_interest_coin : open interest when it was first seen; None before.
    """

    seen: Runs = ()
    signed_coin: tuple[float, ...] = _NOTHING
    squared_coin2: tuple[float, ...] = _NOTHING
    buys: int = 0
    sells: int = 0
    start_open_interest_coin: float | None = None

    @property
    def trades(self) -> int:
        """Number of trades counted."""
        return self.buys + self.sells

    @property
    def missing(self) -> int:
        """Number of trades known to exist between those counted."""
        return self.seen[-1][1] - self.seen[0][0] + 1 - self.trades if self.seen else 0

    @property
    def mean_square_coin2(self) -> float:
        """Mean of v^2 over the trades counted, coins squared; 0 before the first."""
        return sum(self.squared_coin2) / self.trades if self.trades else 0.0

    @property
    def reaches_listing(self) -> bool:
        """Whether the first trade of all was counted."""
        return bool(self.seen) and self.seen[0][0] == 1

    def add(self, trade: Trade) -> "InstrumentFlow":
        """Count a trade; one that was counted before changes nothing."""
        seen = _insert(self.seen, trade.trade_seq)
        if seen is self.seen:
            return self
        kind, buys = classify(trade), trade.side is AggressorSide.BUY
        signed = trade.amount_coin if buys else -trade.amount_coin
        return replace(
            self,
            seen=seen,
            signed_coin=_add(self.signed_coin, kind, signed),
            squared_coin2=_add(self.squared_coin2, kind, signed * signed),
            buys=self.buys + buys,
            sells=self.sells + (not buys),
        )


class FlowState(TypedDict):
    """A flow book as a checkpoint stores it; lists are parallel, one element an instrument."""

    since_ms: int | None
    until_ms: int | None
    instrument_name: list[str]
    seen: list[list[list[int]]]
    signed_coin: list[list[float]]
    squared_coin2: list[list[float]]
    buys: list[int]
    sells: list[int]
    start_open_interest_coin: list[float | None]


@dataclass(frozen=True, slots=True)
class FlowColumns:
    """The flow book in the rows of a chain; n options, C trade classes.

    `start_open_interest_coin` is today's where none was seen before the trades.
    """

    signed_coin: FloatArray  # (n, C)
    squared_coin2: FloatArray  # (n, C)
    buys: IntArray
    sells: IntArray
    missing: IntArray
    reaches_listing: BoolArray
    start_open_interest_coin: FloatArray
    is_call: BoolArray

    def select(self, rows: IntArray) -> "FlowColumns":
        """Return the columns of the given rows."""
        return FlowColumns(
            self.signed_coin[rows],
            self.squared_coin2[rows],
            self.buys[rows],
            self.sells[rows],
            self.missing[rows],
            self.reaches_listing[rows],
            self.start_open_interest_coin[rows],
            self.is_call[rows],
        )


@dataclass(frozen=True, slots=True)
class FlowBook:
    """The signed tape of one asset, folded. A value: `apply` and `observe` return a new book.

    Attributes
    ----------
    since_ms : exchange time from which on the tape is read, set by whoever reads it or else the
        first trade's; None before anything is known.
    until_ms : exchange time up to which it is read.
    flows : by instrument name.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    flows: Mapping[str, InstrumentFlow] = field(default_factory=dict)

    @property
    def history_ms(self) -> int:
        """Length of the tape that was read."""
        if self.since_ms is None or self.until_ms is None:
            return 0
        return self.until_ms - self.since_ms

    def apply(self, trades: Iterable[Trade]) -> "FlowBook":
        """Count trades, in any order, each once.

        Combos are counted by their legs: a print of the combo itself is no option and is left
        out, else its legs would count twice.
        """
        return self.fold(trades)[0]

    def fold(self, trades: Iterable[Trade]) -> tuple["FlowBook", list[Trade]]:
        """Count trades as `apply` does, and return those that were not counted before."""
        flows, since, until = dict(self.flows), self.since_ms, self.until_ms
        fresh = []
        for trade in trades:
            name = trade.instrument_name
            flow = flows.get(name, InstrumentFlow())
            counted = flow.add(trade) if is_option(name) else flow
            if counted is flow:
                continue
            flows[name] = counted
            fresh.append(trade)
            since = trade.ts_event if since is None else min(since, trade.ts_event)
            until = trade.ts_event if until is None else max(until, trade.ts_event)
        return FlowBook(since, until, flows), fresh

    def contradicts(self, trades: Iterable[Trade]) -> bool:
        """Whether a trade is later than all that was read, and yet was counted: another tape."""
        until_ms = self.until_ms
        return until_ms is not None and any(
            trade.ts_event > until_ms
            and (flow := self.flows.get(trade.instrument_name)) is not None
            and flow.add(trade) is flow
            for trade in trades
        )

    def observe(self, chain: OptionChain) -> "FlowBook":
        """Note each option's first open interest, and forget options that are not listed."""
        flows = {}
        for name, interest in zip(
            chain.instrument_name, chain.open_interest_coin.tolist(), strict=True
        ):
            flow = self.flows.get(name, InstrumentFlow())
            if flow.start_open_interest_coin is None and np.isfinite(interest):
                flow = replace(flow, start_open_interest_coin=interest)
            flows[name] = flow
        now = chain.as_of_ms
        since = now if self.since_ms is None else self.since_ms
        until = now if self.until_ms is None else max(self.until_ms, now)
        return FlowBook(since, until, flows)

    def columns(self, chain: OptionChain) -> FlowColumns:
        """Align the book with the rows of a chain; options that never traded have zeros."""
        rows = [self.flows.get(name, InstrumentFlow()) for name in chain.instrument_name]
        start = np.array([flow.start_open_interest_coin for flow in rows], dtype=np.float64)
        shape = (len(rows), len(TradeClass))
        return FlowColumns(
            signed_coin=np.array([flow.signed_coin for flow in rows]).reshape(shape),
            squared_coin2=np.array([flow.squared_coin2 for flow in rows]).reshape(shape),
            buys=np.array([flow.buys for flow in rows], np.int64),
            sells=np.array([flow.sells for flow in rows], np.int64),
            missing=np.array([flow.missing for flow in rows], np.int64),
            reaches_listing=np.array([flow.reaches_listing for flow in rows], np.bool_),
            start_open_interest_coin=np.where(np.isfinite(start), start, chain.open_interest_coin),
            is_call=chain.is_call,
        )

    def to_state(self) -> FlowState:
        """Return the book as plain numbers, texts and lists, for a checkpoint."""
        flows = self.flows.values()
        return FlowState(
            since_ms=self.since_ms,
            until_ms=self.until_ms,
            instrument_name=list(self.flows),
            seen=[[list(run) for run in flow.seen] for flow in flows],
            signed_coin=[list(flow.signed_coin) for flow in flows],
            squared_coin2=[list(flow.squared_coin2) for flow in flows],
            buys=[flow.buys for flow in flows],
            sells=[flow.sells for flow in flows],
            start_open_interest_coin=[flow.start_open_interest_coin for flow in flows],
        )

    @classmethod
    def from_state(cls, state: FlowState) -> "FlowBook":
        """Return the book of a checkpoint; trades it has counted stay counted."""
        flows = [
            InstrumentFlow(
                tuple((low, high) for low, high in seen), tuple(signed), tuple(squared), *rest
            )
            for seen, signed, squared, *rest in zip(
                state["seen"],
                state["signed_coin"],
                state["squared_coin2"],
                state["buys"],
                state["sells"],
                state["start_open_interest_coin"],
                strict=True,
            )
        ]
        by_name = dict(zip(state["instrument_name"], flows, strict=True))
        return cls(state["since_ms"], state["until_ms"], by_name)


def missing_history(book: FlowBook) -> str | None:
    """Why a tape is too short to tell inventories: less than a day; None when it is not."""
    if book.history_ms >= WARM_UP_MS:
        return None
    tenths = book.history_ms // 360_000  # rounded down: 24.0 h would be enough
    return f"expected 24 h of trades, was {tenths / 10:.1f} h"


def is_option(instrument_name: str) -> bool:
    """Whether a name is an option's own and not a combo's: it ends with its type."""
    return instrument_name.endswith(("-C", "-P"))


def position_from_flow(chain: OptionChain, book: FlowBook) -> FloatArray:
    """E0: q = clip(-sum sign v, -OI, OI), coins, + = dealers long; NaN where OI is unknown.

    Every taker is a customer, every maker a dealer [A], and dealers held nothing when the tape
    began [A]. Nobody can hold more than the open interest.
    """
    taken = book.columns(chain).signed_coin.sum(axis=1)
    bound = chain.open_interest_coin
    return np.asarray(np.clip(-taken, -bound, bound))


def _insert(runs: Runs, seq: int) -> Runs:
    """Return the runs with one more number; the same object when it was there."""
    at = bisect_right(runs, (seq, np.inf))
    before = runs[at - 1] if at else None
    after = runs[at] if at < len(runs) else None
    if before is not None and before[1] >= seq:
        return runs
    low, high, start, end = seq, seq, at, at
    if before is not None and before[1] == seq - 1:
        low, start = before[0], at - 1
    if after is not None and after[0] == seq + 1:
        high, end = after[1], at + 1
    return (*runs[:start], (low, high), *runs[end:])


def _add(values: tuple[float, ...], at: int, amount: float) -> tuple[float, ...]:
    return (*values[:at], values[at] + amount, *values[at + 1 :])
