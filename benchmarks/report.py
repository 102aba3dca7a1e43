"""The table on the terminal: our median, then how many times faster we are than each peer."""

from benchmarks.harness import Row


def print_row(row: Row) -> None:
    extra = [f"error {row.error:.1e}"] if row.error is not None else []
    if row.p99_us is not None:
        extra.append(f"p99 {_duration(row.p99_us)}")
    if row.peak_bytes is not None:
        extra.append(f"peak {row.peak_bytes / 1024:.0f} kB")
    print(f"{row.name:<28}{_duration(row.us):>10}   {', '.join(extra)}", flush=True)
    if row.ratios:
        ranked = sorted(row.ratios.items(), key=lambda item: item[1])
        print("    " + "  ".join(f"{peer} {ratio:.3g}x" for peer, ratio in ranked), flush=True)
    if row.note:
        print(f"    ({row.note})", flush=True)


def print_missing(missing: dict[str, str]) -> None:
    for peer, reason in missing.items():
        print(f"without {peer}: {reason}")


def _duration(us: float) -> str:
    if us < 1_000:
        return f"{us:.1f} us"
    return f"{us / 1_000:.2f} ms" if us < 1_000_000 else f"{us / 1_000_000:.2f} s"
