"""Which channels and polls keep the chains fresh at the least cost.

The lean plan: marks and volatilities of every option come from one push channel per index, open
interest from a polled summary, forwards from the dated futures. Some 40 channels an asset instead
of one per option. Each asset has a socket of its own: a slow one never holds up another.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from greeks.conventions import Settlement
from ingest.events import Instrument, Kind

LINEAR_CURRENCY = "USDC"
HEARTBEAT_S = 10
SUMMARY_PERIOD_S = 15.0
LISTING_PERIOD_S = 3600.0
MUTE_AFTER_S = {
    "deribit_price_index.": 10.0,
    "markprice.options.": 10.0,
    "estimated_expiration_price.": 30.0,
    "ticker.": 60.0,
    "deribit_volatility_index.": 60.0,
    "book.": 120.0,  # a still book says nothing for minutes
}
"""A channel silent for longer, on a socket that talks, is subscribed anew."""


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """What one asset asks of the venue, over a socket of its own."""

    asset: str

    @property
    def currencies(self) -> tuple[str, ...]:
        """Request currencies that may list options of the asset."""
        return (self.asset, LINEAR_CURRENCY)

    def is_shared(self, currency: str) -> bool:
        """Whether lists and summaries of the currency hold other assets too."""
        return currency == LINEAR_CURRENCY

    def certain_channels(self) -> frozenset[str]:
        """Channels that exist whatever is listed: first on the socket, before any snapshot."""
        channels = {"platform_state", "platform_state.public_methods_state"}
        return frozenset(channels | {"instrument.creation.any.any"})

    def likely_channels(self) -> frozenset[str]:
        """Channels asked for before the lists say whether they exist; a refusal is no gap."""
        channels = {f"deribit_volatility_index.{self.asset.lower()}_usd"}
        for currency in self.currencies:
            channels.add(f"trades.option.{currency}.100ms")
            channels |= {f"instrument.state.{kind.value}.{currency}" for kind in Kind}
        for quote in ("usd", "usdc"):
            channels |= _index_channels(f"{self.asset.lower()}_{quote}")
        return frozenset(channels)

    def market_channels(self, instruments: Iterable[Instrument]) -> frozenset[str]:
        """Channels that the listed instruments of the asset call for."""
        own = [item for item in instruments if item.asset == self.asset]
        options = [item for item in own if item.kind == Kind.OPTION]
        channels: set[str] = set()
        for settlement, index in {(item.settlement, item.price_index) for item in options}:
            channels |= _index_channels(index)
            channels.add(f"trades.option.{self.currency_of(settlement)}.100ms")
        terms = {(item.settlement, item.expiry_ms) for item in options}
        for item in own:
            name = item.instrument_name
            if item.is_perpetual:
                channels |= {f"ticker.{name}.100ms", f"book.{name}.agg2"}
            elif item.kind == Kind.FUTURE and (item.settlement, item.expiry_ms) in terms:
                channels.add(f"ticker.{name}.agg2")
        return frozenset(channels)

    def summary_currencies(self, instruments: Iterable[Instrument]) -> tuple[str, ...]:
        """Currencies whose summary has to be polled."""
        books = {
            item.settlement
            for item in instruments
            if item.kind == Kind.OPTION and item.asset == self.asset
        }
        return tuple(self.currency_of(settlement) for settlement in sorted(books))

    def currency_of(self, settlement: Settlement) -> str:
        """Return the request currency whose lists and summaries hold a book of the asset."""
        return self.asset if settlement == Settlement.INVERSE else LINEAR_CURRENCY


def settlement_of(currency: str) -> Settlement:
    """Return the book that a request currency lists: USDC and USDT settle linear options."""
    return Settlement.LINEAR if currency.startswith("USD") else Settlement.INVERSE


def mute_after_s(channel: str) -> float | None:
    """Return how long a channel may be silent, None when silence means nothing."""
    for prefix, limit_s in MUTE_AFTER_S.items():
        if channel.startswith(prefix):
            return limit_s
    return None


def _index_channels(index: str) -> set[str]:
    return {
        f"deribit_price_index.{index}",
        f"markprice.options.{index}",
        f"estimated_expiration_price.{index}",
    }
