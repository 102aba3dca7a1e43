"""kill -9 of the whole board at random points while a scripted market crosses the flip.

The referee is what the board said and the world heard: rows that its API showed as kept, answers
that it gave to writes, requests that the receiver took. None of it may be missing afterwards.
"""

import asyncio
import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from soak.check import Check
from soak.kill_verdict import CONFIRM_S, DEAD_BAND_PCT, Life, Look, Row, Told, judge
from tests.hostile import HostileReceiver, hostile_receiver
from tests.postgres import PostgresServer, postgres
from tests.processes import Board, Launcher, until

SPEED = 5.0
START_USD = 90_000.0
MARKET = ("--seed", "7", "--start", "2026-11-18T12:00:00Z", "--assets", "BTC", "--control")
SWING_PCT = 4.0
DWELL_S, RAMP_S = 20.0, 8.0  # of the exchange's clock
HOURS = 4.0
LANES = 2
SETTLE_S = 60.0
START_S = 30.0
PATIENCE_S = 30.0
"""How long one answer may take on a machine that does other things too."""
YOUNG = 0.25
"""This share of the boards dies while it starts, the others in the middle of their work."""


def run() -> Iterator[Check]:
    yield from kill_boards("embedded", [{}] * LANES, kills=200, seed=1)
    with postgres(fsync=True) as server:
        yield from kill_boards("postgresql", on_postgres(server, LANES), kills=50, seed=2)


def on_postgres(server: PostgresServer, lanes: int) -> list[dict[str, str]]:
    """The settings of boards with a database each on one server, which lives on."""
    names = [f"lane_{lane}" for lane in range(lanes)]
    asyncio.run(_create_databases(server, names))
    host = server.url.query["host"]
    addresses = (f"postgresql://gammaflip@/{name}?host={host}" for name in names)
    return [{"GAMMAFLIP_DATABASE_URL": address} for address in addresses]


