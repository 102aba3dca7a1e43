"""What a feed can tell us, in our units: frozen values between the protocol and the state.

Volatilities are fractions, amounts and open interest coins of the base asset, times exchange
milliseconds. NaN is unknown.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dealers.tape import Trade
from greeks.conventions import Settlement


class Kind(StrEnum):
    """Instrument kinds that the board reads."""

    OPTION = "option"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One listed option or future. `expiry_ms` of a perpetual lies a thousand years ahead.

    `contract_size` is the amount of one contract; None where the venue does not say.
    """

    instrument_name: str
    kind: Kind
    asset: str
    settlement: Settlement
    price_index: str
    expiry_ms: int
    strike: float  # NaN for a future
    is_call: bool  # False for a future
    is_perpetual: bool
    contract_size: float | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Instruments that exist; `complete` for the whole list of one currency and kind."""

    currency: str
    kind: Kind | None
    instruments: tuple[Instrument, ...]
    complete: bool
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class InstrumentState:
    """The venue changed an instrument's state; an unknown word means "not open"."""

    instrument_name: str
    is_open: bool
    ts_event: int


@dataclass(frozen=True, slots=True)
class Mark:
    """The venue's mark of one option."""

    instrument_name: str
    ts_event: int
    iv: float
    price: float


@dataclass(frozen=True, slots=True)
class MarkPrices:
    """Marks pushed for one index: the whole chain first, then the rows that changed."""

    index_name: str
    marks: tuple[Mark, ...]
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """One row of the polled book summary."""

    instrument_name: str
    ts_event: int
    open_interest_coin: float
    mark_iv: float
    mark_price: float
    bid_price: float
    ask_price: float
    underlying_price: float
    underlying_index: str
    volume_coin: float


@dataclass(frozen=True, slots=True)
class Summaries:
    """The book summary of every option of one currency."""

    currency: str
    rows: tuple[Summary, ...]
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class OptionTicker:
    """One option's full ticker."""

    summary: Summary
    bid_iv: float
    ask_iv: float

    @property
    def ts_event(self) -> int:
        """Exchange time of the ticker."""
        return self.summary.ts_event


@dataclass(frozen=True, slots=True)
class FutureTicker:
    """One future's mark: the forward of its expiry. Funding only on perpetuals.

    Funding is a fraction per 8 hours, open interest USD (inverse) or coins (linear), the volume
    that of the last 24 hours.
    """

    instrument_name: str
    ts_event: int
    mark_price: float
    current_funding: float = math.nan
    funding_8h: float = math.nan
    volume_24h_usd: float = math.nan
    open_interest: float = math.nan


@dataclass(frozen=True, slots=True)
class BookUpdate:
    """An order book in whole (`is_image`) or what changed; an amount of 0 removes a level.

    Amounts are USD (inverse) or coins (linear).
    """

    instrument_name: str
    ts_event: int
    change_id: int
    prev_change_id: int | None
    is_image: bool
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class IndexPrice:
    """The spot index in USD (or USDC)."""

    index_name: str
    ts_event: int
    price: float


@dataclass(frozen=True, slots=True)
class DeliveryEstimate:
    """What the venue would settle on: inside the settlement window the mean of the samples so far.

    Outside the window `is_estimated` is false and `price` is the index.
    """

    index_name: str
    ts_event: int
    price: float
    is_estimated: bool


@dataclass(frozen=True, slots=True)
class VolatilityIndex:
    """DVOL as a fraction."""

    index_name: str
    ts_event: int
    volatility: float


@dataclass(frozen=True, slots=True)
class PastPrices:
    """What the perpetual stood at when each past hour began: (exchange ms, USD), oldest first."""

    hours: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class PastVolatility:
    """What DVOL stood at when each past hour began: (exchange ms, fraction), oldest first."""

    hours: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Trades:
    """Option trades as they printed, oldest first.

    `contract_sizes` is the amount over the contracts of each, by `trade_id`, where both are said.
    """

    trades: tuple[Trade, ...]
    rejected: int = 0
    contract_sizes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlatformState:
    """Maintenance of the whole venue, a lock of one index (`price_index`), or public access."""

    in_maintenance: bool | None
    price_index: str | None
    locked: bool | None
    is_public: bool | None = None


class GapCause(StrEnum):
    """Why something may have been missed."""

    RECONNECT = "reconnect"
    REFUSED_CHANNEL = "refused_channel"
    MUTE_CHANNEL = "mute_channel"
    TRADE_SEQUENCE = "trade_sequence"
    OUT_OF_REACH = "out_of_reach"  # trades older than the venue hands out
    BOOK_SEQUENCE = "book_sequence"
    EMPTY_LIST = "empty_list"  # no instruments where some have not expired
    FAR_AHEAD = "far_ahead"  # times that the venue's clock has not reached
    REQUEST_FAILED = "request_failed"


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in the feed, with what is known of it in words."""

    cause: GapCause
    detail: str


@dataclass(frozen=True, slots=True)
class Venue:
    """What an envelope says about its sender: test exchange or not, and its clock."""

    testnet: bool
    server_ms: int


Event = (
    Listed
    | InstrumentState
    | MarkPrices
    | Summaries
    | OptionTicker
    | FutureTicker
    | BookUpdate
    | IndexPrice
    | DeliveryEstimate
    | VolatilityIndex
    | PastPrices
    | PastVolatility
    | Trades
    | PlatformState
    | Gap
    | Venue
)
