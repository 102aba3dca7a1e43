"""A scripted walk of spot over the gamma flip becomes exactly its crossings, signed, each once."""

import csv
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.processes import Board, Exchange, Launcher, until

MARKET = ("--seed", "7", "--start", "2026-11-18T12:00:00Z")
STANDSTILL = ("--speed", "0.001")
SPEED = 20.0
START_USD = 90_000.0
DEAD_BAND_PCT = 1.0
CONFIRM_S = 2
NOISE_PCT = 0.5  # the flip itself drifts by a third of this while the market trades
EVENT_FIELDS = {
    "rule_id", "asset", "direction", "cause", "sequence", "spot_usd", "flip_usd",
    "gex_usd_per_1pct", "position", "confirmed_at", "data_age_ms", "late", "source",
}  # fmt: skip


@dataclass
class Receiver:
    """Whatever was posted to it: headers and body. Turns the very first request away."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes, int]] = field(default_factory=list)

    @property
    def accepted(self) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for headers, body, code in self.requests if code == 204]


@contextmanager
def receiver() -> Iterator[Receiver]:
    seen = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            code = 204 if seen.requests else 500
            seen.requests.append((headers, body, code))
            self.send_response(code)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    seen.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Sight:
    as_of: int
    spot_usd: float
    flip_usd: float

    @property
    def distance_pct(self) -> float:
        return 100 * (self.spot_usd / self.flip_usd - 1)


@contextmanager
def watched(board: Board) -> Iterator[list[Sight]]:
    """Everything that the board says of spot and flip, as it pushes it."""
    seen: list[Sight] = []
    with connect(board.url.replace("http", "ws") + "/api/v1/stream") as socket:
        socket.send('{"subscribe":["BTC.summary"]}')

        def read() -> None:
            try:
                for text in socket:
                    message = json.loads(text)
                    flip = message["data"]["levels"]["flip_usd"]
                    seen.append(Sight(message["as_of"], message["spot_usd"], flip))
            except ConnectionClosed:
                pass

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield seen
        finally:
            socket.close()
            reader.join()


def crossings(seen: list[Sight], dead_band_pct: float) -> list[str]:
    """The changes of side that stay beyond the dead band, judged from the pushed numbers alone."""
    side, leaning, since_ms, found = "", "", 0, []
    for sight in seen:
        is_inside = abs(sight.distance_pct) <= dead_band_pct
        now = "" if is_inside else "up" if sight.distance_pct > 0 else "down"
        if now != leaning:
            leaning, since_ms = now, sight.as_of
        if now and now != side and sight.as_of - since_ms >= 1000 * CONFIRM_S:
            found += [now] if side else []
            side = now
    return found


@dataclass(frozen=True, slots=True)
class Walk:
    corners: list[tuple[float, float]]  # exchange seconds, price
    noise: tuple[float, float]  # from, to


def walk_around(flip_usd: float) -> Walk:
    """Below the flip, above it, noise on it, and below again."""
    below, above = 0.97 * flip_usd, 1.03 * flip_usd
    corners = [(0.0, START_USD), (20.0, START_USD), (40.0, below), (100.0, below)]
    corners += [(130.0, above), (190.0, above), (200.0, flip_usd)]
    rng = random.Random(1)
    for i in range(8):
        swing = rng.uniform(0.8, 1.0) * (-1 if i % 2 else 1) * NOISE_PCT / 100
        noisy = flip_usd * (1 + swing)
        corners += [(205.0 + 25 * i, noisy), (225.0 + 25 * i, noisy)]
    return Walk([*corners, (405.0, flip_usd), (415.0, below)], (205.0, 400.0))


def flip_at_start(launch: Launcher) -> float:
    """Where the flip of this seeded market lies while spot stands still."""
    path = launch.folder / "still.csv"
    write_script(path, [(0.0, START_USD)])
    with launch.pair(*MARKET, *STANDSTILL, "--index-script", str(path)) as board:
        return float(board.wait_ready().get("/BTC")["data"]["levels"]["flip_usd"])


def write_script(path: Path, corners: list[tuple[float, float]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seconds", "asset", "price"])
        writer.writerows([seconds, "BTC", price] for seconds, price in corners)


def let_time_run(exchange: Exchange) -> int:
    """Start the script; returns the exchange's time."""
    return int(exchange.control(speed=SPEED)["now_ms"])


