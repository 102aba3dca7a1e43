"""Trades of several legs: combos with their own instrument, and blocks agreed off the book.

Every leg moves the agents' books like any trade and prints on its own instrument. A combo trade
prints once more, on the combo, with its legs inside. A block may hedge itself with a perpetual,
which counts as a leg but is no option.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from exchange.calendar import Expiry, expiry_code, expiry_period
from exchange.future_market import FutureMarket
from exchange.instruments import ComboLeg, Instrument, Wire, build_combo, format_strike
from exchange.option_market import OptionMarket
from exchange.specs import Kind
from exchange.state import Index, MarketState
from exchange.tape import Deal, Print
from greeks.conventions import BoolArray, FloatArray

COMBO_SHARE, BLOCK_SHARE, LIQUIDATION_SHARE = 0.04, 0.03, 0.01
"""How often such trades come, against single option trades."""
BLOCK_SCALE = 12.0
NEIGHBOURS = 6
RFQ_SHARE, HEDGED_SHARE, TAGGED_SHARE = 0.4, 0.35, 0.5


@dataclass(frozen=True, slots=True)
class Leg:
    """One option of a structure: its row, and its sign and multiple against the structure."""

    row: int
    ratio: int


@dataclass(frozen=True, slots=True)
class Structure:
    """A named shape of option legs."""

    name: str
    legs: tuple[Leg, ...]
    expiry_ms: int


class StructureMarket:
    """Trades combos and blocks in one book."""

    def __init__(
        self, state: MarketState, options: OptionMarket, futures: FutureMarket,
        rng: np.random.Generator, activity: float,
    ) -> None:  # fmt: skip
        self._state = state
        self.book = options.book
        self._options = options
        self._futures = futures
        self._rng = rng
        self._rate = options.book.option_trades_per_s * activity

    def due(self, start_ms: int, end_ms: int) -> list[int]:
        """Draw the times at which something trades between two instants."""
        share = COMBO_SHARE + BLOCK_SHARE + LIQUIDATION_SHARE
        count = int(self._rng.poisson(self._rate * share * (end_ms - start_ms) / 1000.0))
        return self._rng.integers(start_ms + 1, end_ms + 1, count).tolist() if count else []

    def trade_at(self, timestamp: int, index: Index) -> None:
        """Trade one combo, one block or one liquidation."""
        if index.locked or not self._options.is_trading:
            return
        draw = self._rng.random() * (COMBO_SHARE + BLOCK_SHARE + LIQUIDATION_SHARE)
        if draw < LIQUIDATION_SHARE:
            word = str(self._rng.choice(["T", "T", "T", "M", "MT"]))
            self._options.trade_at(timestamp, index, liquidation=word)
            return
        structure = self._draw_structure()
        if structure is None:
            self._options.trade_at(timestamp, index)
        elif draw < LIQUIDATION_SHARE + COMBO_SHARE:
            self._trade_combo(structure, timestamp, index, {}, 1.0)
        else:
            self._trade_block(structure, timestamp, index)

    def _trade_block(self, structure: Structure, timestamp: int, index: Index) -> None:
        hedged = self._rng.random() < HEDGED_SHARE
        extras: Wire = {
            "block_trade_id": f"BLOCK-{self._state.take_block_number()}",
            "block_trade_leg_count": len(structure.legs) + hedged,
        }
        if self._rng.random() < RFQ_SHARE:
            extras["block_rfq_id"] = self._state.take_rfq_number()
        if self._rng.random() < TAGGED_SHARE:
            self._trade_combo(structure, timestamp, index, extras, BLOCK_SCALE)
        else:
            sign, lots = self._draw_side(), self._options.draw_lots(BLOCK_SCALE)
            for leg in structure.legs:
                self._trade_leg(leg, sign, lots, timestamp, index, extras)
        if hedged:
            perpetual = self._state.futures[f"{self.book.prefix}-PERPETUAL"]
            self._futures.trade_one(perpetual, timestamp, index, extras)

    def _trade_combo(
        self, structure: Structure, timestamp: int, index: Index, extras: Wire, scale: float
    ) -> None:
        combo = self._listed(structure, timestamp)
        sign, lots = self._draw_side(), self._options.draw_lots(scale)
        ratios = [leg.ratio for leg in structure.legs]
        marks = [self._options.table.columns.mark_price.item(leg.row) for leg in structure.legs]
        prices = [self._options.mark_on_tick(leg.row) for leg in structure.legs]
        legs: list[Wire] = []  # filled below: a combo's number comes before those of its legs
        deal = Deal(
            timestamp=timestamp,
            direction="buy" if sign > 0 else "sell",
            amount=round(lots * self.book.min_amount, 6),
            price=_weighted(ratios, prices),
            mark_price=_weighted(ratios, marks),
            index_price=index.price,
            extras=extras | {"legs": legs},
        )
        printed = self._state.tape.record(combo, deal)
        tags: Wire = {"combo_id": combo.name, "combo_trade_id": printed.wire["trade_id"]}
        for leg in structure.legs:
            part = self._trade_leg(leg, sign, lots, timestamp, index, extras | tags)
            legs.append(part.wire)

    def _trade_leg(
        self, leg: Leg, sign: int, lots: int, timestamp: int, index: Index, extras: Wire
    ) -> Print:
        fill = self._options.agents.trade(
            leg.row, lots * abs(leg.ratio), sign if leg.ratio > 0 else -sign
        )
        price = self._options.mark_on_tick(leg.row)
        return self._options.print_fill(fill, timestamp, price, index, extras)

    def _listed(self, structure: Structure, timestamp: int) -> Instrument:
        """Return the combo's instrument, listing it first if need be."""
        if known := self._state.combos.get(structure.name):
            return known
        names = [self._options.table.instruments[leg.row].name for leg in structure.legs]
        legs = tuple(
            ComboLeg(leg.ratio, name) for leg, name in zip(structure.legs, names, strict=True)
        )
        expiry = Expiry(structure.expiry_ms, expiry_period(structure.expiry_ms))
        number = self._state.take_instrument_id()
        combo = build_combo(
            self.book, structure.name, Kind.OPTION_COMBO, legs, expiry, timestamp, number
        )
        self._state.list_combo(combo, timestamp)
        return combo

    def _draw_side(self) -> int:
        return 1 if self._rng.random() < 0.5 else -1

    def _draw_structure(self) -> Structure | None:
        """Draw a shape around an option that trades; None when its legs are not listed."""
        build = SHAPES[int(self._rng.integers(len(SHAPES)))]
        return build(self._options, self._options.pick(), self._rng)


