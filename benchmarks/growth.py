"""How cost grows: Greeks with the options, the profile with options, levels and expiries."""

import time
from collections.abc import Callable
from statistics import median

from benchmarks.harness import Row
from benchmarks.inputs import tiled, variants
from greeks.black76 import compute_greeks
from greeks.ladder import Ladder, plans_of
from greeks.profile import gex_mixture

SECTION = "engine"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
STRIKES = (21, 42, 83, 208, 417)
LEVELS = (201, 401, 801)
DAYS = (0.35, 1.35, 2.35, 5.35, 12.35, 19.35, 33.0, 61.0, 89.0, 152.0, 215.0, 309.0)


def rows() -> list[Row]:
    """One row a point of each curve, the median of a few calls."""
    base = variants(count=1)[0].options
    out = []
    for size in SIZES:
        options = tiled(base, size)
        out.append(time_row(f"growth_greeks_{size}", lambda o=options: compute_greeks(*o.columns)))
    for strikes in STRIKES:
        chain = variants(strikes_per_expiry=strikes, count=1)[0]
        for levels in LEVELS:
            ladder = Ladder(count=levels)
            plans_of(ladder)
            name = f"growth_profile_{len(chain.chain)}x{levels}"
            out.append(
                time_row(name, lambda c=chain, x=ladder: gex_mixture(c.held, c.held_position).on(x))
            )
    for expiries in (3, 6, 12):
        chosen = DAYS[:: len(DAYS) // expiries]
        chain = variants(strikes_per_expiry=504 // expiries, count=1, days=chosen)[0]
        ladder = Ladder()
        name = f"growth_profile_{expiries}_expiries"
        out.append(
            time_row(name, lambda c=chain, x=ladder: gex_mixture(c.held, c.held_position).on(x))
        )
    return out


def time_row(name: str, task: Callable[[], object]) -> Row:
    task()
    seconds: list[float] = []
    while len(seconds) < 3 or (sum(seconds) < 0.15 and len(seconds) < 200):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    return Row(SECTION, name, us=median(seconds) * 1e6)
