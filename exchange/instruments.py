"""One listed product and its contract terms; builders for each kind. Knows no price."""

from dataclasses import dataclass, field, replace

from exchange.calendar import Expiry, expiry_code
from exchange.specs import BookSpec, Kind, OptionType
from greeks.conventions import Settlement

PERPETUAL_EXPIRY_MS = 32_503_708_800_000
PERPETUAL_CREATED_MS = 1_534_242_287_000

Wire = dict[str, object]


@dataclass(frozen=True, slots=True)
class ComboLeg:
    """One leg of a combo; a negative ratio trades against the combo's direction."""

    ratio: int
    instrument_name: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """A product as listed. `terms` holds what only the wire needs."""

    name: str
    kind: Kind
    asset: str
    currency: str  # settlement currency, the venue's request word
    price_index: str
    settlement: Settlement
    expiry_ms: int
    created_ms: int
    instrument_id: int
    tick_size: float
    tick_steps: tuple[tuple[float, float], ...]
    contract_size: float
    min_amount: float
    strike: float = float("nan")
    option_type: OptionType | None = None
    legs: tuple[ComboLeg, ...] = ()
    terms: Wire = field(default_factory=dict, compare=False)

    @property
    def is_perpetual(self) -> bool:
        """Whether the product never expires."""
        return self.expiry_ms == PERPETUAL_EXPIRY_MS

    def tick_at(self, price: float) -> float:
        """Return the tick that applies at a price."""
        return next((tick for above, tick in self.tick_steps if price > above), self.tick_size)


def format_strike(strike: float) -> str:
    """Write a strike as names carry it: 90000, or 1d25 for 1.25."""
    return f"{strike:g}".replace(".", "d") if strike % 1 else f"{strike:.0f}"


def parse_strike(text: str) -> float:
    """Read a strike out of a name."""
    return float(text.replace("d", "."))


def build_option(
    book: BookSpec, expiry: Expiry, strike: float, side: OptionType, created: int, number: int
) -> Instrument:
    """List one option."""
    name = f"{book.prefix}-{expiry_code(expiry.ms)}-{format_strike(strike)}-{side.letter}"
    instrument = _build(book, name, Kind.OPTION, expiry, created, number)
    terms: Wire = {
        "option_type": side.value,
        "strike": strike,
        "maker_commission": 0.0003,
        "taker_commission": 0.0003,
        "block_trade_commission": 0.0003,
        "block_trade_min_trade_amount": 25 if book.is_inverse else 1000,
        "block_trade_tick_size": book.tick_size,
    }
    return replace(instrument, strike=strike, option_type=side, terms=instrument.terms | terms)


def build_future(book: BookSpec, expiry: Expiry, created: int, number: int) -> Instrument:
    """List one dated future."""
    name = f"{book.prefix}-{expiry_code(expiry.ms)}"
    return _build_future(book, name, expiry, created, number)


def build_perpetual(book: BookSpec, number: int) -> Instrument:
    """List the perpetual of a book."""
    expiry = Expiry(PERPETUAL_EXPIRY_MS, "perpetual")
    name = f"{book.prefix}-PERPETUAL"
    return _build_future(book, name, expiry, PERPETUAL_CREATED_MS, number)


def build_combo(
    book: BookSpec, name: str, kind: Kind, legs: tuple[ComboLeg, ...], expiry: Expiry, created: int,
    number: int,
) -> Instrument:  # fmt: skip
    """List a combo of listed legs; it lives as long as its soonest leg."""
    terms: Wire = {"maker_commission": 0.0, "taker_commission": 0.0}
    instrument = _build(book, name, kind, expiry, created, number)
    if kind is Kind.FUTURE_COMBO:
        instrument = replace(
            instrument,
            tick_size=book.perpetual_tick,
            tick_steps=(),
            contract_size=book.future_contract,
            min_amount=book.future_contract,
        )
    return replace(instrument, legs=legs, terms=instrument.terms | terms)


def _build_future(
    book: BookSpec, name: str, expiry: Expiry, created: int, number: int
) -> Instrument:
    instrument = _build(book, name, Kind.FUTURE, expiry, created, number)
    perpetual = instrument.is_perpetual
    terms: Wire = {
        "future_type": "reversed" if book.is_inverse else "linear",
        "max_leverage": 50 if perpetual else 25,
        "max_non_default_leverage": 5.0,
        "max_liquidation_commission": 0.0075,
        "maker_commission": 0.0,
        "taker_commission": 0.0005,
        "block_trade_commission": 0.00025,
        "block_trade_min_trade_amount": 200000 if book.is_inverse else 2,
        "block_trade_tick_size": 0.01,
    }
    tick = book.perpetual_tick if perpetual else book.future_tick
    return replace(
        instrument,
        tick_size=tick,
        tick_steps=(),
        contract_size=book.future_contract,
        min_amount=book.future_contract,
        terms=instrument.terms | terms,
    )


def _build(
    book: BookSpec, name: str, kind: Kind, expiry: Expiry, created: int, number: int
) -> Instrument:
    inverse = book.is_inverse
    coin_quoted = inverse and kind in {Kind.OPTION, Kind.OPTION_COMBO}
    usd = "USD" if inverse else "USDC"
    terms: Wire = {
        "settlement_period": expiry.period,
        "base_currency": book.asset.name,
        "quote_currency": book.asset.name if coin_quoted else usd,
        "counter_currency": usd,
        "underlying_type": "crypto",
        "product_group": book.asset.name if inverse else "TIER_1",
        "lot_size": 1,
    }
    return Instrument(
        name=name,
        kind=kind,
        asset=book.asset.name,
        currency=book.currency,
        price_index=book.price_index,
        settlement=book.settlement,
        expiry_ms=expiry.ms,
        created_ms=created,
        instrument_id=number,
        tick_size=book.tick_size,
        tick_steps=book.tick_steps,
        contract_size=book.contract_size,
        min_amount=book.min_amount,
        terms=terms,
    )
