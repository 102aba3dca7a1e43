"""What combos say of their market: everything follows from the legs. No transport.

A combo's bid is what selling it leg by leg would bring, its ask what buying it would cost; a leg
without the quote that is needed leaves the side empty. Prices may be negative.
"""

from dataclasses import dataclass

from exchange.depth import Side, best
from exchange.instruments import Instrument, Wire
from exchange.specs import Kind
from exchange.state import MarketState


@dataclass(frozen=True, slots=True)
class ComboQuote:
    """A combo's market. An empty side has price and amount 0.0."""

    bid: float
    bid_amount: float
    ask: float
    ask_amount: float
    mark: float

    @property
    def bids(self) -> Side:
        """The one level a combo shows."""
        return {self.bid: self.bid_amount} if self.bid_amount else {}

    @property
    def asks(self) -> Side:
        """The one level a combo shows."""
        return {self.ask: self.ask_amount} if self.ask_amount else {}


def quote_combo(state: MarketState, combo: Instrument) -> ComboQuote:
    """Add up the legs' quotes."""
    bid = ask = mark = 0.0
    bid_amount = ask_amount = float("inf")
    for leg in combo.legs:
        (low, low_amount), (high, high_amount), leg_mark = _leg_quote(state, leg.instrument_name)
        if leg.ratio < 0:
            low, low_amount, high, high_amount = high, high_amount, low, low_amount
        bid, ask = bid + leg.ratio * low, ask + leg.ratio * high
        mark += leg.ratio * leg_mark
        bid_amount = min(bid_amount, low_amount / abs(leg.ratio))
        ask_amount = min(ask_amount, high_amount / abs(leg.ratio))
    return ComboQuote(
        round(bid, 6) if bid_amount else 0.0, bid_amount, round(ask, 6) if ask_amount else 0.0,
        ask_amount, round(mark, 4),
    )  # fmt: skip


def encode_combo_ticker(state: MarketState, combo: Instrument) -> Wire:
    """Write the ticker of a combo."""
    quote, index = quote_combo(state, combo), state.indices[combo.price_index]
    day = state.tape.days.get(combo.name)
    band = abs(quote.mark) * 0.1 + 100 * combo.tick_size
    return {
        "timestamp": state.now_ms,
        "state": state.state_of(combo.name),
        "stats": {
            "high": day.high if day else None,
            "low": day.low if day else None,
            "price_change": day.price_change if day else None,
            "volume": round(day.volume, 6) if day else 0.0,
            "volume_usd": round(day.volume_usd, 2) if day else 0.0,
        },
        "index_price": index.price,
        "instrument_name": combo.name,
        "last_price": day.last if day else None,
        "min_price": round(quote.mark - band, 4),
        "max_price": round(quote.mark + band, 4),
        "open_interest": 0.0,
        "mark_price": quote.mark,
        "estimated_delivery_price": index.delivery_estimate,
        "best_ask_price": quote.ask,
        "best_bid_price": quote.bid,
        "best_ask_amount": quote.ask_amount,
        "best_bid_amount": quote.bid_amount,
    }


def encode_combo_summary(state: MarketState, combo: Instrument) -> Wire:
    """Write a book summary row of a combo."""
    ticker = encode_combo_ticker(state, combo)
    stats = ticker["stats"]
    quote = quote_combo(state, combo)
    bid, ask = (quote.bid if quote.bid_amount else None), (quote.ask if quote.ask_amount else None)
    return {
        "instrument_name": combo.name,
        "base_currency": combo.asset,
        "quote_currency": combo.terms["quote_currency"],
        "open_interest": 0.0,
        "mark_price": quote.mark,
        "bid_price": bid,
        "ask_price": ask,
        "mid_price": None if bid is None or ask is None else round((bid + ask) / 2, 8),
        "last": ticker["last_price"],
        **(stats if isinstance(stats, dict) else {}),
        "estimated_delivery_price": ticker["estimated_delivery_price"],
        "creation_timestamp": state.now_ms,
    }


def encode_combo_summaries(state: MarketState, currency: str, kind: Kind) -> list[Wire]:
    """Write the rows of a currency's combos."""
    return [
        encode_combo_summary(state, combo)
        for combo in state.combos.values()
        if combo.currency == currency and combo.kind is kind
    ]


def _leg_quote(
    state: MarketState, name: str
) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Return bid and ask with their amounts, and the mark."""
    if future := state.futures.get(name):
        return best(future.bids), best(future.asks), future.mark_price
    found = state.find_option(name)
    if found is None:
        return (0.0, 0.0), (0.0, 0.0), 0.0
    c, row = found[0].columns, found[1]
    bid = c.bid.item(row), c.bid_amount.item(row) if c.bid.item(row) else 0.0
    ask = c.ask.item(row), c.ask_amount.item(row) if c.ask.item(row) else 0.0
    return bid, ask, c.mark_price.item(row)
