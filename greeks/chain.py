"""The option chain of one asset at one instant: a frozen structure of arrays, one row an option.

Knows the shape of the data and nothing of where it came from.
"""

from dataclasses import dataclass, field, fields, replace

import numpy as np

from greeks.conventions import (
    MS_PER_YEAR,
    AverageSource,
    BoolArray,
    FloatArray,
    ForwardSource,
    IntArray,
    IvSource,
    RowStatus,
    StatusArray,
)

_NOT_GIVEN_FLOAT: FloatArray = np.empty(0)
_NOT_GIVEN_CODE: StatusArray = np.empty(0, np.int8)
_NOT_GIVEN_TIME: IntArray = np.empty(0, np.int64)
_CODES_NOT_GIVEN = {
    "forward_source": ForwardSource.UNKNOWN,
    "iv_source": IvSource.MARK,
    "average_source": AverageSource.NONE,
}


@dataclass(frozen=True, slots=True)
class OptionChain:
    """All listed options of one asset, both books, sorted by (expiry, strike, settlement, type).

    Arrays share one length and are not writeable. Unknown numbers are NaN.

    Attributes
    ----------
    asset : the base coin, "BTC".
    as_of_ms : exchange clock of this instant; time to expiry counts from here.
    index_price : spot index in USD, NaN when unknown.
    seq : rises by one with each chain of the asset.
    gaps : holes noticed in the feed since it started.
    instrument_name : venue names, one per row.
    strike : USD.
    expiry_ms : exchange clock, 08:00:00 UTC.
    is_call : true for calls.
    settlement : `Settlement` codes.
    forward : forward of the row's expiry, USD.
    mark_iv, bid_iv, ask_iv : volatilities as fractions.
    mark_price : in the option's own quote unit (coin if inverse, USDC if linear).
    open_interest_coin : coins of the base asset.
    ts_event : exchange time of the row's newest mark, 0 when there is none.
    status : `RowStatus` codes.
    forward_source : `ForwardSource` codes; `UNKNOWN` when not given.
    iv_source : `IvSource` codes; `MARK` when not given.
    settlement_average : mean of the index samples taken so far, USD, for rows in the last 30
        minutes before their expiry; NaN elsewhere and when not given.
    average_source : `AverageSource` codes of `settlement_average`; `NONE` when not given.
    ts_forward : exchange time of the quote that `forward` rests on, 0 when there is none.
    """

    asset: str
    as_of_ms: int
    index_price: float
    seq: int
    gaps: int
    instrument_name: tuple[str, ...]
    strike: FloatArray
    expiry_ms: IntArray
    is_call: BoolArray
    settlement: StatusArray
    forward: FloatArray
    mark_iv: FloatArray
    bid_iv: FloatArray
    ask_iv: FloatArray
    mark_price: FloatArray
    open_interest_coin: FloatArray
    ts_event: IntArray
    status: StatusArray
    forward_source: StatusArray = field(default_factory=lambda: _NOT_GIVEN_CODE)
    iv_source: StatusArray = field(default_factory=lambda: _NOT_GIVEN_CODE)
    settlement_average: FloatArray = field(default_factory=lambda: _NOT_GIVEN_FLOAT)
    average_source: StatusArray = field(default_factory=lambda: _NOT_GIVEN_CODE)
    ts_forward: IntArray = field(default_factory=lambda: _NOT_GIVEN_TIME)

    def __post_init__(self) -> None:
        n = len(self.instrument_name)
        for name, code in _CODES_NOT_GIVEN.items():
            if getattr(self, name) is _NOT_GIVEN_CODE:
                object.__setattr__(self, name, np.full(n, code, np.int8))
        if self.settlement_average is _NOT_GIVEN_FLOAT:
            object.__setattr__(self, "settlement_average", np.full(n, np.nan))
        if self.ts_forward is _NOT_GIVEN_TIME:
            object.__setattr__(self, "ts_forward", np.zeros(n, np.int64))
        for item in fields(self):
            column = getattr(self, item.name)
            if isinstance(column, np.ndarray):
                if column.shape != (n,):
                    raise ValueError(f"{item.name}: expected shape ({n},), was {column.shape}")
                column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.instrument_name)

    @property
    def years_to_expiry(self) -> FloatArray:
        """Years of 365 days from `as_of_ms` to expiry; zero or negative once expired."""
        return (self.expiry_ms - self.as_of_ms) / MS_PER_YEAR

    @property
    def is_usable(self) -> BoolArray:
        """Rows whose exposures can be computed."""
        return self.status <= RowStatus.STALE

    @property
    def twin(self) -> IntArray:
        """Row of the other type with the same expiry, strike and book; -1 where there is none."""
        same = (self.expiry_ms[1:] == self.expiry_ms[:-1]) & (self.strike[1:] == self.strike[:-1])
        same &= (self.settlement[1:] == self.settlement[:-1]) & (
            self.is_call[1:] != self.is_call[:-1]
        )
        first = np.flatnonzero(same)
        twin = np.full(len(self), -1, np.int64)
        twin[first], twin[first + 1] = first + 1, first
        return twin

    def select(self, keep: BoolArray) -> "OptionChain":
        """Return the chain of the rows where `keep` is true."""
        index = np.flatnonzero(keep)
        names = tuple(self.instrument_name[i] for i in index)
        columns = {
            item.name: getattr(self, item.name)[index]
            for item in fields(self)
            if isinstance(getattr(self, item.name), np.ndarray)
        }
        return replace(self, instrument_name=names, **columns)
