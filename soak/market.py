"""The simulated market against the laws of its amplification, at full length: 8e6 steps each."""

import math
from collections.abc import Iterator

import numpy as np
from scipy.special import ndtr

from greeks.conventions import SECONDS_PER_YEAR, FloatArray
from loops.fundamental import draw_fundamental
from loops.hedge_surface import HedgeSurface, compute_hedge_surface, log_nodes
from loops.impact import ImpactLaw
from loops.market import MarketPaths, simulate_market
from loops.trading import Friction, HedgeTiming, Hedging, Loop
from soak.check import Check
from tests.builders import make_chain

STEPS = 8_000_000
SD = 1e-3  # of a step's shock, log
IMPACT = 1e-6  # log move of a coin bought, as of a thin book
VOLATILITY = 0.5
DECAY = 20.0
STEP = 5e-4  # units of time in which impact decays at DECAY
VARIANCE_RATIOS = {
    0.5: {0.002: 3.883, 0.02: 3.065, 0.1: 1.736, 0.5: 1.150},
    -1.0: {0.02: 0.320, 0.1: 0.526, 0.5: 0.851},
}
BAND_RATIOS = {1: 1.27, 50: 1.76, 2000: 1.93}
GAIN_BUCKETS = ((0.09, 0.12), (0.19, 0.23), (0.27, 0.30), (0.38, 0.42))


def run() -> Iterator[Check]:
    yield from variance_ratio_checks(STEPS, 0.05)
    yield from band_checks(STEPS, 0.1)
    yield from option_book_checks(paths=1000, tolerance=0.01)


def linear_surface(gain: float, steps: int) -> HedgeSurface:
    """A hedge whose gain is the same everywhere where a coin moves the log price by 1."""
    nodes = np.array([-1e3, 0.0, 1e3])
    shape = steps + 1, len(nodes)
    target = np.broadcast_to(gain * nodes, shape)
    return HedgeSurface(nodes, np.arange(steps + 1.0), target, np.broadcast_to(0.0, shape))


def linear_market(
    gain: float,
    shocks: FloatArray,
    hedging: Hedging | None = None,
    permanence: float = 1.0,
    decay_per_step: float = 0.0,
) -> MarketPaths:
    """A market of constant gain under the given shocks, (steps, paths)."""
    fundamental = np.vstack([np.zeros(shocks.shape[1]), np.cumsum(shocks, axis=0)])
    friction = Friction(ImpactLaw(1.0), 1.0, permanence, decay_per_step)
    surface = linear_surface(gain, len(shocks))
    return simulate_market(surface, fundamental, friction, hedging or Hedging())


def variance_ratio_checks(steps: int, tolerance: float) -> Iterator[Check]:
    """Decaying impact: VR(tau) = 1 + (A^2 - 1)(1 - exp(-a tau))/(a tau), a = kap A."""
    for seed, (gain, expected) in enumerate(VARIANCE_RATIOS.items()):
        horizons = [round(tau / STEP) for tau in expected]
        found, errors = variance_ratios(
            gain, horizons, steps, seed, permanence=0.0, decay_per_step=DECAY * STEP
        )
        for tau, ratio, error in zip(expected, found, errors, strict=True):
            yield Check(
                f"variance ratio at gain {gain:g} over {tau:g} units",
                bool(abs(ratio / expected[tau] - 1) < tolerance),
                {"found": round(ratio, 4), "law": expected[tau], "error": round(error, 4)},
            )


def band_checks(steps: int, tolerance: float) -> Iterator[Check]:
    """A band: the amplification of the long run stays 1/(1 - g), that of short horizons falls."""
    hedging = Hedging(HedgeTiming.ROUNDS, band_coin=3 * SD)
    found, errors = variance_ratios(0.5, list(BAND_RATIOS), steps, 7, hedging)
    for (horizon, expected), ratio, error in zip(BAND_RATIOS.items(), found, errors, strict=True):
        sd = math.sqrt(ratio)
        yield Check(
            f"deviation over {horizon} steps with a band",
            abs(sd - expected) < tolerance,
            {"found": round(sd, 4), "law": expected, "error": round(error / (2 * sd), 4)},
        )


