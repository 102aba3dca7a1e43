"""What dealers must hold against their options at every price and time of a simulation.

Knows a chain and a position; does not know how prices come about.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from dealers.hedging import compute_hedge_flow
from greeks.chain import OptionChain
from greeks.conventions import PCT, FloatArray

REACH = 0.5
"""The outermost nodes, in log moves: prices from 0.61 to 1.65 times the first one."""
NODES = 401
_LAST_S = 86_400.0  # time bends the hedge of an expiry most in its last day
_BEFORE_S = 7_200.0


@dataclass(frozen=True, slots=True)
class HedgeSurface:
    """Dealers' hedge less the one that they hold now, coins, linear between the nodes.

    phi(x, t) = -sum q [delta(F e^x, T - t, s) - delta(F, T, s)]; flat beyond the last nodes.

    Attributes
    ----------
    log_move : (M,) rising nodes x, log moves of the index and of every forward.
    seconds : (J,) rising times t from now; the first is 0.
    target_coin : (J, M) phi.
    vanna_coin : (J, M) the part of phi that volatility's answer to the move makes.
    """

    log_move: FloatArray
    seconds: FloatArray
    target_coin: FloatArray
    vanna_coin: FloatArray

    def __post_init__(self) -> None:
        shape = len(self.seconds), len(self.log_move)
        for name in ("target_coin", "vanna_coin"):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name}: expected shape {shape}, was {found}")

    def without_vanna(self) -> "HedgeSurface":
        """The hedge where volatility does not answer to moves."""
        if not self.vanna_coin.any():
            return self
        target = self.target_coin - self.vanna_coin
        return replace(self, target_coin=target, vanna_coin=np.zeros_like(target))

    def target(self, step: int, log_move: FloatArray) -> FloatArray:
        """Phi at the time of a step, coins."""
        return np.asarray(np.interp(log_move, self.log_move, self.target_coin[step]))

    def vanna(self, step: int, log_move: FloatArray) -> FloatArray:
        """The part of phi that volatility's answer makes, coins."""
        return np.asarray(np.interp(log_move, self.log_move, self.vanna_coin[step]))


def log_nodes(width: float, count: int = NODES, reach: float = REACH) -> FloatArray:
    """Nodes from -reach to reach, `width` wide evenly dense and sparser outwards: w sinh(u).

    An odd count puts one of them at zero exactly. Raises ValueError for a width of no size.
    """
    if not width > 0:
        raise ValueError(f"width: expected a positive number, was {width}")
    half = width * np.sinh(np.linspace(0.0, math.asinh(reach / width), count // 2 + 1))
    return np.concatenate([-half[:0:-1], half])


def compute_hedge_surface(
    chain: OptionChain,
    position_coin: FloatArray,
    seconds: FloatArray,
    log_moves: FloatArray,
    iv_points_per_pct: float = 0.0,
) -> HedgeSurface:
    """Re-hedge the book exactly at every node and time, by `compute_hedge_flow`.

    Parameters
    ----------
    position_coin : (n,) dealers' inventory, coins, + = dealers long.
    seconds : (J,) times from now, rising from 0.
    log_moves : (M,) rising nodes.
    iv_points_per_pct : points on every volatility for +1 % of spot.

    Hedges are counted in USD (`HedgeConvention.USD`). An expiry's are computed at every time of its
    last day, every two hours before that, and linear in between. All NaN where no option has both
    a price and a position.
    """
    shape = len(seconds), len(log_moves)
    known = compute_hedge_flow(chain, position_coin, np.zeros(1), np.zeros(1)).flow_coin
    if not np.isfinite(known).all():
        return HedgeSurface(log_moves, seconds, *np.full((2, *shape), np.nan))
    target, vanna = np.zeros((2, *shape))
    for expiry_ms in np.unique(chain.expiry_ms):
        rows = chain.expiry_ms == expiry_ms
        times = _times_of((expiry_ms - chain.as_of_ms) / 1000, seconds)
        flow = compute_hedge_flow(
            chain.select(rows),
            position_coin[rows],
            np.expm1(log_moves) / PCT,
            times,
            iv_points_per_pct,
        )
        between = _linear_in_time(times, seconds)
        for surface, part in ((target, flow.flow_coin), (vanna, flow.vanna_coin)):
            surface[:] += between @ np.nan_to_num(part.reshape(len(times), -1))
    return HedgeSurface(log_moves, seconds, target, vanna)


def _times_of(left_s: float, seconds: FloatArray) -> FloatArray:
    """The times at which the hedges of an expiry that is `left_s` away are computed."""
    wanted = (seconds > left_s - _LAST_S) & (seconds <= left_s)
    pace = float(seconds[-1]) / max(len(seconds) - 1, 1)
    wanted[:: max(1, int(_BEFORE_S / pace)) if pace else 1] = True
    wanted[-1] = True
    # the first time without it: in between the hedge is not on a straight line
    wanted[np.searchsorted(seconds, left_s, "right") :][:1] = True
    return seconds[wanted]


def _linear_in_time(knots: FloatArray, seconds: FloatArray) -> FloatArray:
    """Weights (J, K) that interpolate from the knots to each time."""
    return np.array([np.interp(seconds, knots, unit) for unit in np.eye(len(knots))]).T