def create_rule(board: Board, url: str) -> dict[str, Any]:
    """A webhook and a rule on it; returns the answers to both."""
    webhook = board.client.post("/api/v1/webhooks", json={"url": url})
    assert webhook.status_code == 201, webhook.text
    rule = board.client.post(
        "/api/v1/alerts",
        json={
            "asset": "BTC",
            "kind": "flip_crossed",
            "dead_band_pct": DEAD_BAND_PCT,
            "confirm_s": CONFIRM_S,
            "cooldown_s": 5,
            "webhooks": [webhook.json()["id"]],
        },
    )
    assert rule.status_code == 201, rule.text
    return {"webhook": webhook.json(), "rule": rule.json()}


def test_every_crossing_is_delivered_once_and_signed_and_noise_is_none(launch: Launcher) -> None:
    walk = walk_around(flip_at_start(launch))
    script = launch.folder / "walk.csv"
    write_script(script, walk.corners)
    with (
        receiver() as inbox,
        launch.exchange(
            *MARKET, *STANDSTILL, "--control", "--index-script", str(script)
        ) as exchange,
        launch.board(
            exchange.url, GAMMAFLIP_ASSETS="BTC", GAMMAFLIP_ALERT_ALLOW_CIDRS="127.0.0.0/8"
        ) as board,
        watched(board.wait_ready()) as seen,
    ):
        created = create_rule(board, inbox.url)
        until(lambda: board.get("/alerts")["data"][0]["state"], 5.0, "a rule with a state")
        start_ms = let_time_run(exchange)
        end_ms = start_ms + 1000 * 470
        until(lambda: seen and seen[-1].as_of > end_ms, 60.0, "the end of the walk")
        until(lambda: len(inbox.accepted) >= 3, 15.0, "three deliveries")
        log = board.get("/deliveries")["data"]
        assert_events_are(inbox, created, seen)
    noise_from, noise_to = (start_ms + 1000 * seconds for seconds in walk.noise)
    noisy = [sight for sight in seen if noise_from < sight.as_of < noise_to]
    changes = sum((a.distance_pct > 0) != (b.distance_pct > 0) for a, b in pairwise(noisy))
    assert changes >= 3, "the noise must hover on both sides of the flip"
    assert [row["status"] for row in log] == ["delivered"] * 3
    assert [row["attempts"] for row in log] == [1, 1, 2], "newest first; the oldest was repeated"


def assert_events_are(inbox: Receiver, created: dict[str, Any], seen: list[Sight]) -> None:
    verifier = Webhook(created["webhook"]["secret"])
    events = [verifier.verify(body, headers) for headers, body in inbox.accepted]
    expected = crossings(seen, DEAD_BAND_PCT)
    assert expected == ["down", "up", "down"], "the script must do what it is written for"
    # the first was turned away and came back later: its order among the others is free
    events.sort(key=lambda event: event["data"]["sequence"])
    assert [event["data"]["direction"] for event in events] == expected
    assert [event["data"]["sequence"] for event in events] == [1, 2, 3]
    ids = [headers["webhook-id"] for headers, _ in inbox.accepted]
    assert len(set(ids)) == 3
    assert inbox.requests[0][0]["webhook-id"] in ids, "the repetition keeps its id"
    for event in events:
        assert event["type"] == "gex.flip.crossed"
        assert event["data"].keys() >= EVENT_FIELDS
        assert event["data"]["rule_id"] == created["rule"]["id"]
        assert event["data"]["source"] == "custom"
        is_above = event["data"]["spot_usd"] > event["data"]["flip_usd"]
        assert is_above == (event["data"]["direction"] == "up")
        assert event["data"]["confirmed_at"] in {sight.as_of for sight in seen}
    for headers, body in inbox.accepted:
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 120
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body.replace(b'"BTC"', b'"ETH"'), headers)
