"""One snapshot of dealer exposure: position x Greek x scale, summed every way a user asks for.

Knows a chain and a position per option; never knows which model guessed the position.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from greeks.black76 import MAX_USD, Greeks, compute_greeks, compute_strike_greeks, spread_greeks
from greeks.book_levels import compute_levels, find_book_flips, find_pins
from greeks.chain import OptionChain
from greeks.conventions import (
    BoolArray,
    Exposure,
    FloatArray,
    Regime,
    RowStatus,
    Settlement,
    SmileDynamics,
    regime_of,
)
from greeks.dynamics import MovingBook, find_moving_flips
from greeks.held import HeldRows, known_or_zero
from greeks.interest import Interest, interest_of
from greeks.layout import Layout, layout_of
from greeks.levels import Flip, Levels
from greeks.pin import Pin
from greeks.profile import Book, LadderSums, Profile, compute_profiles
from greeks.settlement import averaged_options, compute_averaged_greeks, is_averaging
from greeks.smile import STICKINESS
from greeks.tables import (
    EXPOSURES,
    ExpiryTable,
    ExposureTable,
    StrikeColumns,
    StrikeTable,
    exposures_per_coin,
    sum_by_expiry,
    sum_by_strike,
)
from greeks.terms import Terms, terms_of

MAX_COIN = 1e15
"""A position beyond this cannot be true."""

__all__ = [
    "ExpiryTable",
    "ExposureSnapshot",
    "ExposureTable",
    "Quality",
    "StrikeTable",
    "compute_exposure",
    "compute_exposures",
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
    per_coin : (X, n) exposures of one coin of each option, in the order of `Exposure`.
    by_strike, by_expiry : sums of the exposures.
    net : signed sum over options of each exposure, in the order of `Exposure`.
    gross : sum over options of absolute exposures, same order.
    """

    chain: OptionChain
    position_model: str
    position_coin: FloatArray
    greeks: Greeks
    per_coin: FloatArray
    by_strike: StrikeTable
    by_expiry: ExpiryTable
    net: FloatArray
    gross: FloatArray
    regime: Regime
    profile: Profile
    levels: Levels
    quality: Quality

    @property
    def by_option(self) -> ExposureTable:
        """The exposures of each option, NaN where unknown."""
        return ExposureTable(self.per_coin * self.position_coin)

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
    """`compute_exposures` under one position, (n,) coins."""
    return compute_exposures(chain, {position_model: position_coin}, dynamics)[position_model]


def compute_exposures(
    chain: OptionChain,
    positions_coin: Mapping[str, FloatArray],
    dynamics: SmileDynamics = SmileDynamics.STICKY_STRIKE,
) -> dict[str, ExposureSnapshot]:
    """Exposures, sums, profile and levels of a chain under several dealer positions at once.

    What does not depend on who holds what is computed once: Greeks, forwards, Gaussians.

    Parameters
    ----------
    chain : n options.
    positions_coin : dealers' inventory in coins, (n,) each, + = dealers long, by the name of the
        model that every answer states beside the numbers.
    dynamics : what volatility does along the profile and so at the book's flips; each expiry's
        own flip is the sticky-strike one. Sticky moneyness is exact and some 100 times slower.

    Rows whose status forbids it, and rows with a position that is not finite or beyond
    `MAX_COIN`, are NaN in `by_option` and left out of the sums; `quality` counts them. Where no
    row is known, every sum and the profile are NaN.
    """
    shared = _Shared.of(chain, _believable(chain, positions_coin))
    snapshots = {}
    for i, model in enumerate(positions_coin):
        outlook = shared.profiles[i], shared.flips[i]
        if dynamics is not SmileDynamics.STICKY_STRIKE and chain.index_price > 0:
            outlook = _moving(chain, shared.positions[i], dynamics, float(shared.gross[i, 0]))
        snapshots[model] = shared.snapshot(i, model, *outlook)
    return snapshots


