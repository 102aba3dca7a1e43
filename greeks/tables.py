"""Exposures of options in columns, and their sums by strike and by expiry.

Knows rows and sums; knows no profile beyond the flip of each expiry that it is handed.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import Greeks, differs_from_previous
from greeks.chain import OptionChain
from greeks.conventions import (
    DAYS_PER_YEAR,
    PCT,
    VOL_POINT,
    BoolArray,
    Exposure,
    FloatArray,
    IntArray,
    StatusArray,
)

EXPOSURES = tuple(Exposure)
_TIE = 1e-9  # of an expiry's open interest: strikes that pay alike go to the lower one


@dataclass(frozen=True, slots=True)
class ExposureTable:
    """Exposures in columns: `values[exposure, item]` in the order of `Exposure`."""

    values: FloatArray

    def column(self, exposure: Exposure) -> FloatArray:
        """Return one exposure of every item, in the unit that the exposure's name states."""
        return np.asarray(self.values[EXPOSURES.index(exposure)])


@dataclass(frozen=True, slots=True)
class StrikeTable:
    """Exposures by strike, all expiries and both books together. Strikes rise."""

    strike_usd: FloatArray
    exposures: ExposureTable
    call_gex_usd_per_1pct: FloatArray
    put_gex_usd_per_1pct: FloatArray
    open_interest_call_coin: FloatArray
    open_interest_put_coin: FloatArray


@dataclass(frozen=True, slots=True)
class ExpiryTable:
    """Exposures by expiry, all strikes and both books together. Expiries rise.

    `forward_usd` and `atm_iv` are NaN where unknown; `flip_usd` is NaN where that expiry alone
    has no flip; `max_pain_usd` is NaN without open interest; `forward_source` holds
    `ForwardSource` codes; `gross_gex_usd_per_1pct` sums absolute GEX over options.
    """

    expiry_ms: IntArray
    exposures: ExposureTable
    forward_usd: FloatArray
    atm_iv: FloatArray
    flip_usd: FloatArray
    max_pain_usd: FloatArray
    forward_source: StatusArray
    gross_gex_usd_per_1pct: FloatArray


def scale_exposures(
    greeks: Greeks, position_coin: FloatArray, forward: FloatArray
) -> ExposureTable:
    """Position x Greek x the scale in each exposure's name; NaN where any of them is unknown."""
    pct_usd = forward * PCT  # a 1 % move of the forward, in USD
    gamma_scale = forward * pct_usd
    table = np.empty((len(EXPOSURES), len(forward)))
    for row, column in zip(
        table,
        (
            greeks.gamma * gamma_scale,
            greeks.delta,
            greeks.vega * VOL_POINT,
            greeks.theta / DAYS_PER_YEAR,
            greeks.vanna * VOL_POINT,
            greeks.charm / DAYS_PER_YEAR,
            greeks.volga * VOL_POINT**2,
            greeks.speed * (gamma_scale * pct_usd),
            greeks.zomma * (gamma_scale * VOL_POINT),
            greeks.color * (gamma_scale / DAYS_PER_YEAR),
        ),
        strict=True,
    ):
        np.multiply(column, position_coin, out=row)
    return ExposureTable(table)


def known_or_zero(values: FloatArray) -> FloatArray:
    """The values with what is not finite as 0, for sums over what is known."""
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, 0.0)


def sum_groups(values: FloatArray, group: IntArray, size: int) -> FloatArray:
    """Sum the columns of (R, n) values by group: (R, size)."""
    rows = len(values)
    index = (np.arange(rows) * size)[:, None] + group
    sums = np.bincount(index.ravel(), values.ravel(), rows * size)
    return sums.astype(np.float64, copy=False).reshape(rows, size)


def sum_by_strike(chain: OptionChain, exposures: FloatArray, is_known: BoolArray) -> StrikeTable:
    """Sums of finite (X, n) `exposures` over the options of each strike.

    A strike without a single known option (`is_known`, one a row) is NaN, not 0.
    """
    strikes, group = np.unique(chain.strike, return_inverse=True)
    parts = np.stack([exposures[0], known_or_zero(chain.open_interest_coin)])
    by_type = np.concatenate([parts * chain.is_call, parts * ~chain.is_call])
    sums = sum_groups(np.concatenate([exposures, by_type]), group, len(strikes))
    count = len(exposures)
    if not is_known.all():
        unknown = np.bincount(group, is_known, len(strikes)) == 0
        sums[np.ix_([*range(count), count, count + 2], unknown)] = np.nan
    call_gex, call_interest, put_gex, put_interest = sums[count:]
    return StrikeTable(
        strike_usd=strikes,
        exposures=ExposureTable(sums[:count]),
        call_gex_usd_per_1pct=call_gex,
        put_gex_usd_per_1pct=put_gex,
        open_interest_call_coin=call_interest,
        open_interest_put_coin=put_interest,
    )


