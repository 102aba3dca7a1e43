"""Exposures of options in columns, and their sums by strike and by expiry.

Knows rows and sums; knows no profile beyond the flip of each expiry that it is handed.
"""

from dataclasses import dataclass, fields

import numpy as np

from greeks.black76 import Greeks
from greeks.conventions import (
    DAYS_PER_YEAR,
    PCT,
    VOL_POINT,
    BoolArray,
    Exposure,
    FloatArray,
    IntArray,
)
from greeks.held import known_or_zero
from greeks.layout import STRIKE_SUMS, Layout, nothing_known
from greeks.terms import Terms

EXPOSURES = tuple(Exposure)


@dataclass(frozen=True, slots=True)
class ExposureTable:
    """Exposures in columns: `values[exposure, item]` in the order of `Exposure`."""

    values: FloatArray

    def column(self, exposure: Exposure) -> FloatArray:
        """Return one exposure of every item, in the unit that the exposure's name states."""
        return np.asarray(self.values[EXPOSURES.index(exposure)])


@dataclass(frozen=True, slots=True)
class StrikeTable:
    """Exposures by strike, all expiries and both books together. Strikes rise.

    Each sum is over what is known of it, and NaN where nothing is. Where no call, or no put, is
    listed its GEX and its open interest are 0.
    """

    strike_usd: FloatArray
    exposures: ExposureTable
    call_gex_usd_per_1pct: FloatArray
    put_gex_usd_per_1pct: FloatArray
    open_interest_call_coin: FloatArray
    open_interest_put_coin: FloatArray


@dataclass(frozen=True, slots=True)
class ExpiryTable(Terms):
    """Exposures by expiry, all strikes and both books together, beside the expiry's own terms.

    Expiries rise. `flip_usd` is NaN where that expiry alone has no flip; `gross_gex_usd_per_1pct`
    sums absolute GEX over options.
    """

    expiry_ms: IntArray
    exposures: ExposureTable
    flip_usd: FloatArray
    gross_gex_usd_per_1pct: FloatArray


def exposures_per_coin(greeks: Greeks, forward: FloatArray) -> FloatArray:
    """Exposures of one coin of each option, (X, n): Greek x the scale in the exposure's name."""
    pct_usd = forward * PCT  # a 1 % move of the forward, in USD
    gamma_scale = forward * pct_usd
    table = np.empty((len(EXPOSURES), len(forward)))
    np.multiply(greeks.gamma, gamma_scale, out=table[0])
    table[1] = greeks.delta
    np.multiply(greeks.vega, VOL_POINT, out=table[2])
    np.divide(greeks.theta, DAYS_PER_YEAR, out=table[3])
    np.multiply(greeks.vanna, VOL_POINT, out=table[4])
    np.divide(greeks.charm, DAYS_PER_YEAR, out=table[5])
    np.multiply(greeks.volga, VOL_POINT**2, out=table[6])
    np.multiply(greeks.speed, gamma_scale * pct_usd, out=table[7])
    gamma_scale *= VOL_POINT
    np.multiply(greeks.zomma, gamma_scale, out=table[8])
    gamma_scale /= VOL_POINT * DAYS_PER_YEAR
    np.multiply(greeks.color, gamma_scale, out=table[9])
    return table


def scale_exposures(
    greeks: Greeks, position_coin: FloatArray, forward: FloatArray
) -> ExposureTable:
    """Exposures of a position in each option; NaN where any factor is unknown."""
    return ExposureTable(exposures_per_coin(greeks, forward) * position_coin)


@dataclass(frozen=True, slots=True)
class StrikeColumns:
    """What is summed by strike: (STRIKE_SUMS, n), every number finite.

    The exposures first, then GEX of calls and GEX of puts.
    """

    values: FloatArray

    @classmethod
    def of(
        cls, known_per_coin: FloatArray, position_coin: FloatArray, is_call: BoolArray
    ) -> "StrikeColumns":
        """Exposures of a position in each option from those of a coin; unknown counts as 0."""
        values = np.empty((STRIKE_SUMS, len(position_coin)))
        np.multiply(known_per_coin, known_or_zero(position_coin), out=values[:-2])
        gex, calls, puts = values[0], values[-2], values[-1]
        np.multiply(gex, is_call, out=calls)
        np.subtract(gex, calls, out=puts)
        return cls(values)

    @property
    def net(self) -> FloatArray:
        """The exposures, (X, n)."""
        return np.asarray(self.values[:-2])


def sum_by_strike(
    layout: Layout,
    open_interest: FloatArray,
    columns: StrikeColumns,
    is_known: BoolArray,
    is_call: BoolArray,
) -> StrikeTable:
    """Sums over the options of each strike; `is_known` and `is_call` have one element a row."""
    strikes = len(layout.strike_usd)
    sums = _binned(layout.strike_slots, columns.values.ravel(), STRIKE_SUMS, strikes)
    if not is_known.all():
        slots = layout.strike_slots[: len(is_known)]
        sums[:-2, nothing_known(slots, is_known, strikes)] = np.nan
        of_side = np.where(is_call, slots, slots + strikes)
        sums[-2:].reshape(-1)[nothing_known(of_side, is_known, 2 * strikes)] = np.nan
    return StrikeTable(layout.strike_usd, ExposureTable(sums[:-2]), *sums[-2:], *open_interest)


def _binned(slots: IntArray, values: FloatArray, rows: int, columns: int) -> FloatArray:
    """Sum values into their slots of a table."""
    sums = np.bincount(slots, values, rows * columns)
    return sums.astype(np.float64, copy=False).reshape(rows, columns)


def sum_by_expiry(
    layout: Layout,
    terms: Terms,
    exposures: FloatArray,
    is_known: BoolArray,
    flip_usd: FloatArray,
) -> ExpiryTable:
    """Sums of finite (X, n) `exposures` over the options of each expiry, beside its own facts.

    `flip_usd` has one element an expiry, in order. An expiry without a single known option
    (`is_known`, one a row) is NaN, not 0.
    """
    starts, count = layout.expiry_starts, len(exposures)
    sums = np.zeros((count + 1, len(starts)))
    if len(starts):
        np.add.reduceat(exposures, starts, axis=1, out=sums[:count])
        np.add.reduceat(np.abs(exposures[0]), starts, out=sums[count])
        if not is_known.all():
            sums[:, ~np.logical_or.reduceat(is_known, starts)] = np.nan
    own = {item.name: getattr(terms, item.name) for item in fields(Terms)}
    table = ExposureTable(sums[:count])
    return ExpiryTable(
        **own,
        expiry_ms=layout.expiry_ms,
        exposures=table,
        flip_usd=flip_usd,
        gross_gex_usd_per_1pct=sums[count],
    )
