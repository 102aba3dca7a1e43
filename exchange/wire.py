"""Objects as the wire carries them: instruments, tickers, summaries, books. No transport.

Rounding happened where values were made; here they only get their names. NaN leaves as null,
except prices of an empty book side: 0.0 in tickers, null in summaries.
"""

import math

from exchange.depth import Side, best, levels
from exchange.instruments import Instrument, Wire
from exchange.state import Future, Index, MarketState, Notice, OptionTable
from exchange.wire_combos import encode_combo_ticker, quote_combo
from greeks.conventions import Settlement


def encode_instrument(instrument: Instrument, state: str) -> Wire:
    """Write one row of get_instruments."""
    wire: Wire = {
        "instrument_name": instrument.name,
        "kind": instrument.kind.value,
        "state": state,
        "is_active": state not in {"delivered", "archivized"},
        "instrument_id": instrument.instrument_id,
        "instrument_type": "reversed" if instrument.settlement is Settlement.INVERSE else "linear",
        "settlement_currency": instrument.currency,
        "price_index": instrument.price_index,
        "contract_size": instrument.contract_size,
        "min_trade_amount": instrument.min_amount,
        "tick_size": instrument.tick_size,
        "tick_size_steps": [
            {"above_price": above, "tick_size": tick} for above, tick in instrument.tick_steps
        ],
        "expiration_timestamp": instrument.expiry_ms,
        "creation_timestamp": instrument.created_ms,
    }
    return wire | instrument.terms


def encode_option_ticker(state: MarketState, table: OptionTable, row: int) -> Wire:
    """Write the ticker of an option."""
    c, index = table.columns, state.indices[table.price_index]
    expired = c.expiry_ms[row] <= state.now_ms
    volume = c.volume.item(row)
    wire: Wire = {
        "timestamp": c.timestamp.item(row),
        "state": table.state[row],
        "stats": {
            "high": c.high.item(row),
            "low": c.low.item(row),
            "price_change": c.price_change.item(row),
            "volume": volume,
            "volume_usd": c.volume_usd.item(row),
        },
        "greeks": {
            "delta": c.delta.item(row),
            "gamma": c.gamma.item(row),
            "vega": c.vega.item(row),
            "theta": c.theta.item(row),
            "rho": c.rho.item(row),
        },
        "index_price": index.price,
        "instrument_name": table.instruments[row].name,
        "last_price": c.last.item(row),
        "min_price": c.min_price.item(row),
        "max_price": c.max_price.item(row),
        "open_interest": c.open_interest.item(row),
        "mark_price": table.ticker_mark(row),
        "interest_rate": 0.0,
        "estimated_delivery_price": "expired" if expired else index.delivery_estimate,
        "best_ask_price": c.ask.item(row),
        "best_bid_price": c.bid.item(row),
        "best_ask_amount": c.ask_amount.item(row),
        "best_bid_amount": c.bid_amount.item(row),
        "mark_iv": c.mark_iv.item(row),
        "bid_iv": c.bid_iv.item(row),
        "ask_iv": c.ask_iv.item(row),
        "underlying_price": state.said_forward(table, row),
        "underlying_index": table.underlying_index[row],
    }
    if not math.isnan(settled := c.settlement_price.item(row)):
        wire["settlement_price"] = settled
    return wire


def encode_future_ticker(state: MarketState, future: Future) -> Wire:
    """Write the ticker of a future or perpetual."""
    index = state.indices[future.instrument.price_index]
    bid, bid_amount = best(future.bids)
    ask, ask_amount = best(future.asks)
    expired = future.instrument.expiry_ms <= state.now_ms
    wire: Wire = {
        "timestamp": future.timestamp,
        "state": future.state,
        "stats": {
            "high": future.high,
            "low": future.low,
            "price_change": future.price_change,
            "volume": future.volume,
            "volume_usd": future.volume_usd,
            "volume_notional": future.volume_usd,
        },
        "index_price": index.price,
        "instrument_name": future.instrument.name,
        "last_price": future.last,
        "settlement_price": future.settlement_price,
        "min_price": future.min_price,
        "max_price": future.max_price,
        "open_interest": future.open_interest,
        "mark_price": future.mark_price,
        "estimated_delivery_price": "expired" if expired else index.delivery_estimate,
        "best_ask_price": ask,
        "best_bid_price": bid,
        "best_ask_amount": ask_amount,
        "best_bid_amount": bid_amount,
    }
    if future.instrument.is_perpetual:
        wire["interest_value"] = future.interest_value
        wire["current_funding"] = future.current_funding
        wire["funding_8h"] = round(future.funding_8h, 8)
    return wire


