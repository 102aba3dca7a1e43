"""The products: contract terms of each option book, and the level at which its market starts.

Terms (ticks, lots, contract sizes) are the venue's; levels and volatilities are inventions that
look like late 2026.
"""

from dataclasses import dataclass
from enum import StrEnum

from exchange.errors import ConfigError
from greeks.conventions import Settlement


class Kind(StrEnum):
    """The venue's instrument kinds that this exchange lists."""

    OPTION = "option"
    FUTURE = "future"
    OPTION_COMBO = "option_combo"
    FUTURE_COMBO = "future_combo"


class OptionType(StrEnum):
    """The two sides of a strike."""

    CALL = "call"
    PUT = "put"

    @property
    def letter(self) -> str:
        """How names end."""
        return self.value[0].upper()


@dataclass(frozen=True, slots=True)
class AssetSpec:
    """A coin and the market it starts with."""

    name: str
    long_name: str
    spot_usd: float
    atm_vol: float
    drift_vol: float  # volatility of the simulated index itself
    index_decimals: int
    strike_steps: tuple[float, ...]
    round_strike: float


@dataclass(frozen=True, slots=True)
class BookSpec:
    """One settlement book of a coin: its options, its dated futures and its perpetual."""

    asset: AssetSpec
    settlement: Settlement
    tick_size: float
    tick_steps: tuple[tuple[float, float], ...]  # (above price, tick)
    min_amount: float  # of an option, coins
    contract_size: float
    future_tick: float
    perpetual_tick: float
    future_contract: float  # USD if inverse, coins if linear
    ladder: float  # how many strikes an expiry gets, against the widest book
    tenors: int | None  # how many expiries carry options; None for all
    open_interest_coin: float
    future_open_interest: float
    option_trades_per_s: float
    future_trades_per_s: float

    @property
    def prefix(self) -> str:
        """Instrument names start with this: BTC or BTC_USDC."""
        return self.asset.name + ("" if self.is_inverse else "_USDC")

    @property
    def is_inverse(self) -> bool:
        """Whether the book is coin-margined."""
        return self.settlement is Settlement.INVERSE

    @property
    def currency(self) -> str:
        """The request word under which the book is found: its settlement currency."""
        return self.asset.name if self.is_inverse else "USDC"

    @property
    def price_index(self) -> str:
        """The index the book settles on."""
        return f"{self.asset.name.lower()}_{'usd' if self.is_inverse else 'usdc'}"


BTC = AssetSpec(
    "BTC", "Bitcoin", 91_300.0, 0.42, 0.45, 2,
    (500, 1000, 2000, 5000, 10000, 20000, 40000), 10_000.0,
)  # fmt: skip
ETH = AssetSpec(
    "ETH", "Ethereum", 3_060.0, 0.62, 0.62, 2,
    (10, 20, 50, 100, 200, 500, 1000), 500.0,
)  # fmt: skip
SOL = AssetSpec("SOL", "Solana", 180.0, 0.75, 0.8, 2, (0.5, 1, 2, 5, 10, 20, 50), 20.0)
XRP = AssetSpec(
    "XRP", "Ripple", 1.3, 0.8, 0.8, 4,
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5), 0.5,
)  # fmt: skip
HYPE = AssetSpec("HYPE", "Hyperliquid", 38.0, 0.95, 1.0, 3, (0.25, 0.5, 1, 2, 5, 10), 10.0)
AVAX = AssetSpec("AVAX", "Avalanche", 22.0, 0.85, 0.9, 3, (0.1, 0.25, 0.5, 1, 2, 5), 5.0)
TRX = AssetSpec(
    "TRX", "Tron", 0.29, 0.55, 0.55, 5,
    (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05), 0.05,
)  # fmt: skip

