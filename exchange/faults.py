"""What can be made to go wrong: one switch a fault, at the start or while running."""

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from exchange.errors import ConfigError


class Fault(StrEnum):
    """Each fault and what its argument means."""

    ABORT = "abort"  # drop every socket without a close frame, once
    CLOSE = "close"  # close every socket with a code, once: close:1012
    REFUSE = "refuse"  # reset new connections
    HANDSHAKE = "handshake"  # answer handshakes with a status: handshake:503
    SILENT = "silent"  # half-open: sockets live, nothing arrives
    STOP_ANSWERING = "stop-answering"  # channels go on, requests get no reply
    MUTE = "mute"  # channels that match a pattern say nothing: mute:markprice.*
    GARBAGE = "garbage"  # a frame that is not JSON between the others


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """One fault, its argument, when it begins and how long it lasts."""

    fault: Fault
    argument: str = ""
    after_s: float = 0.0
    for_s: float | None = None


PLAN = re.compile(
    r"(?P<fault>[a-z-]+)(?::(?P<argument>[^@+]*))?(?:@(?P<after>[\d.]+))?(?:\+(?P<duration>[\d.]+))?"
)


def parse_fault(text: str) -> FaultPlan:
    """Read `NAME[:ARGUMENT][@AFTER][+DURATION]`, seconds of machine time."""
    match = PLAN.fullmatch(text)
    if match is None or match["fault"] not in set(Fault):
        names = ", ".join(Fault)
        raise ConfigError(
            f"fault: expected NAME[:ARGUMENT][@AFTER][+DURATION] with NAME of {names}"
        )
    duration = match["duration"]
    return FaultPlan(
        Fault(match["fault"]),
        match["argument"] or "",
        float(match["after"] or 0.0),
        None if duration is None else float(duration),
    )


@dataclass(slots=True)
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
        over = [f for f, run in self._running.items() if run.ends_at and run.ends_at <= now]
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

    def mutes(self, channel: str) -> bool:
        """Whether a channel must say nothing."""
        pattern = self.argument(Fault.MUTE)
        return pattern is not None and fnmatchcase(channel, pattern or "*")

    def running(self) -> list[str]:
        """Return the names of the faults that are on."""
        return sorted(self._running)
