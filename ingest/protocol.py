"""One session with the venue, without I/O: frames in, events out, requests queued.

The caller owns the socket and the clock. `receive` turns a frame into events, `on_timer`
queues what is due, `take_outgoing` hands over the frames to send. Nothing here sleeps, and a
session serves one socket: after a reconnect a new one starts from the beginning.

Order of a session: heartbeat, the channels that must not be missed, instrument lists, then the
market channels and summaries of what turned out to exist. A socket for trades reads their past
once it hears the present.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

import msgspec

from ingest import messages, wire
from ingest.agenda import Agenda
from ingest.channels import decode_push
from ingest.clock import ExchangeClock
from ingest.events import (
    Event,
    Gap,
    GapCause,
    Instrument,
    Kind,
    Listed,
    PastRead,
    Summaries,
    Trades,
    Venue,
)
from ingest.pacing import Pacer
from ingest.plan import (
    HEARTBEAT_S,
    LISTING_PERIOD_S,
    SUMMARY_PERIOD_S,
    FeedPlan,
    Role,
    asset_of,
)
from ingest.subscriptions import RETRY_S, Subscriptions
from ingest.trade_history import PAGE, PERIOD_S, REACH_MS, HistoryReader, start_of_history

SILENCE_S = 25.0
"""Two missed test requests: the socket is dead whatever TCP thinks."""
REPLY_S = 20.0
"""A request without an answer for this long is forgotten and, if it matters, repeated."""
TOO_MANY_REQUESTS = 10028
INVALID_PARAMS = -32602
REREAD_S = 1.0
REREAD_PERIOD_S = 3.0
"""A traded option's open interest is read this soon, and at most so often an option."""
REREADS_AT_ONCE = 3
LOOK_UP_PERIOD_S = 60.0
LOOK_UPS_AT_ONCE = 5
MANY_UNKNOWN = 20
"""So many unknown names at once, and the whole list is read again."""
LIST_AGAIN_S = 5.0


class _Asked(Enum):
    """What a pending request was for."""

    CONTROL = auto()
    SUBSCRIBE = auto()
    INSTRUMENTS = auto()
    INSTRUMENT = auto()
    SUMMARY = auto()
    TICKER = auto()
    HISTORY = auto()
    MISSING = auto()


MATTERS = {_Asked.SUBSCRIBE, _Asked.INSTRUMENTS, _Asked.SUMMARY, _Asked.HISTORY, _Asked.MISSING}
"""What leaves a hole when it fails; the others are asked again by themselves or not at all."""


@dataclass(frozen=True, slots=True)
class _Request:
    asked: _Asked
    sent_s: float
    channels: frozenset[str] = frozenset()
    currency: str = ""
    kind: Kind | None = None
    instrument_name: str = ""
    missing: range = range(0)


class DeribitSession:
    """The client side of one websocket connection to the venue."""

    def __init__(
        self,
        plan: FeedPlan,
        pacer: Pacer | None = None,
        read_until_ms: Mapping[str, int] | None = None,
    ) -> None:
        self.clock = ExchangeClock()
        self.was_refused = False  # the venue said "too many requests"
        self.read_until_ms = dict(read_until_ms or {})  # past trades are known up to here
        self._plan = plan
        self._pacer = pacer or Pacer()
        self._queue: deque[tuple[str, bytes]] = deque()
        self._outgoing: list[bytes] = []
        self._pending: dict[int, _Request] = {}
        self._next_id = 1
        self._last_frame_s = 0.0
        self._server_ms = 0
        self._instruments: dict[str, Instrument] = {}
        self._subscriptions = Subscriptions()
        self._lists: Agenda[tuple[str, Kind]] = Agenda()
        self._list_again_s = 0.0
        self._summaries: Agenda[str] = Agenda()
        self._histories: Agenda[str] = Agenda()
        self._readers: dict[str, HistoryReader] = {}
        self._rereads: Agenda[str] = Agenda()
        self._look_ups: Agenda[str] = Agenda()

    def start(self, now_s: float) -> None:
        """Queue what opens a session."""
        self._last_frame_s = now_s
        self._ask("public/set_heartbeat", {"interval": HEARTBEAT_S}, now_s)
        self._subscriptions.want(self._plan.certain_channels(), now_s)
        self._subscriptions.want(self._plan.likely_channels(), now_s, is_guess=True)
        if self._plan.role == Role.SURFACE:
            for currency in self._plan.currencies:
                for kind in Kind:
                    self._lists.put((currency, kind), now_s)
        self.on_timer(now_s)
