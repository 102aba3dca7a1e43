"""One snapshot of dealer exposure: position x Greek x scale, summed every way a user asks for.

Knows a chain and a position per option; never knows which model guessed the position.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import MAX_USD, Greeks, compute_greeks
from greeks.book_levels import compute_levels, find_book_flips
from greeks.chain import OptionChain
from greeks.conventions import (
    Exposure,
    FloatArray,
    Regime,
    RowStatus,
    Settlement,
    SmileDynamics,
)
from greeks.dynamics import MovingBook, find_moving_flips
from greeks.levels import Levels
from greeks.profile import Book, Profile, compute_profile
from greeks.settlement import averaged_options, compute_averaged_greeks, is_averaging
from greeks.smile import STICKINESS
from greeks.tables import (
    EXPOSURES,
    ExpiryTable,
    ExposureTable,
    StrikeTable,
    known_or_zero,
    scale_exposures,
    sum_by_expiry,
    sum_by_strike,
)

__all__ = [
    "ExpiryTable",
    "ExposureSnapshot",
    "ExposureTable",
    "Quality",
    "StrikeTable",
    "compute_exposure",
    "of_book",
]


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
        return float(self.net[EXPOSURES.index(exposure)])

    def gross_of(self, exposure: Exposure) -> float:
        """Sum over options of the absolute values of one exposure."""
        return float(self.gross[EXPOSURES.index(exposure)])

    def matrix(self, exposure: Exposure) -> FloatArray:
        """One exposure by expiry (rows) and strike (columns); NaN where nothing is listed."""
        return self.spread(self.by_option.column(exposure))

    def spread(self, values: FloatArray) -> FloatArray:
        """Sum a value per option by expiry (rows) and strike (columns), NaN where none is known.

        `values` has the shape of the chain, (n,).
        """
        strikes, expiries = self.by_strike.strike_usd, self.by_expiry.expiry_ms
        cell = np.searchsorted(expiries, self.chain.expiry_ms) * len(strikes)
        cell += np.searchsorted(strikes, self.chain.strike)
        size = len(expiries) * len(strikes)
        total = np.bincount(cell, known_or_zero(values), size)
        known = np.bincount(cell, np.isfinite(values), size)
        return np.where(known > 0, total, np.nan).reshape(len(expiries), len(strikes))


def compute_exposure(
    chain: OptionChain,
    position_coin: FloatArray,
    position_model: str,
    dynamics: SmileDynamics = SmileDynamics.STICKY_STRIKE,
) -> ExposureSnapshot:
    """Exposures, sums, profile and levels of a chain under one dealer position.

    Parameters
    ----------
    chain : n options.
    position_coin : (n,) dealers' inventory in coins, + = dealers long.
    position_model : the name that every answer states beside the numbers.
    dynamics : what volatility does along the profile and so at the book's flips; each expiry's
        own flip is the sticky-strike one. Sticky moneyness is exact and some 100 times slower.

    Rows whose status forbids it, and rows with a non-finite position, are NaN in `by_option`
    and left out of the sums; `quality` counts them. Where no row is known, every sum and the
    profile are NaN.
    """
    if position_coin.shape != (len(chain),):
        raise ValueError(
            f"position_coin: expected shape ({len(chain)},), was {position_coin.shape}"
        )
    greeks, forward = compute_chain_greeks(chain)
    by_option = scale_exposures(greeks, position_coin, forward)
    known = known_or_zero(by_option.values)
    is_known = np.isfinite(by_option.column(Exposure.GEX))
    net, gross = known.sum(axis=1), np.abs(known).sum(axis=1)
    is_unknown = len(chain) > 0 and not is_known.any()
    if is_unknown:
        net, gross = np.full_like(net, np.nan), np.full_like(gross, np.nan)
    by_strike = sum_by_strike(chain, known, is_known)
    book = Book.of(chain, position_coin)
    profile = compute_profile(book)
    flips, flip_of_expiry = find_book_flips(book, profile, float(gross[0]))
    if dynamics is not SmileDynamics.STICKY_STRIKE and chain.index_price > 0:
        moving = MovingBook.of(chain, position_coin, STICKINESS[dynamics])
        profile = moving.profile()
        flips = find_moving_flips(moving, profile, float(gross[0]))
    if is_unknown:
        profile = profile.unknown()
    by_expiry = sum_by_expiry(chain, known, is_known, _in_order_of(chain, book, flip_of_expiry))
    return ExposureSnapshot(
        chain=chain,
        position_model=position_model,
        position_coin=position_coin,
        greeks=greeks,
        by_option=by_option,
        by_strike=by_strike,
        by_expiry=by_expiry,
        net=net,
        gross=gross,
        regime=_regime(float(net[0]), float(gross[0])),
        profile=profile,
        levels=compute_levels(chain, position_coin, by_strike, by_expiry, profile, flips),
        quality=_quality(chain, by_option),
    )


def compute_chain_greeks(chain: OptionChain) -> tuple[Greeks, FloatArray]:
    """Greeks of every row, and the forward that each moves with.

    Plain Black-76 until 30 minutes before expiry, then the settlement average. Rows whose status
    forbids it are NaN.
    """
    usable = chain.is_usable & (chain.forward < MAX_USD)
    forward = chain.forward if usable.all() else np.where(usable, chain.forward, np.nan)
    greeks = compute_greeks(
        forward, chain.strike, chain.years_to_expiry, chain.mark_iv, chain.is_call
    )
    averaging = is_averaging(chain) & usable
    if averaging.any():
        options = averaged_options(chain, averaging)
        averaged = compute_averaged_greeks(options)
        for name in Greeks.__dataclass_fields__:
            getattr(greeks, name)[averaging] = getattr(averaged, name)
        forward = forward.copy()
        forward[averaging] = options.forward
    return greeks, forward


def _in_order_of(chain: OptionChain, book: Book, of_book: FloatArray) -> FloatArray:
    """One value for each expiry of the chain, NaN for those without a row in the book."""
    expiries = np.unique(chain.expiry_ms)
    out = np.full(len(expiries), np.nan)
    out[np.searchsorted(expiries, book.expiry_ms)] = of_book
    return out


def _regime(net_gex_at_spot: float, gross: float) -> Regime:
    if not gross > 0 or net_gex_at_spot == 0:
        return Regime.UNKNOWN
    return Regime.LONG_GAMMA if net_gex_at_spot > 0 else Regime.SHORT_GAMMA


def _quality(chain: OptionChain, by_option: ExposureTable) -> Quality:
    counts = np.bincount(chain.status, minlength=len(RowStatus))
    return Quality(
        listed=len(chain),
        used=int(np.count_nonzero(np.isfinite(by_option.values[0]))),
        stale=int(counts[RowStatus.STALE]),
        without_iv=int(counts[RowStatus.NO_IV]),
        rejected=int(counts[RowStatus.REJECTED] + counts[RowStatus.NO_FORWARD]),
        gaps=chain.gaps,
    )


def of_book(chain: OptionChain, settlement: Settlement) -> OptionChain:
    """Return the chain of one book alone: coin-margined or USDC-margined."""
    return chain.select(chain.settlement == settlement)
