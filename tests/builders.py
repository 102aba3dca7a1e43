"""Builders with a default for every argument: a test names only what it is about."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import ArrayLike

from greeks.chain import OptionChain
from greeks.conventions import (
    MS_PER_DAY,
    AverageSource,
    FloatArray,
    ForwardSource,
    IvSource,
    RowStatus,
    Settlement,
)

AS_OF_MS = int(datetime(2026, 11, 22, 8, tzinfo=UTC).timestamp() * 1000)
"""A Sunday at 08:00 UTC, so that whole days end at an expiry's hour."""

PerRow = ArrayLike | Callable[[FloatArray, FloatArray], ArrayLike]
"""One number for all rows, one a row, or a function of ln(K/F) and years."""


def make_chain(
    *,
    asset: str = "BTC",
    as_of_ms: int = AS_OF_MS,
    index_price: float = 100_000.0,
    strikes: Sequence[float] = (80_000.0, 90_000.0, 100_000.0, 110_000.0, 120_000.0),
    days: Sequence[float] = (7.0, 30.0),
    kinds: str = "CP",
    settlements: Sequence[Settlement] = (Settlement.INVERSE,),
    forward: ArrayLike | None = None,
    mark_iv: PerRow = 0.5,
    bid_iv: PerRow = np.nan,
    ask_iv: PerRow = np.nan,
    mark_price: PerRow = np.nan,
    open_interest: PerRow = 100.0,
    ts_event: ArrayLike | None = None,
    status: ArrayLike = RowStatus.OK,
    forward_source: ArrayLike = ForwardSource.UNKNOWN,
    iv_source: ArrayLike = IvSource.MARK,
    settlement_average: PerRow = np.nan,
    average_source: ArrayLike = AverageSource.NONE,
    seq: int = 1,
    gaps: int = 0,
) -> OptionChain:
    """Every expiry x strike x settlement x kind, in the order a chain promises.

    `days` counts from `as_of_ms`; `forward` defaults to the index; per-row arguments broadcast.
    """
    rows = [
        (as_of_ms + round(day * MS_PER_DAY), float(strike), settlement, kind)
        for day in days
        for strike in strikes
        for settlement in settlements
        for kind in kinds
    ]
    expiry_ms = np.array([row[0] for row in rows], np.int64)
    strike = np.array([row[1] for row in rows])
    forwards = np.array(np.broadcast_to(index_price if forward is None else forward, len(rows)))
    years = (expiry_ms - as_of_ms) / (365 * MS_PER_DAY)
    with np.errstate(all="ignore"):
        moneyness = np.log(strike / forwards)

    def column(value: PerRow) -> FloatArray:
        given = value(moneyness, years) if callable(value) else value
        return np.array(np.broadcast_to(np.asarray(given, float), len(rows)))

    newest = as_of_ms if ts_event is None else ts_event
    return OptionChain(
        asset=asset,
        as_of_ms=as_of_ms,
        index_price=index_price,
        seq=seq,
        gaps=gaps,
        instrument_name=tuple(_name(asset, *row) for row in rows),
        strike=strike,
        expiry_ms=expiry_ms,
        is_call=np.array([row[3] == "C" for row in rows], bool),
        settlement=np.array([row[2] for row in rows], np.int8),
        forward=forwards,
        mark_iv=column(mark_iv),
        bid_iv=column(bid_iv),
        ask_iv=column(ask_iv),
        mark_price=column(mark_price),
        open_interest_coin=column(open_interest),
        ts_event=np.array(np.broadcast_to(np.asarray(newest, np.int64), len(rows))),
        status=np.array(np.broadcast_to(np.asarray(status, np.int8), len(rows))),
        forward_source=np.array(np.broadcast_to(np.asarray(forward_source, np.int8), len(rows))),
        iv_source=np.array(np.broadcast_to(np.asarray(iv_source, np.int8), len(rows))),
        settlement_average=column(settlement_average),
        average_source=np.array(np.broadcast_to(np.asarray(average_source, np.int8), len(rows))),
    )


