"""One session with the venue, without I/O: frames in, events out, requests queued.

The caller owns the socket and the clock. `receive` turns a frame into events, `on_timer`
queues what is due, `take_outgoing` hands over the frames to send. Nothing here sleeps, and a
session serves one socket: after a reconnect a new one starts from the beginning.

Order of a session: heartbeat, the channels that must not be missed and those that are likely to
exist, instrument lists, then the other channels, the summaries and the past trades of the books
that turned out to exist.
"""

from collections.abc import Iterable, Mapping

import msgspec

from ingest import messages, wire
from ingest.agenda import Agenda, NameQueue
from ingest.answers import decode_answer
from ingest.channels import decode_push
from ingest.clock import ExchangeClock
from ingest.events import (
    Event,
    Gap,
    GapCause,
    Kind,
    Listed,
    Summaries,
    Trades,
    Venue,
)
from ingest.listings import Book, Listings
from ingest.pacing import Pacer
from ingest.past_hours import ask_past
from ingest.plan import (
    HEARTBEAT_S,
    LISTING_PERIOD_S,
    SUMMARY_PERIOD_S,
    FeedPlan,
)
from ingest.plausible import Doubts
from ingest.requests import MATTERS, Asked, Request, Requests
from ingest.shared import Shared, question_of, read_question
from ingest.subscriptions import AT_ONCE, REFUSED_RETRY_S, RETRY_S, Subscriptions
from ingest.trade_history import PAGE, Histories

SILENCE_S = 25.0
"""Two missed test requests: the socket is dead whatever TCP thinks."""
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