def sum_by_expiry(
    chain: OptionChain, exposures: FloatArray, is_known: BoolArray, flip_usd: FloatArray
) -> ExpiryTable:
    """Sums of finite (X, n) `exposures` over the options of each expiry, beside its own facts.

    `flip_usd` has one element an expiry, in order. An expiry without a single known option
    (`is_known`, one a row) is NaN, not 0.
    """
    starts = np.flatnonzero(differs_from_previous(chain.expiry_ms))
    if not len(starts):
        none = np.empty(0)
        table = ExposureTable(np.empty((len(exposures), 0)))
        return ExpiryTable(
            chain.expiry_ms, table, none, none, none, none, chain.forward_source, none
        )
    sums = np.add.reduceat(np.concatenate([exposures, np.abs(exposures[:1])]), starts, axis=1)
    sums[:, ~np.logical_or.reduceat(is_known, starts)] = np.nan
    known_forward = _first_known(chain.forward, starts)
    forward = chain.forward[known_forward]
    return ExpiryTable(
        expiry_ms=chain.expiry_ms[starts],
        exposures=ExposureTable(sums[:-1]),
        forward_usd=forward,
        atm_iv=_atm_iv(chain, forward),
        flip_usd=flip_usd,
        max_pain_usd=_max_pain(chain, starts),
        forward_source=chain.forward_source[known_forward],
        gross_gex_usd_per_1pct=sums[-1],
    )


def _lengths(starts: IntArray, total: int) -> IntArray:
    """Rows in each group, from the first row of each and the number of all."""
    out = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=out[:-1])
    out[-1:] = total - starts[-1:]
    return out


def _first_known(values: FloatArray, starts: IntArray) -> IntArray:
    """The first row of each group whose value is finite, its very first if none is."""
    rows = np.where(np.isfinite(values), np.arange(len(values)), len(values))
    first = np.minimum.reduceat(rows, starts)
    return np.where(first < len(values), first, starts)


def _atm_iv(chain: OptionChain, forward: FloatArray) -> FloatArray:
    """Mark volatility at each expiry's forward: linear in ln K between the strikes around it."""
    expiry = np.cumsum(differs_from_previous(chain.expiry_ms)) - 1
    with np.errstate(invalid="ignore"):
        known = np.flatnonzero(chain.is_usable & (chain.mark_iv > 0) & (chain.strike > 0))
    atm = np.full(len(forward), np.nan)
    if not len(known):
        return atm
    expiry, strike, iv = expiry[known], chain.strike[known], chain.mark_iv[known]
    cells = np.flatnonzero(differs_from_previous(expiry, strike))
    iv = np.add.reduceat(iv, cells) / _lengths(cells, len(known))
    expiry, log_strike = expiry[cells], np.log(strike[cells])
    with np.errstate(all="ignore"):
        target = np.log(forward)
    size = np.bincount(expiry, minlength=len(forward))
    below = np.bincount(expiry, log_strike <= target[expiry], len(forward)).astype(np.int64)
    has = np.flatnonzero((size > 0) & np.isfinite(target))
    first = (np.cumsum(size) - size)[has]
    last = first + size[has] - 1
    left = np.maximum(np.minimum(first + below[has], last) - 1, first)
    right = np.minimum(left + 1, last)
    gap = np.where(right > left, log_strike[right] - log_strike[left], 1.0)
    share = np.minimum(np.maximum((target[has] - log_strike[left]) / gap, 0.0), 1.0)
    atm[has] = iv[left] + share * (iv[right] - iv[left])
    return atm


def _max_pain(chain: OptionChain, starts: IntArray) -> FloatArray:
    """`levels.max_pain` of every expiry at once, NaN without open interest."""
    interest = known_or_zero(chain.open_interest_coin)
    cells = np.flatnonzero(differs_from_previous(chain.expiry_ms, chain.strike))
    first = np.searchsorted(cells, starts)
    calls, puts = np.add.reduceat(np.stack([interest * chain.is_call, interest]), cells, axis=1)
    puts = puts - calls
    size = _lengths(first, len(cells))
    total_calls, total_puts = np.add.reduceat(np.stack([calls, puts]), first, axis=1)
    # pain's slope right of a strike: calls at or below it less puts above it
    slope = np.cumsum(calls + puts)
    before = np.repeat(slope[first] - calls[first] - puts[first] + total_puts, size)
    slope -= before
    total = total_calls + total_puts
    falling = slope < -_TIE * np.repeat(total, size)
    best = first + np.minimum(np.add.reduceat(falling.astype(np.int64), first), size - 1)
    return np.where(total > 0, chain.strike[cells[best]], np.nan)