async def _create_databases(server: PostgresServer, names: list[str]) -> None:
    engine = create_async_engine(server.url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for name in names:
            await connection.execute(text(f"CREATE DATABASE {name}"))
    await engine.dispose()


def kill_boards(name: str, databases: list[dict[str, str]], kills: int, seed: int) -> list[Check]:
    """Share the kills out to a lane per database, side by side on one market.

    A database is the settings that choose it; none is SQLite in the lane's own folder.
    """
    with tempfile.TemporaryDirectory() as folder, _market(Path(folder)) as url:
        lanes = [
            Lane(Path(folder) / f"lane-{i}", url, settings, random.Random(f"{seed}/{i}"))
            for i, settings in enumerate(databases)
        ]
        with ThreadPoolExecutor(len(lanes)) as threads:
            told = list(threads.map(lambda lane: lane.run(-(-kills // len(lanes))), lanes))
    return judge(name, told)


@contextmanager
def _market(folder: Path) -> Iterator[str]:
    """A market whose spot walks to and fro over its own flip; time runs once it is up."""
    launch = Launcher(folder)
    script = folder / "walk.csv"
    flip = _flip_at_start(launch, script)
    script.write_text(
        "seconds,asset,price\n" + "".join(f"{at},BTC,{price}\n" for at, price in _walk(flip))
    )
    arguments = (*MARKET, "--speed", str(SPEED), "--index-script", str(script))
    with launch.exchange(*arguments) as exchange:
        yield exchange.url


def _flip_at_start(launch: Launcher, script: Path) -> float:
    """Where the flip of this seeded market lies while spot stands still."""
    script.write_text(f"seconds,asset,price\n0,BTC,{START_USD}\n")
    arguments = (*MARKET, "--speed", "0.001", "--index-script", str(script))
    with launch.pair(*arguments, GAMMAFLIP_ASSETS="BTC") as board:
        return float(board.wait_ready().get("/BTC/levels")["data"]["flip_usd"])


def _walk(flip_usd: float) -> Iterator[tuple[float, float]]:
    yield 0.0, START_USD
    at, side = 20.0, -1
    while at < 3600 * HOURS:
        price = flip_usd * (1 + side * SWING_PCT / 100)
        yield at, price
        yield at + DWELL_S, price
        at, side = at + DWELL_S + RAMP_S, -side


@dataclass
class Lane:
    """One data folder, one rule, one receiver, and boards that die on it one after another."""

    folder: Path
    exchange_url: str
    settings: dict[str, str]
    rng: random.Random
    told: Told = field(default_factory=Told)
    secret: str = ""
    rule_id: str = ""
    webhook_id: str = ""

    def run(self, kills: int) -> Told:
        """Kill so many boards, let the last one live, and return what they told."""
        self.folder.mkdir()
        with hostile_receiver(self.rng.randrange(2**32)) as receiver:
            with self._board(0) as board:
                self._create(board, receiver)
            for number in range(1, kills + 1):
                self._live_and_die(number)
            receiver.is_kind = True
            with self._board(kills + 1) as board:
                board.wait_ready()
                self._look_on(board, Life(kills + 1, time.time()))
                self._settle(board)
                self._read_everything(board)
            self.told.requests = list(receiver.requests)
        self.told.secret, self.told.rule_id = self.secret, self.rule_id
        self._check_file()
        return self.told

    def _board(self, number: int) -> Board:
        settings = {"GAMMAFLIP_ASSETS": "BTC", "GAMMAFLIP_ALERT_ALLOW_CIDRS": "127.0.0.0/8"}
        log = self.folder / f"board-{number}.log"
        return Board(self.exchange_url, self.folder / "data", log, settings | self.settings)

    def _create(self, board: Board, receiver: HostileReceiver) -> None:
        webhook = board.wait_ready().client.post("/api/v1/webhooks", json={"url": receiver.url})
        self.webhook_id, self.secret = webhook.json()["id"], webhook.json()["secret"]
        rule = board.client.post(
            "/api/v1/alerts",
            json={
                "asset": "BTC",
                "kind": "flip_crossed",
                "dead_band_pct": DEAD_BAND_PCT,
                "confirm_s": CONFIRM_S,
                "cooldown_s": 0,
                "webhooks": [self.webhook_id],
            },
        )
        self.rule_id = rule.json()["id"]
        until(lambda: self._side(board), 30.0, "an armed rule")
        self.told.since_ms = board.get("/BTC")["as_of"] // 1000 * 1000

    def _side(self, board: Board) -> str | None:
        side: str | None = board.get(f"/alerts/{self.rule_id}")["state"]["side"]
        return side

    def _live_and_die(self, number: int) -> None:
        """One life: watched until it is killed in the middle of whatever it does."""
        rng = self.rng
        dies_young = rng.random() < YOUNG
        lifetime_s = rng.uniform(0.0, 3.0) if dies_young else rng.uniform(0.2, 6.0)
        board = self._board(number)
        life = Life(number, time.time())
        live, dying = threading.Event(), threading.Event()

        def kill() -> None:
            if not dies_young:
                live.wait(START_S)
            time.sleep(lifetime_s)
            dying.set()
            board.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            self._watch(board, life, live)
        except (AssertionError, httpx.HTTPError) as error:
            # a board that is killed answers nothing, half an answer, or never says its address
            if not dying.is_set():
                self.told.surprises.append(f"{number}: {error}"[:300])
        finally:
            killer.join()
            board.stop()
        life.ended_s = time.time()
        self.told.lives.append(life)

    def _watch(self, board: Board, life: Life, live: threading.Event) -> None:
        board.client.timeout = PATIENCE_S
        until(lambda: board.client.get("/api/v1/BTC").status_code == 200, START_S, "a state")
        life.shown_after_s = time.time() - life.started_s
        writes = 0
        while True:
            if board.get("/BTC")["status"] == "live":
                live.set()
            self._look(board, life)
            self._read_history(board)
            self._look(board, life)
            self._read_deliveries(board)
            self._write(board, writes)
            writes += 1
            time.sleep(0.1)

    def _look(self, board: Board, life: Life) -> None:
        """Take note of where the rule stands; the age is asked first."""
        asked_s = time.time()
        age_ms = board.get("/BTC")["age_ms"]
        state = board.get(f"/alerts/{self.rule_id}")["state"]
        self.told.looks.append(
            Look(
                life=life.number,
                asked_s=asked_s,
                age_s=age_ms / 1000,
                told_s=time.time(),
                status=state["status"],
                seen_ms=state["seen_at"],
                side=state["side"],
                sequence=state["sequence"],
            )
        )

    def _look_on(self, board: Board, life: Life) -> None:
        """Watch the rule for a whole swing of the market, and until it fired at least once."""
        started = time.monotonic()
        swing_s = (DWELL_S + RAMP_S) / SPEED
        while (watched_s := time.monotonic() - started) < SETTLE_S:
            self._look(board, life)
            if watched_s > swing_s and self.told.looks[-1].sequence:
                return
            time.sleep(0.1)

    def _read_history(self, board: Board) -> None:
        """Take note of every row that the board shows as kept."""
        since = max(self.told.rows, default=self.told.since_ms)
        for row in board.get("/BTC/history", points=5000, **{"from": since})["data"]:
            kept = Row(row["spot_usd"], row["flip_usd"], row["gex_usd_per_1pct"])
            self.told.rows.setdefault(row["timestamp"], kept)

    def _read_deliveries(self, board: Board) -> None:
        for row in board.get("/deliveries", limit=50)["data"]:
            if row["status"] == "delivered":
                self.told.delivered.add(row["id"])
            self.told.deliveries.add(row["id"])

    def _write(self, board: Board, number: int) -> None:
        """Ask for a change, and remember it only when the board said that it is done."""
        if number % 5 == 0 and len(self.told.rules) < 80:
            body = {"asset": "BTC", "kind": "data_stale", "enabled": False}
            answer = board.client.post("/api/v1/alerts", json=body)
            if answer.status_code == 201:
                self.told.rules.add(answer.json()["id"])
        asked = self.told.description + 1
        self.told.asked_description = asked
        answer = board.client.patch(
            f"/api/v1/webhooks/{self.webhook_id}", json={"description": str(asked)}
        )
        if answer.status_code == 200:
            self.told.description = asked

    def _settle(self, board: Board) -> None:
        """Stop the rule, wait for what is on its way; what failed often is asked for once more."""
        address = f"/api/v1/alerts/{self.rule_id}"
        board.client.patch(address, json={"enabled": False}).raise_for_status()
        deadline = time.monotonic() + SETTLE_S
        pressed = False
        while time.monotonic() < deadline:
            waiting = [
                row
                for status in ("pending", "failed")
                for row in board.get("/deliveries", status=status, limit=1000)["data"]
            ]
            if not waiting:
                return
            if not pressed and time.monotonic() > deadline - SETTLE_S / 2:
                pressed = True
                for row in waiting:
                    board.client.post(f"/api/v1/deliveries/{row['id']}/redeliver")
                    self.told.redelivered += 1
            time.sleep(0.5)

    def _read_everything(self, board: Board) -> None:
        """Read back all that is kept now."""
        told = self.told
        seen = [look.seen_ms for look in told.looks if look.seen_ms is not None]
        first, last = min(told.rows), max([*told.rows, *seen])
        for start in range(first, last + 1, 4_000_000):
            end = min(start + 4_000_000, last + 1)
            query: dict[str, int] = {"from": start, "to": end, "points": 5000}
            for row in board.get("/BTC/history", **query)["data"]:
                kept = Row(row["spot_usd"], row["flip_usd"], row["gex_usd_per_1pct"])
                told.rows_after[row["timestamp"]] = kept
        alerts = board.get("/alerts")["data"]
        told.rules_after = {row["id"] for row in alerts}
        told.events_after = next(
            row["state"]["sequence"] for row in alerts if row["id"] == self.rule_id
        )
        webhook = board.client.get(f"/api/v1/webhooks/{self.webhook_id}").json()
        told.description_after = int(webhook["description"])
        cursor: dict[str, str] = {}
        while True:
            page = board.get("/deliveries", limit=1000, **cursor)
            told.status_after |= {row["id"]: row["status"] for row in page["data"]}
            if page["cursor"] is None:
                break
            cursor = {"cursor": page["cursor"]}
        tape = board.get("/BTC/trades", limit=1000)["data"]
        told.holes_in_tape = sum(row["gap_before"] for row in tape)

    def _check_file(self) -> None:
        for path in (self.folder / "data").glob("gammaflip-*.db"):
            with closing(sqlite3.connect(path)) as connection:
                self.told.integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
