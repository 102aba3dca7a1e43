"""One line of a long run: what was counted, and whether it held."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """`counted` names each number with its unit: {"kills": 200, "acknowledged rows lost": 0}."""

    name: str
    held: bool
    counted: dict[str, float | int | str]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def print_check(check: Check) -> None:
    numbers = ", ".join(f"{name} {value}" for name, value in check.counted.items())
    print(f"  {'held  ' if check.held else 'BROKEN'} {check.name}: {numbers}", flush=True)
