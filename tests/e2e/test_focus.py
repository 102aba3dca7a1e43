"""Tickers of the options near the money, beside the lean plan."""

from pathlib import Path

import numpy as np

from exchange.config import ExchangeConfig
from exchange.run import build_exchange
from greeks.chain import OptionChain
from ingest.recording import FrameRecorder, RecordingSink, apply_recorded, read_recording
from ingest.worker import AssetFeed
from soak.endurance import Time
from soak.venue import NO_LIMITS, START_MS
from soak.wire import Link

FOCUS = 24


def follow(feed: AssetFeed, time: Time, folder: Path, seconds: float) -> Path:
    """Record a feed of a moving market, without a network."""
    config = ExchangeConfig(
        assets=("BTC",), start_ms=START_MS, history_s=0, limits=NO_LIMITS, monotonic=time.read
    )
    exchange = build_exchange(config)
    exchange.pump()
    recorder = FrameRecorder(folder, "20261123T000000Z")
    link = Link(exchange, RecordingSink("BTC", feed, recorder), time.now_s)
    for _ in range(int(seconds / 0.25)):
        time.now_s += 0.25
        exchange.pump()
        link.turn(time.now_s)
    recorder.flush()
    return recorder.path


def test_the_options_nearest_the_money_are_quoted_and_the_others_wait_for_a_trade(
    tmp_path: Path,
) -> None:
    time = Time()
    feed = AssetFeed("BTC", time.read, focus=FOCUS)
    recording = follow(feed, time, tmp_path, 40.0)
    chain = feed.freeze()
    quoted = np.isfinite(chain.bid_iv) | np.isfinite(chain.ask_iv)
    tau = (chain.expiry_ms - chain.as_of_ms) / 31_536_000_000
    away = np.abs(np.log(chain.strike / chain.index_price)) / np.sqrt(tau)
    nearest = np.argsort(away)[: FOCUS // 2]
    assert quoted[nearest].all()
    assert quoted.sum() < len(chain) / 4
    assert feed.counters.gaps.total() == feed.counters.protocol_errors == 0
    lean = AssetFeed("BTC", lambda: 0.0)
    for line in read_recording(recording):
        apply_recorded(line, lean)
    replayed, live = lean.state.freeze(), feed.state.freeze()
    for column in set(OptionChain.__slots__) - {"seq"}:
        np.testing.assert_array_equal(getattr(replayed, column), getattr(live, column), column)


def test_who_asks_for_none_has_the_lean_plan_alone(tmp_path: Path) -> None:
    time = Time()
    feed = AssetFeed("BTC", time.read)
    recording = follow(feed, time, tmp_path, 10.0)
    channels = {line.frame[:90] for line in read_recording(recording) if "ticker." in line.frame}
    assert channels
    assert not any("-C.100ms" in frame or "-P.100ms" in frame for frame in channels)
