"""Which channels and polls keep the chains fresh at the least cost.

The lean plan: marks and volatilities of every option come from one push channel per index, open
interest from a polled summary, forwards from the dated futures. Some 35 channels an asset instead
of one per option, on two sockets: what an option is worth (surface) and what is traded (flow).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

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
_NAME_PLACE = {
    "ticker": 1, "book": 1, "deribit_price_index": 1, "markprice": 2, "trades": 2, "instrument": 3,
    "estimated_expiration_price": 1, "deribit_volatility_index": 1,
}  # fmt: skip
"""Which part of a channel's name, between the dots, names what it is about."""


class Role(StrEnum):
    """What a socket is for."""

    SURFACE = "surface"  # lists, marks, index, forwards, perpetuals
    FLOW = "flow"  # trades, the venue's own state
    FOCUS = "focus"  # tickers of the options that somebody looks at


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """What one socket asks of the venue for some assets."""

    assets: tuple[str, ...]
    role: Role = Role.SURFACE

    @property
    def currencies(self) -> tuple[str, ...]:
        """Request currencies that may list options of the assets."""
        return (*self.assets, LINEAR_CURRENCY)

    def certain_channels(self) -> frozenset[str]:
        """Channels that exist whatever is listed: first on the socket, before any snapshot."""
        if self.role == Role.SURFACE:
            return frozenset({"instrument.creation.any.any"})
        if self.role == Role.FLOW:
            return frozenset({"platform_state", "platform_state.public_methods_state"})
        return frozenset()

    def likely_channels(self) -> frozenset[str]:
        """Channels asked for before the lists say whether they exist; a refusal is no gap."""
        if self.role == Role.FLOW:
            return frozenset(
                f"trades.{kind.value}.{currency}.100ms"
                for currency in self.currencies
                for kind in Kind
            )
        if self.role == Role.FOCUS:
            return frozenset()
        channels = {
            f"instrument.state.{kind.value}.{currency}"
            for currency in self.currencies
            for kind in Kind
        }
        for asset in self.assets:
            for quote in ("usd", "usdc"):
                channels |= _index_channels(f"{asset.lower()}_{quote}")
            channels.add(f"deribit_volatility_index.{asset.lower()}_usd")
        return frozenset(channels)

    def market_channels(self, instruments: Iterable[Instrument]) -> frozenset[str]:
        """Channels that the listed instruments of the assets call for."""
        own = [item for item in instruments if item.asset in self.assets]
        if self.role == Role.FLOW:
            return frozenset(
                f"trades.option.{currency}.100ms" for currency in self.summary_currencies(own)
            )
        options = [item for item in own if item.kind == Kind.OPTION]
        channels: set[str] = set()
        for index in {item.price_index for item in options}:
            channels |= _index_channels(index)
        terms = {(item.asset, item.settlement, item.expiry_ms) for item in options}
        assets = {item.asset for item in options}
        for item in own:
            name = item.instrument_name
            if item.is_perpetual and item.asset in assets:
                channels |= {f"ticker.{name}.100ms", f"book.{name}.agg2"}
            elif (
                item.asset,
                item.settlement,
                item.expiry_ms,
            ) in terms and item.kind == Kind.FUTURE:
                channels.add(f"ticker.{name}.agg2")
        return frozenset(channels)

    def summary_currencies(self, instruments: Iterable[Instrument]) -> tuple[str, ...]:
        """Currencies whose summary has to be polled."""
        options = (item for item in instruments if item.kind == Kind.OPTION)
        return tuple(
            dict.fromkeys(
                currency_of(item.asset, item.settlement)
                for item in options
                if item.asset in self.assets
            )
        )


def currency_of(asset: str, settlement: Settlement) -> str:
    """Return the request currency whose lists and summaries hold a book."""
    return asset if settlement == Settlement.INVERSE else LINEAR_CURRENCY


def settlement_of(currency: str) -> Settlement:
    """Return the book that a request currency lists: USDC and USDT settle linear options."""
    return Settlement.LINEAR if currency.startswith("USD") else Settlement.INVERSE


def asset_of(channel: str) -> str | None:
    """Return the asset that a channel is about, None for one that serves several."""
    parts = channel.split(".")
    place = _NAME_PLACE.get(parts[0], len(parts))
    if place >= len(parts):
        return None
    asset = re.split("[-_]", parts[place])[0].upper()
    return None if asset in {LINEAR_CURRENCY, "ANY"} else asset


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
