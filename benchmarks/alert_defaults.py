"""How often a flip alert fires on recorded chains, by dead band, confirm time and cooldown.

`python -m benchmarks.alert_defaults [CHAINS] [PRICES]` takes the naive flip of every snapshot of
`svcj-6h`, joined by straight lines, and shows it with spot to the product's own machine every five
seconds. Recorded of spot are hourly bars (`px-binance-1h-2026`); inside an hour it is a random
bridge from the bar's open to the next one's, as volatile as the bar's range says (Parkinson).
Seeded; some minutes.
"""

import argparse
import csv
import gzip
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from app.alert_rules import FlipCrossed, Observation, Rule, RuleKind
from app.alerts import Fired, RuleState, evaluate
from app.hub import FeedStatus
from benchmarks.model_range import ASSETS, FOLDER, chains
from dealers.rules import PositionModel, position_from_rule
from greeks.exposure import compute_exposure

PRICES = FOLDER.parent / "px-binance-1h-2026"
SEED = 20260123
STEP_MS, HOUR_MS, WEEK_MS = 5_000, 3_600_000, 7 * 86_400_000
LONGEST_GAP_MS = 9 * HOUR_MS  # between two snapshots; beyond it the flip is unknown
NEAR = 0.015  # hours that stay farther from the flip than this are shown once a minute
DEAD_BANDS_PCT = (0.0, 0.1, 0.25, 0.5, 1.0)
TIMINGS_S = ((0.0, 0.0), (10.0, 0.0), (10.0, 300.0), (60.0, 300.0), (10.0, 1800.0))


@dataclass(frozen=True, slots=True)
class Market:
    """Spot and flip of one asset at each step; a NaN flip is unknown."""

    time_ms: np.ndarray
    spot_usd: np.ndarray
    flip_usd: np.ndarray

    def observations(self) -> Iterator[Observation]:
        """Show the market as a board would, seldom where spot is far from the flip."""
        hour = self.time_ms // HOUR_MS
        distance = np.nan_to_num(np.abs(self.spot_usd / self.flip_usd - 1), nan=np.inf)
        starts = np.flatnonzero(np.diff(hour, prepend=-1))
        is_near = np.minimum.reduceat(distance, starts) < NEAR
        nearby = is_near[np.searchsorted(starts, np.arange(len(hour)), side="right") - 1]
        shown = nearby | (self.time_ms % 60_000 == 0)
        for at, spot, flip in zip(
            self.time_ms[shown].tolist(),
            self.spot_usd[shown].tolist(),
            self.flip_usd[shown].tolist(),
            strict=True,
        ):
            known = flip if flip == flip else None  # noqa: PLR0124 - NaN
            yield Observation(FeedStatus.LIVE, at, 0, "naive", spot, known)


def flips_of(folder: Path, asset: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the snapshots' times and naive flips, NaN where there is none."""
    times, flips = [], []
    for chain in chains(folder, asset):
        position = position_from_rule(chain, PositionModel.NAIVE)
        levels = compute_exposure(chain, position, "naive").levels
        times.append(chain.as_of_ms)
        flips.append(np.nan if levels.flip_usd is None else levels.flip_usd)
    return np.array(times), np.array(flips)


def bars_of(folder: Path, asset: str) -> np.ndarray:
    """Return hourly bars as rows of open time, open, high, low."""
    with gzip.open(folder / f"{asset}USDT_1h.csv.gz", "rt") as file:
        rows = [
            [float(row[name]) for name in ("open_time", "open", "high", "low")]
            for row in csv.DictReader(file)
        ]
    return np.array(rows)


def spot_between(bars: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return times and prices at every step of the hours whose successor is known."""
    steps = HOUR_MS // STEP_MS
    share = np.arange(steps) / steps
    times, prices = [], []
    for bar, following in pairwise(bars):
        if following[0] - bar[0] != HOUR_MS:
            continue
        deviation = np.log(bar[2] / bar[3]) / np.sqrt(4 * np.log(2))
        walk = np.concatenate([[0.0], rng.normal(0, deviation / np.sqrt(steps), steps).cumsum()])
        bridge = walk[:-1] - share * walk[-1] + share * np.log(following[1] / bar[1])
        times.append(int(bar[0]) + np.arange(steps) * STEP_MS)
        prices.append(bar[1] * np.exp(bridge))
    return np.concatenate(times), np.concatenate(prices)


def market_of(chain_folder: Path, price_folder: Path, asset: str) -> Market:
    """Join spot and flip of one asset over the time that both cover."""
    rng = np.random.default_rng(SEED)
    time_ms, spot = spot_between(bars_of(price_folder, asset), rng)
    known_ms, flips = flips_of(chain_folder, asset)
    covered = (time_ms >= known_ms[0]) & (time_ms <= known_ms[-1])
    time_ms, spot = time_ms[covered], spot[covered]
    flip = np.interp(time_ms, known_ms, flips)
    after = np.clip(np.searchsorted(known_ms, time_ms), 1, len(known_ms) - 1)
    flip[np.diff(known_ms)[after - 1] > LONGEST_GAP_MS] = np.nan
    return Market(time_ms, spot, flip)


def fire(seen: Sequence[Observation], rule: Rule) -> list[Fired]:
    """Return what a rule fires over a market."""
    state, events = RuleState(), []
    for observation in seen:
        state, fired = evaluate(rule, state, observation)
        if fired is not None:
            events.append(fired)
    return events


def weeks_of(market: Market) -> float:
    """Return for how long the flip was known."""
    return float(np.isfinite(market.flip_usd).sum()) * STEP_MS / WEEK_MS


def reversed_share(events: Sequence[Fired]) -> float:
    """Return the share of alerts that the next one takes back within an hour."""
    back = sum(b.confirmed_ms - a.confirmed_ms <= HOUR_MS for a, b in pairwise(events))
    return back / max(1, len(events))


def main() -> int:
    """Print one table an asset: alerts a week, and how many were taken back within an hour."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chains", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("prices", type=Path, nargs="?", default=PRICES)
    arguments = parser.parse_args()
    for asset in ASSETS:
        market = market_of(arguments.chains, arguments.prices, asset)
        seen = list(market.observations())
        print(f"{asset}: {weeks_of(market):.1f} weeks, {len(seen)} looks", flush=True)
        print("| dead band | " + " | ".join(f"{c:g} s, {d:g} s" for c, d in TIMINGS_S) + " |")
        print("|---|" + "---|" * len(TIMINGS_S))
        for band_pct in DEAD_BANDS_PCT:
            cells = []
            for confirm_s, cooldown_s in TIMINGS_S:
                kind, watched = RuleKind.FLIP_CROSSED, FlipCrossed()
                rule = Rule("", asset, kind, watched, None, band_pct, confirm_s, cooldown_s)
                events = fire(seen, rule)
                share = 100 * reversed_share(events)
                cells.append(f"{len(events) / weeks_of(market):.1f} ({share:.0f} %)")
            print(f"| {band_pct:g} % | " + " | ".join(cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
