"""What can be made to go wrong: one switch a fault, at the start or while running."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from http import HTTPStatus

from exchange.errors import ConfigError
from greeks.conventions import MS_PER_DAY


class Fault(StrEnum):
    """Each fault; what stands behind the colon is its argument."""

    # sockets
    ABORT = "abort"  # drop every socket without a close frame, once
    CLOSE = "close"  # close every socket with a code, once: close:1012
    REFUSE = "refuse"  # reset new connections
    HANDSHAKE = "handshake"  # answer handshakes with a status: handshake:503
    SILENT = "silent"  # half-open: sockets live, nothing arrives
    LAG = "lag"  # everything arrives late: lag:SECONDS
    # frames
    GARBAGE = "garbage"  # a frame that is not JSON, once
    TRUNCATED = "truncated"  # half a frame of websocket protocol, then the end, once
    BINARY = "binary"  # a binary frame, once
    HUGE = "huge"  # a notification of 5 MB on an unknown channel, once
    FLOOD = "flood"  # tickers of every option in turn, so many a second: flood:5000
    # requests
    STOP_ANSWERING = "stop-answering"  # channels go on, requests get no reply
    EXHAUSTED = "exhausted"  # every request is answered 10028 and its session ended
    TOO_LARGE = "too-large"  # frames beyond this many bytes are refused: too-large:4096
    SHORT_ACK = "short-ack"  # channels that match are left out of acks: short-ack:trades.*
    STALE_SUMMARY = "stale-summary"  # summaries stay as they were
    STRANGERS = "strangers"  # instruments of kinds and coins that nobody asked about are listed
    # channels
    MUTE = "mute"  # channels that match say nothing: mute:markprice.*
    BOOK_GAP = "book-gap"  # every book loses one change, once
    BOOK_CROSSED = "book-crossed"  # books say nothing of deleted levels
    BOOK_REPEAT = "book-repeat"  # each book change comes twice
    BOOK_EARLY = "book-early"  # books say changes and no image
    TRADES_LOST = "trades-lost"  # trades are on the tape, the channels are silent about them
    TRADES_TWICE = "trades-twice"  # each trade comes twice
    TRADES_SHUFFLED = "trades-shuffled"  # batches of trades come newest first
    ODD_NUMBERS = "odd-numbers"  # nulls, exponents, integers, unknown fields and words
    # the market and its venue
    LOCK = "lock"  # indices that match stand still: lock:btc_*
    JUMP = "jump"  # a coin's index jumps, once: jump:BTC*1.15
    BAD_FORWARD = "bad-forward"  # tickers and summaries say this forward: bad-forward:0
    SKEW = "skew"  # the exchange's clock jumps by milliseconds, once: skew:600000
    MAINTENANCE = "maintenance"  # market methods answer 11051
    NO_PUBLIC = "no-public"  # unauthenticated access is off


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """One fault, its argument, when it begins and how long it lasts."""

    fault: Fault
    argument: str = ""
    after_s: float = 0.0
    for_s: float | None = None


CLOSE_CODES = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
"""The close codes that an endpoint may send."""


def _within(low: float, high: float) -> Callable[[str], bool]:
    return lambda text: low <= float(text) <= high


ARGUMENTS: Mapping[Fault, tuple[str, Callable[[str], bool]]] = {
    Fault.CLOSE: ("a close code that may be sent", lambda text: int(text) in CLOSE_CODES),
    Fault.HANDSHAKE: ("an HTTP status from 400", lambda text: HTTPStatus(int(text)) >= 400),
    Fault.LAG: ("seconds up to an hour", _within(0, 3600)),
    Fault.FLOOD: ("up to 1000000 a second", _within(0, 1e6)),
    Fault.TOO_LARGE: ("a number of bytes", lambda text: int(text) >= 0),
    Fault.JUMP: ("a factor of 0.01 to 100", _within(0.01, 100)),
    Fault.BAD_FORWARD: ("a number", _within(-1e12, 1e12)),
    Fault.SKEW: ("milliseconds, at most a day", lambda text: abs(int(text)) <= MS_PER_DAY),
}
"""What the numeric faults take: in words, and the test, which may also raise `ValueError`."""

PLAN = re.compile(
    r"(?P<fault>[a-z-]+)(?::(?P<argument>[^@+]*))?"
    r"(?:@(?P<after>\d+(\.\d+)?))?(?:\+(?P<duration>\d+(\.\d+)?))?"
)


def parse_fault(text: str) -> FaultPlan:
    """Read `NAME[:ARGUMENT][@AFTER][+DURATION]`, seconds of machine time."""
    match = PLAN.fullmatch(text)
    if match is None or match["fault"] not in set(Fault):
        raise ConfigError(
            f"fault: expected NAME[:ARGUMENT][@AFTER][+DURATION], NAME one of {', '.join(Fault)}, "
            f"was {text}"
        )
    fault, argument = Fault(match["fault"]), match["argument"] or ""
    number = argument.partition("*")[2] if fault is Fault.JUMP else argument
    if fault in ARGUMENTS and number and not _is_accepted(fault, number):
        raise ConfigError(f"fault: expected {ARGUMENTS[fault][0]} after {fault}:, was {argument}")
    duration = match["duration"]
    return FaultPlan(
        fault, argument, float(match["after"] or 0.0), None if duration is None else float(duration)
    )


def _is_accepted(fault: Fault, number: str) -> bool:
    try:
        return ARGUMENTS[fault][1](number)
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class _Running:
    plan: FaultPlan
    ends_at: float | None


class Faults:
    """Which faults are on. Times are machine seconds."""

    def __init__(self, plans: tuple[FaultPlan, ...], now: float) -> None:
        self._waiting = [(now + plan.after_s, plan) for plan in plans]
        self._running: dict[Fault, _Running] = {}

    def start(self, plan: FaultPlan, now: float) -> None:
        """Plan a fault from now on."""
        self._waiting.append((now + plan.after_s, plan))

    def stop(self, fault: Fault | None) -> None:
        """Switch one fault off, or all of them."""
        if fault is None:
            self._running.clear()
            self._waiting.clear()
        else:
            self._running.pop(fault, None)

    def step(self, now: float) -> list[FaultPlan]:
        """Begin what is due and end what is over; return what has just begun."""
        begun = [plan for at, plan in self._waiting if at <= now]
        self._waiting = [(at, plan) for at, plan in self._waiting if at > now]
        for plan in begun:
            ends_at = None if plan.for_s is None else now + plan.for_s
            self._running[plan.fault] = _Running(plan, ends_at)
        over = [f for f, r in self._running.items() if r.ends_at is not None and r.ends_at <= now]
        for fault in over:
            del self._running[fault]
        return begun

    def argument(self, fault: Fault) -> str | None:
        """Return a running fault's argument, None when it is off."""
        running = self._running.get(fault)
        return None if running is None else running.plan.argument

    def is_on(self, fault: Fault) -> bool:
        """Whether a fault is on."""
        return fault in self._running

    def matches(self, fault: Fault, name: str) -> bool:
        """Whether a fault is on and its pattern matches a name; without a pattern all do."""
        pattern = self.argument(fault)
        return pattern is not None and fnmatchcase(name, pattern or "*")

    def running(self) -> list[str]:
        """Return the names of the faults that are on."""
        return sorted(self._running)