INVERSE, LINEAR = Settlement.INVERSE, Settlement.LINEAR
COIN_TICKS = ((0.005, 0.0005),)
COIN_BOOKS = (
    BookSpec(
        asset=BTC, settlement=INVERSE, tick_size=0.0001, tick_steps=COIN_TICKS, min_amount=0.1,
        contract_size=1, future_tick=2.5, perpetual_tick=0.5, future_contract=10, ladder=1.3,
        tenors=None, open_interest_coin=320e3, future_open_interest=1.1e9,
        option_trades_per_s=0.25, future_trades_per_s=0.8,
    ),
    BookSpec(
        asset=ETH, settlement=INVERSE, tick_size=0.0001, tick_steps=COIN_TICKS, min_amount=1,
        contract_size=1, future_tick=0.25, perpetual_tick=0.05, future_contract=1, ladder=0.86,
        tenors=None, open_interest_coin=2.1e6, future_open_interest=6e8,
        option_trades_per_s=0.2, future_trades_per_s=0.6,
    ),
    BookSpec(
        asset=BTC, settlement=LINEAR, tick_size=5, tick_steps=(), min_amount=0.01,
        contract_size=1, future_tick=2.5, perpetual_tick=0.1, future_contract=0.0001, ladder=0.62,
        tenors=8, open_interest_coin=6e3, future_open_interest=9e3,
        option_trades_per_s=0.06, future_trades_per_s=0.3,
    ),
    BookSpec(
        asset=ETH, settlement=LINEAR, tick_size=0.1, tick_steps=(), min_amount=0.1,
        contract_size=1, future_tick=0.25, perpetual_tick=0.01, future_contract=0.001, ladder=0.6,
        tenors=8, open_interest_coin=60e3, future_open_interest=1.5e5,
        option_trades_per_s=0.06, future_trades_per_s=0.3,
    ),
)  # fmt: skip
ALT_BOOKS = (
    BookSpec(
        asset=SOL, settlement=LINEAR, tick_size=0.01, tick_steps=(), min_amount=10,
        contract_size=10, future_tick=0.01, perpetual_tick=0.01, future_contract=0.1, ladder=0.8,
        tenors=8, open_interest_coin=2e6, future_open_interest=3e6,
        option_trades_per_s=0.03, future_trades_per_s=0.1,
    ),
    BookSpec(
        asset=XRP, settlement=LINEAR, tick_size=0.0005, tick_steps=(), min_amount=1000,
        contract_size=1000, future_tick=0.0001, perpetual_tick=0.0001, future_contract=1,
        ladder=0.7, tenors=8, open_interest_coin=8e7, future_open_interest=1e8,
        option_trades_per_s=0.03, future_trades_per_s=0.1,
    ),
    BookSpec(
        asset=HYPE, settlement=LINEAR, tick_size=0.01, tick_steps=(), min_amount=10,
        contract_size=10, future_tick=0.01, perpetual_tick=0.001, future_contract=0.1,
        ladder=0.7, tenors=7, open_interest_coin=1.5e6, future_open_interest=2e6,
        option_trades_per_s=0.02, future_trades_per_s=0.08,
    ),
    BookSpec(
        asset=AVAX, settlement=LINEAR, tick_size=0.005, tick_steps=(), min_amount=100,
        contract_size=100, future_tick=0.001, perpetual_tick=0.001, future_contract=0.1,
        ladder=0.65, tenors=7, open_interest_coin=8e5, future_open_interest=1e6,
        option_trades_per_s=0.01, future_trades_per_s=0.05,
    ),
    BookSpec(
        asset=TRX, settlement=LINEAR, tick_size=0.0001, tick_steps=(), min_amount=10_000,
        contract_size=10_000, future_tick=0.00001, perpetual_tick=0.00001, future_contract=10,
        ladder=0.65, tenors=7, open_interest_coin=1e8, future_open_interest=1.5e8,
        option_trades_per_s=0.01, future_trades_per_s=0.05,
    ),
)  # fmt: skip
BOOKS = COIN_BOOKS + ALT_BOOKS


def select_books(assets: tuple[str, ...]) -> tuple[BookSpec, ...]:
    """Return the books of the named coins; an unknown coin is an error."""
    known = {book.asset.name for book in BOOKS}
    if unknown := [asset for asset in assets if asset not in known]:
        raise ConfigError(f"assets: expected some of {', '.join(sorted(known))}, was {unknown[0]}")
    return tuple(book for book in BOOKS if book.asset.name in assets)
