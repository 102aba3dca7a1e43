"""How near dealers' hedging would be to a jump, on every recorded chain.

`python -m benchmarks.folds [--every N] [--depth-usd D] [FOLDER]` reads the Parquet summaries of
`svcj-6h` and prints a table an asset: gain and distance to the fold by position model, for the
impact at once and for the part of it that stays. A report, not a timing.
"""

import argparse
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.model_range import ASSETS, FOLDER, chains
from dealers.hedging import compute_hedge_flow
from dealers.rules import PositionModel, position_from_rule
from greeks.chain import OptionChain
from greeks.conventions import PCT
from loops.fold import FOLD_NODES, Fold, find_fold
from loops.gain import DEFAULT_PERMANENCE
from loops.hedge_surface import compute_hedge_surface, log_nodes
from loops.impact import impact_per_usd

DEPTH_USD = 30e6
MODELS = (PositionModel.NAIVE, PositionModel.REVERSED, PositionModel.CUSTOMER_LONG)
PARTS = {"whole": 1.0, "lasting": DEFAULT_PERMANENCE}
NEAR = 0.05
DAY = np.arange(289) * 300.0
WIDTH = 0.025  # a day's deviation, log


def folds_of(chain: OptionChain, model: PositionModel, depth_usd: float) -> list[Fold]:
    """The folds of one book, a row a part of the impact."""
    position = position_from_rule(chain, model)
    surface = compute_hedge_surface(chain, position, np.zeros(1), log_nodes(WIDTH, FOLD_NODES))
    log_per_coin = impact_per_usd(depth_usd) * chain.index_price
    return [
        find_fold(surface.log_move, surface.target_coin[0], part * log_per_coin)
        for part in PARTS.values()
    ]


def surface_error(chain: OptionChain, rng: np.random.Generator) -> float:
    """Largest error of the hedge between the nodes of a day's run, of gross open interest."""
    position = position_from_rule(chain, PositionModel.NAIVE)
    surface = compute_hedge_surface(chain, position, DAY, log_nodes(WIDTH))
    worst = 0.0
    for step in rng.integers(0, len(DAY), 12):
        moves = rng.normal(0.0, WIDTH, 100)
        exact = compute_hedge_flow(chain, position, np.expm1(moves) / PCT, DAY[[step]]).flow_coin
        worst = max(worst, float(np.abs(surface.target(step, moves) - exact).max()))
    return worst / float(np.nansum(np.abs(position)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.folds", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--depth-usd", type=float, default=DEPTH_USD)
    asked = parser.parse_args()
    rng = np.random.default_rng(1)
    for asset in ASSETS:
        tried = list(islice(chains(asked.folder, asset), 0, None, asked.every))
        errors = [surface_error(chain, rng) for chain in tried]
        print(f"\n{asset}: {len(tried)} chains, {asked.depth_usd / 1e6:g} M USD within 0.5 %")
        print(
            f"error of the hedge between nodes, of gross: median {np.median(errors):.1e}, "
            f"worst {max(errors):.1e}"
        )
        print("| model | impact | gain | gain above 1 | jump within 5 % up | down |")
        print("|---|---|---|---|---|---|")
        for model in MODELS:
            folds = [folds_of(chain, model, asked.depth_usd) for chain in tried]
            for row, part in enumerate(PARTS):
                print(f"| `{model.value}` | {part} | {_line([found[row] for found in folds])} |")


def _line(folds: list[Fold]) -> str:
    gain = np.array([fold.gain for fold in folds])
    low, median, high = np.quantile(gain, (0.1, 0.5, 0.9))
    up = np.array([fold.up.shock for fold in folds])
    down = np.array([fold.down.shock for fold in folds])
    shares = (np.mean(gain >= 1), np.mean(up <= NEAR), np.mean(down >= -NEAR))
    said = " | ".join(f"{100 * share:.1f} %" for share in shares)
    return f"{median:.2f} ({low:.2f} to {high:.2f}) | {said}"


if __name__ == "__main__":
    main()
