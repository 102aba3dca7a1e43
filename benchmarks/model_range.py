"""How much net GEX and its flip depend on the position model, on every recorded chain.

`python -m benchmarks.model_range [--every N] [FOLDER]` reads the Parquet summaries of `svcj-6h` and
prints one column an asset. A report, not a timing: all 604 chains take some minutes.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet
from scipy.special import erfc

from dealers.hedging import compute_hedge_flow
from dealers.ladder import GexLadder
from dealers.posterior import PosteriorState
from dealers.rules import PositionModel, position_from_rule
from dealers.stability import (
    FlipStability,
    RegimeMargin,
    compute_flip_stability,
    compute_regime_margin,
)
from greeks.chain import OptionChain
from greeks.conventions import ForwardSource, RowStatus, Settlement
from greeks.exposure import compute_exposure
from greeks.prepare import prepare_chain

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "svcj-6h"
ASSETS = ("BTC", "ETH")
DAYS_OF_ATM = 30.0
MOVES_PCT = (-5.0, -1.0, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one chain says: naive net and gross GEX, its calls' and puts' parts, and its flip."""

    net: float
    gross: float
    calls: float
    puts: float
    spot: float
    flips: int
    open_interest_width: float  # 5-95 % of net GEX knowing open interest alone, over gross
    stability: FlipStability
    margin: RegimeMargin
    flow_error_coin: float  # largest difference from a plain re-hedge over +-1 % and +-5 %
    linear_error: dict[float, float]  # gamma x dS over the exact flow, less one, by move


def chains(folder: Path, asset: str) -> Iterator[OptionChain]:
    """Every recorded chain of an asset, in time order."""
    for path in sorted(folder.glob("*.parquet")):
        table = pyarrow.parquet.read_table(path, filters=[("currency", "=", asset)])
        columns = {name: np.array(table[name].to_pylist()) for name in table.column_names}
        for snapshot in np.unique(columns["snapshot"]):
            rows = columns["snapshot"] == snapshot
            yield _chain(asset, {name: column[rows] for name, column in columns.items()})


def _chain(asset: str, columns: dict[str, np.ndarray]) -> OptionChain:
    """Spot is the underlying of the nearest expiry: the recorded index is of a later minute."""
    expiry_ms = _milliseconds(columns["expiry_datetime"])
    is_call = columns["option_type"] == "call"
    order = np.lexsort((is_call, columns["strike"], expiry_ms))
    sorted_columns = {name: column[order] for name, column in columns.items()}
    expiry_ms, is_call = expiry_ms[order], is_call[order]
    forward = sorted_columns["underlying"].astype(float)
    for expiry in np.unique(expiry_ms):
        forward[expiry_ms == expiry] = np.median(forward[expiry_ms == expiry])
    iv = sorted_columns["implied_volatility"].astype(float)
    n, unknown = len(iv), np.full(len(iv), np.nan)
    known = np.isfinite(iv) & (iv > 0)
    names = sorted_columns["underlying_name"]
    source = np.where(names == "index_price", ForwardSource.INDEX, ForwardSource.FUTURE)
    as_of_ms = int(_milliseconds(columns["timestamp"]).max())
    return prepare_chain(
        OptionChain(
            asset=asset,
            as_of_ms=as_of_ms,
            index_price=float(forward[0]),
            seq=1,
            gaps=0,
            instrument_name=tuple(sorted_columns["instrument_name"].tolist()),
            strike=sorted_columns["strike"].astype(float),
            expiry_ms=expiry_ms,
            is_call=is_call,
            settlement=np.full(n, Settlement.INVERSE, np.int8),
            forward=forward,
            mark_iv=np.where(known, iv, np.nan),
            bid_iv=unknown,
            ask_iv=unknown.copy(),
            mark_price=sorted_columns["mark_price"].astype(float),
            open_interest_coin=sorted_columns["open_interest"].astype(float),
            ts_event=np.full(n, as_of_ms),
            status=np.where(known, RowStatus.OK, RowStatus.NO_IV).astype(np.int8),
            forward_source=source.astype(np.int8),
        )
    )


def _milliseconds(texts: np.ndarray) -> np.ndarray:
    known = {text: round(datetime.fromisoformat(text).timestamp() * 1000) for text in set(texts)}
    return np.array([known[text] for text in texts], np.int64)


