"""`python -m benchmarks [--section engine] [--output bench.json]`: measure, print, write."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

# every library reads its thread count when it is imported
import argparse  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import sys  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from benchmarks.harness import Row, machine  # noqa: E402
from benchmarks.report import print_missing, print_row  # noqa: E402


def run_engine() -> tuple[list[Row], dict[str, str]]:
    from benchmarks.engine import Engine
    from benchmarks.growth import rows as growth_rows
    from benchmarks.rates import rows as rate_rows

    engine = Engine()
    rows = []
    for measure_row in engine.rows():
        rows.append(measure_row())
        print_row(rows[-1])
    for row in [*growth_rows(), *rate_rows()]:
        rows.append(row)
        print_row(row)
    return rows, engine.missing


def run_history() -> tuple[list[Row], dict[str, str]]:
    from benchmarks.history import run

    rows = []
    for row in run():
        rows.append(row)
        print_row(row)
    return rows, {}


def run_positions() -> tuple[list[Row], dict[str, str]]:
    from benchmarks.positions import run

    return run(), {}


def run_ingest() -> tuple[list[Row], dict[str, str]]:
    from benchmarks.ingest import run

    rows = []
    for row in run():
        rows.append(row)
        print_row(row)
    return rows, {}


def run_page() -> tuple[list[Row], dict[str, str]]:
    from benchmarks.page import rows

    found = rows()
    for row in found:
        print_row(row)
    return found, {}


SECTIONS = {
    "engine": run_engine,
    "history": run_history,
    "ingest": run_ingest,
    "page": run_page,
    "positions": run_positions,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--section", choices=sorted(SECTIONS), action="append")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    rows: list[Row] = []
    missing: dict[str, str] = {}
    for name in arguments.section or SECTIONS:
        measured, absent = SECTIONS[name]()
        rows += measured
        missing |= absent
    print_missing(missing)
    result = {
        "machine": machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "rows": [row.as_json() for row in rows],
        "missing": missing,
    }
    arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
