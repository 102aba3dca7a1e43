"""How faults act on a running exchange: some once when they begin, some as long as they last."""

from collections import deque
from collections.abc import Callable, Iterable

from exchange.connection import Connection
from exchange.faults import Fault, FaultPlan, Faults
from exchange.hub import Hub
from exchange.rpc import encode_notification
from exchange.view import View

CUT_JSON = b'{"jsonrpc":"2.0","method":"subscription","params":{"chan'
CUT_FRAME = b"\x81\x7e\x04\x00" + CUT_JSON
"""A text frame that announces 1,024 bytes and brings fewer."""
HUGE_BYTES = 5_000_000


class FaultEffects:
    """Carries faults out."""

    def __init__(self, faults: Faults, view: View, hub: Hub) -> None:
        self._faults = faults
        self._view = view
        self._hub = hub
        self._late: deque[tuple[float, Connection, bytes]] = deque()
        self._once: dict[Fault, Callable[[str, Connection], None]] = {
            Fault.ABORT: lambda _, connection: connection.abort(),
            Fault.CLOSE: lambda code, connection: connection.close(int(code or 1012), ""),
            Fault.GARBAGE: lambda _, connection: connection.send(CUT_JSON),
            Fault.BINARY: lambda _, connection: connection.send_binary(b"\x00\xff" * 50),
            Fault.HUGE: lambda _, connection: connection.send(
                encode_notification("huge", "x" * HUGE_BYTES)
            ),
            Fault.TRUNCATED: lambda _, connection: connection.break_off(CUT_FRAME),
        }

    def step(self, now: float, connections: Iterable[Connection]) -> None:
        """Begin what is due, hold what is on, deliver what was late."""
        connections = list(connections)
        for plan in self._faults.step(now):
            self._begin(plan, connections)
        self._hold(connections)
        while self._late and self._late[0][0] <= now:
            _, connection, frame = self._late.popleft()
            connection.send(frame)

    def send(self, connection: Connection, frame: bytes) -> None:
        """Send a frame now, or late and in order."""
        lag = self._faults.argument(Fault.LAG)
        if lag is None and not self._late:
            connection.send(frame)
            return
        due = self._view.clock.monotonic() + float(lag or 0.0)
        last = self._late[-1][0] if self._late else due
        self._late.append((max(due, last), connection, frame))

    def _begin(self, plan: FaultPlan, connections: list[Connection]) -> None:
        if act := self._once.get(plan.fault):
            for connection in connections:
                act(plan.argument, connection)
        elif plan.fault is Fault.BOOK_GAP:
            self._hub.skip_book_changes()
        elif plan.fault is Fault.JUMP:
            asset, _, factor = plan.argument.partition("*")
            self._view.market.jump(asset, float(factor or 1.15))
        elif plan.fault is Fault.SKEW:
            clock = self._view.clock
            clock.set(clock.now_ms() + int(plan.argument or 600_000))

    def _hold(self, connections: list[Connection]) -> None:
        faults, view = self._faults, self._view
        view.platform.maintenance = faults.is_on(Fault.MAINTENANCE)
        view.platform.public_access = not faults.is_on(Fault.NO_PUBLIC)
        view.keeps_summaries = faults.is_on(Fault.STALE_SUMMARY)
        view.lists_strangers = faults.is_on(Fault.STRANGERS)
        forward = faults.argument(Fault.BAD_FORWARD)
        view.state.forward_fault = None if forward is None else float(forward or 0.0)
        for index in view.state.indices.values():
            index.locked = faults.matches(Fault.LOCK, index.name)
        for connection in connections:
            connection.silent = faults.is_on(Fault.SILENT)
