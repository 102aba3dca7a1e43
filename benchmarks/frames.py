"""Whole frames: what the board computes at a tick, and the core that a goal for it assumes."""

from collections.abc import Callable

import numpy as np

from benchmarks import plain
from benchmarks.harness import Row, Task, measure, peak_bytes
from benchmarks.inputs import Variant, variants
from greeks.conventions import Exposure, FloatArray, IntArray
from greeks.exposure import compute_chain_greeks, compute_exposure, compute_exposures
from greeks.flips import Curves, find_roots
from greeks.held import HeldRows
from greeks.interest import interest_of
from greeks.ladder import LADDER
from greeks.layout import layout_of
from greeks.mixture import WHOLE
from greeks.profile import gex_mixture
from greeks.tables import StrikeColumns, exposures_per_coin, sum_by_strike

SECTION = "engine"
_WHOLE_BOOK: IntArray = np.array([WHOLE])


def rows(thousand: list[Variant]) -> list[Callable[[], Row]]:
    """The rows of the table; `thousand` are chains of 1,008 options."""
    eth, sol = (variants(strikes_per_expiry=strikes, count=16) for strikes in (38, 16))
    assets = [thousand, eth, sol]
    return [
        lambda: _frame("frame_1000", [thousand]),
        lambda: _core("frame_core_1000", [thousand]),
        lambda: _frame("frame_all_assets", assets),
        lambda: _core("frame_core_all_assets", assets),
        lambda: _models(thousand),
    ]


def _frame(name: str, assets: list[list[Variant]]) -> Row:
    def ours(i: int) -> None:
        for chains in assets:
            variant = chains[i % len(chains)]
            compute_exposure(variant.chain, variant.position, "naive")

    note = (
        f"{_size(assets)} options: Greeks, 10 exposures and their sums, profiles of 6 exposures "
        "and of each expiry, flips of the book and of each expiry, walls, pin, cliff, max pain"
    )
    row = measure(SECTION, name, ours, {"naive": _naive(assets)}, seconds=4, note=note)
    row.peak_bytes = peak_bytes(lambda: ours(0))
    return row


def _core(name: str, assets: list[list[Variant]]) -> Row:
    def ours(i: int) -> None:
        for chains in assets:
            compute_core(chains[i % len(chains)])

    note = (
        f"{_size(assets)} options: Greeks, 10 exposures and their sums, the GEX profile, its flips"
    )
    row = measure(SECTION, name, ours, {"naive": _naive(assets)}, seconds=4, note=note)
    row.peak_bytes = peak_bytes(lambda: ours(0))
    return row


def compute_core(variant: Variant) -> tuple[FloatArray, FloatArray, FloatArray]:
    """GEX by strike and by expiry, and the flips of the book, from the engine's own parts."""
    chain, layout = variant.chain, layout_of(variant.chain)
    held = HeldRows.of(chain)
    greeks, forward = compute_chain_greeks(chain, held)
    per_coin = exposures_per_coin(greeks, forward)
    columns = StrikeColumns.of(per_coin, variant.position, chain.is_call)
    known = np.isfinite(per_coin[0])
    by_strike = sum_by_strike(layout, interest_of(chain).by_strike, columns, known, chain.is_call)
    by_expiry = np.add.reduceat(columns.net, layout.expiry_starts, axis=1)
    mixture = gex_mixture(held, held.open_position(variant.position[None]))
    curve = Curves(np.zeros(1, np.int64), _WHOLE_BOOK, LADDER.moves, mixture.on(LADDER))
    flips = held.spot_usd * np.exp(find_roots(mixture, [curve]).move)
    return by_strike.exposures.column(Exposure.GEX), by_expiry, flips


def _models(chains: list[Variant]) -> Row:
    """What the board computes for one asset at every tick, in one call and model by model."""
    lean = np.random.default_rng(9).uniform(-1, 1, (2, len(chains[0].chain)))

    def models(i: int) -> dict[str, FloatArray]:
        variant = chains[i % len(chains)]
        interest = variant.chain.open_interest_coin
        return {
            "naive": variant.position,
            "reversed": -variant.position,
            "customer_long": -interest,
            "flow": interest * lean[0],
            "posterior": interest * lean[1],
        }

    def ours(i: int) -> None:
        compute_exposures(chains[i % len(chains)].chain, models(i))

    def one_by_one(i: int) -> None:
        for model, position in models(i).items():
            compute_exposure(chains[i % len(chains)].chain, position, model)

    note = "1,008 options under five position models"
    peers: dict[str, Task] = {"one_by_one": one_by_one}
    row = measure(SECTION, "frame_all_models", ours, peers, seconds=4, note=note)
    row.peak_bytes = peak_bytes(lambda: ours(0))
    return row


def _naive(assets: list[list[Variant]]) -> Task:
    def naive(i: int) -> None:
        for chains in assets:
            options = chains[i % len(chains)].options
            plain.naive_greeks(options)
            plain.profile(options, LADDER.moves)

    return naive


def _size(assets: list[list[Variant]]) -> int:
    return sum(len(chains[0].options) for chains in assets)
