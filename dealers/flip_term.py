"""When and where the regime would change if nothing traded: flips by expiry and through time."""

from dataclasses import dataclass

import numpy as np

from dealers.ladder import gex_per_coin
from greeks.book_levels import find_book_flips, find_nearest_flips
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_DAY, FloatArray, IntArray
from greeks.held import known_or_zero
from greeks.levels import nearest_flip
from greeks.profile import Book, LadderSums, compute_profiles
from greeks.scenario import age_chain

HOUR_MS = 3_600_000
HORIZONS_H = (0.0, 1.0, 4.0, 12.0, 24.0, 48.0, 72.0, 168.0, 336.0, 720.0)
_AFTER_MS = 1000
"""An expiry's options are gone a second later."""


@dataclass(frozen=True, slots=True)
class FlipTerm:
    """Flips of a book by expiry and by time; NaN is none.

    Attributes
    ----------
    expiry_ms : (E,) expiries that carry gamma, rising.
    flip_usd : (E,) flip nearest to spot of each expiry alone.
    flip_until_usd : (E,) of all expiries up to it.
    at_ms : (T,) instants, rising from now; each expiry to come has one right after it.
    flip_at_usd : (T,) flip nearest to today's spot at each instant.
    gex_at_spot, gross_at_spot : (T,) net and gross GEX at today's spot, USD per 1 %.
    spot_usd : (M,) levels.
    gex_usd_per_1pct : (T, M) net GEX at each instant and level.
    zero_at_ms, zero_spot_usd : (Z,) every flip at every instant: the zero contour.
    """

    expiry_ms: IntArray
    flip_usd: FloatArray
    flip_until_usd: FloatArray
    at_ms: IntArray
    flip_at_usd: FloatArray
    gex_at_spot: FloatArray
    gross_at_spot: FloatArray
    spot_usd: FloatArray
    gex_usd_per_1pct: FloatArray
    zero_at_ms: IntArray
    zero_spot_usd: FloatArray


def compute_flip_term(chain: OptionChain, position_coin: FloatArray) -> FlipTerm:
    """Re-price the book as it ages: spot, volatilities, forwards and positions held.

    Options that expire drop out; nothing replaces them [A]. The ladder is that of the profile.
    """
    now = Book.of(chain, position_coin)
    sums = LadderSums.of(now)
    profile = compute_profiles(now, sums)[0]
    _, nearest = find_book_flips(now, sums, np.ones(1))
    growing = np.where(chain.expiry_ms <= now.expiry_ms[:, None], position_coin, 0.0)
    times = _instants(chain)
    surface = np.full((len(times), len(profile.spot_usd)), np.nan)
    flip_at, at_spot, gross = np.full((3, len(times)), np.nan)
    held = known_or_zero(position_coin)
    zeros: list[tuple[int, float]] = []
    is_known = bool(np.isfinite(position_coin).any())
    for row, at_ms in enumerate(times.tolist()):
        aged = age_chain(chain, at_ms)
        book = Book.of(aged, position_coin)
        if not (is_known and len(book.expiry_ms)):
            continue
        later = LadderSums.of(book)
        surface[row] = later.gex[0, 0]
        per_coin = gex_per_coin(aged)
        at_spot[row], gross[row] = held @ per_coin, np.abs(held) @ per_coin
        flips = find_book_flips(book, later, np.ones(1))[0][0]
        zeros += [(at_ms, flip.spot_usd) for flip in flips]
        flip_usd = nearest_flip(flips, book.spot_usd)
        flip_at[row] = np.nan if flip_usd is None else flip_usd
    return FlipTerm(
        expiry_ms=now.expiry_ms,
        flip_usd=nearest[0],
        flip_until_usd=find_nearest_flips(chain, growing),
        at_ms=times,
        flip_at_usd=flip_at,
        gex_at_spot=at_spot,
        gross_at_spot=gross,
        spot_usd=profile.spot_usd,
        gex_usd_per_1pct=surface,
        zero_at_ms=np.array([at_ms for at_ms, _ in zeros], np.int64),
        zero_spot_usd=np.array([spot for _, spot in zeros]),
    )


def _instants(chain: OptionChain) -> IntArray:
    """The standing horizons, and the second after each expiry within the longest of them."""
    standing = chain.as_of_ms + (np.array(HORIZONS_H) * HOUR_MS).astype(np.int64)
    expiries = np.unique(chain.expiry_ms) + _AFTER_MS
    coming = expiries[(expiries > chain.as_of_ms) & (expiries <= standing[-1] + MS_PER_DAY)]
    return np.unique(np.concatenate([standing, coming]))
