"""A short run of the load soak: the real client against the exchange's process."""

from pathlib import Path

from soak.load import Load, flooded


def test_a_flood_loses_nothing(tmp_path: Path) -> None:
    held, absorbed = flooded(Load(rate=400, seconds=5, burst=2_000), tmp_path)
    assert held.counted["lost"] == 0
    assert held.counted["trades lost"] == 0
    assert int(held.counted["sent"]) > 500
    assert absorbed.counted["lost"] == 0
    assert int(absorbed.counted["sent"]) > 500
