"""What is said about an index beside its price: its last day, and the venues it is made of."""

from exchange.candles import HOUR_MS
from exchange.instruments import Wire
from exchange.state import Index
from greeks.conventions import MS_PER_DAY

CONSTITUENTS = ("binance", "bitfinex", "bitstamp", "coinbase", "gemini", "kraken", "lmax", "okex")
"""Every one at the index's own price: the synthetic market has no other venues."""


def encode_statistics(index: Index, now_ms: int) -> Wire:
    """Write the data of deribit_price_statistics: range and change of the last 24 hours."""
    history = index.price_history
    bars = [] if history is None else history.read(now_ms - MS_PER_DAY, now_ms, HOUR_MS)
    first = bars[0][1] if bars else index.price
    return {
        "index_name": index.name,
        "low24h": min([index.price, *(bar[3] for bar in bars)]),
        "high24h": max([index.price, *(bar[2] for bar in bars)]),
        "change24h": round(index.price - first, index.decimals),
        "high_volatility": False,
    }


def encode_ranking(index: Index, now_ms: int) -> list[Wire]:
    """Write the data of deribit_price_ranking: one row a constituent."""
    return [
        {
            "identifier": name,
            "enabled": True,
            "weight": 100 / len(CONSTITUENTS),
            "price": index.price,
            "original_price": index.price,
            "timestamp": now_ms,
        }
        for name in CONSTITUENTS
    ]
