"""Scenario surface: GEX, delta and vega over spot x volatility shift x time, and where GEX is zero.

Thousands of full re-pricings, some tenths of a second: for a thread or a process of its own, not
for the path from message to board.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from greeks.black76 import INV_SQRT_2PI, MIN_SD, differs_from_previous, is_computable
from greeks.chain import OptionChain
from greeks.conventions import PCT, VOL_POINT, FloatArray, IntArray
from greeks.delivery import Delivery
from greeks.flips import Curves, find_sign_changes
from greeks.held import known_or_zero
from greeks.mixture import WHOLE

MIN_IV = 0.01
"""A shift never takes a volatility below this."""
_SECONDS_PER_HOUR = 3600.0


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
    """Usable rows with twins merged: q of both, and q of the puts, whose delta is m less."""

    delivery: Delivery
    iv: FloatArray
    position: FloatArray
    puts: FloatArray

    @classmethod
    def of(cls, chain: OptionChain, position_coin: FloatArray) -> "_Pairs":
        F, K, T, s = chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv
        usable = chain.is_usable & is_computable(F, K, T, s) & (T > 0)
        chain, held = chain.select(usable), known_or_zero(position_coin[usable])
        delivery, s = Delivery.of(chain), chain.mark_iv
        of_strike = delivery.strike_ratio, delivery.forward, delivery.sd
        rows = np.flatnonzero(differs_from_previous(chain.expiry_ms, s, *of_strike))
        q = np.stack([held, held * ~chain.is_call])
        both, puts = np.add.reduceat(q, rows, axis=1) if len(rows) else q
        return cls(delivery.take(rows), s[rows], both, puts)

    def alive_after(self, seconds: float) -> "_Pairs":
        """Those that have time to live by then."""
        rows = np.flatnonzero(self.delivery.left_s > seconds)
        delivery = self.delivery.take(rows)
        return _Pairs(delivery, self.iv[rows], self.position[rows], self.puts[rows])


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

    Sticky strike. An expiry goes through its settlement average as in the hedge flow, so that net
    delta now less a scenario's is the flow into it; an expired option has neither.
    """
    pairs = _Pairs.of(chain, position_coin)
    values = np.zeros((3, len(hours), len(shift_pts), len(moves_pct)))
    for h, hour in enumerate(hours.tolist()):
        values[:, h] = _scenarios(pairs, moves_pct, shift_pts, hour)
    gex, delta, vega = values
    moves = np.log1p(moves_pct * PCT)
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


def _scenarios(
    pairs: _Pairs, moves_pct: FloatArray, shift_pts: FloatArray, hours: float
) -> FloatArray:
    """Net GEX, delta and vega after a time, at each shift and move: (3, V, S)."""
    out = np.zeros((3, len(shift_pts), len(moves_pct)))
    seconds = hours * _SECONDS_PER_HOUR
    pairs = pairs.alive_after(seconds)
    if not len(pairs.iv):
        return out
    delivery, x = pairs.delivery, moves_pct[:, None] * PCT
    share, sd = delivery.share_after(seconds), delivery.sd_after(seconds)
    moneyness = delivery.moneyness_after(x, seconds)
    held, put_delta = pairs.position * share, float(pairs.puts @ share)
    value = held * delivery.forward
    for i, shift in enumerate(shift_pts.tolist()):
        iv = np.maximum(pairs.iv + shift * VOL_POINT, MIN_IV)
        v = np.maximum(sd * (iv / pairs.iv), MIN_SD)
        d1 = moneyness / v + v / 2
        density = INV_SQRT_2PI * np.exp(-0.5 * d1 * d1)
        out[0, i] = density @ (value * PCT / v)
        out[1, i] = ndtr(d1) @ held - put_delta
        out[2, i] = density @ (value * v / iv * VOL_POINT)
    out[::2] *= 1 + moves_pct * PCT  # F'/F
    return out


def _zero_contour(gex: FloatArray, moves: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Hour index, shift index and log-move of every sign change along spot."""
    curves = gex.reshape(-1, len(moves))
    every = np.arange(len(curves))
    changes = find_sign_changes(Curves(every, np.full_like(every, WHOLE), moves, curves))
    hour, shift = np.divmod(changes.sets, gex.shape[1])
    return hour, shift, changes.start
