"""Net GEX of many inventories at once: over a ladder of spot levels, and where it changes sign.

Knows gamma per coin and level; the inventories may be draws, noise, or one option each.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import INV_SQRT_2PI, MIN_SD
from greeks.chain import OptionChain
from greeks.conventions import PCT, BoolArray, FloatArray
from greeks.settlement import averaged_options, is_averaging

LOW, HIGH, COUNT = 0.6, 1.6, 401
_NO_GAMMA = -700.0  # exponents below it only cost time


@dataclass(frozen=True, slots=True)
class GexLadder:
    """GEX of one coin of each option at each spot level.

    Attributes
    ----------
    spot_usd : the index now.
    levels_usd : (M,) rising, log-spaced.
    per_coin : (n, M) USD per 1 %; zero where an option cannot be computed.
    at_spot : (n,) the same at spot.
    """

    spot_usd: float
    levels_usd: FloatArray
    per_coin: FloatArray
    at_spot: FloatArray

    @classmethod
    def of(cls, chain: OptionChain, count: int = COUNT) -> "GexLadder":
        """Evaluate 0.01 F'^2 gamma(F') = 0.01 F' n(d1)/v at F' = F S'/S, volatility held."""
        moves = np.linspace(np.log(LOW), np.log(HIGH), count)
        return cls(
            spot_usd=chain.index_price,
            levels_usd=chain.index_price * np.exp(moves),
            per_coin=_gex_per_coin(chain, moves),
            at_spot=gex_per_coin(chain),
        )

    def net_at_spot(self, positions_coin: FloatArray) -> FloatArray:
        """Net GEX of each inventory, (D,) for (D, n), USD per 1 %; unknown positions count 0."""
        return np.asarray(np.nan_to_num(positions_coin) @ self.at_spot)

    def flips(self, positions_coin: FloatArray) -> FloatArray:
        """Flip nearest to spot of each inventory, (D,) for (D, n); NaN where there is none.

        Linear in ln S between the two levels around the sign change; with 401 levels within
        0.01 % of the root of the exact profile unless two roots share a step.
        """
        net = np.nan_to_num(positions_coin) @ self.per_coin
        left, right = net[:, :-1], net[:, 1:]
        changes = (left < 0) != (right < 0)
        changes &= (left != 0) | (right != 0)
        moves = np.log(self.levels_usd / self.spot_usd)
        with np.errstate(all="ignore"):
            roots = moves[:-1] + np.diff(moves) * left / (left - right)
        distance = np.where(changes, np.abs(roots), np.inf)
        nearest = np.argmin(distance, axis=1)
        rows = np.arange(len(net))
        found = np.isfinite(distance[rows, nearest])
        return np.where(found, self.spot_usd * np.exp(roots[rows, nearest]), np.nan)


def gex_per_coin(chain: OptionChain) -> FloatArray:
    """GEX at spot of one coin of each option, (n,) USD per 1 %; zero where not computable."""
    return np.asarray(_gex_per_coin(chain, np.zeros(1))[:, 0])


def _gex_per_coin(chain: OptionChain, moves: FloatArray) -> FloatArray:
    """(n, M) USD per 1 % and coin after each log-move."""
    with np.errstate(all="ignore"):
        forward, strike = chain.forward, chain.strike
        sd = chain.mark_iv * np.sqrt(np.maximum(chain.years_to_expiry, 0.0))
        share, averaging = np.ones(len(chain)), is_averaging(chain) & chain.is_usable
        if averaging.any():
            options = averaged_options(chain, averaging)
            forward, strike = forward.copy(), strike.copy()
            forward[averaging], strike[averaging] = options.forward, options.strike
            sd[averaging], share[averaging] = options.sd, options.share
        usable = chain.is_usable & (sd >= MIN_SD) & (forward > 0) & (strike > 0)
        first = _first_of_twins(chain, usable, forward, strike, sd)
        rows = np.flatnonzero(first)
        v = sd[rows, None]
        d2 = (np.log(forward[rows] / strike[rows])[:, None] + moves) / v - v / 2
        density = np.exp(np.maximum(-0.5 * d2 * d2, _NO_GAMMA))
        distinct = (PCT * INV_SQRT_2PI) * strike[rows, None] / v * density
    gex = np.zeros((len(chain), len(moves)))
    gex[usable] = distinct[np.cumsum(first)[usable] - 1] * share[usable, None]
    return gex


def _first_of_twins(chain: OptionChain, usable: BoolArray, *columns: FloatArray) -> BoolArray:
    """Usable rows that differ from the usable row before them: a call and its put share one."""
    rows = np.flatnonzero(usable)
    differs = np.ones(len(rows), dtype=np.bool_)
    same = np.ones(max(len(rows) - 1, 0), dtype=np.bool_)
    for column in (chain.expiry_ms, *columns):
        same &= np.diff(column[rows]) == 0
    differs[1:] = ~same
    first = np.zeros(len(chain), dtype=np.bool_)
    first[rows[differs]] = True
    return first
