"""`python -m benchmarks.table [bench.json]`: what was measured, into docs/performance.md."""

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def table(result: dict[str, Any]) -> str:
    """Machine, date and one line a row; ratios are times faster than the peer."""
    software = f"Python {result['python']}, NumPy {result['numpy']}"
    lines = [
        f"Measured {result['date']} on {result['machine']}, {software}.",
        "",
        "| row | median | p99 | times faster than | error |",
        "|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        ranked = sorted(row["ratios"].items(), key=lambda item: item[1])
        ratios = ", ".join(f"{peer} {ratio:.3g}" for peer, ratio in ranked)
        error = "" if row["error"] is None else f"{row['error']:.0e}"
        p99 = duration(row["p99_us"]) if "p99_us" in row else ""
        lines.append(f"| `{row['name']}` | {duration(row['us'])} | {p99} | {ratios} | {error} |")
    missing = [f"- without {peer}: {reason}" for peer, reason in result["missing"].items()]
    return "\n".join([*lines, "", *missing])


def duration(us: float) -> str:
    if us < 1_000:
        return f"{us:.3g} us"
    return f"{us / 1_000:.3g} ms" if us < 1_000_000 else f"{us / 1_000_000:.3g} s"


def main() -> None:
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "bench.json")
    measured = table(json.loads(source.read_text(encoding="utf-8")))
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{measured}\n{END}{after}", encoding="utf-8")
    print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
