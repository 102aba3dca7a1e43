"""Mutated frames through a session and into its chain: nothing but `ProtocolError`, no growth.

The frames are those of a real session with the local exchange. A mutation flips, cuts, copies or
splices bytes, or puts strange values into decoded JSON: null, text for a number, exponents, huge
integers, other lists, unknown fields. Answers carry the ids that the session is waiting for.
"""

import asyncio
import json
import random
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from exchange.config import ExchangeConfig
from ingest.chain_state import ChainState
from ingest.connection import run_connection
from ingest.pacing import Pacer
from ingest.plan import FeedPlan
from ingest.protocol import DeribitSession
from ingest.wire import ProtocolError
from soak.check import Check
from soak.memory import held_objects
from soak.venue import NO_LIMITS, START_MS, serve

FRAMES = 1_000_000
HEARD_S = 7.0
ROLL_MS = START_MS + 17 * 3_600_000
ROWS_KEPT = 6
"""Long lists are cut to this many rows, or decoding megabytes is all a run does."""
TIMER_EVERY, TIMER_S = 200, 2.0
"""A hundred frames a second, as the lean plan hears them: lists are read again now and then."""
STRANGE = (
    "null", "true", "false", '""', '"x"', '"NaN"', '"0"', "0", "-1", "0.0", "-0.0", "1e-300",
    "1e300", "9007199254740993", "18446744073709551616", "-1180591620717411303424", "[]", "[null]",
    "{}", '{"a":1}', "[[[]]]", '"expired"', '"\\u0000"', '"BTC-27NOV26-1d5-C"',
    '"\\ud83d\\ude00"', '"\\ud800"',
)  # fmt: skip
"""JSON texts, so that each use is a value of its own."""


@dataclass(slots=True)
class Corpus:
    """Real frames of a session: pushes as they came, and the answers by method."""

    pushes: list[bytes] = field(default_factory=list)
    answers: dict[str, list[bytes]] = field(default_factory=dict)


class Listener:
    """Passes a session's frames on and keeps them, with the methods that they answer."""

    def __init__(self, session: DeribitSession) -> None:
        self.corpus = Corpus()
        self._session = session
        self._methods: dict[int, str] = {}

    def opened(self, now_s: float) -> None:
        self._session.start(now_s)

    def received(self, frame: bytes | str, now_s: float) -> None:
        self._session.receive(frame, now_s)
        message = json.loads(frame)
        short = json.dumps(shorten(message), separators=(",", ":")).encode()
        if "method" in message:
            self.corpus.pushes.append(short)
        else:
            method = self._methods.get(message.get("id"), "")
            self.corpus.answers.setdefault(method, []).append(short)

    def on_timer(self, now_s: float) -> None:
        self._session.on_timer(now_s)

    def take_outgoing(self) -> list[bytes]:
        frames = self._session.take_outgoing()
        for frame in frames:
            message = json.loads(frame)
            self._methods[message["id"]] = message["method"]
        return frames

    def is_dead(self, now_s: float) -> bool:
        return self._session.is_dead(now_s)


async def hear() -> Corpus:
    """Listen to a busy exchange for a few seconds, in which the day rolls."""
    config = ExchangeConfig(
        port=0, start_ms=ROLL_MS - 12_000, speed=8.0, assets=("BTC",), activity=40.0, history_s=600,
        limits=NO_LIMITS,
    )  # fmt: skip
    async with serve(config) as served:
        listener = Listener(DeribitSession(FeedPlan("BTC")))
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(
            run_connection(served.url, listener, loop.time, random.Random(1), Pacer())
        )
        await asyncio.sleep(HEARD_S)  # how long to listen, not something to wait for
        task.cancel()
        await asyncio.wait({task})
    return listener.corpus


def shorten(value: Any) -> Any:
    """Cut every list of a JSON value."""
    if isinstance(value, list):
        return [shorten(item) for item in value[:ROWS_KEPT]]
    if isinstance(value, dict):
        return {key: shorten(item) for key, item in value.items()}
    return value


def mutate_bytes(frame: bytes, rng: random.Random) -> bytes:
    """Flip, cut, copy or insert bytes in one to four places."""
    data = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at, reach = rng.randrange(len(data) + 1), rng.randint(1, 40)
        match rng.randrange(5):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at : at + reach]
            case 2:
                data[at:at] = data[at : at + reach]
            case 3:
                data[at:at] = rng.randbytes(rng.randint(1, 8))
            case _:
                del data[at:]
        if not data:
            break
    return bytes(data)


def mutate_json(frame: bytes, rng: random.Random) -> bytes:
    """Put a strange value, lose one or add one somewhere in the JSON."""
    message = msgspec.json.decode(frame)
    for _ in range(rng.randint(1, 3)):
        holder = _descend(message, rng)
        if isinstance(holder, dict) and holder:
            key = rng.choice(list(holder))
            match rng.randrange(4):
                case 0:
                    del holder[key]
                case 1:
                    holder[f"{key}_{rng.randrange(10**6)}"] = json.loads(rng.choice(STRANGE))
                case _:
                    holder[key] = json.loads(rng.choice(STRANGE))
        elif isinstance(holder, list) and holder:
            holder[rng.randrange(len(holder))] = json.loads(rng.choice(STRANGE))
    return json.dumps(message).encode()


