"""How much a start asks of the venue, with its live limits on."""

from pathlib import Path

from soak.bootstrap import bootstrap


def test_a_start_asks_little_and_is_never_refused(tmp_path: Path) -> None:
    check = bootstrap(("BTC", "ETH"), tmp_path)
    assert check.held
    assert check.counted["gaps"] == 0
    assert int(check.counted["requests"]) <= 40
