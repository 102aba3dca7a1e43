"""What simulated feedback says: both runs, the folds, and everything that they rest on."""

import math
from collections.abc import Mapping

import numpy as np

from app.feedback_simulation import Basis
from app.views import Json
from greeks.conventions import PCT, SECONDS_PER_YEAR, BoolArray, Exposure, FloatArray
from loops.fold import FOLD_NODES, FoldSide, find_equilibria, find_fold
from loops.fundamental import draw_fundamental
from loops.gain import gamma_loop_gain
from loops.hedge_surface import NODES, REACH, HedgeSurface
from loops.liquidation import Ladder, Leveraged
from loops.market import ForcedSelling, MarketPaths, simulate_market
from loops.reading import (
    LARGE_SD,
    Labels,
    is_large_move,
    label_paths,
    realised_volatility,
    window_steps,
)
from loops.trading import HedgeTiming, Loop

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_LOG_LIMIT = 20.0  # prices are not told apart beyond it


def simulate_feedback(basis: Basis) -> dict[str, Json]:
    """Return both runs and the folds, or nulls and the reason."""
    answer: dict[str, Json] = {
        "inputs": _inputs(basis),
        "assumptions": _assumptions(basis),
        "run": None,
        "folds": None,
        "reason": basis.reason,
    }
    if basis.reason is not None:
        return answer
    now = basis.surface(np.zeros(1), FOLD_NODES)
    return {**answer, "run": _run(basis), "folds": _folds(basis, now)}


def _inputs(basis: Basis) -> dict[str, Json]:
    asked, gex = basis.asked, basis.snapshot.net_of(Exposure.GEX)
    return {
        "steps": asked.steps,
        "step_s": asked.step_s,
        "paths": asked.paths,
        "seed": asked.seed,
        "shock_pct": asked.shock_pct,
        "spot_usd": basis.snapshot.chain.index_price,
        "gex_usd_per_1pct": gex,
        "depth_usd": basis.market.depth.median_usd,
        "depth_source": basis.market.source,
        "lam_per_usd": basis.law.per_usd,
        "loop_gain_now": gamma_loop_gain(gex, basis.law.per_usd, 1.0),
        "loop_gain_step": gamma_loop_gain(gex, basis.law.per_usd, basis.step_share),
        "loop_gain": gamma_loop_gain(gex, basis.law.per_usd, basis.market.permanence),
        "volume_24h_usd": basis.volume_24h_usd,
        "iv_points_per_pct": basis.iv_points_per_pct,
        "loops": [loop.value for loop in Loop if loop in asked.loops],
    }


def _assumptions(basis: Basis) -> list[dict[str, Json]]:
    asked, hedging = basis.asked, basis.asked.hedging
    rate = hedging.most_coin_per_s * 60
    is_stated = asked.volatility is not None
    source = "as asked" if is_stated else "the options' own at 30 days, taken for the real one"
    rows: dict[str, tuple[Json, str]] = {
        "position": (basis.snapshot.position_model, "who holds what"),
        "volatility": (basis.volatility, f"of the price without loops: {source}"),
        "permanence": (basis.market.permanence, "share of impact that stays"),
        "decay_per_hour": (asked.decay_per_hour, "rate at which the rest of impact fades"),
        "impact": (asked.impact.value, "how it grows with size; USD of a coin as now"),
        "timing": (hedging.timing.value, "when dealers trade the hedge of a step"),
        "rounds": (
            hedging.rounds if hedging.timing is HedgeTiming.ROUNDS else None,
            "trades a step",
        ),
        "band_coin": (hedging.band_coin, "gaps smaller than this stay open"),
        "most_coin_per_min": (rate if math.isfinite(rate) else None, "dealers trade no faster"),
        "liquidations": (
            None if basis.ladders is None else "modelled",
            "the ladder of /feedback, at its own assumptions",
        ),
        "customers": ("none", "nobody trades options during the run"),
    }
    return [
        {"name": name, "value": value, "meaning": meaning}
        for name, (value, meaning) in rows.items()
    ]


def _run(basis: Basis) -> dict[str, Json]:
    asked, seconds = basis.asked, basis.seconds
    shock = math.log1p(asked.shock_pct * PCT)
    fundamental = draw_fundamental(asked.seed, asked.paths, seconds, basis.volatility, shock=shock)
    spot = basis.snapshot.chain.index_price
    friction = basis.friction
    surface = basis.surface(seconds, NODES)
    forced = None if basis.ladders is None else _density(basis.ladders.sides)
    paths = simulate_market(surface, fundamental, friction, asked.hedging, asked.loops, forced)
    return {
        "price": _quantiles(paths, spot),
        "realised_volatility": {
            "with_loops": _spread(realised_volatility(paths.log_price, seconds)),
            "without_loops": _spread(realised_volatility(fundamental, seconds)),
        },
        "large_move": _large_move(basis, paths),
        "beyond_reach": _share(np.abs(paths.log_price).max(axis=0) > REACH),
        "flow": _flows(paths, spot),
    }


