"""The instrument table of one asset: names to rows, sorted as `OptionChain` wants them."""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import BoolArray, FloatArray, IntArray, Settlement, StatusArray
from ingest.events import Instrument, Kind


@dataclass(frozen=True, slots=True)
class InstrumentTable:
    """Listed options in rows sorted by (expiry, strike, settlement, type), and the futures.

    Attributes
    ----------
    options : one per row.
    row_of : option name to row.
    futures : dated futures and perpetuals by name.
    future_of_term : dated future of each (settlement, expiry_ms) that has one.
    index_of : price index of each book that has options.
    terms : every (settlement, expiry_ms) that has options, with its rows: one forward each.
    """

    options: tuple[Instrument, ...]
    row_of: dict[str, int]
    futures: dict[str, Instrument]
    future_of_term: dict[tuple[Settlement, int], str]
    index_of: dict[Settlement, str]
    terms: dict[tuple[Settlement, int], IntArray]
    strike: FloatArray
    expiry_ms: IntArray
    is_call: BoolArray
    settlement: StatusArray


def build_table(instruments: dict[str, Instrument]) -> InstrumentTable:
    """Sort `instruments` (by name) into a table."""
    options = sorted(
        (item for item in instruments.values() if item.kind == Kind.OPTION),
        key=lambda item: (item.expiry_ms, item.strike, item.settlement, item.is_call),
    )
    futures = {name: item for name, item in instruments.items() if item.kind == Kind.FUTURE}
    rows_of: dict[tuple[Settlement, int], list[int]] = {}
    for row, item in enumerate(options):
        rows_of.setdefault((item.settlement, item.expiry_ms), []).append(row)
    return InstrumentTable(
        options=tuple(options),
        row_of={item.instrument_name: row for row, item in enumerate(options)},
        futures=futures,
        future_of_term={
            (item.settlement, item.expiry_ms): name
            for name, item in futures.items()
            if not item.is_perpetual
        },
        index_of={item.settlement: item.price_index for item in options},
        terms={term: np.array(rows, dtype=np.int64) for term, rows in rows_of.items()},
        strike=np.array([item.strike for item in options], dtype=np.float64),
        expiry_ms=np.array([item.expiry_ms for item in options], dtype=np.int64),
        is_call=np.array([item.is_call for item in options], dtype=np.bool_),
        settlement=np.array([item.settlement for item in options], dtype=np.int8),
    )
