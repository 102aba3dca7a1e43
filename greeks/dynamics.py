"""Profile and flips when the smile moves with spot: the exact sums, level by level.

A volatility that depends on the level breaks the Gaussian form, so there is no fast path here;
the formulas are those of `greeks.profile` with s replaced by s(x).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from greeks.black76 import INV_SQRT_2PI, log_ratio
from greeks.chain import OptionChain
from greeks.conventions import DAYS_PER_YEAR, PCT, VOL_POINT, FloatArray
from greeks.held import HeldRows, without_rounding
from greeks.ladder import LADDER, Ladder
from greeks.levels import NEAR, Flip, describe_flip
from greeks.profile import Profile
from greeks.settlement import averaging_charm_at
from greeks.smile import Smile, moved_iv, smiles_of

_BLOCK = 16  # levels evaluated together
_SLOPE_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class MovingBook:
    """The held rows of a chain, their volatilities moving with spot.

    `stickiness` is the ratio R of `greeks.smile`. Inside a settlement average the variance that
    the marks imply scales with the volatility.
    """

    chain: OptionChain
    held: HeldRows
    position: FloatArray
    averaging_position: FloatArray
    smiles: tuple[Smile, ...]
    stickiness: float

    @classmethod
    def of(cls, chain: OptionChain, position_coin: FloatArray, stickiness: float) -> "MovingBook":
        """The book of `position_coin`, one per row, + = dealers long."""
        held = HeldRows.of(chain)
        position = held.open_position(position_coin)
        averaging = held.averaging_position(position_coin)
        return cls(chain, held, position, averaging, smiles_of(chain), stickiness)

    def net_gex_at(self, spot_usd: FloatArray) -> FloatArray:
        """Net GEX in USD per 1 % at each level, (L,)."""
        return _net(self._terms(np.log(spot_usd / self.held.spot_usd))[1])

    def profile(self, ladder: Ladder = LADDER) -> Profile:
        """Exposures at every level of a ladder."""
        held, moves = self.held, ladder.moves
        expiry_ms, starts = np.unique(held.expiry_ms, return_index=True)
        by_expiry = np.zeros((len(expiry_ms), ladder.count))
        net, calls, puts, vega, vanna, charm = np.zeros((6, ladder.count))
        for start in range(0, ladder.count, _BLOCK):
            block = slice(start, start + _BLOCK)
            iv, gex, density, d2_density = self._terms(moves[block])
            if len(starts):
                by_expiry[:, block] = np.add.reduceat(gex, starts, axis=1).T
            net[block] = _net(gex)
            calls[block] = gex[:, held.is_call].sum(axis=1)
            puts[block] = gex[:, ~held.is_call].sum(axis=1)
            vega[block] = density @ (held.sd / held.iv * VOL_POINT)
            vanna[block] = -(d2_density / iv).sum(axis=1) * VOL_POINT
            charm[block] = d2_density @ (0.5 / held.years / DAYS_PER_YEAR)
        if held.averaging is not None:
            charm += self.averaging_position @ averaging_charm_at(held.averaging, moves)
        levels = ladder.levels(held.spot_usd)
        return Profile(levels, net, calls, puts, vega, vanna, charm, expiry_ms, by_expiry)

    def _terms(self, moves: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """s(x), GEX, q K n(d2) and q (K/F') n(d2) d2 of every row at every level, each (L, h)."""
        held = self.held
        iv = moved_iv(self.chain, self.smiles, moves, self.stickiness)[:, held.row]
        v = iv * (held.sd / held.iv)
        d2 = (moves[:, None] + log_ratio(held.forward, held.strike)) / v - v / 2
        density = INV_SQRT_2PI * np.exp(-0.5 * d2 * d2) * (self.position * held.strike)
        d2_density = density * d2 / (held.forward * np.exp(moves)[:, None])
        return iv, density * (PCT / v), density, d2_density


def _net(gex: FloatArray) -> FloatArray:
    """Sum of (L, h) over the rows."""
    return without_rounding(gex.sum(axis=1), np.abs(gex).sum(axis=1))


def find_moving_flips(book: MovingBook, profile: Profile, gross: float) -> tuple[Flip, ...]:
    """Every sign change of a moving book's profile, refined by Brent's method to 1e-12."""
    net = profile.gex_usd_per_1pct
    known = np.flatnonzero(net)
    changes = np.flatnonzero(np.diff(np.sign(net[known])))
    flips = []
    for left, right in zip(known[changes], known[changes + 1], strict=True):
        root = brentq(
            lambda level: float(book.net_gex_at(np.array([level]))[0]),
            profile.spot_usd[left],
            profile.spot_usd[right],
            rtol=1e-12,
        )
        below, above = book.net_gex_at(root * np.exp([-_SLOPE_STEP, _SLOPE_STEP]))
        near = np.abs(book.net_gex_at(root * np.linspace(1 - NEAR, 1 + NEAR, 41)))
        slope = float(above - below) / (2 * _SLOPE_STEP)
        flips.append(describe_flip(float(root), slope, float(near.max()), gross))
    return tuple(flips)
