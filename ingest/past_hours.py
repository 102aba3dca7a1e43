"""The week before the start, hour by hour: what the venue remembers, asked once a session.

Nothing waits for it. A venue without a volatility index of the asset refuses, and that is all.
"""

from collections.abc import Iterable, Iterator, Mapping

from ingest.events import Instrument, PastPrices, PastVolatility
from ingest.requests import Asked
from ingest.wire import WireBars, WireChart

SPAN_MS = 7 * 24 * 3_600_000
PERCENT = 100.0
Question = tuple[Asked, str, Mapping[str, object]]


def ask_past(asset: str, instruments: Iterable[Instrument], now_ms: int) -> Iterator[Question]:
    """Yield kind, method and parameters of what to ask, once the asset's perpetual is listed."""
    perpetuals = [item for item in instruments if item.asset == asset and item.is_perpetual]
    perpetuals.sort(key=lambda item: item.settlement)
    if not perpetuals:
        return
    span = {"start_timestamp": now_ms - SPAN_MS, "end_timestamp": now_ms}
    name = perpetuals[0].instrument_name
    chart = {"instrument_name": name, **span, "resolution": "60"}
    yield Asked.PAST_PRICES, "public/get_tradingview_chart_data", chart
    index = {"currency": asset, **span, "resolution": "3600"}
    yield Asked.PAST_VOLATILITY, "public/get_volatility_index_data", index


def parse_chart(wire: WireChart) -> PastPrices:
    """Keep what each bar opened at; a bar without a price is left out."""
    return PastPrices(tuple((at, p) for at, p in zip(wire.ticks, wire.open, strict=False) if p > 0))


def parse_bars(wire: WireBars) -> PastVolatility:
    """Keep what each bar opened at, percent to fractions."""
    return PastVolatility(tuple((bar[0], bar[1] / PERCENT) for bar in wire.data if bar[1] > 0))
