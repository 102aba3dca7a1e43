"""Trades of one future against another: combos of kind future_combo with a print a leg."""

import numpy as np

from exchange.calendar import Expiry, expiry_code
from exchange.future_market import FutureMarket
from exchange.instruments import PERPETUAL_EXPIRY_MS, ComboLeg, Instrument, Wire, build_combo
from exchange.specs import Kind
from exchange.state import Future, Index, MarketState
from exchange.tape import Deal

SHARE = 0.02
"""How often spreads trade, against single futures."""
AGAINST_PERPETUAL = 0.6
TYPICAL_USD = 10_000.0


class FutureSpreadMarket:
    """Trades spreads of one book's futures; buying one buys the far leg and sells the near."""

    def __init__(
        self, state: MarketState, futures: FutureMarket, rng: np.random.Generator, activity: float
    ) -> None:
        self.book = futures.book
        self._state = state
        self._futures = futures
        self._rng = rng
        self._rate = futures.book.future_trades_per_s * SHARE * activity

    def due(self, start_ms: int, end_ms: int) -> list[int]:
        """Draw the times at which spreads trade between two instants."""
        count = int(self._rng.poisson(self._rate * (end_ms - start_ms) / 1000.0))
        return self._rng.integers(start_ms + 1, end_ms + 1, count).tolist() if count else []

    def trade_at(self, timestamp: int, index: Index) -> None:
        """Trade one spread."""
        legs = self._draw_legs()
        if legs is None or index.locked:
            return
        far, near = legs
        combo = self._listed(far, near, timestamp)
        sign = 1 if self._rng.random() < 0.5 else -1
        amount = self._draw_amount(far)
        near_price = _on_tick(near.mark_price, near.instrument.tick_size)
        spread = _on_tick(far.mark_price - near_price, combo.tick_size)
        parts: list[Wire] = []  # filled below: a combo's number comes before those of its legs
        deal = Deal(
            timestamp=timestamp,
            direction="buy" if sign > 0 else "sell",
            amount=amount,
            price=spread,
            mark_price=round(far.mark_price - near.mark_price, 4),
            index_price=index.price,
            extras={"legs": parts},
        )
        printed = self._state.tape.record(combo, deal)
        tags: Wire = {"combo_id": combo.name, "combo_trade_id": printed.wire["trade_id"]}
        far_price = round(near_price + spread, 6)
        for future, side, price in ((near, -sign, near_price), (far, sign, far_price)):
            part = self._futures.print_trade(future, side, amount, price, timestamp, index, tags)
            parts.append(part.wire)

    def _draw_legs(self) -> tuple[Future, Future] | None:
        """Draw a far future, and the perpetual or a nearer one against it."""
        futures = [f for f in self._futures.futures() if f.state == "open" and f.bids]
        dated = sorted(
            (f for f in futures if not f.instrument.is_perpetual),
            key=lambda f: f.instrument.expiry_ms,
        )
        perpetual = next((f for f in futures if f.instrument.is_perpetual), None)
        if perpetual is None or len(dated) < 2:
            return None
        k = int(self._rng.integers(1, len(dated)))
        if self._rng.random() < AGAINST_PERPETUAL:
            return dated[k], perpetual
        return dated[k], dated[int(self._rng.integers(k))]

    def _draw_amount(self, far: Future) -> float:
        lot = self.book.future_contract
        unit = 1.0 if self.book.is_inverse else far.mark_price
        lots = round(TYPICAL_USD / unit / lot * float(self._rng.lognormal(0.0, 1.0)))
        return round(max(lots, 1) * lot, 6)

    def _listed(self, far: Future, near: Future, timestamp: int) -> Instrument:
        """Return the spread's instrument, listing it first if need be."""
        name = f"{self.book.prefix}-FS-{_code(far)}_{_code(near)}"
        if known := self._state.combos.get(name):
            return known
        legs = (ComboLeg(1, far.instrument.name), ComboLeg(-1, near.instrument.name))
        soonest = min(far.instrument.expiry_ms, near.instrument.expiry_ms)
        period = str((far if near.instrument.is_perpetual else near).instrument.terms[PERIOD])
        combo = build_combo(
            self.book, name, Kind.FUTURE_COMBO, legs, Expiry(soonest, period), timestamp,
            self._state.take_instrument_id(),
        )  # fmt: skip
        self._state.list_combo(combo, timestamp)
        return combo


PERIOD = "settlement_period"


def _code(future: Future) -> str:
    ms = future.instrument.expiry_ms
    return "PERP" if ms == PERPETUAL_EXPIRY_MS else expiry_code(ms)


def _on_tick(price: float, tick: float) -> float:
    return round(round(price / tick) * tick, 6)
