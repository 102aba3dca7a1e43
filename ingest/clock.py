"""The venue's clock as seen from here, and how late its messages are.

Nothing here reads a clock. Local times are a monotonic clock in seconds, so a step of this
machine's wall clock changes nothing.
"""

import math
from collections import deque

FRESH_S = 60.0
"""A measurement is kept this long even when later ones took a longer way."""
LAGS = 2_048
FAR_AHEAD_MS = 60_000


class ExchangeClock:
    """Offset between the exchange's clock and ours, from the replies that came back fastest."""

    def __init__(self) -> None:
        self.offset_ms = math.nan  # exchange minus ours
        self.error_ms = math.inf  # half the way there and back
        self._measured_s = -math.inf
        self._newest_ms = 0.0  # the latest time that it told or that was credible

    def observe(
        self, sent_s: float, received_s: float, server_in_ms: float, server_out_ms: float
    ) -> None:
        """Take one request's four times; the better measurement stays."""
        way_ms = max((received_s - sent_s) * 1000 - (server_out_ms - server_in_ms), 0.0)
        if way_ms / 2 > self.error_ms and received_s - self._measured_s < FRESH_S:
            return
        middle_ms = (sent_s + received_s) * 500
        self.offset_ms = (server_in_ms + server_out_ms) / 2 - middle_ms
        self.error_ms = way_ms / 2
        self._measured_s = received_s

    def now_ms(self, now_s: float) -> float:
        """Return the exchange's time at our `now_s`, NaN before the first measurement."""
        return now_s * 1000 + self.offset_ms

    def tell(self, server_ms: float) -> None:
        """Take the exchange's own word for its time."""
        self._newest_ms = max(self._newest_ms, server_ms)

    def latest_ms(self, now_s: float) -> float:
        """Return the latest time that the exchange can be said to have reached, NaN at first.

        The clock's, or that of the newest credible message: an exchange may run fast.
        """
        return max(self.now_ms(now_s), self._newest_ms)

    def far_ms(self, now_s: float) -> float:
        """Return the exchange time from which on all is far ahead, NaN while there is no clock."""
        return self.latest_ms(now_s) + FAR_AHEAD_MS

    def take(self, ts_event: int, now_s: float) -> bool:
        """Take a message's time; False when it is too far ahead to be one."""
        if ts_event > self.far_ms(now_s):
            return False
        self.tell(ts_event)
        return True


class LagMeter:
    """How long after their own timestamps messages arrive: quantiles over the newest ones."""

    def __init__(self) -> None:
        self._lags_ms: deque[float] = deque(maxlen=LAGS)

    def observe(self, lag_ms: float) -> None:
        """Take one message's lag; an unknown one is left out."""
        if math.isfinite(lag_ms):
            self._lags_ms.append(lag_ms)

    def quantile_ms(self, share: float) -> float:
        """Return a quantile in ms, NaN before the first message."""
        if not self._lags_ms:
            return math.nan
        ordered = sorted(self._lags_ms)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