def variance_ratios(
    gain: float,
    horizons: list[int],
    steps: int,
    seed: int,
    hedging: Hedging | None = None,
    permanence: float = 1.0,
    decay_per_step: float = 0.0,
) -> tuple[list[float], list[float]]:
    """Var(p(t + k) - p(t)) / (k var(shock)) for each k, and its error over independent paths."""
    length = 4 * max(*horizons, 1000)
    warm_up = length // 4
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(-(-steps // (length * 500))):
        shocks = SD * rng.standard_normal((length + warm_up, 500))
        market = linear_market(gain, shocks, hedging, permanence, decay_per_step)
        price = market.log_price[warm_up:]
        rows.append([np.mean((price[k:] - price[:-k]) ** 2, axis=0) / k for k in horizons])
    ratios = np.concatenate(rows, axis=1) / SD**2
    errors = ratios.std(axis=1) / math.sqrt(ratios.shape[1])
    return ratios.mean(axis=1).tolist(), errors.tolist()


def option_book_checks(paths: int, tolerance: float) -> Iterator[Check]:
    """20,000 calls of two days, hedged minute by minute: a step's return on its shock."""
    for position in (-20_000.0, 20_000.0):
        for gain, slope, theory, error in option_book_slopes(position, paths):
            yield Check(
                f"slope of return on shock at gain {gain:.3f}",
                abs(slope / theory - 1) < tolerance,
                {"found": round(slope, 4), "law": round(theory, 4), "error": round(error, 4)},
            )


def option_book_slopes(
    position_coin: float, paths: int, nodes: int = 1601
) -> list[tuple[float, float, float, float]]:
    """Mean gain, regression slope, mean of 1/(1 - g) and the slope's error, bucket by bucket."""
    seconds = np.arange(0.0, 47 * 3600.0, 60.0)
    chain = make_chain(strikes=(100_000.0,), days=(2.0,), kinds="C", mark_iv=VOLATILITY)
    surface = compute_hedge_surface(
        chain, np.array([position_coin]), seconds, log_nodes(0.02, nodes)
    )
    friction = Friction(ImpactLaw(IMPACT), 1.0, permanence=1.0)
    fundamental = draw_fundamental(11, paths, seconds, VOLATILITY)
    market = simulate_market(surface, fundamental, friction, Hedging(), frozenset({Loop.GAMMA}))
    returns, shocks = np.diff(market.log_price, axis=0), np.diff(fundamental, axis=0)
    gains = _gains(market.log_price[:-1], 2 * 86_400 - seconds[:-1], position_coin)
    found = []
    for low, high in GAIN_BUCKETS:
        inside = (np.abs(gains) > low) & (np.abs(gains) < high)
        shock, r, g = shocks[inside], returns[inside], gains[inside]
        slope = float(shock @ r / (shock @ shock))
        error = float(np.sqrt(np.sum((shock * (r - slope * shock)) ** 2)) / (shock @ shock))
        found.append((float(g.mean()), slope, float(np.mean(1 / (1 - g))), error))
    return found


def _gains(log_price: FloatArray, seconds_left: FloatArray, position_coin: float) -> FloatArray:
    """E dphi/dx of calls at the first price: -E q n(d1) / v."""
    v = (VOLATILITY * np.sqrt(seconds_left / SECONDS_PER_YEAR))[:, None]
    d1 = log_price / v + v / 2
    density = np.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray(-IMPACT * position_coin * density / v)


def call_target(position_coin: float, seconds_left: float, log_price: FloatArray) -> FloatArray:
    """Hedge of calls at the first price, coins: -q N(d1), written on its own."""
    v = VOLATILITY * math.sqrt(seconds_left / SECONDS_PER_YEAR)
    return np.asarray(-position_coin * ndtr(log_price / v + v / 2))
