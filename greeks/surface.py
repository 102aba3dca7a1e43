"""Scenario surface: GEX, delta and vega over spot x volatility shift x time, and where GEX is zero.

Thousands of full re-pricings, some tenths of a second: for a thread or a process of its own, not
for the path from message to board.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from greeks.black76 import INV_SQRT_2PI, differs_from_previous, log_ratio
from greeks.chain import OptionChain
from greeks.conventions import DAYS_PER_YEAR, PCT, VOL_POINT, FloatArray, IntArray
from greeks.held import HeldRows

MIN_IV = 0.01
"""A shift never takes a volatility below this."""
_HOURS_PER_YEAR = 24 * DAYS_PER_YEAR


@dataclass(frozen=True, slots=True)
class Surface:
    """Net exposures at every scenario, arrays of shape (hours, shifts, spots).

    Attributes
    ----------
    hours : (H,) from now. shift_pts : (V,) added to every volatility. spot_usd : (S,).
    gex_usd_per_1pct, delta_coin, vega_usd_per_pt : (H, V, S).
    zero_hours, zero_shift_pts, zero_spot_usd : points of the contour where net GEX is zero,
        interpolated in log-spot between neighbouring spots.
    """

    hours: FloatArray
    shift_pts: FloatArray
    spot_usd: FloatArray
    gex_usd_per_1pct: FloatArray
    delta_coin: FloatArray
    vega_usd_per_pt: FloatArray
    zero_hours: FloatArray
    zero_shift_pts: FloatArray
    zero_spot_usd: FloatArray


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Held rows with twins merged: q of both, and q of the puts, whose delta is one less.

    `scale` is v/(s sqrt(T)): 1, but for options inside their settlement average.
    """

    log_moneyness: FloatArray
    strike: FloatArray
    years: FloatArray
    iv: FloatArray
    scale: FloatArray
    position: FloatArray
    puts: FloatArray

    @classmethod
    def of(cls, held: HeldRows, position: FloatArray) -> "_Pairs":
        new = differs_from_previous(held.expiry_ms, held.strike, held.forward, held.iv)
        rows = np.flatnonzero(new) if len(new) else np.empty(0, np.int64)
        q = np.stack([position, position * ~held.is_call])
        both, puts = np.add.reduceat(q, rows, axis=1) if len(rows) else q
        F, K, T, s = (x[rows] for x in (held.forward, held.strike, held.years, held.iv))
        scale = held.sd[rows] / (s * np.sqrt(T))
        return cls(log_ratio(F, K), K, T, s, scale, both, puts)


def compute_surface(
    chain: OptionChain,
    position_coin: FloatArray,
    moves_pct: FloatArray,
    shift_pts: FloatArray,
    hours: FloatArray,
) -> Surface:
    """Re-price the book at every move of spot, parallel shift of volatility and time from now.

    Parameters
    ----------
    position_coin : (n,) dealers' inventory, coins, + = dealers long.
    moves_pct : (S,) moves of the index and of every forward, rising, above -100.
    shift_pts : (V,) points added to every volatility (0.01 each), floored at 1 %.
    hours : (H,) from now; options that expire before are gone.

    Sticky strike, plain Black-76: the settlement average counts only for options that are inside
    it now.
    """
    held = HeldRows.of(chain)
    pairs = _Pairs.of(held, held.open_position(position_coin))
    moves = np.log1p(moves_pct * PCT)
    values = np.zeros((3, len(hours), len(shift_pts), len(moves)))
    for h, hour in enumerate(hours.tolist()):
        for v, shift in enumerate(shift_pts.tolist()):
            values[:, h, v] = _scenarios(pairs, moves, shift * VOL_POINT, hour / _HOURS_PER_YEAR)
    gex, delta, vega = values
    zeros = _zero_contour(gex, moves)
    return Surface(
        hours=hours,
        shift_pts=shift_pts,
        spot_usd=chain.index_price * np.exp(moves),
        gex_usd_per_1pct=gex,
        delta_coin=delta,
        vega_usd_per_pt=vega,
        zero_hours=hours[zeros[0]],
        zero_shift_pts=shift_pts[zeros[1]],
        zero_spot_usd=chain.index_price * np.exp(zeros[2]),
    )


def _scenarios(pairs: _Pairs, moves: FloatArray, shift: float, years: float) -> FloatArray:
    """Net GEX, delta and vega after each move, a shift and a time: (3, S)."""
    alive = np.flatnonzero(pairs.years > years)
    if not len(alive):
        return np.zeros((3, len(moves)))
    q, K = pairs.position[alive], pairs.strike[alive]
    root_t = pairs.scale[alive] * np.sqrt(pairs.years[alive] - years)
    v = np.maximum(pairs.iv[alive] + shift, MIN_IV) * root_t
    d2 = (moves[:, None] + pairs.log_moneyness[alive]) / v - v / 2
    density = INV_SQRT_2PI * np.exp(-0.5 * d2 * d2)  # F' n(d1) = K n(d2)
    return np.stack(
        [
            density @ (q * K * PCT / v),
            ndtr(d2 + v) @ q - pairs.puts[alive].sum(),
            density @ (q * K * root_t * VOL_POINT),
        ]
    )


def _zero_contour(gex: FloatArray, moves: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Hour index, shift index and log-move of every sign change along spot."""
    h, v, left = np.nonzero(gex[..., 1:] * gex[..., :-1] < 0)
    low, high = gex[h, v, left], gex[h, v, left + 1]
    share = low / (low - high)
    return h, v, moves[left] + share * (moves[left + 1] - moves[left])