def encode_option_summary(state: MarketState, table: OptionTable, row: int) -> Wire:
    """Write a book summary row of an option; empty sides are null here."""
    c, instrument = table.columns, table.instruments[row]
    bid, ask = c.bid.item(row) or None, c.ask.item(row) or None
    volume = c.volume.item(row)
    return {
        "instrument_name": instrument.name,
        "base_currency": instrument.asset,
        "quote_currency": instrument.terms["quote_currency"],
        "open_interest": c.open_interest.item(row),
        "mark_price": c.mark_price.item(row),
        "mark_iv": c.mark_iv.item(row),
        "bid_price": bid,
        "ask_price": ask,
        "mid_price": round((bid + ask) / 2, 8) if bid and ask else None,
        "last": c.last.item(row),
        "high": c.high.item(row),
        "low": c.low.item(row),
        "price_change": c.price_change.item(row),
        "volume": volume,
        "volume_usd": c.volume_usd.item(row),
        "underlying_price": state.said_forward(table, row),
        "underlying_index": table.underlying_index[row],
        "interest_rate": 0.0,
        "estimated_delivery_price": state.indices[table.price_index].delivery_estimate,
        "creation_timestamp": state.now_ms,
    }


def encode_future_summary(state: MarketState, future: Future) -> Wire:
    """Write a book summary row of a future or perpetual."""
    bid, ask = best(future.bids)[0] or None, best(future.asks)[0] or None
    wire: Wire = {
        "instrument_name": future.instrument.name,
        "base_currency": future.instrument.asset,
        "quote_currency": future.instrument.terms["quote_currency"],
        "open_interest": future.open_interest,
        "mark_price": future.mark_price,
        "bid_price": bid,
        "ask_price": ask,
        "mid_price": round((bid + ask) / 2, 8) if bid and ask else None,
        "last": future.last,
        "high": future.high,
        "low": future.low,
        "price_change": future.price_change,
        "volume": future.volume,
        "volume_usd": future.volume_usd,
        "volume_notional": future.volume_usd,
        "estimated_delivery_price": state.indices[future.instrument.price_index].delivery_estimate,
        "creation_timestamp": state.now_ms,
    }
    if future.instrument.is_perpetual:
        wire["current_funding"] = future.current_funding
        wire["funding_8h"] = round(future.funding_8h, 8)
    return wire


def encode_ticker(state: MarketState, name: str) -> Wire | None:
    """Write the ticker of a listed instrument."""
    if future := state.futures.get(name):
        return encode_future_ticker(state, future)
    if combo := state.combos.get(name):
        return encode_combo_ticker(state, combo)
    row = state.find_option(name)
    return None if row is None else encode_option_ticker(state, *row)


def encode_order_book(state: MarketState, name: str, depth: int) -> Wire | None:
    """Write get_order_book: the ticker with levels on both sides."""
    ticker, image = encode_ticker(state, name), read_book(state, name)
    if ticker is None or image is None:
        return None
    bids, asks, change_id = image
    return ticker | {
        "change_id": change_id,
        "bids": levels(bids, depth),
        "asks": levels(asks, depth),
    }


def read_book(state: MarketState, name: str) -> tuple[Side, Side, int] | None:
    """Return both sides of a book and its change id; an option shows up to three levels."""
    if future := state.futures.get(name):
        return future.bids, future.asks, future.change_id
    if combo := state.combos.get(name):
        quote = quote_combo(state, combo)
        return quote.bids, quote.asks, 20_000_000_000 + state.now_ms % 10**9
    row = state.find_option(name)
    if row is None:
        return None
    table, i = row
    c, instrument = table.columns, table.instruments[i]
    bids = _option_side(instrument, c.bid.item(i), c.bid_amount.item(i), -1)
    asks = _option_side(instrument, c.ask.item(i), c.ask_amount.item(i), 1)
    return bids, asks, table.first_change_id + i


def encode_quote(state: MarketState, name: str) -> Wire | None:
    """Write the best prices alone."""
    ticker = encode_ticker(state, name)
    if ticker is None:
        return None
    names = ("best_ask_price", "best_bid_price", "best_ask_amount", "best_bid_amount")
    head = {"timestamp": ticker["timestamp"], "instrument_name": name}
    return head | {field: ticker[field] for field in names}


def encode_listing(notice: Notice) -> Wire:
    """Write a listing: the whole instrument."""
    wire = encode_instrument(notice.instrument, notice.state)
    return wire | {"timestamp": notice.timestamp}


def encode_state(notice: Notice) -> Wire:
    """Write a new state of an instrument."""
    return {
        "timestamp": notice.timestamp,
        "state": notice.state,
        "instrument_name": notice.instrument.name,
    }


def encode_index(index: Index, now_ms: int) -> Wire:
    """Write the price index channel's object."""
    return {"timestamp": now_ms, "price": index.price, "index_name": index.name}


def _option_side(instrument: Instrument, price: float, amount: float, away: int) -> Side:
    side: Side = {}
    for k in range(3):
        tick = instrument.tick_at(price)
        level = round(price + away * k * 2 * tick, 6)
        if price <= 0 or level < instrument.tick_size:
            break
        side[level] = round(amount * (1 + 2 * k), 6)
    return side
