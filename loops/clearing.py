"""Where a price comes to rest while dealers and forced sellers trade on the way.

Knows one instant of many paths; nothing of time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from greeks.conventions import BoolArray, FloatArray, IntArray

_TOLERANCE = 1e-12  # log price
_MOST_ROUNDS = 60
_CELLS, _MOST_NODES = 4096, 64  # what one stretch of the walk evaluates

Impact = Callable[[FloatArray], FloatArray]
"""Log move of the price for coins bought."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is bought as the price moves: P paths, linear between M nodes.

    Dealers trade phi(x) less what they hold, forced traders what no price has forced yet.

    Attributes
    ----------
    log_price : (M,) rising nodes x.
    target_coin : (M,) phi, dealers' hedge.
    forced_coin : (M,) C, coins that the way from 0 to x forces to be bought; falls nowhere.
    held_coin : (P,) dealers' hedge before.
    active : (P,) whether dealers trade at all.
    most_coin : what they trade at most.
    forced_low, forced_high : (P,) the least and the most of C that was traded so far.
    """

    log_price: FloatArray
    target_coin: FloatArray
    forced_coin: FloatArray
    held_coin: FloatArray
    active: BoolArray
    most_coin: float
    forced_low: FloatArray
    forced_high: FloatArray

    def of(self, paths: IntArray) -> "Demand":
        """The demand of some paths."""
        return replace(
            self,
            held_coin=self.held_coin[paths],
            active=self.active[paths],
            forced_low=self.forced_low[paths],
            forced_high=self.forced_high[paths],
        )

    def dealers(self, target_coin: FloatArray) -> FloatArray:
        """Coins that dealers buy where phi is `target_coin`."""
        wanted = np.clip(target_coin - self.held_coin, -self.most_coin, self.most_coin)
        return np.where(self.active, wanted, 0.0)

    def forced(self, forced_coin: FloatArray) -> FloatArray:
        """Coins that are bought because they must be where C is `forced_coin`."""
        above = np.maximum(forced_coin - self.forced_high, 0.0)
        return above + np.minimum(forced_coin - self.forced_low, 0.0)

    def target_at(self, x: FloatArray) -> FloatArray:
        """Phi at a price of each path."""
        return np.asarray(np.interp(x, self.log_price, self.target_coin))

    def forced_at(self, x: FloatArray) -> FloatArray:
        """C at a price of each path."""
        return np.asarray(np.interp(x, self.log_price, self.forced_coin))

    def at(self, x: FloatArray) -> FloatArray:
        """All coins bought at a price of each path."""
        return self.dealers(self.target_at(x)) + self.forced(self.forced_at(x))

    def at_node(self, node: IntArray) -> FloatArray:
        """All coins bought at a node of each path."""
        return self.dealers(self.target_coin[node]) + self.forced(self.forced_coin[node])


def find_resting_price(base: FloatArray, demand: Demand, impact: Impact) -> FloatArray:
    """The first price x = base + I(D(x)) that is met on the way from base along the first push.

    (P,) log prices. That is where trading in rounds without end comes to rest: the only solution
    when the gain is below 1 everywhere, the far side of the fold when hedging runs away.
    """
    push = impact(demand.at(base))
    bracket = _walk(base, push, demand, impact)
    return np.where(push == 0, base, _refine(base, bracket, push, demand, impact))


def trade_in_rounds(
    base: FloatArray, demand: Demand, impact: Impact, rounds: int, band_coin: float
) -> tuple[FloatArray, FloatArray]:
    """Coins that dealers buy in `rounds` trades, each of the gap that the one before it left.

    A gap smaller than the band is left open. (2 of (P,)) the coins, and the log price that the
    last trade was decided at; the price after it is base + I of all that was bought.
    """
    at, decided_at, bought = base, base, np.zeros(len(base))
    for _ in range(rounds):
        gap = demand.target_at(at) - demand.held_coin - bought
        trade = np.where(np.abs(gap) >= band_coin, gap, 0.0)
        bought = np.clip(bought + trade, -demand.most_coin, demand.most_coin)
        decided_at = at
        at = base + impact(bought + demand.forced(demand.forced_at(at)))
        if not trade.any():
            break
    return bought, decided_at


def _walk(base: FloatArray, push: FloatArray, demand: Demand, impact: Impact) -> FloatArray:
    """(2, P) the ends of the stretch between nodes that holds the resting price."""
    nodes, last = demand.log_price, len(demand.log_price) - 1
    direction = np.where(push > 0, 1, -1)[:, None]
    after, before = np.searchsorted(nodes, base, "right"), np.searchsorted(nodes, base) - 1
    ahead = np.where(push > 0, after, before)
    behind, end = base.copy(), base.copy()
    walking = np.flatnonzero(push)
    while len(walking):
        # many nodes at a time once few paths are left
        block = np.arange(min(max(_CELLS // len(walking), 2), _MOST_NODES))
        wanted = ahead[walking, None] + direction[walking] * block
        node = np.clip(wanted, 0, last)
        price = base[walking, None] + impact(demand.of(walking[:, None]).at_node(node))
        # beyond the last node demand is constant, so that the price there is the answer
        is_inside = wanted == node
        passes = is_inside & ((price - nodes[node]) * direction[walking] > 0)
        goes_on = passes.all(axis=1)
        steps = np.where(goes_on, len(block), passes.argmin(axis=1))
        some = np.flatnonzero(steps)
        behind[walking[some]] = nodes[node[some, steps[some] - 1]]
        stops = np.flatnonzero(~goes_on)
        stop = stops, steps[stops]
        end[walking[stops]] = np.where(is_inside[stop], nodes[node[stop]], price[stop])
        ahead[walking] += direction[walking, 0] * steps
        walking = walking[goes_on]
    return np.array([behind, end])


def _refine(
    base: FloatArray, bracket: FloatArray, push: FloatArray, demand: Demand, impact: Impact
) -> FloatArray:
    """False position with Illinois' halving; one round where the demand is linear."""
    a, b = bracket
    at_a, at_b = (base + impact(demand.at(x)) - x for x in (a, b))
    x: FloatArray = b
    for _ in range(_MOST_ROUNDS):
        slope = at_b - at_a
        step = np.divide(at_a * (b - a), slope, out=np.zeros_like(a), where=slope != 0)
        x = np.where(slope != 0, a - step, b)
        at_x = base + impact(demand.at(x)) - x
        if np.all((np.abs(at_x) < _TOLERANCE) | (push == 0)):
            break
        keeps = at_x * at_b < 0  # the root is between x and b: b becomes the older end
        a, at_a = np.where(keeps, b, a), np.where(keeps, at_b, at_a / 2)
        b, at_b = x, at_x
    return x
