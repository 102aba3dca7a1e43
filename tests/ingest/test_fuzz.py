"""A short run of the fuzz soak: the same code, fewer frames."""

from soak.fuzz import check, fuzz


def test_mutated_frames_raise_nothing_but_protocol_errors() -> None:
    outcome = fuzz(frames=4_000)
    assert outcome.refused > 500
    assert outcome.events > 500
    assert not outcome.escaped
    assert check(outcome).name
