"""`python -m soak [--section NAME] [--output soak.json]`: run long, print, write, fail if broken.

A section is a module of this package with `run() -> Iterable[Check]`.
"""

import argparse
import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path

import soak
from soak.check import Check, print_check

NOT_SECTIONS = {"__main__", "check", "kill_verdict", "memory", "venue", "wire"}
SECTIONS = sorted(m.name for m in pkgutil.iter_modules(soak.__path__) if m.name not in NOT_SECTIONS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--section", choices=SECTIONS, action="append")
    parser.add_argument("--output", type=Path, default=Path("soak.json"))
    arguments = parser.parse_args()
    checks: list[Check] = []
    for name in arguments.section or SECTIONS:
        print(f"\n{name}", flush=True)
        started = time.monotonic()
        for check in importlib.import_module(f"soak.{name}").run():
            print_check(check)
            checks.append(check)
        print(f"  took {time.monotonic() - started:.0f} s", flush=True)
    arguments.output.write_text(json.dumps([c.as_json() for c in checks], indent=1) + "\n")
    return 0 if all(check.held for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
