"""A short run of the endurance soak: two rolls, one of them after maintenance."""

from soak.endurance import Month


def test_two_rolls_leave_no_ghost_and_no_difference() -> None:
    tally = Month(("BTC",)).run(days=2)
    assert tally.compared > 2_000
    assert tally.ghosts == tally.missing == 0
    assert tally.differing == []
    assert tally.trades_lost == tally.trades_twice == 0
