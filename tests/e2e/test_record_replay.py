"""What `gammaflip record` keeps, `--source replay:` shows again, to the last digit."""

from pathlib import Path

from app.board import Selection, compute_selection
from greeks.conventions import Exposure
from ingest.recording import apply_recorded, read_recording
from ingest.worker import AssetFeed
from tests.processes import Launcher, Process, until

RECORDED_FRAMES = 60


def feed_of(recording: Path) -> AssetFeed:
    feed = AssetFeed("BTC", lambda: 0.0)
    for line in read_recording(recording):
        apply_recorded(line, feed)
    return feed


def frames_in(recording: Path) -> int:
    return sum(1 for _ in read_recording(recording)) if any(recording.glob("*")) else 0


def test_a_replay_shows_the_recorded_numbers(launch: Launcher, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    with launch.exchange("--seed", "7") as exchange:
        command = ["record", "--source", exchange.url, "--assets", "BTC", str(folder)]
        with Process(command, tmp_path / "record.log"):
            until(lambda: folder.is_dir() and frames_in(folder) > RECORDED_FRAMES, 30, "frames")
    feed = feed_of(folder)
    assert feed.is_ready()
    expected = compute_selection(feed.state.freeze(), Selection())

    settings = {"GAMMAFLIP_REPLAY_SPEED": "20", "GAMMAFLIP_ASSETS": "BTC"}
    with launch.board(f"replay:{folder}", **settings) as board:

        def last() -> bool:
            response = board.client.get("/api/v1/BTC")
            return (
                response.status_code == 200
                and response.json()["as_of"] == expected.chain.as_of_ms
                and response.json()["status"] == "stale"
            )

        until(last, 30, "the end of the recording, then silence")
        body = board.get("/BTC")
        assert body["source"] == "replay"
        assert body["data"]["net"]["gex_usd_per_1pct"] == expected.net_of(Exposure.GEX)
        assert body["data"]["levels"]["flip_usd"] == expected.levels.flip_usd
        assert len(board.get("/BTC/trades", limit=1000)["data"]) == min(1000, feed.tape.recorded)


def test_a_folder_without_recording_is_one_sentence(launch: Launcher, tmp_path: Path) -> None:
    ended = launch.run_to_end("run", "--source", f"replay:{tmp_path}", "--port", "0")
    assert ended.code == 2
    assert ended.output.strip().endswith("holds no recording of `gammaflip record`")
