"""One snapshot of dealer exposure: position x Greek x scale, summed every way a user asks for.

Knows a chain and a position per option; never knows which model guessed the position.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import Greeks, compute_greeks
from greeks.chain import OptionChain
from greeks.conventions import (
    DAYS_PER_YEAR,
    PCT,
    VOL_POINT,
    Exposure,
    FlipReason,
    FloatArray,
    IntArray,
    Regime,
    RowStatus,
    Settlement,
)
from greeks.levels import (
    Levels,
    find_flips,
    find_walls,
    max_pain,
    nearest_flip,
    reason_without_flip,
)
from greeks.profile import Profile, build_ladder, compute_profile, net_gex


@dataclass(frozen=True, slots=True)
class ExposureTable:
    """Exposures in columns: `values[exposure, item]` in the order of `Exposure`."""

    values: FloatArray

    def column(self, exposure: Exposure) -> FloatArray:
        """Return one exposure of every item, in the unit that the exposure's name states."""
        return np.asarray(self.values[list(Exposure).index(exposure)])


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
    has no flip; `max_pain_usd` is NaN without open interest.
    """

    expiry_ms: IntArray
    exposures: ExposureTable
    forward_usd: FloatArray
    atm_iv: FloatArray
    flip_usd: FloatArray
    max_pain_usd: FloatArray


@dataclass(frozen=True, slots=True)
class Quality:
    """How much of the chain the numbers rest on, counted in options."""

    listed: int
    used: int
    stale: int
    without_iv: int
    rejected: int
    gaps: int


@dataclass(frozen=True, slots=True)
class ExposureSnapshot:
    """Everything the board says about one asset at one instant under one position model.

    Attributes
    ----------
    chain : the options it was computed from; `chain.as_of_ms` is its time.
    position_model : name of the model behind `position_coin`.
    position_coin : (n,) dealers' inventory, coins, + = dealers long.
    greeks : raw Greeks of each row, NaN where the row cannot be computed.
    by_option, by_strike, by_expiry : the exposures and their sums.
    net : signed sum over options of each exposure, in the order of `Exposure`.
    gross : sum over options of absolute exposures, same order.
    """

    chain: OptionChain
    position_model: str
    position_coin: FloatArray
    greeks: Greeks
    by_option: ExposureTable
    by_strike: StrikeTable
    by_expiry: ExpiryTable
    net: FloatArray
    gross: FloatArray
    regime: Regime
    profile: Profile
    levels: Levels
    quality: Quality

    def net_of(self, exposure: Exposure) -> float:
        """Signed sum over options of one exposure."""
        return float(self.net[list(Exposure).index(exposure)])

    def gross_of(self, exposure: Exposure) -> float:
        """Sum over options of the absolute values of one exposure."""
        return float(self.gross[list(Exposure).index(exposure)])

    def matrix(self, exposure: Exposure) -> FloatArray:
        """One exposure by expiry (rows) and strike (columns); NaN where nothing is listed."""
        values = self.by_option.column(exposure)
        strikes, expiries = self.by_strike.strike_usd, self.by_expiry.expiry_ms
        cell = np.searchsorted(expiries, self.chain.expiry_ms) * len(strikes)
        cell += np.searchsorted(strikes, self.chain.strike)
        size = len(expiries) * len(strikes)
        total = np.bincount(cell, np.nan_to_num(values), size)
        known = np.bincount(cell, np.isfinite(values), size)
        return np.where(known > 0, total, np.nan).reshape(len(expiries), len(strikes))


def compute_exposure(
    chain: OptionChain, position_coin: FloatArray, position_model: str
) -> ExposureSnapshot:
    """Exposures, sums, profile and levels of a chain under one dealer position.

    Parameters
    ----------
    chain : n options.
    position_coin : (n,) dealers' inventory in coins, + = dealers long.
    position_model : the name that every answer states beside the numbers.

    Rows whose status forbids it, and rows with a non-finite position, are NaN in `by_option`
    and left out of the sums; `quality` counts them.
    """
    if position_coin.shape != (len(chain),):
        raise ValueError(
            f"position_coin: expected shape ({len(chain)},), was {position_coin.shape}"
        )
    usable = chain.is_usable & np.isfinite(position_coin)
    position = np.where(usable, position_coin, np.nan)
    greeks = compute_greeks(
        np.where(usable, chain.forward, np.nan),
        chain.strike,
        chain.years_to_expiry,
        chain.mark_iv,
        chain.is_call,
    )
    by_option = _scale(greeks, position, chain.forward)
    held = np.where(usable, position_coin, 0.0)
    spot = chain.index_price
    known_spot = bool(np.isfinite(spot) and spot > 0)
    profile = compute_profile(chain, held, build_ladder(spot if known_spot else np.nan))
    net = np.nansum(by_option.values, axis=1)
    gross = np.nansum(np.abs(by_option.values), axis=1)
    by_strike = _sum_by_strike(chain, by_option)
    return ExposureSnapshot(
        chain=chain,
        position_model=position_model,
        position_coin=position_coin,
        greeks=greeks,
        by_option=by_option,
        by_strike=by_strike,
        by_expiry=_sum_by_expiry(chain, held, by_option, profile),
        net=net,
        gross=gross,
        regime=_regime(float(net[0]), float(gross[0])),
        profile=profile,
        levels=_levels(chain, held, by_strike, profile, float(gross[0])),
        quality=_quality(chain, by_option),
    )


def _scale(greeks: Greeks, position: FloatArray, forward: FloatArray) -> ExposureTable:
    pct_usd = forward * PCT  # a 1 % move of the forward, in USD
    columns = {
        Exposure.GEX: greeks.gamma * forward * pct_usd,
        Exposure.DELTA: greeks.delta,
        Exposure.VEGA: greeks.vega * VOL_POINT,
        Exposure.THETA: greeks.theta / DAYS_PER_YEAR,
        Exposure.VANNA: greeks.vanna * VOL_POINT,
        Exposure.CHARM: greeks.charm / DAYS_PER_YEAR,
        Exposure.VOLGA: greeks.volga * VOL_POINT**2,
        Exposure.SPEED: greeks.speed * forward * pct_usd**2,
        Exposure.ZOMMA: greeks.zomma * forward * pct_usd * VOL_POINT,
        Exposure.COLOR: greeks.color * forward * pct_usd / DAYS_PER_YEAR,
    }
    return ExposureTable(np.stack([position * columns[exposure] for exposure in Exposure]))


def _sum_groups(values: FloatArray, group: IntArray, size: int) -> FloatArray:
    """Sum of `values` by `group`, skipping NaN, shape (size,)."""
    return np.bincount(group, np.nan_to_num(values), size).astype(np.float64)


def _sum_table(table: ExposureTable, group: IntArray, size: int) -> ExposureTable:
    return ExposureTable(np.stack([_sum_groups(row, group, size) for row in table.values]))


def _sum_by_strike(chain: OptionChain, by_option: ExposureTable) -> StrikeTable:
    strikes, group = np.unique(chain.strike, return_inverse=True)
    size = len(strikes)
    gex, interest = by_option.column(Exposure.GEX), chain.open_interest_coin
    return StrikeTable(
        strike_usd=strikes,
        exposures=_sum_table(by_option, group, size),
        call_gex_usd_per_1pct=_sum_groups(gex * chain.is_call, group, size),
        put_gex_usd_per_1pct=_sum_groups(gex * ~chain.is_call, group, size),
        open_interest_call_coin=_sum_groups(interest * chain.is_call, group, size),
        open_interest_put_coin=_sum_groups(interest * ~chain.is_call, group, size),
    )


def _sum_by_expiry(
    chain: OptionChain, held: FloatArray, by_option: ExposureTable, profile: Profile
) -> ExpiryTable:
    expiries, group = np.unique(chain.expiry_ms, return_inverse=True)
    columns = np.full((4, len(expiries)), np.nan)
    for i, expiry in enumerate(expiries):
        of_expiry = chain.expiry_ms == expiry
        rows = chain.select(of_expiry)
        columns[:, i] = (
            _forward(rows),
            _atm_iv(rows),
            _expiry_flip(rows, held[of_expiry], profile, int(expiry)),
            _max_pain(rows),
        )
    exposures = _sum_table(by_option, group, len(expiries))
    return ExpiryTable(expiries, exposures, *columns)


def _forward(rows: OptionChain) -> float:
    known = rows.forward[np.isfinite(rows.forward)]
    return float(known[0]) if len(known) else np.nan


def _atm_iv(rows: OptionChain) -> float:
    """Mark volatility at the forward: linear in ln K between the two strikes around it."""
    known = rows.is_usable & np.isfinite(rows.mark_iv)
    if not np.any(known):
        return np.nan
    strikes, group = np.unique(rows.strike[known], return_inverse=True)
    iv = np.bincount(group, rows.mark_iv[known]) / np.bincount(group)
    return float(np.interp(np.log(_forward(rows)), np.log(strikes), iv))


def _max_pain(rows: OptionChain) -> float:
    strikes, group = np.unique(rows.strike, return_inverse=True)
    call = _sum_groups(rows.open_interest_coin * rows.is_call, group, len(strikes))
    put = _sum_groups(rows.open_interest_coin * ~rows.is_call, group, len(strikes))
    pain = max_pain(strikes, call, put)
    return np.nan if pain is None else pain


def _expiry_flip(rows: OptionChain, held: FloatArray, profile: Profile, expiry_ms: int) -> float:
    at = np.flatnonzero(profile.expiry_ms == expiry_ms)
    if not len(at) or not np.isfinite(rows.index_price):
        return np.nan
    net = profile.expiry_gex_usd_per_1pct[at[0]]
    gross = float(np.max(np.abs(net)))
    flips = find_flips(profile.spot_usd, net, gross, lambda x: net_gex(rows, held, x))
    flip = nearest_flip(flips, rows.index_price)
    return np.nan if flip is None else flip


def _levels(
    chain: OptionChain, held: FloatArray, by_strike: StrikeTable, profile: Profile, gross: float
) -> Levels:
    if not np.isfinite(chain.index_price):
        return Levels((), None, FlipReason.NO_SPOT, None, None)
    net = profile.gex_usd_per_1pct
    flips = find_flips(profile.spot_usd, net, gross, lambda x: net_gex(chain, held, x))
    call_wall, put_wall = find_walls(
        by_strike.strike_usd,
        by_strike.call_gex_usd_per_1pct,
        by_strike.put_gex_usd_per_1pct,
        chain.index_price,
    )
    return Levels(
        flips=flips,
        flip_usd=nearest_flip(flips, chain.index_price),
        flip_reason=None if flips else reason_without_flip(net),
        call_wall_usd=call_wall,
        put_wall_usd=put_wall,
    )


def _regime(net_gex_at_spot: float, gross: float) -> Regime:
    if gross == 0 or net_gex_at_spot == 0:
        return Regime.UNKNOWN
    return Regime.LONG_GAMMA if net_gex_at_spot > 0 else Regime.SHORT_GAMMA


def _quality(chain: OptionChain, by_option: ExposureTable) -> Quality:
    def count(status: RowStatus) -> int:
        return int(np.count_nonzero(chain.status == status))

    return Quality(
        listed=len(chain),
        used=int(np.count_nonzero(np.isfinite(by_option.column(Exposure.GEX)))),
        stale=count(RowStatus.STALE),
        without_iv=count(RowStatus.NO_IV),
        rejected=count(RowStatus.REJECTED) + count(RowStatus.NO_FORWARD),
        gaps=chain.gaps,
    )


def of_book(chain: OptionChain, settlement: Settlement) -> OptionChain:
    """Return the chain of one book alone: coin-margined or USDC-margined."""
    return chain.select(chain.settlement == settlement)