def _density(sides: Mapping[Leveraged, Ladder]) -> ForcedSelling:
    """Return forced USD per unit of log price: longs' below the first price, shorts' above."""
    longs, shorts = sides[Leveraged.LONG], sides[Leveraged.SHORT]

    def density(log_price: FloatArray) -> FloatArray:
        found = np.zeros(len(log_price))
        for ladder, distance in ((longs, -log_price), (shorts, log_price)):
            rung = np.searchsorted(ladder.edges, distance, "right") - 1
            inside = (rung >= 0) & (rung < len(ladder.usd))
            found[inside] += ladder.per_log[rung[inside]]
        return found

    return density


def _quantiles(paths: MarketPaths, spot_usd: float) -> dict[str, Json]:
    def of(log_price: FloatArray) -> list[list[float]]:
        found = np.quantile(log_price, QUANTILES, axis=1)
        prices: list[list[float]] = (
            spot_usd * np.exp(np.clip(found, -_LOG_LIMIT, _LOG_LIMIT))
        ).tolist()
        return prices

    return {
        "at_s": paths.seconds.tolist(),
        "quantile": list(QUANTILES),
        "with_loops_usd": of(paths.log_price),
        "without_loops_usd": of(paths.fundamental),
    }


def _spread(values: FloatArray) -> dict[str, Json]:
    lo, median, hi = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    return {"median": median, "lo": lo, "hi": hi}


def _large_move(basis: Basis, paths: MarketPaths) -> dict[str, Json]:
    seconds, volatility = paths.seconds, basis.volatility
    window_s = float(seconds[window_steps(seconds)])
    labels = label_paths(paths, basis.step_log_per_coin, volatility)
    plain = is_large_move(paths.fundamental, seconds, volatility).any(axis=0)
    beyond = LARGE_SD * volatility * math.sqrt(window_s / SECONDS_PER_YEAR)
    return {
        "window_s": window_s,
        "beyond_pct": 100 * math.expm1(beyond),
        "with_loops": _share(labels.is_large),
        "without_loops": _share(np.asarray(plain)),
        **_label_shares(labels),
    }


def _label_shares(labels: Labels) -> dict[str, Json]:
    return {
        "squeeze": _share(labels.is_squeeze),
        "cascade": _share(labels.is_cascade),
        "exhaustion": _share(labels.is_exhausted),
    }


def _share(flags: BoolArray) -> dict[str, Json]:
    """Return a share with its standard error, of one count more on either side than was seen."""
    share = float(flags.mean())
    kept = (flags.sum() + 1) / (len(flags) + 2)
    return {"share": share, "error": math.sqrt(kept * (1 - kept) / len(flags))}


def _flows(paths: MarketPaths, spot_usd: float) -> list[dict[str, Json]]:
    causes = {
        "gamma": paths.gamma_coin,
        "vanna": paths.vanna_coin,
        "charm": paths.charm_coin,
        "traded": paths.dealer_coin.sum(axis=0),
        "elsewhere": paths.silent_coin,
        "waiting": paths.waiting_coin,
        "liquidation": paths.forced_coin.sum(axis=0),
    }
    return [
        {
            "cause": cause,
            "mean_coin": float(coins.mean()),
            "mean_usd": float(coins.mean()) * spot_usd,
            "mean_abs_usd": float(np.abs(coins).mean()) * spot_usd,
        }
        for cause, coins in causes.items()
    ]


def _folds(basis: Basis, now: HedgeSurface) -> list[dict[str, Json]]:
    """Return the folds of the whole impact and of the part that stays."""
    parts = {"whole": 1.0, "lasting": basis.market.permanence}
    shock = math.log1p(basis.asked.shock_pct * PCT)
    rows: list[dict[str, Json]] = []
    for name, part in parts.items():
        hedge = now.log_move, now.target_coin[0], part * basis.log_per_coin
        found = find_fold(*hedge)
        rows.append(
            {
                "impact": name,
                "gain": found.gain,
                "rests_at_pct": [_per_cent(x) for x in find_equilibria(*hedge, shock).tolist()],
                "up": _side(found.up),
                "down": _side(found.down),
            }
        )
    return rows


def _side(side: FoldSide) -> dict[str, Json]:
    return {
        "shock_pct": _per_cent(side.shock),
        "jump_from_pct": _per_cent(side.jump_from),
        "jump_to_pct": _per_cent(side.jump_to),
        "push_pct": _per_cent(side.push),
    }


def _per_cent(log_move: float) -> float | None:
    return 100 * math.expm1(log_move) if log_move < _LOG_LIMIT else None