Shape = Callable[[OptionMarket, int, np.random.Generator], Structure | None]


def _vertical(market: OptionMarket, row: int, rng: np.random.Generator) -> Structure | None:
    """A call or put spread: a strike against one farther out."""
    c = market.table.columns
    is_call = bool(c.is_call[row])
    same = (c.expiry_ms == c.expiry_ms[row]) & (c.is_call == c.is_call[row])
    beyond = c.strike > c.strike[row] if is_call else c.strike < c.strike[row]
    other = _neighbour(c.strike, same & beyond, row, rng)
    if other is None:
        return None
    return _shape(market, "CS" if is_call else "PS", (Leg(row, 1), Leg(other, -1)))


def _strangle(market: OptionMarket, row: int, rng: np.random.Generator) -> Structure | None:
    """A put below and a call above, or both at one strike."""
    c = market.table.columns
    same = (c.expiry_ms == c.expiry_ms[row]) & (c.is_call != c.is_call[row])
    outside = c.strike <= c.strike[row] if c.is_call[row] else c.strike >= c.strike[row]
    other = _neighbour(c.strike, same & outside, row, rng)
    if other is None:
        return None
    put, call = sorted((row, other), key=lambda r: bool(c.is_call[r]))
    word = "STRD" if c.strike[put] == c.strike[call] else "STRG"
    return _shape(market, word, (Leg(put, 1), Leg(call, 1)))


def _reversal(market: OptionMarket, row: int, rng: np.random.Generator) -> Structure | None:
    """A call against a put: the risk reversal."""
    strangle = _strangle(market, row, rng)
    if strangle is None or "STRD" in strangle.name:
        return None
    put, call = strangle.legs
    return _shape(market, "RR", (Leg(put.row, -1), Leg(call.row, 1)))


SHAPES: tuple[Shape, ...] = (_vertical, _vertical, _strangle, _reversal)


def _shape(market: OptionMarket, word: str, legs: tuple[Leg, ...]) -> Structure:
    c = market.table.columns
    expiry_ms = c.expiry_ms.item(legs[0].row)
    strikes = sorted({c.strike.item(leg.row) for leg in legs})
    listed = "_".join(format_strike(strike) for strike in strikes)
    name = f"{market.book.prefix}-{word}-{expiry_code(expiry_ms)}-{listed}"
    return Structure(name, legs, expiry_ms)


def _neighbour(
    strike: FloatArray, mask: BoolArray, row: int, rng: np.random.Generator
) -> int | None:
    """Draw one of the rows of a mask whose strikes are nearest."""
    rows = np.flatnonzero(mask)
    nearest = rows[np.argsort(np.abs(strike[rows] - strike[row]))[:NEIGHBOURS]]
    return int(rng.choice(nearest)) if len(nearest) else None


def _weighted(ratios: list[int], prices: list[float]) -> float:
    return round(sum(r * p for r, p in zip(ratios, prices, strict=True)), 8)
