"""What comes from far ahead is left out: nothing newer would ever follow it, it would stay.

A push of one value is refused, of rows the far ones are rejected and their neighbours live.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from ingest.clock import ExchangeClock
from ingest.events import (
    DeliveryEstimate,
    Event,
    FutureTicker,
    IndexPrice,
    MarkPrices,
    OptionTicker,
    Summaries,
    Trades,
)
from ingest.wire import ProtocolError


class _Timed(Protocol):
    @property
    def ts_event(self) -> int: ...


_T = TypeVar("_T", bound=_Timed)


def leave_out_far(
    events: Iterable[Event], clock: ExchangeClock, frame: bytes | str, now_s: float
) -> list[Event]:
    """Return the events of a frame without what lies far ahead; raises `ProtocolError`."""
    return [_checked(event, clock, frame, now_s) for event in events]


def _checked(event: Event, clock: ExchangeClock, frame: bytes | str, now_s: float) -> Event:
    match event:
        case IndexPrice() | FutureTicker() | DeliveryEstimate() | OptionTicker():
            if not clock.is_credible(event.ts_event, now_s):
                raise ProtocolError("expected a time that is not far ahead", frame)
            return event
        case MarkPrices():
            marks, far = _near(event.marks, clock, now_s)
            return replace(event, marks=marks, rejected=event.rejected + far) if far else event
        case Summaries():
            rows, far = _near(event.rows, clock, now_s)
            return replace(event, rows=rows, rejected=event.rejected + far) if far else event
        case Trades():
            trades, far = _near(event.trades, clock, now_s)
            return replace(event, trades=trades, rejected=event.rejected + far) if far else event
        case _:
            return event


def _near(rows: tuple[_T, ...], clock: ExchangeClock, now_s: float) -> tuple[tuple[_T, ...], int]:
    limit_ms = clock.far_ms(now_s)
    kept = tuple(row for row in rows if not row.ts_event > limit_ms)
    return kept, len(rows) - len(kept)
