"""Every route of the API against its own description, by schemathesis with all of its checks."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import httpx

from soak.check import Check
from tests.processes import Board, Launcher

SEED = 20260123
EXAMPLES = 1_000
LIMIT_S = 7_200.0
CONFIG = """
[parameters]
"path.asset" = "BTC"

[[operations]]
include-path-regex = "/alerts|/history|/webhooks|/simulations/|/trades"
checks.positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "422", "429"]

[[operations]]
include-path-regex = "/surface"
checks.negative_data_rejection.expected-statuses = ["200", "4xx"]
"""
"""Another asset is a 404 on every route, which the bad inputs of the tests cover.

What no schema can say is refused with 422: a `from` after its `to`, a target on a private network,
a trade in an option that is not listed, a cursor that names no trade, an alert for a webhook that
is not there or with the numbers of another kind. In a query one number where a list is asked for is
the list of that one.
"""


def run() -> list[Check]:
    with tempfile.TemporaryDirectory() as folder:
        launch = Launcher(Path(folder))
        with launch.board("demo", GAMMAFLIP_ASSETS="BTC") as board:
            board.wait_ready()
            return [fuzz(board, Path(folder), "coverage,fuzzing", EXAMPLES, LIMIT_S)]


def fuzz(board: Board, folder: Path, phases: str, examples: int, limit_s: float) -> Check:
    """Ask every operation so many times; what schemathesis says is kept in `folder`."""
    schema = httpx.get(f"{board.url}/openapi.json").json()
    operations = sum(len(verbs) for verbs in schema["paths"].values())
    config, report = folder / "schemathesis.toml", folder / "schemathesis.txt"
    config.write_text(CONFIG)
    with report.open("w") as output:
        is_clean = _ends_clean(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                *("--config-file", str(config), "run", f"{board.url}/openapi.json", "--no-color"),
                *("--seed", str(SEED), "--max-examples", str(examples)),
                *("--phases", phases, "--request-timeout", "10"),
                # an event stream never ends
                *("--exclude-path-regex", "/events$", "--generation-database", "none"),
            ],
            output,
            limit_s,
        )
    counted: dict[str, float | int | str] = {
        "operations": operations,
        "examples each": examples,
        "seed": SEED,
    }
    if not is_clean:
        counted["said"] = report.read_text()[-6000:]
    return Check("API fuzzed: all checks", is_clean, counted)


def _ends_clean(command: list[str], output: IO[str], limit_s: float) -> bool:
    """Run it where its output lies; one that does not end in time is not clean."""
    folder = Path(output.name).parent
    try:
        done = subprocess.run(
            command, cwd=folder, stdout=output, stderr=output, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
