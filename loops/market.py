"""A market whose dealers hedge: what their trading and its impact make of a given price.

Knows a hedge surface and a law of impact. All prices are log moves from the first one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from greeks.conventions import FloatArray
from loops.clearing import Demand, Impact, find_resting_price, trade_in_rounds
from loops.hedge_surface import HedgeSurface
from loops.trading import ALL_LOOPS, Friction, HedgeTiming, Hedging, Loop

ForcedSelling = Callable[[FloatArray], FloatArray]
"""USD sold by force per unit of log price on the way through x < 0; bought for x > 0. Not
negative. Each price forces once."""


@dataclass(frozen=True, slots=True)
class MarketPaths:
    """J times (the first is now) of P paths; price = fundamental + permanent + transient.

    Attributes
    ----------
    seconds : (J,) from now.
    log_price, fundamental, permanent, transient : (J, P) log moves from the first price.
    dealer_coin, forced_coin : (J - 1, P) coins bought with impact in each step.
    gamma_coin, vanna_coin, charm_coin : (P,) what moves, volatility's answer to them, and time
        asked dealers to buy, in all; with `waiting_coin` and what traded without impact the books
        balance: asked = traded + waiting.
    silent_coin : (P,) what dealers bought without impact because its loop was off.
    waiting_coin : (P,) what they have not bought yet at the end.
    """

    seconds: FloatArray
    log_price: FloatArray
    fundamental: FloatArray
    permanent: FloatArray
    transient: FloatArray
    dealer_coin: FloatArray
    forced_coin: FloatArray
    gamma_coin: FloatArray
    vanna_coin: FloatArray
    charm_coin: FloatArray
    silent_coin: FloatArray
    waiting_coin: FloatArray


def simulate_market(
    surface: HedgeSurface,
    fundamental: FloatArray,
    friction: Friction,
    hedging: Hedging,
    loops: frozenset[Loop] = ALL_LOOPS,
    forced: ForcedSelling | None = None,
) -> MarketPaths:
    """Let dealers hedge along every path of the fundamental price.

    A step: the fundamental moves, transient impact fades, then dealers trade towards phi(x, t)
    and forced traders what the way to x forces, spread evenly over the step, each with impact I:
    x = f + permanent + transient + I(D(x)), I what `friction` leaves of it at the end of the step.
    With constant g = lam S dphi/dx the price moves by 1/(1 - g) of each shock when hedges rest
    within the step, by (1 - g^(k+1))/(1 - g) after k rounds.

    Parameters
    ----------
    surface : phi at every time of the simulation.
    fundamental : (J, P) log prices, 0 at first.

    Raises ValueError for a fundamental of other times. Source: theory 5.2; Frey and Stremme 1997.
    """
    if fundamental.shape[0] != len(surface.seconds):
        raise ValueError(
            f"fundamental: expected {len(surface.seconds)} times, was {fundamental.shape[0]}"
        )
    market = _Market(surface, fundamental, friction, hedging, loops, forced)
    for step in range(1, len(surface.seconds)):
        market.advance(step)
    return market.paths()


class _Market:
    """P paths at one time, and the record of how they came there."""

    def __init__(
        self,
        surface: HedgeSurface,
        fundamental: FloatArray,
        friction: Friction,
        hedging: Hedging,
        loops: frozenset[Loop],
        forced: ForcedSelling | None,
    ) -> None:
        self._surface = surface if Loop.VANNA in loops else surface.without_vanna()
        self._friction, self._hedging, self._loops = friction, hedging, loops
        is_forced = Loop.LIQUIDATION in loops
        self._forced_coin = _cumulative(surface.log_move, forced if is_forced else None)
        self._forced_coin /= friction.coin_usd
        self._fundamental = fundamental
        self._price, self._permanent, self._transient = np.zeros((3, *fundamental.shape))
        self._dealers, self._sold = np.zeros((2, len(fundamental) - 1, fundamental.shape[1]))
        self._held, self._gamma, self._vanna, self._charm, self._silent = np.zeros(
            (5, fundamental.shape[1])
        )
        self._low, self._high = np.zeros((2, fundamental.shape[1]))

    def advance(self, step: int) -> None:
        """Move from one time to the next."""
        surface, friction, before = self._surface, self._friction, self._price[step - 1]
        seconds = float(surface.seconds[step] - surface.seconds[step - 1])
        target = surface.target(step, before)
        self._let_time_pass(target - surface.target(step - 1, before))
        faded = self._transient[step - 1] * friction.kept(seconds)
        transient = friction.transient(seconds)
        base = self._fundamental[step] + self._permanent[step - 1] + faded
        demand = self._demand(step, base, target, seconds)

        def impact(coins: FloatArray) -> FloatArray:
            return (friction.permanence + transient) * friction.log_move(coins)

        bought, at = self._trade(base, demand, impact)
        passed = demand.forced_at(at)
        forced = demand.forced(passed)
        at_once = friction.log_move(bought + forced)
        self._permanent[step] = self._permanent[step - 1] + friction.permanence * at_once
        self._transient[step] = faded + transient * at_once
        price = base + (friction.permanence + transient) * at_once
        self._price[step] = price
        self._dealers[step - 1], self._sold[step - 1] = bought, forced
        self._held += bought
        self._low, self._high = np.minimum(self._low, passed), np.maximum(self._high, passed)
        self._ask_for_move(step, before, price, target)

    def _demand(
        self, step: int, base: FloatArray, target_before: FloatArray, seconds: float
    ) -> Demand:
        """What is traded in a step; dealers who do not follow its price trade what is open."""
        follows = Loop.GAMMA in self._loops and self._hedging.timing is not HedgeTiming.LATE
        nodes = self._surface.log_move
        target = self._surface.target_coin[step] if follows else np.zeros(len(nodes))
        held = self._held if follows else self._held - target_before
        gap = np.interp(base, nodes, target) - held
        return Demand(
            log_price=nodes,
            target_coin=target,
            forced_coin=self._forced_coin,
            held_coin=held,
            active=np.abs(gap) >= self._hedging.band_coin,
            most_coin=self._hedging.most_coin_per_s * seconds,
            forced_low=self._low,
            forced_high=self._high,
        )

    def _trade(
        self, base: FloatArray, demand: Demand, impact: Impact
    ) -> tuple[FloatArray, FloatArray]:
        """Coins that dealers buy, and the log price that their last trade is decided at."""
        hedging = self._hedging
        if hedging.timing is HedgeTiming.ROUNDS:
            return trade_in_rounds(base, demand, impact, hedging.rounds, hedging.band_coin)
        at = find_resting_price(base, demand, impact)
        return demand.dealers(demand.target_at(at)), at

    def _let_time_pass(self, asked: FloatArray) -> None:
        self._charm += asked
        if Loop.CHARM not in self._loops:
            self._held += asked
            self._silent += asked

    def _ask_for_move(
        self, step: int, before: FloatArray, price: FloatArray, target_before: FloatArray
    ) -> None:
        moved = self._surface.target(step, price) - target_before
        answered = self._surface.vanna(step, price) - self._surface.vanna(step, before)
        self._vanna += answered
        self._gamma += moved - answered
        if Loop.GAMMA not in self._loops:
            self._held += moved
            self._silent += moved

    def paths(self) -> MarketPaths:
        """Everything that was recorded."""
        last = len(self._surface.seconds) - 1
        return MarketPaths(
            seconds=self._surface.seconds,
            log_price=self._price,
            fundamental=self._fundamental,
            permanent=self._permanent,
            transient=self._transient,
            dealer_coin=self._dealers,
            forced_coin=self._sold,
            gamma_coin=self._gamma,
            vanna_coin=self._vanna,
            charm_coin=self._charm,
            silent_coin=self._silent,
            waiting_coin=self._surface.target(last, self._price[-1]) - self._held,
        )


def _cumulative(log_move: FloatArray, forced: ForcedSelling | None) -> FloatArray:
    """USD that the way from 0 to each node forces to be bought, (M,), by the trapezoidal rule."""
    if forced is None:
        return np.zeros(len(log_move))
    density = forced(log_move)
    if not np.all(density >= 0):
        raise ValueError("forced: expected no negative density")
    pieces = (density[1:] + density[:-1]) / 2 * np.diff(log_move)
    total = np.concatenate([[0.0], np.cumsum(pieces)])
    return np.asarray(total - np.interp(0.0, log_move, total))
