"""The levels of a book: flips from its mixture, walls from its strikes, the next expiry's cliff.

Knows how profiles and tables were computed; what the levels are is `greeks.levels`.
"""

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import (
    SECONDS_PER_YEAR,
    Exposure,
    FlipReason,
    FloatArray,
    IntArray,
)
from greeks.flips import Curves, find_roots, sample_curves
from greeks.ladder import LADDER
from greeks.levels import (
    NEAR,
    Cliff,
    Flip,
    Levels,
    describe_flip,
    find_walls,
    largest_within,
    nearest_flip,
    reason_without_flip,
)
from greeks.mixture import WHOLE
from greeks.pin import Pin
from greeks.profile import Book, Profile
from greeks.settlement import WINDOW_S
from greeks.tables import ExpiryTable, StrikeTable, known_or_zero


def find_book_flips(
    book: Book, profile: Profile, gross: float
) -> tuple[tuple[Flip, ...], FloatArray]:
    """All flips of the book, and the one nearest to spot of each of its expiries."""
    of_expiry = np.full(len(book.expiry_ms), np.nan)
    if not (book.spot_usd > 0 and len(book.expiry_ms)):
        return (), of_expiry
    curves = sample_curves(
        book.mixture, LADDER, profile.gex_usd_per_1pct, profile.expiry_gex_usd_per_1pct
    )
    roots = find_roots(book.mixture, curves)
    for group in np.unique(roots.group[roots.group != WHOLE]):
        moves = roots.move[roots.group == group]
        of_expiry[group] = book.spot_usd * np.exp(moves[np.argmin(np.abs(moves))])
    whole = roots.group == WHOLE
    return _describe(book, curves, roots.move[whole], roots.slope[whole], gross), of_expiry


def _describe(
    book: Book, curves: list[Curves], moves: FloatArray, slopes: FloatArray, gross: float
) -> tuple[Flip, ...]:
    whole = next(curve for curve in curves if WHOLE in curve.groups)
    values = whole.values[np.flatnonzero(whole.groups == WHOLE)[0]]
    edges = moves[:, None] + np.log1p([-NEAR, NEAR])
    at_edges = np.abs(book.mixture.first_at(edges.ravel())).reshape(-1, 2)
    return tuple(
        describe_flip(
            float(book.spot_usd * np.exp(move)),
            float(slope),
            max(float(ends.max()), largest_within(whole.moves, values, *edge.tolist())),
            gross,
        )
        for move, slope, edge, ends in zip(moves, slopes, edges, at_edges, strict=True)
    )


def compute_levels(
    chain: OptionChain,
    position_coin: FloatArray,
    by_strike: StrikeTable,
    by_expiry: ExpiryTable,
    profile: Profile,
    flips: tuple[Flip, ...],
) -> Levels:
    """All levels of a snapshot; without a spot there are none."""
    if not (np.isfinite(chain.index_price) and chain.index_price > 0):
        return Levels((), None, FlipReason.NO_SPOT, None, None)
    call_walls, put_walls = find_walls(
        by_strike.strike_usd,
        known_or_zero(by_strike.call_gex_usd_per_1pct),
        known_or_zero(by_strike.put_gex_usd_per_1pct),
        chain.index_price,
    )
    return Levels(
        flips=flips,
        flip_usd=nearest_flip(flips, chain.index_price),
        flip_reason=None if flips else reason_without_flip(profile.gex_usd_per_1pct),
        call_wall_usd=call_walls[0].strike_usd if call_walls else None,
        put_wall_usd=put_walls[0].strike_usd if put_walls else None,
        call_walls=call_walls,
        put_walls=put_walls,
        cliff=_cliff(chain, by_expiry),
        pin=_pin(chain, position_coin, by_expiry),
    )


def _next_expiry(chain: OptionChain, expiry_ms: IntArray) -> int | None:
    """Index of the next expiry to come."""
    coming = np.flatnonzero(expiry_ms > chain.as_of_ms)
    return int(coming[0]) if len(coming) else None


def _cliff(chain: OptionChain, by_expiry: ExpiryTable) -> Cliff | None:
    at = _next_expiry(chain, by_expiry.expiry_ms)
    gross = by_expiry.gross_gex_usd_per_1pct
    total = float(gross[np.isfinite(gross)].sum())
    if at is None or not (total > 0 and np.isfinite(gross[at])):
        return None
    return Cliff(
        expiry_ms=int(by_expiry.expiry_ms[at]),
        net_gex_usd_per_1pct=float(by_expiry.exposures.column(Exposure.GEX)[at]),
        gross_gex_usd_per_1pct=float(gross[at]),
        gross_share=float(gross[at]) / total,
    )


def _pin(chain: OptionChain, position_coin: FloatArray, by_expiry: ExpiryTable) -> Pin | None:
    """The strike of the next expiry with the largest n phi(xi), where dealers are long."""
    at = _next_expiry(chain, by_expiry.expiry_ms)
    if at is None:
        return None
    expiry_ms = int(by_expiry.expiry_ms[at])
    seconds = (expiry_ms - chain.as_of_ms) / 1000
    effective = seconds - 2 * WINDOW_S / 3 if seconds > WINDOW_S else seconds / 3
    sd = float(by_expiry.atm_iv[at] * np.sqrt(effective / SECONDS_PER_YEAR))
    mine = (chain.expiry_ms == expiry_ms) & chain.is_usable & (chain.strike > 0)
    mine &= np.isfinite(position_coin)
    strikes, group = np.unique(chain.strike[mine], return_inverse=True)
    if not (sd > 0 and len(strikes)):
        return None
    position = np.bincount(group, position_coin[mine])
    distance = np.log(chain.index_price / strikes)
    pull = position * np.exp(-0.5 * (distance / sd) ** 2)
    best = int(np.argmax(pull))
    if not pull[best] > 0:
        return None
    return Pin(float(strikes[best]), expiry_ms, float(position[best]), float(distance[best]), sd)
