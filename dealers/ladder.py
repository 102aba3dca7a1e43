"""Net GEX of many inventories at once: over a ladder of spot levels, and where it changes sign.

Knows gamma per coin and level; the inventories may be draws, noise, or one option each.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import FLOOR_EXPONENT, INV_SQRT_2PI, log_ratio
from greeks.chain import OptionChain
from greeks.conventions import PCT, FloatArray
from greeks.flips import Curves, find_sign_changes
from greeks.held import HeldRows
from greeks.ladder import LADDER, Ladder
from greeks.mixture import WHOLE


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
    def of(cls, chain: OptionChain, ladder: Ladder = LADDER) -> "GexLadder":
        """Evaluate 0.01 F'^2 gamma(F') = 0.01 F' n(d1)/v at F' = F S'/S, volatility held."""
        return cls(
            spot_usd=chain.index_price,
            levels_usd=ladder.levels(chain.index_price),
            per_coin=_gex_per_coin(chain, ladder.moves),
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
        return nearest_sign_change(self.levels_usd, net, self.spot_usd)


def nearest_sign_change(levels_usd: FloatArray, net: FloatArray, spot_usd: float) -> FloatArray:
    """Level nearest to spot, in log distance, at which each row of `net` (D, M) changes sign.

    A strict change, through zeros if need be; linear in ln S between the levels around it. NaN
    where there is none.
    """
    every = np.arange(len(net))
    curves = Curves(every, np.full_like(every, WHOLE), np.log(levels_usd / spot_usd), net)
    changes = find_sign_changes(curves)
    far_first = (-np.abs(changes.start)).argsort(kind="stable")  # the nearest is written last
    nearest = np.full(len(net), np.nan)
    nearest[changes.sets[far_first]] = spot_usd * np.exp(changes.start[far_first])
    return nearest


def gex_per_coin(chain: OptionChain) -> FloatArray:
    """GEX at spot of one coin of each option, (n,) USD per 1 %; zero where not computable."""
    return np.asarray(_gex_per_coin(chain, np.zeros(1))[:, 0])


def _gex_per_coin(chain: OptionChain, moves: FloatArray) -> FloatArray:
    """(n, M) USD per 1 % and coin after each log-move; F' n(d1) = K n(d2).

    Zero, not a floor of no meaning, where the density is too small to be told from it.
    """
    held = HeldRows.of(chain)
    v = held.sd[:, None]
    d2 = (log_ratio(held.forward, held.strike)[:, None] + moves) / v - v / 2
    exponent = -0.5 * d2 * d2
    density = np.exp(np.maximum(exponent, FLOOR_EXPONENT))
    density[exponent < FLOOR_EXPONENT] = 0.0
    gex = np.zeros((len(chain), len(moves)))
    gex[held.row] = (PCT * INV_SQRT_2PI * held.share * held.strike)[:, None] / v * density
    return gex