class DeribitSession:
    """The client side of one websocket connection to the venue, for one asset."""

    def __init__(
        self,
        plan: FeedPlan,
        newest_trade_ms: int | None = None,
        pacer: Pacer | None = None,
        last_expiry_ms: Mapping[Book, int] | None = None,
        shared: Shared | None = None,
    ) -> None:
        self.clock = ExchangeClock()
        self._doubts = Doubts(self.clock)
        self.was_refused = False  # the venue said "too many requests"
        self.concerns_others = False  # the last frame answered what everybody waits for
        self._plan = plan
        self._shared = shared or Shared()
        self._pacer = pacer or Pacer()
        self._requests = Requests(self._pacer)
        self._last_frame_s = self._frame_before_s = 0.0
        self._server_ms = 0
        self._listings = Listings(plan.asset, last_expiry_ms or {})
        self._subscriptions = Subscriptions()
        self._lists: Agenda[tuple[str, Kind]] = Agenda()
        self._list_again_s = 0.0
        self._summaries: Agenda[str] = Agenda()
        self._histories = Histories(newest_trade_ms)
        self._rereads = NameQueue(REREAD_PERIOD_S)
        self._look_ups = NameQueue(LOOK_UP_PERIOD_S)
        self._focused: frozenset[str] = frozenset()
        self._market: frozenset[str] = frozenset()
        self._asked_past = False

    def start(self, now_s: float) -> None:
        """Queue what opens a session."""
        self._last_frame_s = now_s
        self._ask("public/set_heartbeat", {"interval": HEARTBEAT_S}, now_s)
        self._subscriptions.want(self._plan.certain_channels(), now_s)
        self._subscriptions.want(self._plan.likely_channels(), now_s, is_guess=True)
        for currency in self._plan.currencies:
            for kind in Kind:
                self._lists.put((currency, kind), now_s)
        self.on_timer(now_s)
        self._requests.send("public/status", {}, Request(Asked.STATUS, now_s))
        self._requests.release(now_s)

    @property
    def tape_since_ms(self) -> int | None:
        """Exchange time from which on every trade was read; None while the past is being read."""
        return self._histories.since_ms

    def is_dead(self, now_s: float) -> bool:
        """Whether nothing arrived for so long that the socket must be replaced."""
        return now_s - self._last_frame_s > SILENCE_S

    def take_outgoing(self) -> list[bytes]:
        """Hand over the frames to send, oldest first."""
        return self._requests.take_outgoing()

    def on_timer(self, now_s: float) -> list[Event]:
        """Queue the polls that are due; call it about twice a second."""
        for request in self._requests.take_overdue(now_s):
            self._give_up(request, now_s)
        mute = self._subscriptions.take_mute(now_s)
        if mute:
            self._ask("public/unsubscribe", {"channels": mute}, now_s)
        if self._doubts:
            self._ask_time(now_s)
        if self._listings.drop_expired(self.clock.latest_ms(now_s)):
            self._follow_markets(now_s)
        self._poll(now_s)
        return [Gap(GapCause.MUTE_CHANNEL, channel) for channel in mute]

    def receive(self, frame: bytes | str, now_s: float) -> list[Event]:
        """Decode one frame into events; raises `ProtocolError` and nothing else."""
        self._frame_before_s, self._last_frame_s = self._last_frame_s, now_s
        self.concerns_others = False
        envelope = wire.decode_envelope(frame)
        try:
            events = self._doubts.sift(self._read(envelope, frame, now_s), now_s)
            if self._doubts:
                self._ask_time(now_s)
            return events
        finally:
            self._requests.release(now_s)

    def _read(self, envelope: wire.Envelope, frame: bytes | str, now_s: float) -> list[Event]:
        if envelope.method == "subscription":
            params = envelope.params
            if params is None or params.channel is None:
                raise wire.ProtocolError("expected a channel in a subscription", frame)
            self._subscriptions.heard(params.channel, now_s)
            latest_ms = self.clock.latest_ms(now_s)
            return self._note(decode_push(params.channel, params.data, latest_ms), now_s)
        if envelope.method == "heartbeat":
            if envelope.params is not None and envelope.params.type == "test_request":
                self._ask("public/test", {}, now_s)
            return []
        return [] if envelope.method is not None else self._response(envelope, now_s)

    def _note(self, events: list[Event], now_s: float) -> list[Event]:
        """Take in what concerns the session itself: new instruments call for their channels."""
        for event in events:
            if isinstance(event, Listed):
                return events + self._want_markets(event, now_s)
        return events

    # What the owner asks for

    def look_up(self, instrument_names: Iterable[str], now_s: float) -> None:
        """Ask about options that are named and not listed; of many, read the lists again."""
        for name in instrument_names:
            self._look_ups.add(name, now_s)
        if len(self._look_ups) > MANY_UNKNOWN and now_s >= self._list_again_s:
            self._list_again_s = now_s + LIST_AGAIN_S
            for key in self._lists:
                self._lists.put(key, now_s)

    def reread(self, instrument_name: str, now_s: float) -> None:
        """Read a traded option's ticker soon, for its open interest; once a few seconds."""
        self._rereads.add(instrument_name, now_s + REREAD_S)

    def renew(self, channel: str, now_s: float) -> None:
        """Leave a channel and take it again, for a new image."""
        if self._subscriptions.renew(channel, now_s):
            self._ask("public/unsubscribe", {"channels": [channel]}, now_s)
            self._poll(now_s)

    def focus(self, instrument_names: frozenset[str], now_s: float) -> None:
        """Follow the tickers of these options and of no others."""
        channels = frozenset(f"ticker.{name}.100ms" for name in instrument_names)
        left, fresh = sorted(self._focused - channels), sorted(channels - self._focused)
        self._focused = channels
        asked = (("public/unsubscribe", left), ("public/subscribe", fresh))
        for method, names in asked:
            for at in range(0, len(names), AT_ONCE):
                request = Request(Asked.FOCUS, now_s)
                self._requests.send(method, {"channels": names[at : at + AT_ONCE]}, request)
        self._requests.release(now_s)

    def request_missing(self, instrument_name: str, missing: range, now_s: float) -> None:
        """Ask for trades by their sequence numbers, a page of them."""
        params = {
            "instrument_name": instrument_name,
            "start_seq": missing.start,
            "end_seq": missing.stop - 1,
            "count": min(len(missing), PAGE),
            "sorting": "asc",
        }
        request = Request(Asked.MISSING, now_s)
        self._requests.send("public/get_last_trades_by_instrument", params, request)
        self._requests.release(now_s)

    # Requests

    def _poll(self, now_s: float) -> None:
        """Send what is due."""
        due = self._subscriptions.take_due(now_s)
        if due:
            request = Request(Asked.SUBSCRIBE, now_s, channels=due)
            self._requests.send("public/subscribe", {"channels": sorted(due)}, request)
        for currency, kind in self._lists.take(now_s):
            params = {"currency": currency, "kind": kind.value, "expired": False}
            request = Request(Asked.INSTRUMENTS, now_s, currency=currency, kind=kind)
            is_asked = self._ask_for_all("public/get_instruments", params, request)
            self._lists.put((currency, kind), now_s + (LISTING_PERIOD_S if is_asked else RETRY_S))
        for currency in self._summaries.take(now_s):
            option = {"currency": currency, "kind": Kind.OPTION.value}
            request = Request(Asked.SUMMARY, now_s, currency=currency)
            is_asked = self._ask_for_all("public/get_book_summary_by_currency", option, request)
            self._summaries.put(currency, now_s + (SUMMARY_PERIOD_S if is_asked else RETRY_S))
        for currency, page in self._histories.take_due(self._server_ms, now_s):
            request = Request(Asked.HISTORY, now_s, currency=currency)
            self._requests.send("public/get_last_trades_by_currency_and_time", page, request)
        for name in self._rereads.take(now_s, REREADS_AT_ONCE):
            self._requests.send(
                "public/ticker", {"instrument_name": name}, Request(Asked.TICKER, now_s)
            )
        for name in self._look_ups.take(now_s, LOOK_UPS_AT_ONCE):
            request = Request(Asked.INSTRUMENT, now_s)
            self._requests.send("public/get_instrument", {"instrument_name": name}, request)
        self._requests.release(now_s)

    def _ask(self, method: str, params: Mapping[str, object], now_s: float) -> None:
        self._requests.send(method, params, Request(Asked.CONTROL, now_s))
        self._requests.release(now_s)

    def _ask_for_all(self, method: str, params: Mapping[str, object], request: Request) -> bool:
        """Ask about a currency, of those that assets share only if nobody else does right now."""
        if not self._plan.is_shared(request.currency):
            self._requests.send(method, params, request)
            return True
        question = question_of(request.asked, request.currency, request.kind)
        is_mine = self._shared.claim(question, self._plan.asset, request.sent_s)
        if is_mine:
            name = f"{question}-{self._plan.asset}{request.sent_s * 1000:.0f}"
            self._requests.send(method, params, request, name)
        return is_mine

    def _put_off(self, answered: Request, now_s: float) -> None:
        """Ask later what somebody else has just had answered."""
        if answered.asked == Asked.INSTRUMENTS and answered.kind is not None:
            self._lists.put((answered.currency, answered.kind), now_s + LISTING_PERIOD_S)
        elif answered.currency in self._summaries:
            self._summaries.put(answered.currency, now_s + SUMMARY_PERIOD_S)

    def _ask_time(self, now_s: float) -> None:
        """Ask the exchange what time it is, one question at a time; any answer says so."""
        if not self._requests.waits_for(Asked.TIME):
            self._requests.send("public/test", {}, Request(Asked.TIME, now_s))

    # Responses

    def _response(self, envelope: wire.Envelope, now_s: float) -> list[Event]:
        events: list[Event] = []
        request = self._requests.take_answered(envelope.id)
        is_own, meant = request is not None, read_question(envelope.id, now_s)
        if meant is not None:
            self._shared.settle(question_of(meant.asked, meant.currency, meant.kind))
            self.concerns_others = is_own and envelope.error is None
            if not is_own:
                request, self._last_frame_s = meant, self._frame_before_s
                self._put_off(meant, now_s)
        if envelope.usOut is not None:
            self._server_ms = envelope.usOut // 1000
            events.append(Venue(envelope.testnet, self._server_ms))
            if request is not None:
                in_ms = (envelope.usIn or envelope.usOut) / 1000
                if is_own:
                    self.clock.observe(request.sent_s, now_s, in_ms, envelope.usOut / 1000)
                self.clock.tell(envelope.usOut / 1000)
                events += self._doubts.settle(now_s)
        if envelope.error is not None:
            return events + self._refused(request, envelope.error, now_s)
        if request is not None:
            try:
                events += self._answer(request, envelope.result, now_s)
            except wire.ProtocolError:
                self._give_up(request, now_s)
                raise
        return events

    def _refused(self, request: Request | None, error: wire.WireError, now_s: float) -> list[Event]:
        if error.code == TOO_MANY_REQUESTS:
            self.was_refused = True
            self._pacer.slow_down(now_s)
        if request is not None:
            if request.asked == Asked.INSTRUMENTS and error.code == INVALID_PARAMS:
                return self._listed([], request, now_s)  # no such book
            self._give_up(request, now_s)
            if request.asked not in MATTERS and error.code != TOO_MANY_REQUESTS:
                return []
        return [Gap(GapCause.REQUEST_FAILED, f"{error.code} {error.message}")]

    def _answer(self, request: Request, result: msgspec.Raw, now_s: float) -> list[Event]:
        events: list[Event] = []
        match request.asked:
            case Asked.SUBSCRIBE:
                events += self._acknowledge(request, wire.decode_one(result, list[str]), now_s)
            case Asked.INSTRUMENTS:
                rows, rejected = wire.decode_rows(result, wire.WireInstrument)
                events += self._listed(rows, request, now_s, rejected)
            case Asked.INSTRUMENT:
                row = wire.decode_one(result, wire.WireInstrument)
                events += self._listed([row], request, now_s)
            case Asked.SUMMARY:
                events.append(self._summarised(request, result))
            case Asked.HISTORY | Asked.MISSING:
                events.append(self._past_trades(request, result, now_s))
            case _:
                events += decode_answer(request.asked, result)
        return events

    def _give_up(self, request: Request, now_s: float) -> None:
        """Arrange for another try of a request that failed or was never answered."""
        match request.asked:
            case Asked.INSTRUMENTS if request.kind is not None:
                self._lists.put((request.currency, request.kind), now_s + RETRY_S)
            case Asked.SUBSCRIBE:
                self._subscriptions.failed(request.channels, now_s)
            case Asked.HISTORY:
                self._histories.put_off(request.currency, now_s + RETRY_S)
            case Asked.FOCUS:
                self._focused = frozenset()  # the next choice asks for all of it again
            case _:
                pass

    def _acknowledge(self, request: Request, granted: list[str], now_s: float) -> list[Event]:
        refused = self._subscriptions.acknowledge(request.channels, granted, now_s)
        return [Gap(GapCause.REFUSED_CHANNEL, channel) for channel in sorted(refused)]

    def _listed(
        self, rows: list[wire.WireInstrument], request: Request, now_s: float, rejected: int = 0
    ) -> list[Event]:
        parsed, refused = messages.parse_instruments(rows)
        own = tuple(item for item in parsed if item.asset == self._plan.asset)
        complete = request.asked == Asked.INSTRUMENTS
        listed = Listed(request.currency, request.kind, own, complete, rejected + refused)
        if request.kind is not None and self._listings.is_doubtful(listed, self._server_ms):
            self._lists.put((request.currency, request.kind), now_s + REFUSED_RETRY_S)
            return [Gap(GapCause.EMPTY_LIST, f"{request.currency} {request.kind}")]
        return self._note([listed], now_s)

    def _want_markets(self, listed: Listed, now_s: float) -> list[Event]:
        """Ask for the channels, summaries and past trades of the books that exist."""
        return self._follow_markets(now_s) if self._listings.take(listed) else []

    def _follow_markets(self, now_s: float) -> list[Event]:
        instruments = self._listings.instruments
        channels = self._plan.market_channels(instruments)
        left = self._subscriptions.leave(self._market - channels)
        if left:
            self._ask("public/unsubscribe", {"channels": sorted(left)}, now_s)
        self._market = channels
        self._subscriptions.want(channels, now_s)
        gaps: list[Event] = []
        for currency in self._plan.summary_currencies(instruments):
            self._summaries.add(currency, now_s)
            gaps += self._histories.begin(currency, self._server_ms, now_s)
        if not self._asked_past:
            for asked, method, params in ask_past(self._plan.asset, instruments, self._server_ms):
                self._asked_past = True
                self._requests.send(method, params, Request(asked, now_s))
        self._poll(now_s)
        return gaps

    def _summarised(self, request: Request, result: msgspec.Raw) -> Summaries:
        rows, rejected = wire.decode_rows(result, wire.WireSummary)
        own = (f"{self._plan.asset}-", f"{self._plan.asset}_")
        kept = (row for row in rows if row.instrument_name.startswith(own))
        return Summaries(request.currency, tuple(map(messages.parse_summary, kept)), rejected)

    def _past_trades(self, request: Request, result: msgspec.Raw, now_s: float) -> Trades:
        page = wire.decode_one(result, wire.WireTradePage)
        trades = messages.parse_trades(page.trades)
        self._histories.accept(
            request.currency, trades.trades, self._server_ms, now_s, has_more=page.has_more
        )
        self._poll(now_s)
        return trades
