"""From a chain to everything the board says: one snapshot per position model, and selections.

Pure: what REST, push, page, alerts and history read is made here and nowhere else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np

from dealers.hedging import HedgeFlow, compute_hedge_flow
from dealers.reading import TapeReading
from dealers.rules import PositionModel
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_DAY, BoolArray, FloatArray, Settlement
from greeks.exposure import ExposureSnapshot, compute_exposure, compute_exposures
from greeks.prepare import prepare_chain

_FRIDAY = 4
NO_TAPE = TapeReading()
"""As long as no tape was read, only the rules answer."""


class Book(StrEnum):
    """Which options of an asset: coin-margined, USDC-margined, or both."""

    INVERSE = "inverse"
    LINEAR = "linear"
    ALL = "all"


class ExpiryGroup(StrEnum):
    """Names for sets of expiries."""

    NEXT = "next"  # the nearest expiry
    ZERO_DTE = "0dte"  # expiring within 24 hours
    WEEKLY = "weekly"  # Fridays that are not the last of their month
    MONTHLY = "monthly"  # last Fridays, quarterly ones too
    QUARTERLY = "quarterly"  # last Fridays of March, June, September, December


class UnknownExpiryError(LookupError):
    """An expiry label that no listed option has."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the board a reader asks for. The default is all of it."""

    position: PositionModel = PositionModel.NAIVE
    expiries: tuple[str, ...] = ()  # labels and group names; empty: all
    book: Book = Book.ALL


def expiry_label(expiry_ms: int) -> str:
    """Return the venue's name of an expiry: 27DEC26, no leading zero."""
    day = datetime.fromtimestamp(expiry_ms / 1000, UTC)
    return f"{day.day}{day:%b%y}".upper()


def expiry_groups(expiry_ms: int, as_of_ms: int, nearest_ms: int) -> frozenset[ExpiryGroup]:
    """Return the groups that an expiry belongs to."""
    day = datetime.fromtimestamp(expiry_ms / 1000, UTC)
    week_later = datetime.fromtimestamp((expiry_ms + 7 * MS_PER_DAY) / 1000, UTC)
    groups = set()
    if expiry_ms == nearest_ms:
        groups.add(ExpiryGroup.NEXT)
    if expiry_ms - as_of_ms <= MS_PER_DAY:
        groups.add(ExpiryGroup.ZERO_DTE)
    if day.weekday() == _FRIDAY:
        is_last = week_later.month != day.month
        groups.add(ExpiryGroup.MONTHLY if is_last else ExpiryGroup.WEEKLY)
        if is_last and day.month % 3 == 0:
            groups.add(ExpiryGroup.QUARTERLY)
    return frozenset(groups)


def select(chain: OptionChain, selection: Selection) -> OptionChain:
    """Return the options of the selected book and expiries.

    Raises `UnknownExpiryError` for a label that no listed option has; a group may be empty.
    """
    keep: BoolArray = np.ones(len(chain), dtype=np.bool_)
    if selection.book != Book.ALL:
        wanted = Settlement.INVERSE if selection.book == Book.INVERSE else Settlement.LINEAR
        keep &= chain.settlement == wanted
    if selection.expiries:
        keep &= np.isin(chain.expiry_ms, _wanted_expiries(chain, selection.expiries))
    return chain if keep.all() else chain.select(keep)


def _wanted_expiries(chain: OptionChain, asked: tuple[str, ...]) -> list[int]:
    listed = [int(expiry) for expiry in np.unique(chain.expiry_ms)]
    label_of = {expiry: expiry_label(expiry) for expiry in listed}
    groups = {group.value for group in ExpiryGroup}
    for name in asked:
        if name not in groups and name not in label_of.values():
            raise UnknownExpiryError(name)
    return [
        expiry
        for expiry in listed
        if label_of[expiry] in asked
        or not expiry_groups(expiry, chain.as_of_ms, listed[0]).isdisjoint(asked)
    ]


def compute_selection(
    chain: OptionChain, selection: Selection, tape: TapeReading = NO_TAPE
) -> ExposureSnapshot:
    """Compute the exposures of the selected options under the selected position model.

    Nothing is known under a model that lacks data: `tape` says why.
    """
    chosen = prepare_chain(select(chain, selection))
    position = tape.position(selection.position, chosen)
    return compute_exposure(chosen, position, selection.position.value)


def compute_models(
    chain: OptionChain, tape: TapeReading = NO_TAPE
) -> dict[PositionModel, ExposureSnapshot]:
    """Compute the whole chain under every position model at once."""
    chain = prepare_chain(chain)
    positions = {model.value: tape.position(model, chain) for model in PositionModel}
    return {PositionModel(name): each for name, each in compute_exposures(chain, positions).items()}


def atm_iv_30d(snapshot: ExposureSnapshot) -> float | None:
    """At-the-money volatility at 30 days, total variance linear between the expiries around."""
    expiries = snapshot.by_expiry
    days = (expiries.expiry_ms - snapshot.chain.as_of_ms) / MS_PER_DAY
    known = np.isfinite(expiries.atm_iv) & (days > 0)
    if not known.any():
        return None
    variance = np.interp(30.0, days[known], (expiries.atm_iv**2 * days)[known])
    first, last = days[known][0], days[known][-1]
    return float(np.sqrt(variance / min(max(30.0, first), last)))


def hedge_flow_now(
    snapshot: ExposureSnapshot, moves_pct: FloatArray, iv_points_per_pct: float
) -> HedgeFlow:
    """Hedge flow for sudden moves of `moves_pct` per cent, volatility answering as told."""
    return compute_hedge_flow(
        snapshot.chain, snapshot.position_coin, moves_pct, np.zeros(1), iv_points_per_pct
    )
