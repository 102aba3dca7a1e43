"""The control endpoint's commands, for tests and drills. Off unless the exchange is told so."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from exchange.clock import ExchangeClock
from exchange.faults import Fault, Faults, parse_fault
from exchange.flood import Flood
from exchange.instruments import Wire
from exchange.market import SyntheticMarket
from exchange.view import View

MAX_SPEED = 1e6
YEAR_2100_MS = 4_102_444_800_000


class Command(msgspec.Struct, forbid_unknown_fields=True):
    """One command; every field is optional and they are done in this order."""

    clear: str | None = None  # a fault's name, or all
    fault: str | None = None  # NAME[:ARGUMENT][@AFTER][+DURATION]
    now_ms: Annotated[int, msgspec.Meta(gt=0, lt=YEAR_2100_MS)] | None = None
    speed: Annotated[float, msgspec.Meta(ge=0, le=MAX_SPEED)] | None = None


class Controls:
    """Carries out commands on a running exchange."""

    def __init__(self, view: View, faults: Faults, flood: Flood) -> None:
        self._view = view
        self._faults = faults
        self._flood = flood

    def apply(self, body: bytes) -> Wire:
        """Carry out one command and report; a bad one raises `ValueError`."""
        try:
            command = msgspec.json.decode(body, type=Command)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error
        clock: ExchangeClock = self._view.clock
        if command.clear is not None:
            self._faults.stop(None if command.clear == "all" else Fault(command.clear))
        if command.fault is not None:
            self._faults.start(parse_fault(command.fault), clock.monotonic())
        if command.now_ms is not None or command.speed is not None:
            clock.set(command.now_ms or clock.now_ms(), command.speed)
        return self.report()

    def report(self) -> Wire:
        """Tell the clock, the running faults and, where it is known, the dealers' inventory."""
        market = self._view.market
        truth: Mapping[str, float] | None = None
        if isinstance(market, SyntheticMarket):
            truth = market.true_dealer_position_coin()
        return {
            "now_ms": self._view.clock.now_ms(),
            "speed": self._view.clock.speed,
            "faults": self._faults.running(),
            "flooded": self._flood.sent,
            "true_dealer_position_coin": truth,
        }
