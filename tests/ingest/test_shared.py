"""What concerns a whole currency is asked once and heard by every asset's feed."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingest.recording import FrameRecorder, RecordingSink, apply_recorded, read_recording
from ingest.shared import ANSWERED_WITHIN_S, Shared
from ingest.worker import AssetFeed
from tests.ingest.canned import answer, load

HEARTBEAT = '{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}'
COINS = ("XRP", "TRX", "AVAX")


def listed(coin: str) -> dict[str, Any]:
    row: dict[str, Any] = load("instruments_linear")["result"][0]
    name = f"{coin}_USDC-27NOV26-1d25-C"
    own = {"base_currency": coin, "price_index": f"{coin.lower()}_usdc"}
    return row | own | {"instrument_name": name}


def reply(request: dict[str, Any]) -> str:
    """Answer as a venue that lists one option of each coin under USDC."""
    params, said = request["params"], answer(request)
    if request["method"] == "public/get_instruments":
        of_usdc = params == {"currency": "USDC", "kind": "option", "expired": False}
        said["result"] = [listed(coin) for coin in COINS] if of_usdc else []
    if request["method"] == "public/get_book_summary_by_currency":
        row = load("book_summary")["result"][0]
        names = [listed(coin)["instrument_name"] for coin in COINS]
        said["result"] = [row | {"instrument_name": name} for name in names]
    return json.dumps(said)


class Together:
    """Feeds of one process, each with its recorded socket to a canned venue."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 100.0
        self.shared = Shared()
        self.recorder = FrameRecorder(folder, "20261123T000000Z")
        self.feeds = {c: AssetFeed(c, lambda: self.now_s, shared=self.shared) for c in COINS}
        self.sinks = {c: RecordingSink(c, feed, self.recorder) for c, feed in self.feeds.items()}
        self.asked: Counter[str] = Counter()
        for coin, sink in self.sinks.items():
            sink.opened(self.now_s)
            self.shared.sinks[coin] = sink

    def turn(self, seconds: float, mute: str = "") -> None:
        """Let time pass on every socket; the venue does not answer a mute one."""
        self.now_s += seconds
        for coin, sink in self.sinks.items():
            sink.on_timer(self.now_s)
            if coin != mute:
                sink.received(HEARTBEAT, self.now_s)
        while frames := [(c, raw) for c, s in self.sinks.items() for raw in s.take_outgoing()]:
            for coin, raw in frames:
                request = json.loads(raw)
                self.asked[f"{request['method']} {request['params'].get('currency', '')}"] += 1
                if coin != mute:
                    self.sinks[coin].received(reply(request), self.now_s)


@pytest.fixture
def together(tmp_path: Path) -> Together:
    return Together(tmp_path)


def test_lists_and_summaries_of_a_currency_are_asked_once_for_all_its_coins(
    together: Together,
) -> None:
    together.turn(0.0)
    assert together.asked["public/get_instruments USDC"] == 2, "options and futures"
    assert together.asked["public/get_instruments XRP"] == 2
    for feed in together.feeds.values():
        assert feed.progress()["instruments"]
        assert feed.progress()["summaries"]
    for _ in range(60):
        together.turn(1.0)
    assert together.asked["public/get_book_summary_by_currency USDC"] <= 6
    assert all(feed.counters.gaps.total() == 0 for feed in together.feeds.values())


def test_who_waits_for_an_answer_that_never_comes_asks_for_itself(together: Together) -> None:
    for _ in range(int(ANSWERED_WITHIN_S) + 4):
        together.turn(1.0, mute="XRP")
    assert not together.feeds["XRP"].is_dead(together.now_s)
    for coin in ("TRX", "AVAX"):
        assert together.feeds[coin].progress()["instruments"]
        assert together.feeds[coin].progress()["summaries"]


def test_what_is_heard_from_others_is_no_sign_of_life_of_the_own_socket(
    together: Together,
) -> None:
    for _ in range(40):
        together.turn(1.0, mute="AVAX")
    assert together.feeds["AVAX"].is_dead(together.now_s)
    assert together.feeds["AVAX"].progress()["summaries"]
    assert not together.feeds["TRX"].is_dead(together.now_s)


def test_the_recording_of_one_coin_holds_what_others_asked_for_it(together: Together) -> None:
    for _ in range(20):
        together.turn(1.0)
    together.recorder.flush()
    for coin, live in together.feeds.items():
        alone = AssetFeed(coin, lambda: 0.0)
        for line in read_recording(together.recorder.path):
            if line.asset == coin:
                apply_recorded(line, alone)
        assert alone.state.table.row_of == live.state.table.row_of != {}
        assert alone.progress() == live.progress()
        assert alone.counters == live.counters