def measure_chain(chain: OptionChain, rng: np.random.Generator) -> Measured:
    naive = position_from_rule(chain, PositionModel.NAIVE)
    snapshot = compute_exposure(chain, naive, "naive")
    ladder = GexLadder.of(chain)
    gex = np.nan_to_num(naive) * ladder.at_spot
    prior = PosteriorState(particles=1).estimate(chain, ladder, rng)
    stability = compute_flip_stability(chain, naive, rng)
    exact = _plain_flow(chain, naive)
    flow = compute_hedge_flow(chain, naive, np.array(MOVES_PCT), np.zeros(1)).flow_coin
    linear = -float(gex.sum()) * np.array(MOVES_PCT) / chain.index_price
    days = (snapshot.by_expiry.expiry_ms - chain.as_of_ms) / 86_400_000
    atm_iv = float(snapshot.by_expiry.atm_iv[np.argmin(np.abs(days - DAYS_OF_ATM))])
    return Measured(
        net=float(gex.sum()),
        gross=float(np.abs(gex).sum()),
        calls=float(gex[chain.is_call].sum()),
        puts=float(-gex[~chain.is_call].sum()),
        spot=chain.index_price,
        flips=len(snapshot.levels.flips),
        open_interest_width=prior.gex.width_of_gross,
        stability=stability,
        margin=compute_regime_margin(chain, naive, stability, atm_iv, rng),
        flow_error_coin=float(np.max(np.abs(flow - exact))),
        linear_error=dict(zip(MOVES_PCT, linear / exact - 1, strict=True)),
    )


def _plain_flow(chain: OptionChain, position: np.ndarray) -> np.ndarray:
    """Re-hedge option by option with the complementary error function."""
    held = chain.is_usable & (position != 0) & (chain.years_to_expiry > 0)
    rows, q = chain.select(held), position[held]
    cp = np.where(rows.is_call, 1.0, -1.0)
    sd = rows.mark_iv * np.sqrt(rows.years_to_expiry)

    def delta(move_pct: float) -> np.ndarray:
        d1 = np.log(rows.forward * (1 + move_pct / 100) / rows.strike) / sd + sd / 2
        return cp * erfc(-cp * d1 / np.sqrt(2)) / 2

    return np.array([-float(q @ (delta(move) - delta(0.0))) for move in MOVES_PCT])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_range", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--every", type=int, default=1, help="measure every N-th chain")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    if not folder.is_dir():
        print(f"no recorded chains in {folder}")
        return 1
    for asset in ASSETS:
        rng = np.random.default_rng(1)
        chosen = islice(chains(folder, asset), 0, None, arguments.every)
        print_report(asset, [measure_chain(chain, rng) for chain in chosen])
    return 0


def print_report(asset: str, measured: list[Measured]) -> None:
    net = np.array([of.net for of in measured])
    gross = np.array([of.gross for of in measured])
    spot = np.array([of.spot for of in measured])
    flips = np.array([of.flips for of in measured])
    print(f"\n{asset}, {len(measured)} chains")
    _spread("naive net GEX, M USD per 1 %", net / 1e6)
    _spread("gross GEX, M USD per 1 %", gross / 1e6)
    _share("naive net GEX above zero: naive and customer_long disagree", net > 0)
    _spread("|naive net| / gross", np.abs(net) / gross)
    _spread("call gamma / put gamma", np.array([of.calls / of.puts for of in measured]))
    for part in (0.05, 0.10, 0.20):
        _share(
            f"sign of naive changes when {part:.0%} of gross is held the other way",
            np.abs(net) / gross < 2 * part,
        )
    _spread(
        "5-95 % of net GEX from open interest alone / gross",
        np.array([of.open_interest_width for of in measured]),
    )
    _share("no flip under naive and reversed", flips == 0)
    _share("more than one flip", flips > 1)
    _spread("|flip - spot| / spot, %", 100 * np.abs(_column(measured, "flip_usd") / spot - 1))
    print("  shift of the flip, % of spot")
    for name in (
        "oi_noise_usd",
        "iv_up_usd",
        "iv_down_usd",
        "basis_up_usd",
        "basis_down_usd",
        "day_usd",
    ):
        _spread(f"    {name.removesuffix('_usd')}", 100 * np.abs(_column(measured, name)) / spot)
    _spread("days of spot moves to the flip", np.array([of.margin.spot for of in measured]))
    _spread(
        "|net| / its deviation under 5 % noise", np.array([of.margin.position for of in measured])
    )
    _share(
        "5 % noise changes the regime in one draw of twenty",
        np.array([of.margin.position < 1.645 for of in measured]),
    )
    for move in MOVES_PCT:
        errors = np.array([abs(of.linear_error[move]) for of in measured])
        _spread(f"error of gamma x dS for {move:+.0f} %, of the exact flow", errors)
    worst = max(of.flow_error_coin for of in measured)
    print(f"  exact flow differs from a plain re-hedge by at most {worst:.1e} coins")
    first = Counter(of.margin.first.value if of.margin.first else "none" for of in measured)
    print(f"  what would change the regime first: {dict(first)}")


def _column(measured: list[Measured], name: str) -> np.ndarray:
    return np.array([getattr(of.stability, name) for of in measured])


def _share(name: str, held: np.ndarray) -> None:
    print(f"  {name:66}{held.mean():8.1%}")


def _spread(name: str, values: np.ndarray) -> None:
    known = values[np.isfinite(values)]
    low, middle, high = np.quantile(known, (0.1, 0.5, 0.9)) if len(known) else (np.nan,) * 3
    print(f"  {name:66}{middle:8.3f}  ({low:.3f} .. {high:.3f}, n {len(known)})")


if __name__ == "__main__":
    sys.exit(main())