def _name(asset: str, expiry_ms: int, strike: float, settlement: Settlement, kind: str) -> str:
    day = datetime.fromtimestamp(expiry_ms / 1000, UTC)
    book = asset if settlement is Settlement.INVERSE else f"{asset}_USDC"
    number = f"{strike:.10g}".replace(".", "d")
    return f"{book}-{day.day}{day:%b%y}".upper() + f"-{number}-{kind}"


def make_venue_chain(
    seed: int = 1,
    *,
    asset: str = "BTC",
    index_price: float = 100_000.0,
    days: Sequence[float] = (0.35, 1.35, 2.35, 5.35, 12.35, 19.35, 33, 61, 89, 152, 215, 309),
    strikes_per_expiry: int = 42,
    basis: float = 0.03,
    twins_differ: float = 0.0,
) -> OptionChain:
    """A chain as the venue lists it: strikes spread with time, skewed smile, uneven interest.

    `twins_differ` is the share of strikes whose put is marked a little off its call.
    """
    rng = np.random.default_rng(seed)
    per_expiry = [
        _expiry_strikes(index_price, day / 365, strikes_per_expiry, basis) for day in days
    ]
    chains = []
    for day, strikes in zip(days, per_expiry, strict=True):
        forward = index_price * np.exp(basis * day / 365)

        def smile(k: FloatArray, years: FloatArray) -> FloatArray:
            width = np.sqrt(np.maximum(years, 1e-4))
            return 0.5 + 0.05 * np.exp(-20 * years) - 0.04 * k / width + 0.02 * (k / width) ** 2

        interest = rng.lognormal(3.0, 1.5, 2 * len(strikes)).round(1)
        interest[rng.random(len(interest)) < 0.15] = 0.0
        chain = make_chain(
            asset=asset,
            index_price=index_price,
            strikes=strikes,
            days=(day,),
            forward=forward,
            mark_iv=lambda k, t: np.clip(smile(k, t), 0.2, 3.0),
            open_interest=interest,
        )
        chains.append(chain)
    whole = join_chains(chains)
    iv = whole.mark_iv.copy()
    off = (rng.random(len(iv)) < twins_differ) & ~whole.is_call
    iv[off] += 0.001
    return with_columns(whole, mark_iv=iv)


def _expiry_strikes(
    index_price: float, years: float, count: int, basis: float
) -> tuple[float, ...]:
    forward = index_price * np.exp(basis * years)
    width = 0.55 * np.sqrt(years)
    levels = forward * np.exp(np.linspace(-4.0, 4.0, count) * width)
    step = 10.0 ** np.floor(np.log10(index_price * width / count))
    return tuple(float(level) for level in np.unique(np.round(levels / step) * step))


def join_chains(chains: Sequence[OptionChain]) -> OptionChain:
    """One chain of the rows of all; the first gives asset, time and index."""
    columns = {
        name: np.concatenate([getattr(chain, name) for chain in chains])
        for name in array_columns(chains[0])
    }
    names = tuple(name for chain in chains for name in chain.instrument_name)
    return with_columns(chains[0], instrument_name=names, **columns)


def array_columns(chain: OptionChain) -> tuple[str, ...]:
    """Names of the columns that are arrays."""
    fields = OptionChain.__dataclass_fields__
    return tuple(name for name in fields if isinstance(getattr(chain, name), np.ndarray))


def with_columns(chain: OptionChain, **columns: object) -> OptionChain:
    """The chain with some columns replaced; scalars become whole columns."""
    full = {
        name: np.full(len(chain), value, getattr(chain, name).dtype)
        if name in array_columns(chain) and np.isscalar(value)
        else value
        for name, value in columns.items()
    }
    values = {name: getattr(chain, name) for name in OptionChain.__dataclass_fields__}
    return OptionChain(**(values | full))
