"""A load: tickers of every option in turn, so many a second, to whoever reads option marks.

Each ticker carries the present as its timestamp, so that a reader can measure how late it is.
"""

from collections.abc import Iterable

from exchange.rpc import encode_notification
from exchange.session import Session
from exchange.state import OptionTable
from exchange.view import View
from exchange.wire import encode_option_ticker

MARKS = "markprice.options."
LONGEST_STEP_S = 1.0
"""An exchange that stood still does not make up for more than this."""


class Flood:
    """Sends tickers that nobody asked for."""

    def __init__(self, view: View) -> None:
        self.sent = 0
        self._view = view
        self._stepped_at: float | None = None
        self._owed = 0.0
        self._turn = 0

    def step(self, rate_per_s: float | None, sessions: Iterable[Session], now: float) -> None:
        """Send what is due since the last step; None is no flood."""
        then, self._stepped_at = self._stepped_at, now
        if rate_per_s is None or then is None:
            self._owed = 0.0
            return
        self._owed += rate_per_s * min(now - then, LONGEST_STEP_S)
        count = int(self._owed)
        self._owed -= count
        for session in sessions:
            if rows := self._rows_of(session):
                self._send(session, [rows[(self._turn + k) % len(rows)] for k in range(count)], now)
        self._turn += count

    def _rows_of(self, session: Session) -> list[tuple[OptionTable, int]]:
        """Return the options whose marks a session reads."""
        names = sorted(c.removeprefix(MARKS) for c in session.channels if c.startswith(MARKS))
        tables = [self._view.state.options[name] for name in names]
        return [(table, row) for table in tables for row in range(len(table.instruments))]

    def _send(self, session: Session, rows: list[tuple[OptionTable, int]], now: float) -> None:
        for table, row in rows:
            ticker = encode_option_ticker(self._view.state, table, row)
            ticker["timestamp"] = self._view.clock.now_ms()
            channel = f"ticker.{table.instruments[row].name}.100ms"
            session.send(encode_notification(channel, ticker), now)
            self.sent += 1