def _descend(value: Any, rng: random.Random) -> Any:
    while True:
        inner = list(value.values()) if isinstance(value, dict) else value
        deeper = [item for item in inner if isinstance(item, dict | list) and item]
        if not deeper or rng.random() < 0.25:
            return value
        value = rng.choice(deeper)


def splice(one: bytes, other: bytes, rng: random.Random) -> bytes:
    """Begin as one frame and end as another."""
    return one[: rng.randrange(len(one))] + other[rng.randrange(len(other)) :]


@dataclass(slots=True)
class Outcome:
    """What a run counted."""

    frames: int = 0
    refused: int = 0
    events: int = 0
    held_early: int = 0
    held_late: int = 0
    escaped: Counter[str] = field(default_factory=Counter)


class Fuzzer:
    """One session that hears nothing but mutated frames, after a whole and sound beginning."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self.outcome = Outcome()
        self._corpus = corpus
        self._rng = random.Random(seed)
        self._session = DeribitSession(FeedPlan("BTC"))
        self._state = ChainState("BTC")
        self._waiting: dict[int, str] = {}
        self._now_s = 0.0
        self._session.start(0.0)
        self._note_requests()

    def begin(self) -> None:
        """Hear the sound frames once."""
        for _ in range(3):
            for number, method in list(self._waiting.items()):
                for answer in self._corpus.answers.get(method, []):
                    self._give(self._answering(answer, number))
            self._note_requests()
        for push in self._corpus.pushes:
            self._give(push)

    def step(self) -> None:
        """Hear one mutated frame."""
        self._give(self._next_frame())
        if self.outcome.frames % TIMER_EVERY == 0:
            self._now_s += TIMER_S
            self._session.on_timer(self._now_s)
            self._note_requests()

    def held(self) -> int:
        """Count what session and chain keep alive."""
        return held_objects(self._session) + held_objects(self._state)

    def _next_frame(self) -> bytes:
        rng, frame = self._rng, self._sound_frame()
        match rng.randrange(10):
            case 0:
                return splice(frame, self._sound_frame(), rng)
            case 1 | 2:
                return mutate_bytes(frame, rng)
            case _:
                return mutate_json(frame, rng)

    def _sound_frame(self) -> bytes:
        if self._waiting and self._rng.random() < 0.3:
            number, method = self._rng.choice(list(self._waiting.items()))
            if answers := self._corpus.answers.get(method):
                return self._answering(self._rng.choice(answers), number)
        return self._rng.choice(self._corpus.pushes)

    def _answering(self, answer: bytes, number: int) -> bytes:
        return json.dumps(json.loads(answer) | {"id": number}).encode()

    def _give(self, frame: bytes) -> None:
        outcome = self.outcome
        outcome.frames += 1
        try:
            events = self._session.receive(frame, self._now_s)
            outcome.events += len(events)
            for event in events:
                self._state.apply(event)
        except ProtocolError:
            outcome.refused += 1
        except Exception as error:  # noqa: BLE001 - whatever escapes is what we look for
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(where.filename).name}:{where.lineno}"
            outcome.escaped[f"{type(error).__name__}: {error} in {place}"[:200]] += 1

    def _note_requests(self) -> None:
        for frame in self._session.take_outgoing():
            message = json.loads(frame)
            self._waiting[message["id"]] = message["method"]
        while len(self._waiting) > 40:
            del self._waiting[next(iter(self._waiting))]


def fuzz(frames: int, seed: int = 1, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """Give a session so many mutated frames; count what came of it."""
    corpus = asyncio.run(hear())
    fuzzer = Fuzzer(corpus, seed)
    fuzzer.begin()
    outcome = fuzzer.outcome = Outcome()
    while outcome.frames < frames:
        fuzzer.step()
        if outcome.frames == frames // 5:
            outcome.held_early = fuzzer.held()
        if outcome.frames % 100_000 == 0:
            tell(
                f"{outcome.frames} frames, {outcome.refused} refused, {fuzzer.held()} objects held"
            )
    outcome.held_late = fuzzer.held()
    return outcome


def check(outcome: Outcome) -> Check:
    """Held when nothing escaped and what is kept did not grow with the frames."""
    grew = outcome.held_late / max(outcome.held_early, 1)
    return Check(
        "mutated frames raise nothing but ProtocolError and leave nothing behind",
        not outcome.escaped and grew < 1.5,
        {
            "frames": outcome.frames, "refused": outcome.refused, "events": outcome.events,
            "escaped": sum(outcome.escaped.values()), "first": next(iter(outcome.escaped), "none"),
            "objects held after a fifth": outcome.held_early, "at the end": outcome.held_late,
        },
    )  # fmt: skip


def run() -> list[Check]:
    """One million mutated frames."""
    return [check(fuzz(FRAMES, tell=lambda line: print(f"    {line}", flush=True)))]
