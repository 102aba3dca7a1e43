"""The levels of a book: flips from its mixture, walls from its strikes, the next expiry's cliff.

Knows how profiles and tables were computed; what the levels are is `greeks.levels`.
"""

from math import sqrt

import numpy as np

from greeks.black76 import differs_from_previous
from greeks.chain import OptionChain
from greeks.conventions import (
    SECONDS_PER_YEAR,
    Exposure,
    FlipReason,
    FloatArray,
    IntArray,
)
from greeks.flips import Curves, Roots, find_roots, sample_curves
from greeks.held import known_or_zero
from greeks.layout import Layout
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
from greeks.profile import Book, LadderSums, Profile
from greeks.settlement import WINDOW_S
from greeks.tables import ExpiryTable, StrikeTable
from greeks.terms import Terms


def find_book_flips(
    book: Book, sums: LadderSums, gross: FloatArray
) -> tuple[list[tuple[Flip, ...]], FloatArray]:
    """All flips under each position, and (P, E) the one nearest to spot of each expiry alone.

    `gross` is (P,) gross GEX at spot.
    """
    nearest = np.full((len(gross), len(book.expiry_ms)), np.nan)
    if not (book.spot_usd > 0 and len(book.expiry_ms)):
        return [() for _ in gross], nearest
    curves = sample_curves(book.mixture, sums.ladder, sums.gex)
    roots = find_roots(book.mixture, curves)
    alone = np.flatnonzero(roots.groups != WHOLE)
    move = roots.move[alone]
    far_first = (-np.abs(move)).argsort(kind="stable")  # the nearest is written last
    alone, move = alone[far_first], move[far_first]
    nearest[roots.sets[alone], roots.groups[alone]] = book.spot_usd * np.exp(move)
    return _describe(book, curves, roots, gross), nearest


def find_nearest_flips(chain: OptionChain, positions: FloatArray) -> FloatArray:
    """The flip nearest to spot, USD, of each position (P, n) in coins; NaN where there is none.

    The very flips of the levels: exact signs, all roots, each to the last bits.
    """
    book = Book.of(chain, positions)
    flips, _ = find_book_flips(book, LadderSums.of(book), np.ones(len(positions)))
    nearest = [nearest_flip(found, book.spot_usd) for found in flips]
    return np.array([np.nan if flip is None else flip for flip in nearest])


def _describe(
    book: Book, curves: list[Curves], roots: Roots, gross: FloatArray
) -> list[tuple[Flip, ...]]:
    whole = next(curve for curve in curves if WHOLE in curve.groups)
    rows = np.flatnonzero(whole.groups == WHOLE)
    of_book = np.flatnonzero(roots.groups == WHOLE)
    edges = roots.move[of_book, None] + np.log1p([-NEAR, NEAR])
    at_edges = np.abs(book.mixture.leading_at(edges.ravel())).reshape(len(gross), *edges.shape)
    flips: list[list[Flip]] = [[] for _ in gross]
    for i, (root, edge) in enumerate(zip(of_book.tolist(), edges.tolist(), strict=True)):
        own = int(roots.sets[root])
        largest = max(
            float(at_edges[own, i].max()),
            largest_within(whole.moves, whole.values[rows[own]], *edge),
        )
        level = float(book.spot_usd * np.exp(roots.move[root]))
        flips[own].append(
            describe_flip(level, float(roots.slope[root]), largest, float(gross[own]))
        )
    return [tuple(found) for found in flips]


def compute_levels(
    chain: OptionChain,
    by_strike: StrikeTable,
    by_expiry: ExpiryTable,
    profile: Profile,
    flips: tuple[Flip, ...],
    pin: Pin | None,
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
        pin=pin,
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


def find_pins(
    chain: OptionChain, layout: Layout, terms: Terms, positions: FloatArray
) -> list[Pin | None]:
    """Under each of (P, n) positions the strike of the next expiry with the largest n phi(xi).

    None where dealers are long at no strike of it.
    """
    none: list[Pin | None] = [None] * len(positions)
    at = _next_expiry(chain, layout.expiry_ms)
    if at is None or not chain.index_price > 0:
        return none
    rows, expiry_ms = layout.rows_of(at), int(layout.expiry_ms[at])
    seconds = (expiry_ms - chain.as_of_ms) / 1000
    effective = seconds - 2 * WINDOW_S / 3 if seconds > WINDOW_S else seconds / 3
    sd = float(terms.atm_iv[at]) * sqrt(effective / SECONDS_PER_YEAR)
    if not sd > 0:
        return none
    strike = chain.strike[rows]
    held = known_or_zero(positions[:, rows]) * (chain.is_usable[rows] & (strike > 0))
    first = np.flatnonzero(differs_from_previous(strike))
    position, strike = np.add.reduceat(held, first, axis=1), strike[first]
    with np.errstate(all="ignore"):
        distance = np.log(chain.index_price / strike)
        pull = np.maximum(position, 0.0) * np.exp(-0.5 * (distance / sd) ** 2)
    strongest = np.nan_to_num(pull).argmax(axis=1).tolist()
    return [
        Pin(float(strike[best]), expiry_ms, float(coins[best]), float(distance[best]), sd)
        if pulls[best] > 0
        else None
        for best, coins, pulls in zip(strongest, position, pull, strict=True)
    ]
