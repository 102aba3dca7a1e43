"""Instruments that a venue lists beside those a board is about: shapes a reader must step over."""

from exchange.instruments import PERPETUAL_CREATED_MS, PERPETUAL_EXPIRY_MS, Wire

_COMMON: Wire = {
    "state": "open", "is_active": True, "instrument_type": "linear", "quote_currency": "USDC",
    "counter_currency": "USDC", "settlement_currency": "USDC", "contract_size": 1,
    "min_trade_amount": 1, "tick_size": 0.01, "tick_size_steps": [], "maker_commission": 0.0,
    "taker_commission": 0.0005, "expiration_timestamp": PERPETUAL_EXPIRY_MS,
    "creation_timestamp": PERPETUAL_CREATED_MS,
}  # fmt: skip
_EQUITY: Wire = {
    "instrument_name": "NVDA_USDC-PERPETUAL", "kind": "future", "instrument_id": 990_001,
    "base_currency": "NVDA", "price_index": "nvda_usdc", "underlying_type": "equity",
    "settlement_period": "perpetual", "future_type": "linear",
}  # fmt: skip
_SPOT: Wire = {
    "instrument_name": "BTC_USDC", "kind": "spot", "instrument_id": 990_002,
    "base_currency": "BTC", "price_index": "btc_usdc", "underlying_type": "crypto",
}  # fmt: skip
_COMMODITY_OPTION: Wire = {
    "instrument_name": "XAU_USDC-25DEC26-4000d5-C", "kind": "option", "instrument_id": 990_003,
    "base_currency": "XAU", "price_index": "xau_usdc", "underlying_type": "commodity",
    "settlement_period": "month", "option_type": "call", "strike": 4000.5,
    "expiration_timestamp": 1_798_185_600_000,
}  # fmt: skip
_LATER_KIND: Wire = {
    "instrument_name": "BTC-BASKET-1", "kind": "a_kind_of_next_year", "instrument_id": 990_004,
    "base_currency": "BTC", "price_index": "basket_1", "settlement_currency": "BTC",
}  # fmt: skip
ROWS: tuple[Wire, ...] = tuple(
    _COMMON | row for row in (_EQUITY, _SPOT, _COMMODITY_OPTION, _LATER_KIND)
)


def strangers(currency: str, kind: str | None) -> list[Wire]:
    """Return the rows that a request matches; a spot pair has no settlement terms."""
    rows = [
        row
        for row in ROWS
        if currency in {"any", row["settlement_currency"]} and kind in {None, row["kind"]}
    ]
    return [
        {k: v for k, v in row.items() if k != "settlement_currency"}
        if row["kind"] == "spot"
        else row
        for row in rows
    ]
