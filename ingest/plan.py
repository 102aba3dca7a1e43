"""Which channels and polls keep one asset's chain fresh at the least cost.

The lean plan: marks and volatilities of every option come from one push channel per index,
open interest from a polled summary, forwards from the dated futures. About ten channels an
asset instead of one per option.
"""

from dataclasses import dataclass

from greeks.conventions import Settlement
from ingest.events import Instrument, Kind

LINEAR_CURRENCY = "USDC"
HEARTBEAT_S = 10
SUMMARY_PERIOD_S = 10.0
LISTING_PERIOD_S = 3600.0
UNKNOWN_REFRESH_S = 5.0
"""How soon the list may be read again when an unknown instrument shows up."""
MUTE_MARKS_S = 10.0
"""Marks silent for this long while the index ticks: the channel is renewed."""


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """What one asset asks of the venue."""

    asset: str

    @property
    def currencies(self) -> tuple[str, ...]:
        """Request currencies that may list options of the asset."""
        return (self.asset, LINEAR_CURRENCY)

    def currency_of(self, settlement: Settlement) -> str:
        """Request currency whose lists and summaries hold the asset's options of a book."""
        return self.asset if settlement == Settlement.INVERSE else LINEAR_CURRENCY

    def lifecycle_channels(self) -> frozenset[str]:
        """Channels that need no instrument: first on the socket, before any snapshot."""
        channels = {"platform_state"}
        for currency in self.currencies:
            channels.add(f"instrument.state.option.{currency}")
            channels.add(f"instrument.creation.option.{currency}")
        return frozenset(channels)

    def market_channels(self, instruments: tuple[Instrument, ...]) -> frozenset[str]:
        """Channels for the books and terms that `instruments` of the asset show to exist."""
        own = [item for item in instruments if item.asset == self.asset]
        options = [item for item in own if item.kind == Kind.OPTION]
        books = {item.settlement: item.price_index for item in options}
        channels = set()
        for settlement, index in books.items():
            channels |= {
                f"deribit_price_index.{index}",
                f"markprice.options.{index}",
                f"trades.option.{self.currency_of(settlement)}.100ms",
            }
        if Settlement.INVERSE in books:
            channels.add(f"deribit_volatility_index.{books[Settlement.INVERSE]}")
        terms = {(item.settlement, item.expiry_ms) for item in options}
        for item in own:
            if item.kind == Kind.FUTURE and (item.settlement, item.expiry_ms) in terms:
                channels.add(f"ticker.{item.instrument_name}.agg2")
            elif item.is_perpetual and item.settlement == Settlement.INVERSE:
                channels.add(f"ticker.{item.instrument_name}.100ms")
        return frozenset(channels)

    def summary_currencies(self, instruments: tuple[Instrument, ...]) -> tuple[str, ...]:
        """Currencies whose summary has to be polled."""
        books = {item.settlement for item in instruments if self._is_own_option(item)}
        return tuple(self.currency_of(settlement) for settlement in sorted(books))

    def _is_own_option(self, item: Instrument) -> bool:
        return item.asset == self.asset and item.kind == Kind.OPTION
