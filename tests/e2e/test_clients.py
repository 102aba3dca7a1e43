"""Short twins of the soaks: a crowd some of whom never read, an orderly end, memory."""

import pytest

from soak.check import Check
from soak.clients import crowd
from soak.leak import leak


def say(checks: list[Check]) -> str:
    return "\n".join(f"{check.name}: {check.counted}" for check in checks if not check.held)


@pytest.mark.timeout(240)
def test_who_never_reads_is_cut_and_sigterm_ends_the_board_in_good_order() -> None:
    checks = crowd(readers=12, silent=3, seconds=45.0)
    assert all(check.held for check in checks), say(checks)


@pytest.mark.timeout(240)
def test_the_memory_soak_floods_a_board_that_stays_small() -> None:
    # half a minute cannot tell a slope from warming up; the slope is the long run's to judge
    counted = leak(warm_up=0.15, minutes=0.35, rate=500, clients=2).counted
    assert float(counted["frames a second"]) > 500
    assert float(counted["memory at the end, MB"]) < 900
