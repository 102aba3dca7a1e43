"""Recorded frames as referee: every kind that the venue sent is decoded, none is refused."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingest.plan import FeedPlan
from ingest.protocol import DeribitSession

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the recorded messages"),
]


def frames() -> list[dict[str, Any]]:
    found = []
    for path in sorted(DATA.glob("ws-*/messages.jsonl")):
        found += [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    for path in sorted((DATA / "api-nautilus").glob("ws_*.json")):
        found.append(json.loads(path.read_text()))
    for path in sorted(DATA.glob("ws-cryptofeed-*/*.ws.*.gz")):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            at = line.find("{")
            if at >= 0:
                found.append(json.loads(line[at:]))
    return [frame for frame in found if isinstance(frame, dict)]


def test_every_recorded_frame_is_decoded() -> None:
    session = DeribitSession(FeedPlan("BTC"))
    session.start(0.0)
    kinds: Counter[str] = Counter()
    for frame in frames():
        events = session.receive(json.dumps(frame), 1.0)
        channel = (frame.get("params") or {}).get("channel", "")
        kinds[channel.partition(".")[0]] += 1
        rejected = sum(getattr(event, "rejected", 0) for event in events)
        assert rejected == 0, frame
    assert kinds.total() > 100
    assert {"ticker", "book", "trades", "markprice", "deribit_price_index"} <= kinds.keys()
