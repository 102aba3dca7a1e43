"""One session with the venue, without I/O: frames in, events out, requests queued.

The caller owns the socket and the clock. `receive` turns a frame into events, `on_timer`
queues what is due, `take_outgoing` hands over the frames to send. Nothing here sleeps, and a
session serves one socket: after a reconnect a new one starts from the beginning.

Order of a session: heartbeat, lifecycle channels, instrument lists, then for the books that
turn out to exist their market channels and summaries. Every acknowledgement is compared as a
set; what the venue left out is a `Gap` and is asked for again a minute later.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

import msgspec

from ingest import messages as wire
from ingest.events import (
    Event,
    Gap,
    GapCause,
    Instrument,
    Kind,
    Listed,
    MarkPrices,
    Summaries,
    Trades,
    Venue,
)
from ingest.plan import (
    HEARTBEAT_S,
    LISTING_PERIOD_S,
    MUTE_MARKS_S,
    SUMMARY_PERIOD_S,
    UNKNOWN_REFRESH_S,
    FeedPlan,
)
from ingest.trade_history import PAGE, PERIOD_S, HistoryReader, start_of_history

SILENCE_S = 35.0
"""Three missed test requests: the socket is dead whatever TCP thinks."""
REPLY_S = 20.0
"""A request without an answer for this long is forgotten and, if it matters, repeated."""
RETRY_S = 2.0
REFUSED_RETRY_S = 60.0


class _Asked(Enum):
    """What a pending request was for."""

    CONTROL = auto()
    SUBSCRIBE = auto()
    INSTRUMENTS = auto()
    SUMMARY = auto()
    HISTORY = auto()
    MISSING = auto()


@dataclass(frozen=True, slots=True)
class _Request:
    asked: _Asked
    sent_s: float
    channels: frozenset[str] = frozenset()
    currency: str = ""
    kind: Kind | None = None


class DeribitSession:
    """The client side of one websocket connection to the venue, for one asset."""

    def __init__(self, plan: FeedPlan, newest_trade_ms: int | None = None) -> None:
        self._plan = plan
        self._newest_trade_ms = newest_trade_ms
        self._server_ms = 0
        self._histories: dict[str, HistoryReader] = {}
        self._histories_due: dict[str, float] = {}  # infinite once asked for
        self._histories_since: dict[str, int] = {}  # start of those that were read to their end
        self._outgoing: list[bytes] = []
        self._pending: dict[int, _Request] = {}
        self._next_id = 1
        self._instruments: dict[str, Instrument] = {}
        self._channels_due: dict[str, float] = {}  # infinite once asked for
        self._lists_due: dict[tuple[str, Kind], float] = {}
        self._summaries_due: dict[str, float] = {}
        self._refresh_allowed_s = 0.0
        self._last_frame_s = 0.0
        self._last_push_s: dict[str, float] = {}

    def start(self, now_s: float) -> None:
        """Queue what opens a session."""
        self._last_frame_s = now_s
        self._ask("public/set_heartbeat", {"interval": HEARTBEAT_S}, now_s)
        self._want(self._plan.lifecycle_channels(), now_s)
        for currency in self._plan.currencies:
            for kind in Kind:
                self._lists_due[currency, kind] = now_s
        self.on_timer(now_s)

    @property
    def tape_since_ms(self) -> int | None:
        """Exchange time from which on every trade was read; None while the past is being read."""
        if not self._histories or self._histories.keys() != self._histories_since.keys():
            return None
        return max(self._histories_since.values())

    def is_dead(self, now_s: float) -> bool:
        """Whether nothing arrived for so long that the socket must be replaced."""
        return now_s - self._last_frame_s > SILENCE_S

    def take_outgoing(self) -> list[bytes]:
        """Hand over the frames to send, oldest first."""
        frames, self._outgoing = self._outgoing, []
        return frames

    def on_timer(self, now_s: float) -> list[Event]:
        """Queue the polls that are due; call it about twice a second."""
        for request_id in [i for i, r in self._pending.items() if now_s - r.sent_s > REPLY_S]:
            self._give_up(self._pending.pop(request_id), now_s)
        self._poll(now_s)
        return self._renew_mute_marks(now_s)

    def receive(self, frame: bytes | str, now_s: float) -> list[Event]:
        """Decode one frame into events; raises `ProtocolError` and nothing else."""
        self._last_frame_s = now_s
        envelope = wire.decode_envelope(frame)
        if envelope.method == "subscription":
            return self._notification(envelope, frame, now_s)
        if envelope.method == "heartbeat":
            if envelope.params is not None and envelope.params.type == "test_request":
                self._ask("public/test", {}, now_s)
            return []
        if envelope.method is not None:
            return []
        return self._response(envelope, now_s)

    def refresh_instruments(self, now_s: float) -> None:
        """Read the option lists again soon, because an unknown name showed up."""
        if now_s >= self._refresh_allowed_s:
            self._refresh_allowed_s = now_s + UNKNOWN_REFRESH_S
            for key in self._lists_due:
                self._lists_due[key] = now_s

    def request_missing(self, instrument_name: str, missing: range, now_s: float) -> None:
        """Ask for trades by their sequence numbers."""
        params = {
            "instrument_name": instrument_name,
            "start_seq": missing.start,
            "end_seq": missing.stop - 1,
            "count": min(len(missing), PAGE),
        }
        request = _Request(_Asked.MISSING, now_s)
        self._send("public/get_last_trades_by_instrument", params, request)

    # Requests

    def _poll(self, now_s: float) -> None:
        """Send the subscriptions, lists and summaries that are due."""
        missing = frozenset(name for name, due in self._channels_due.items() if now_s >= due)
        if missing:
            self._subscribe(missing, now_s)
        for (currency, kind), due in self._lists_due.items():
            if now_s >= due:
                self._lists_due[currency, kind] = now_s + LISTING_PERIOD_S
                params = {"currency": currency, "kind": kind.value, "expired": False}
                request = _Request(_Asked.INSTRUMENTS, now_s, currency=currency, kind=kind)
                self._send("public/get_instruments", params, request)
        for currency, due in self._summaries_due.items():
            if now_s >= due:
                self._summaries_due[currency] = now_s + SUMMARY_PERIOD_S
                params = {"currency": currency, "kind": Kind.OPTION.value}
                request = _Request(_Asked.SUMMARY, now_s, currency=currency)
                self._send("public/get_book_summary_by_currency", params, request)
        for currency, due in self._histories_due.items():
            if now_s >= due:
                self._histories_due[currency] = math.inf
                self._histories[currency].end_ms = self._server_ms
                request = _Request(_Asked.HISTORY, now_s, currency=currency)
                method = "public/get_last_trades_by_currency_and_time"
                self._send(method, self._histories[currency].params(), request)

    def _ask(self, method: str, params: Mapping[str, object], now_s: float) -> None:
        self._send(method, params, _Request(_Asked.CONTROL, now_s))

    def _send(self, method: str, params: Mapping[str, object], request: _Request) -> None:
        request_id = self._next_id
        self._next_id += 1
        self._pending[request_id] = request
        frame = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        self._outgoing.append(msgspec.json.encode(frame))

    def _want(self, channels: frozenset[str], now_s: float) -> None:
        for channel in channels:
            self._channels_due.setdefault(channel, now_s)

    def _subscribe(self, channels: frozenset[str], now_s: float) -> None:
        self._channels_due |= dict.fromkeys(channels, math.inf)
        request = _Request(_Asked.SUBSCRIBE, now_s, channels=channels)
        self._send("public/subscribe", {"channels": sorted(channels)}, request)

    def _renew_mute_marks(self, now_s: float) -> list[Event]:
        """Unsubscribe and subscribe a marks channel that is silent while its index ticks."""
        events: list[Event] = []
        for channel in self._channels_due:
            if not channel.startswith("markprice.options."):
                continue
            index = channel.removeprefix("markprice.options.")
            ticked = self._last_push_s.get(f"deribit_price_index.{index}", 0.0)
            silent_s = now_s - self._last_push_s.get(channel, now_s)
            if silent_s > MUTE_MARKS_S and now_s - ticked < MUTE_MARKS_S / 2:
                self._last_push_s[channel] = now_s
                self._ask("public/unsubscribe", {"channels": [channel]}, now_s)
                self._subscribe(frozenset({channel}), now_s)
                events.append(Gap(GapCause.MUTE_CHANNEL, channel))
        return events

    # Responses

    def _response(self, envelope: wire.Envelope, now_s: float) -> list[Event]:
        events: list[Event] = []
        if envelope.usOut is not None:
            self._server_ms = envelope.usOut // 1000
            events.append(Venue(envelope.testnet, self._server_ms))
        request = self._pending.pop(envelope.id, None) if isinstance(envelope.id, int) else None
        if envelope.error is not None:
            text = f"{envelope.error.code} {envelope.error.message}"
            events.append(Gap(GapCause.REQUEST_FAILED, text))
            if request is not None:
                self._give_up(request, now_s)
        elif request is not None:
            try:
                events.extend(self._answer(request, envelope.result, now_s))
            except wire.ProtocolError:
                self._give_up(request, now_s)
                raise
        return events

    def _answer(self, request: _Request, result: msgspec.Raw, now_s: float) -> list[Event]:
        match request.asked:
            case _Asked.SUBSCRIBE:
                return self._acknowledge(request, wire.decode_one(result, list[str]), now_s)
            case _Asked.INSTRUMENTS:
                return [self._listed(request, result, now_s)]
            case _Asked.SUMMARY:
                rows, rejected = wire.decode_rows(result, wire.WireSummary)
                own = (row for row in rows if row.instrument_name in self._instruments)
                return [Summaries(request.currency, tuple(map(wire.parse_summary, own)), rejected)]
            case _Asked.HISTORY | _Asked.MISSING:
                return [self._past_trades(request, result, now_s)]
            case _Asked.CONTROL:
                return []

    def _give_up(self, request: _Request, now_s: float) -> None:
        """Arrange for another try of a request that failed or was never answered."""
        match request.asked:
            case _Asked.INSTRUMENTS if request.kind is not None:
                self._lists_due[request.currency, request.kind] = now_s + RETRY_S
            case _Asked.SUBSCRIBE:
                self._channels_due |= dict.fromkeys(request.channels, now_s + RETRY_S)
            case _Asked.HISTORY:
                self._histories_due[request.currency] = now_s + RETRY_S
            case _:
                pass

    def _acknowledge(self, request: _Request, granted: list[str], now_s: float) -> list[Event]:
        refused = request.channels - set(granted)
        self._channels_due |= dict.fromkeys(refused, now_s + REFUSED_RETRY_S)
        return [Gap(GapCause.REFUSED_CHANNEL, channel) for channel in sorted(refused)]

    def _listed(self, request: _Request, result: msgspec.Raw, now_s: float) -> Listed:
        rows, rejected = wire.decode_rows(result, wire.WireInstrument)
        listed = Listed(
            currency=request.currency,
            kind=request.kind,
            instruments=self._own(map(wire.parse_instrument, rows)),
            complete=True,
            rejected=rejected,
        )
        self._instruments |= {item.instrument_name: item for item in listed.instruments}
        everything = tuple(self._instruments.values())
        self._want(self._plan.market_channels(everything), now_s)
        for currency in self._plan.summary_currencies(everything):
            self._summaries_due.setdefault(currency, now_s)
            self._start_history(currency, now_s)
        self._poll(now_s)
        return listed

    def _start_history(self, currency: str, now_s: float) -> None:
        """Read what the tape may have missed, once a session and currency."""
        if currency not in self._histories and self._server_ms:
            start_ms = start_of_history(self._server_ms, self._newest_trade_ms)
            self._histories[currency] = HistoryReader(currency, start_ms, self._server_ms)
            self._histories_due[currency] = now_s

    def _past_trades(self, request: _Request, result: msgspec.Raw, now_s: float) -> Trades:
        page = wire.decode_one(result, wire.WireTradePage)
        trades = _decode_trades(page.trades)
        history = self._histories.get(request.currency)
        if history is None:
            return trades  # asked for by number
        if history.accept(trades.trades, has_more=page.has_more):
            self._histories_due[request.currency] = now_s
            self._poll(now_s)
        else:
            self._histories_since.setdefault(request.currency, history.first_ms)
            self._histories[request.currency] = history.resume(self._server_ms)
            self._histories_due[request.currency] = now_s + PERIOD_S
        return trades

    def _own(self, instruments: Iterable[Instrument | None]) -> tuple[Instrument, ...]:
        return tuple(
            item for item in instruments if item is not None and item.asset == self._plan.asset
        )

    # Notifications

    def _notification(
        self, envelope: wire.Envelope, frame: bytes | str, now_s: float
    ) -> list[Event]:
        params = envelope.params
        if params is None or params.channel is None:
            raise wire.ProtocolError("expected a channel in a subscription", frame)
        self._last_push_s[params.channel] = now_s
        for prefix, decode in _CHANNELS.items():
            if params.channel.startswith(prefix):
                return decode(self, params.channel, params.data)
        return []

    def _on_marks(self, channel: str, data: msgspec.Raw) -> list[Event]:
        rows, rejected = wire.decode_rows(data, wire.WireMark)
        index = channel.removeprefix("markprice.options.")
        return [MarkPrices(index, tuple(map(wire.parse_mark, rows)), rejected)]

    def _on_index(self, _channel: str, data: msgspec.Raw) -> list[Event]:
        return [wire.parse_index_price(wire.decode_one(data, wire.WireIndexPrice))]

    def _on_volatility(self, _channel: str, data: msgspec.Raw) -> list[Event]:
        return [wire.parse_volatility(wire.decode_one(data, wire.WireVolatility))]

    def _on_ticker(self, _channel: str, data: msgspec.Raw) -> list[Event]:
        ticker = wire.decode_one(data, wire.WireTicker)
        instrument = self._instruments.get(ticker.instrument_name)
        if instrument is None:
            return []
        if instrument.kind == Kind.OPTION:
            return [wire.parse_option_ticker(ticker)]
        return [wire.parse_future_ticker(ticker)]

    def _on_trades(self, _channel: str, data: msgspec.Raw) -> list[Event]:
        return [_decode_trades(data)]

    def _on_state(self, _channel: str, data: msgspec.Raw) -> list[Event]:
        return [wire.parse_state(wire.decode_one(data, wire.WireState))]

    def _on_creation(self, channel: str, data: msgspec.Raw) -> list[Event]:
        row = wire.decode_one(data, wire.WireInstrument)
        created = self._own([wire.parse_instrument(row)])
        self._instruments |= {item.instrument_name: item for item in created}
        return [Listed(channel.rsplit(".", 1)[-1], None, created, complete=False)]

    def _on_platform(self, _channel: str, data: msgspec.Raw) -> list[Event]:
        return [wire.parse_platform(wire.decode_one(data, wire.WirePlatform))]


def _decode_trades(raw: msgspec.Raw) -> Trades:
    rows, rejected = wire.decode_rows(raw, wire.WireTrade)
    parsed = [wire.parse_trade(row) for row in rows]
    trades = tuple(trade for trade in parsed if trade is not None)
    return Trades(trades, rejected + len(parsed) - len(trades))


_CHANNELS: dict[str, Callable[[DeribitSession, str, msgspec.Raw], list[Event]]] = {
    "markprice.options.": DeribitSession._on_marks,
    "deribit_price_index.": DeribitSession._on_index,
    "deribit_volatility_index.": DeribitSession._on_volatility,
    "ticker.": DeribitSession._on_ticker,
    "trades.": DeribitSession._on_trades,
    "instrument.state.": DeribitSession._on_state,
    "instrument.creation.": DeribitSession._on_creation,
    "platform_state": DeribitSession._on_platform,
}
