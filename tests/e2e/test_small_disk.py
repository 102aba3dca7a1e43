"""A board on a real disk that fills up, or that may not be written at all."""

from pathlib import Path

from tests.mounts import ballast, make_read_only, small_disk
from tests.processes import Board, Launcher, until


def failing(board: Board) -> set[str]:
    """Which lines of readiness do not hold."""
    checks = board.client.get("/readyz").json()["checks"]
    return {check["name"] for check in checks if not check["ok"]}


def test_a_board_on_a_full_disk_serves_on_and_writes_again_when_there_is_room(
    launch: Launcher, tmp_path: Path
) -> None:
    with (
        small_disk(tmp_path / "disk", megabytes=16) as disk,
        launch.exchange("--seed", "7", "--assets", "BTC") as exchange,
        Board(exchange.url, disk, tmp_path / "log", {"GAMMAFLIP_ASSETS": "BTC"}) as board,
    ):
        board.wait_ready()
        until(lambda: board.get("/BTC/history")["data"], 20.0, "a row of history")
        with ballast(disk):
            until(lambda: failing(board) == {"history", "disk"}, 20.0, "not ready, and why")
            summary = board.get("/BTC")
            assert summary["status"] == "live"
            refused = board.client.post(
                "/api/v1/alerts", json={"asset": "BTC", "kind": "data_stale"}
            )
            assert refused.status_code == 503, refused.text
            assert "disk is full" in refused.json()["detail"]
            since = summary["as_of"] // 1000 * 1000
            until(lambda: board.get("/BTC")["as_of"] > since + 3_000, 20.0, "the next seconds")
        until(board.is_ready, 20.0, "ready again without a restart")
        rows = until(
            lambda: board.get("/BTC/history", **{"from": since})["data"][3:], 20.0, "kept rows"
        )
        first = board.get("/BTC/history", **{"from": since})["data"][0]["timestamp"]
        assert first <= since + 1_000, "what was seen while the disk was full waited in memory"
        assert rows


def test_a_folder_that_may_not_be_written_is_refused_in_one_sentence(
    launch: Launcher, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        make_read_only(disk)
        ended = launch.run_to_end("run", "--source", "demo", "--data-dir", str(disk))
    assert ended.code == 2
    (said,) = ended.output.splitlines()
    assert "cannot be written: Read-only file system" in said
