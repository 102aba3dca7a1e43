"""The market in which an asset's options are hedged: its futures and perpetuals, funding, DVOL."""

import math
from dataclasses import dataclass, replace

from dealers.hours import Hour
from dealers.liquidity import Liquidity
from dealers.perpetual import UNKNOWN_PERPETUAL, Perpetual
from greeks.conventions import Settlement
from ingest.book import OrderBook
from ingest.events import (
    BookUpdate,
    Event,
    FutureTicker,
    Instrument,
    PastPrices,
    PastVolatility,
    VolatilityIndex,
)
from ingest.instruments import InstrumentTable

HALF_PCT, ONE_PCT = 0.005, 0.01


@dataclass(frozen=True, slots=True)
class MarketContext:
    """What the hedging market of one asset shows. NaN is unknown, a time of 0 never.

    Attributes
    ----------
    liquidity : USD resting on the asset's perpetuals within 0.5 % and 1 % of mid, each side, and
        USD traded in the last 24 hours in its perpetuals and dated futures; both books added.
    ts_depth, ts_volume : exchange ms of the oldest book and ticker that they rest on.
    perpetual : funding and open interest; its hours are those that the venue told at the start.
    volatility_index, ts_volatility : DVOL as a fraction, and its exchange ms.
    """

    asset: str
    liquidity: Liquidity
    ts_depth: int
    ts_volume: int
    perpetual: Perpetual
    volatility_index: float
    ts_volatility: int


class MarketState:
    """Newest tickers, books and DVOL of one asset's futures."""

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self._tickers: dict[str, FutureTicker] = {}
        self._books: dict[str, OrderBook] = {}
        self._volatility: VolatilityIndex | None = None
        self._past_prices: PastPrices | None = None
        self._past_volatility: PastVolatility | None = None

    def apply(self, event: Event) -> bool:
        """Write one event; False when a book lost its thread and needs a new image."""
        match event:
            case FutureTicker() if self._is_newer(event):
                self._tickers[event.instrument_name] = event
            case BookUpdate():
                return self._books.setdefault(event.instrument_name, OrderBook()).apply(event)
            case VolatilityIndex() if (
                self._volatility is None or event.ts_event >= self._volatility.ts_event
            ):
                self._volatility = event
            case PastPrices():
                self._past_prices = event
            case PastVolatility():
                self._past_volatility = event
            case _:
                pass
        return True

    def past_hours(self) -> tuple[Hour, ...]:
        """Hours of the last week at whose start the venue knew the perpetual and DVOL."""
        if self._past_prices is None or self._past_volatility is None:
            return ()
        volatility = dict(self._past_volatility.hours)
        prices = self._past_prices.hours
        return tuple(Hour(at, usd, volatility[at]) for at, usd in prices if at in volatility)

    def freeze(self, table: InstrumentTable) -> MarketContext:
        """Hand out what is known of the futures that are listed."""
        tickers = [self._tickers[name] for name in table.futures if name in self._tickers]
        perpetuals = [item for item in table.futures.values() if item.is_perpetual]
        perpetuals.sort(key=lambda item: item.settlement)
        depths, ts_depth = self._depth(perpetuals)
        volatility = self._volatility
        volumes = [t for t in tickers if math.isfinite(t.volume_24h_usd)]
        return MarketContext(
            asset=self.asset,
            liquidity=replace(depths, volume_24h_usd=_sum([t.volume_24h_usd for t in volumes])),
            ts_depth=ts_depth,
            ts_volume=min((t.ts_event for t in volumes), default=0),
            perpetual=self._perpetual(perpetuals),
            volatility_index=volatility.volatility if volatility else math.nan,
            ts_volatility=volatility.ts_event if volatility else 0,
        )

    def _depth(self, perpetuals: list[Instrument]) -> tuple[Liquidity, int]:
        """Return what rests on the books that are known, and the oldest one's time."""
        known = [
            (book, item.settlement == Settlement.INVERSE)
            for item in perpetuals
            if (book := self._books.get(item.instrument_name)) and math.isfinite(book.mid)
        ]
        half, one = (
            [book.depth_usd(within, is_inverse=inverse) for book, inverse in known]
            for within in (HALF_PCT, ONE_PCT)
        )
        depth = Liquidity(
            bid_half_pct_usd=_sum([bid for bid, _ in half]),
            ask_half_pct_usd=_sum([ask for _, ask in half]),
            bid_one_pct_usd=_sum([bid for bid, _ in one]),
            ask_one_pct_usd=_sum([ask for _, ask in one]),
        )
        return depth, min((book.ts_event for book, _ in known), default=0)

    def _perpetual(self, perpetuals: list[Instrument]) -> Perpetual:
        if not perpetuals:
            return UNKNOWN_PERPETUAL
        main = perpetuals[0]
        told = self._past_prices.hours if self._past_prices else ()
        known = Perpetual(
            instrument_name=main.instrument_name,
            settlement=main.settlement,
            open_interest_usd=_sum([self._interest_usd(item) for item in perpetuals]),
            hours=told,
        )
        ticker = self._tickers.get(main.instrument_name)
        if ticker is None:
            return known
        return replace(
            known,
            rate_8h=ticker.current_funding,
            realised_8h=ticker.funding_8h,
            mark_usd=ticker.mark_price,
            ts_event=ticker.ts_event,
        )

    def _interest_usd(self, item: Instrument) -> float:
        ticker = self._tickers.get(item.instrument_name)
        if ticker is None:
            return math.nan
        is_inverse = item.settlement == Settlement.INVERSE
        return ticker.open_interest * (1.0 if is_inverse else ticker.mark_price)

    def _is_newer(self, ticker: FutureTicker) -> bool:
        known = self._tickers.get(ticker.instrument_name)
        return known is None or ticker.ts_event >= known.ts_event


def _sum(values: list[float]) -> float:
    """Add what is known; NaN when nothing is."""
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) if known else math.nan
