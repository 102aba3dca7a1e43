"""A short run of the recording soak: kill -9 leaves a readable recording and no hole."""

from pathlib import Path

from soak.recording import kill_often


def test_killed_recorders_leave_everything_flushed_and_every_trade_once(tmp_path: Path) -> None:
    tally = kill_often(kills=2, folder=tmp_path)
    assert tally.kills == 2
    assert tally.unreadable == []
    assert tally.frames > 10
    assert tally.trades > 0
    assert tally.lost == tally.twice == tally.not_replayed == 0
