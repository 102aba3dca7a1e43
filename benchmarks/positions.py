"""Position models against known truth, and what they and the hedge flow cost."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.exchange_world import score_seed
from benchmarks.harness import Row, measure
from dealers.estimate import summarise_flips
from dealers.flow import FlowBook
from dealers.hedging import HORIZONS_S, MOVES_PCT, compute_hedge_flow
from dealers.ladder import GexLadder
from dealers.posterior import PosteriorState
from greeks.black76 import compute_delta
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_DAY
from tests.builders import make_venue_chain, with_columns
from tests.dealers.agent_market import AgentMarket, ExchangeAgents, Shares, as_trades
from tests.dealers.scoring import Market, Score, mean_scores, watch

SECTION = "positions"
SEEDS = range(300, 330)
"""Nothing was settled on these; widths were on 0 to 9, what starts share on 200 to 239."""
EXCHANGE_SEEDS = range(100, 110)
"""Nothing at all was settled on the exchange."""
OPTIONS_SCORED = 200
TRADES_A_DAY = 7000
EXCHANGE_HOURS = 8
EXCHANGE_ACTIVITY = 1.0
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class World:
    """A market to be scored on: how it is made and how much of it stays unseen."""

    name: str
    make: Callable[[int], Market]
    unseen: int
    trades: int = 600


WORLDS = (
    World("unknown start", lambda seed: AgentMarket(seed, OPTIONS_SCORED), 600),
    World("known start", lambda seed: AgentMarket(seed, OPTIONS_SCORED), 0),
    World("exchange agents", lambda seed: ExchangeAgents(seed, OPTIONS_SCORED), 300, 300),
    World(
        "other shares .60/.15/.20",
        lambda seed: AgentMarket(seed, OPTIONS_SCORED, Shares(0.60, 0.15, 0.20)),
        600,
    ),
    World(
        "wrong prior .40/.35/.20",
        lambda seed: AgentMarket(seed, OPTIONS_SCORED, Shares(0.40, 0.35, 0.20)),
        600,
    ),
)


def run(seconds: float = 2.0) -> list[Row]:
    """Score every estimator in every world, then time what runs live; prints its tables."""
    print(f"\nseeds {SEEDS.start} to {SEEDS.stop - 1}")
    return [*score_worlds(WORLDS), *score_exchange(), *measure_costs(seconds)]


def score_exchange(seeds: Iterable[int] = EXCHANGE_SEEDS) -> list[Row]:
    """The posterior on the local exchange itself, one row a seed and their mean."""
    print(f"\nthe local exchange, {EXCHANGE_HOURS} h of its tape")
    names = ("trades", "rmse_flow", "rmse", "coverage", "traded_coverage", "expiry_coverage")
    names = (*names, "gex_error", "gex_width", "gex_covered", "gex_z", "flip_covered")
    print(f"{'seed':6}" + "".join(f"{name:>16}" for name in names))
    scores, rows = [], []
    for seed in seeds:
        start = time.perf_counter()
        score = score_seed(seed, EXCHANGE_HOURS, EXCHANGE_ACTIVITY)
        us = (time.perf_counter() - start) * 1e6
        scores.append([float(getattr(score, name)) for name in names])
        print(f"{seed:<6}" + "".join(f"{value:16.3f}" for value in scores[-1]), flush=True)
        note = f"coverage {score.coverage:.1%}, net GEX z {score.gex_z:.2f}"
        rows.append(Row(SECTION, f"exchange, seed {seed}", us, error=score.rmse, note=note))
    mean = np.nanmean(np.array(scores), axis=0)
    print(f"{'mean':6}" + "".join(f"{value:16.3f}" for value in mean), flush=True)
    return rows


def score_worlds(worlds: Iterable[World], seeds: Iterable[int] = SEEDS) -> list[Row]:
    """One row a world and estimator: the error is rmse over open interest."""
    print(f"{'world':26}{'estimator':16}{'rmse/OI':>8}{'vs E0':>7}{'sign':>6}", end="")
    print(f"{'cover':>7}{'width':>7}{'sums':>7}{'z':>6}")
    rows = []
    for world in worlds:
        start = time.perf_counter()
        scores = mean_scores(
            watch(world.make(seed), seed, unseen=world.unseen, trades=world.trades).scores()
            for seed in seeds
        )
        us = (time.perf_counter() - start) * 1e6
        mirrored = next(iter(scores.values())).rmse
        for name, score in scores.items():
            note = _line(score, mirrored)
            print(f"{world.name:26}{name:16}{note}", flush=True)
            rows.append(
                Row(SECTION, f"{world.name}: {name}", us, error=score.rmse, note=note.strip())
            )
    return rows


def _line(score: Score, mirrored: float) -> str:
    better = 1 - score.rmse / mirrored
    line = f"{score.rmse:8.3f}{better:7.0%}{score.sign_right:6.0%}"
    if np.isfinite(score.coverage):
        line += f"{score.coverage:7.1%}{score.width:7.2f}"
        line += f"{score.group_coverage:7.0%}{score.group_z:6.2f}"
    return line


def measure_costs(seconds: float) -> list[Row]:
    """Time the hedge-flow table, a live hour of the posterior, and a joint draw with its flips."""
    chain = make_venue_chain(1, strikes_per_expiry=84)
    position = chain.open_interest_coin * np.where(chain.is_call, 1.0, -1.0)
    moves = np.array(MOVES_PCT)
    horizons = np.array([*HORIZONS_S, 50_000], dtype=np.float64)
    table = measure(
        SECTION,
        f"hedge flow, {len(moves) * len(horizons)} scenarios, {len(chain)} options",
        lambda _: compute_hedge_flow(chain, position, moves, horizons),
        {"loop over scenarios": lambda _: _loop(chain, position, moves, horizons)},
        seconds,
    )
    state, live = _live_hour(chain)
    rng = np.random.default_rng(1)
    draw = measure(
        SECTION,
        "joint draw: 256 inventories, net GEX and flips",
        lambda _: _joint_draw(state, chain, rng),
        {},
        seconds,
        note="goal 250 ms",
    )
    for row in (table, live, draw):
        print(f"{row.name:60}{row.us / 1000:10.2f} ms  {row.note}")
    return [table, live, draw]


def _loop(
    chain: OptionChain, position: np.ndarray, moves: np.ndarray, horizons: np.ndarray
) -> list[float]:
    now = compute_delta(
        chain.forward, chain.strike, chain.years_to_expiry, chain.mark_iv, chain.is_call
    )
    flows = []
    for horizon in horizons:
        years = chain.years_to_expiry - horizon / (365 * 86_400)
        for move in moves:
            forward = chain.forward * (1 + move / 100)
            then = compute_delta(forward, chain.strike, years, chain.mark_iv, chain.is_call)
            flows.append(-float(position @ (np.where(years > 0, then, 0.0) - now)))
    return flows


def _live_hour(chain: OptionChain) -> tuple[PosteriorState, Row]:
    """An hour at live rates: a chain a minute, 7,000 trades a day over the busiest options."""
    rng = np.random.default_rng(2)
    market = AgentMarket(3, len(chain))
    market.run(50)
    busy = rng.choice(len(chain), 400, replace=False)
    start_ms = chain.as_of_ms
    state = PosteriorState(FlowBook(since_ms=start_ms - MS_PER_DAY))
    state = state.observe(with_columns(chain, open_interest_coin=market.open_interest_coin), rng)
    trades_a_minute = TRADES_A_DAY // 1440 + 1
    seqs = np.full(len(chain), 100)
    spent = 0.0
    for minute in range(60):
        signed, now_ms = market.step(), start_ms + minute * 60_000
        batch = []
        for row in rng.choice(busy, trades_a_minute):
            seqs[row] += 1
            name = chain.instrument_name[row]
            batch += as_trades(signed[row].reshape(1, 1), (name,), int(seqs[row]), now_ms)
        seen = with_columns(
            chain, open_interest_coin=market.open_interest_coin, as_of_ms=now_ms + 30_000
        )
        begun = time.process_time()
        state = state.apply(batch).observe(seen, rng)
        spent += time.process_time() - begun
    share = spent / HOUR_S
    note = f"{share:.2%} of one core; goal 10 %"
    return state, Row(
        SECTION, f"posterior, a live hour, {len(chain)} options", spent * 1e6, note=note
    )


def _joint_draw(state: PosteriorState, chain: OptionChain, rng: np.random.Generator) -> object:
    ladder = GexLadder.of(chain)
    estimate = state.estimate(chain, ladder, rng)
    return estimate.gex, summarise_flips(estimate.draws_coin, ladder)


if __name__ == "__main__":
    run()