@dataclass(frozen=True, slots=True)
class _Shared:
    """What is computed once: what no position touches, and what all P positions share a pass for.

    `net` and `gross` are (P, X), `flip_of_expiry_usd` (P, E).
    """

    chain: OptionChain
    layout: Layout
    greeks: Greeks
    per_coin: FloatArray
    known_per_coin: FloatArray
    interest: Interest
    terms: Terms
    positions: FloatArray
    net: FloatArray
    gross: FloatArray
    profiles: tuple[Profile, ...]
    flips: list[tuple[Flip, ...]]
    flip_of_expiry_usd: FloatArray
    pins: list[Pin | None]

    @classmethod
    def of(cls, chain: OptionChain, positions: FloatArray) -> "_Shared":
        layout, interest = layout_of(chain), interest_of(chain)
        terms = terms_of(chain, layout, interest)
        held = HeldRows.of(chain)
        greeks, forward = compute_chain_greeks(chain, held)
        per_coin = exposures_per_coin(greeks, forward)
        known_per_coin, known = known_or_zero(per_coin), known_or_zero(positions)
        gross = _totals(np.abs(known), np.abs(known_per_coin))
        book = Book.of_rows(held, positions)
        sums = LadderSums.of(book)
        flips, nearest = find_book_flips(book, sums, gross[:, 0])
        flip_of_expiry_usd = np.full((len(positions), len(layout.expiry_ms)), np.nan)
        flip_of_expiry_usd[:, layout.expiry_ms.searchsorted(book.expiry_ms)] = nearest
        return cls(
            chain=chain,
            layout=layout,
            greeks=greeks,
            per_coin=per_coin,
            known_per_coin=known_per_coin,
            interest=interest,
            terms=terms,
            positions=positions,
            net=_totals(known, known_per_coin),
            gross=gross,
            profiles=compute_profiles(book, sums),
            flips=flips,
            flip_of_expiry_usd=flip_of_expiry_usd,
            pins=find_pins(chain, layout, terms, positions),
        )

    def snapshot(
        self, i: int, model: str, profile: Profile, flips: tuple[Flip, ...]
    ) -> ExposureSnapshot:
        """The snapshot of one position."""
        chain, layout, position_coin = self.chain, self.layout, self.positions[i]
        is_known = np.isfinite(self.per_coin[0]) & np.isfinite(position_coin)
        exposures = StrikeColumns.of(self.known_per_coin, position_coin, chain.is_call)
        net, gross, profile = self.net[i], self.gross[i], profile.known(chain, is_known)
        if len(chain) and not is_known.any():
            net, gross = np.full_like(net, np.nan), np.full_like(gross, np.nan)
        by_strike = sum_by_strike(
            layout, self.interest.by_strike, exposures, is_known, chain.is_call
        )
        by_expiry = sum_by_expiry(
            layout, self.terms, exposures.net, is_known, self.flip_of_expiry_usd[i]
        )
        return ExposureSnapshot(
            chain=chain,
            position_model=model,
            position_coin=position_coin,
            greeks=self.greeks,
            per_coin=self.per_coin,
            by_strike=by_strike,
            by_expiry=by_expiry,
            net=net,
            gross=gross,
            regime=regime_of(float(net[0]), float(gross[0])),
            profile=profile,
            levels=compute_levels(chain, by_strike, by_expiry, profile, flips, self.pins[i]),
            quality=_quality(chain, is_known),
        )


def _moving(
    chain: OptionChain, position_coin: FloatArray, dynamics: SmileDynamics, gross: float
) -> tuple[Profile, tuple[Flip, ...]]:
    """Profile and flips with volatilities that move along with spot."""
    moving = MovingBook.of(chain, position_coin, STICKINESS[dynamics])
    profile = moving.profile()
    return profile, find_moving_flips(moving, profile, gross)


def _believable(chain: OptionChain, positions_coin: Mapping[str, FloatArray]) -> FloatArray:
    """All positions in one array (P, n), NaN where one cannot be true."""
    for model, position in positions_coin.items():
        if position.shape != (len(chain),):
            raise ValueError(
                f"{model} position_coin: expected shape ({len(chain)},), was {position.shape}"
            )
    positions = np.array(list(positions_coin.values()), dtype=np.float64)
    believable = np.abs(positions) <= MAX_COIN
    if not believable.all():
        positions[~believable] = np.nan
    return positions


def _totals(positions: FloatArray, per_coin: FloatArray) -> FloatArray:
    """Sums (P, X) of positions (P, n) times (X, n): each to the same bit whoever else is asked for.

    One product of all would round by how many they are.
    """
    return np.array([per_coin @ each for each in positions]).reshape(-1, len(per_coin))


def compute_chain_greeks(
    chain: OptionChain, held: HeldRows | None = None
) -> tuple[Greeks, FloatArray]:
    """Greeks of every row, and the forward that each moves with.

    Plain Black-76 until 30 minutes before expiry, then the settlement average. Rows whose status
    forbids it are NaN. `held`, where the caller has them, are the chain's held rows.
    """
    if held is not None and held.is_plain(chain):
        at = held.strikes
        strikes = compute_strike_greeks(at.forward, at.strike, at.years, at.iv)
        return spread_greeks(strikes, at.of_row, at.slot), held.forward
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


def _quality(chain: OptionChain, is_known: BoolArray) -> Quality:
    counts = np.bincount(chain.status, minlength=len(RowStatus))
    return Quality(
        listed=len(chain),
        used=int(np.count_nonzero(is_known)),
        stale=int(counts[RowStatus.STALE]),
        without_iv=int(counts[RowStatus.NO_IV]),
        rejected=int(counts[RowStatus.REJECTED] + counts[RowStatus.NO_FORWARD]),
        gaps=chain.gaps,
    )


def of_book(chain: OptionChain, settlement: Settlement) -> OptionChain:
    """Return the chain of one book alone: coin-margined or USDC-margined."""
    return chain.select(chain.settlement == settlement)
