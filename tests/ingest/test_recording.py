"""A replayed recording is the live feed again, and a file cut anywhere keeps its beginning."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greeks.chain import OptionChain
from ingest.recording import (
    FrameRecorder,
    Recorded,
    RecordingError,
    RecordingSink,
    SinkCall,
    apply_recorded,
    read_recording,
)
from ingest.worker import AssetFeed
from tests.ingest.canned import answer_all, load

PUSHES = ("price_index", "markprice_options", "ticker_future", "trades_option", "ticker_option")


def run_feed(sink: RecordingSink) -> None:
    """Talk to a feed for five seconds of its clock, as a connection would."""
    now_s = 50.0
    sink.opened(now_s)
    for step in range(10):
        now_s = answer_all(sink, now_s)
        for name in PUSHES:
            now_s += 0.01
            message = load(name)
            data = message["params"]["data"]
            for row in data if isinstance(data, list) else [data]:
                row["timestamp"] += 0 if "trade_id" in row else step * 500
            sink.received(json.dumps(message), now_s)
        sink.received("not json", now_s)
        now_s += 0.4
        sink.on_timer(now_s)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, OptionChain, AssetFeed]:
    folder = tmp_path_factory.mktemp("recording")
    recorder = FrameRecorder(folder, "20261123T000000Z")
    feed = AssetFeed("BTC", lambda: 0.0)
    run_feed(RecordingSink("BTC", feed, recorder))
    recorder.flush()
    return recorder.path, feed.state.freeze(), feed


def assert_same(chain: OptionChain, other: OptionChain) -> None:
    for column in OptionChain.__slots__:
        np.testing.assert_array_equal(getattr(chain, column), getattr(other, column), column)


def test_a_replay_gives_the_same_chain_bit_for_bit(
    recording: tuple[Path, OptionChain, AssetFeed],
) -> None:
    path, chain, live = recording
    feed = AssetFeed("BTC", lambda: 0.0)
    for line in read_recording(path):
        apply_recorded(line, feed)
    assert len(chain) == 2
    assert np.isfinite(chain.mark_iv).all()
    assert_same(feed.state.freeze(), chain)
    assert feed.counters == live.counters
    assert feed.counters.protocol_errors == 10
    assert feed.tape.recorded == live.tape.recorded == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(share=st.floats(0.0, 1.0))
def test_a_file_cut_anywhere_is_read_up_to_its_last_whole_line(
    recording: tuple[Path, OptionChain, AssetFeed], tmp_path: Path, share: float
) -> None:
    path = recording[0]
    whole = list(read_recording(path))
    content = path.read_bytes()
    cut = tmp_path / path.name
    cut.write_bytes(content[: int(share * len(content))])
    lines = list(read_recording(cut))
    assert lines == whole[: len(lines)]


def test_a_crash_loses_at_most_the_last_flush(tmp_path: Path) -> None:
    recorder = FrameRecorder(tmp_path, "20261123T000000Z")
    lines = [Recorded("BTC", SinkCall.RECEIVED, 10 + i / 10, f"frame {i}") for i in range(100)]
    for line in lines:
        recorder.add(line)
    content = recorder.path.read_bytes()
    recorder.path.write_bytes(content[:-1])
    survived = list(read_recording(recorder.path))
    assert survived == lines[: len(survived)]
    assert survived[-1].now_s > lines[-1].now_s - 2.5


def test_files_rotate_and_are_read_in_order(tmp_path: Path) -> None:
    recorder = FrameRecorder(tmp_path, "20261123T000000Z", rotate_bytes=1)
    lines = [Recorded("BTC", SinkCall.TIMER, float(i), "") for i in range(10, 15)]
    for line in lines:
        recorder.add(line)
    recorder.flush()
    assert len(list(tmp_path.iterdir())) == 5
    assert list(read_recording(tmp_path)) == lines


def test_a_folder_without_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="expected"):
        list(read_recording(tmp_path))
