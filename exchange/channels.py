"""The table of channel kinds: how a channel is named and which feed speaks on it."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from exchange.calendar import last_roll
from exchange.feed_books import BookFeed, GroupedBookFeed
from exchange.feed_events import CandleFeed, NoticesFeed, PlatformFeed, TradesFeed
from exchange.feeds import Feed, IncrementalTickerFeed, MarkPricesFeed, ValueFeed
from exchange.index_facts import encode_ranking, encode_statistics
from exchange.instruments import Instrument, Wire
from exchange.marks import WINDOW_MS
from exchange.specs import Kind
from exchange.view import View
from exchange.wire import encode_index, encode_quote, encode_ticker
from greeks.conventions import MS_PER_DAY

PERIODS = {"100ms": 0.1, "agg2": 1.0, "raw": 0.0}
GROUP = "none|1|2|5|10|25|100|250"
CANDLES = ("1", "3", "5", "10", "15", "30", "60", "120", "180", "360", "720", "1D")
TRADE_KINDS = {
    **{kind.value: frozenset({kind}) for kind in Kind},
    "combo": frozenset({Kind.OPTION_COMBO, Kind.FUTURE_COMBO}),
    "any": frozenset(Kind),
    "spot": frozenset[Kind](),
}
KIND = "|".join(TRADE_KINDS)
CURRENCY = "BTC|ETH|USDC|USDT|EURR|any"
INSTRUMENT = r"[A-Z0-9]+(?:_[A-Z]+)?-[A-Za-z0-9_-]+"
INTERVAL = "|".join(PERIODS)
BOOK = rf"book\.(?P<instrument>{INSTRUMENT})"
SECOND, MINUTE = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """One row of the table: a name pattern and what opens its feed, None when nothing is there."""

    pattern: re.Pattern[str]
    open: Callable[[View, re.Match[str]], Feed | None]


def open_feed(view: View, name: str) -> Feed | None:
    """Open the feed of a channel; an unknown or mistyped name has none."""
    for kind in CHANNEL_KINDS:
        if match := kind.pattern.fullmatch(name):
            return kind.open(view, match)
    return None


def is_raw(name: str) -> bool:
    """Whether a channel asks for the interval that needs authorisation."""
    return name.endswith(".raw")


def _ticker(view: View, match: re.Match[str]) -> Feed | None:
    name = match["instrument"]
    if encode_ticker(view.state, name) is None:
        return None
    return ValueFeed(
        PERIODS[match["interval"]],
        lambda: encode_ticker(view.state, name),
        lambda: view.state.version_of(name),
    )


def _incremental(view: View, match: re.Match[str]) -> Feed | None:
    name = match["instrument"]
    if encode_ticker(view.state, name) is None:
        return None
    return IncrementalTickerFeed(lambda: encode_ticker(view.state, name))


def _quote(view: View, match: re.Match[str]) -> Feed | None:
    name = match["instrument"]
    if encode_quote(view.state, name) is None:
        return None

    def best_prices() -> object:
        quote = encode_quote(view.state, name)
        return None if quote is None else [v for k, v in quote.items() if k != "timestamp"]

    return ValueFeed(0.1, lambda: encode_quote(view.state, name), best_prices)


def _perpetual(view: View, match: re.Match[str]) -> Feed | None:
    name = match["instrument"]
    instrument = view.state.find(name)
    if instrument is None or not instrument.is_perpetual:
        return None

    def read() -> Wire:
        future = view.state.futures[name]
        return {
            "index_price": view.state.indices[instrument.price_index].price,
            "interest": future.current_funding,
            "timestamp": future.timestamp,
        }

    return ValueFeed(PERIODS[match["interval"]], read, lambda: view.state.version_of(name))


def _marks(view: View, match: re.Match[str]) -> Feed | None:
    if match["index"] not in view.state.options:
        return None
    return MarkPricesFeed(view, match["index"])


def _price_index(view: View, match: re.Match[str]) -> Feed | None:
    if (index := view.state.indices.get(match["index"])) is None:
        return None
    return ValueFeed(SECOND, lambda: encode_index(index, view.state.now_ms), count().__next__)


def _statistics(view: View, match: re.Match[str]) -> Feed | None:
    if (index := view.state.indices.get(match["index"])) is None:
        return None
    return ValueFeed(MINUTE, lambda: encode_statistics(index, view.state.now_ms), count().__next__)


def _ranking(view: View, match: re.Match[str]) -> Feed | None:
    if (index := view.state.indices.get(match["index"])) is None:
        return None
    return ValueFeed(SECOND, lambda: encode_ranking(index, view.state.now_ms), count().__next__)


def _volatility_index(view: View, match: re.Match[str]) -> Feed | None:
    index = view.state.indices.get(match["index"])
    if index is None or math.isnan(index.volatility):
        return None

    def read() -> Wire:
        return {
            "timestamp": view.state.now_ms,
            "volatility": index.volatility,
            "index_name": index.name,
        }

    return ValueFeed(SECOND, read, count().__next__)


def _estimate(view: View, match: re.Match[str]) -> Feed | None:
    if (index := view.state.indices.get(match["index"])) is None:
        return None

    def read() -> Wire:
        now_ms = view.state.now_ms
        left_ms = last_roll(now_ms) + MS_PER_DAY - now_ms
        return {
            "seconds": left_ms // 1000,
            "price": index.delivery_estimate,
            "is_estimated": left_ms <= WINDOW_MS,
            "left_ticks": min(left_ms, WINDOW_MS) // 1000,
            "total_ticks": WINDOW_MS // 1000,
            "timestamp": now_ms,
        }

    return ValueFeed(SECOND, read, count().__next__)


def _trades_of_kind(view: View, match: re.Match[str]) -> Feed:
    return TradesFeed(view, _matcher(match), PERIODS[match["interval"]])


def _trades_of_instrument(view: View, match: re.Match[str]) -> Feed | None:
    name = match["instrument"]
    if view.state.find(name) is None:
        return None
    return TradesFeed(view, lambda instrument: instrument.name == name, PERIODS[match["interval"]])


def _book(view: View, match: re.Match[str]) -> Feed | None:
    name = match["instrument"]
    if encode_ticker(view.state, name) is None:
        return None
    return BookFeed(view, name, PERIODS[match["interval"]])


def _grouped_book(view: View, match: re.Match[str]) -> Feed | None:
    name = match["instrument"]
    if encode_ticker(view.state, name) is None:
        return None
    group = None if match["group"] == "none" else int(match["group"])
    period = PERIODS[match["interval"]]
    return GroupedBookFeed(view, name, group, int(match["depth"]), period)


def _candle(view: View, match: re.Match[str]) -> Feed | None:
    name, word = match["instrument"], match["resolution"]
    if view.state.find(name) is None:
        return None
    return CandleFeed(view, name, MS_PER_DAY if word == "1D" else int(word) * 60_000)


def _states(view: View, match: re.Match[str]) -> Feed:
    return NoticesFeed(view, _matcher(match), created=False)


def _listings(view: View, match: re.Match[str]) -> Feed:
    return NoticesFeed(view, _matcher(match), created=True)


def _platform(view: View, _match: re.Match[str]) -> Feed:
    return PlatformFeed(view)


def _public_access(view: View, _match: re.Match[str]) -> Feed:
    return ValueFeed(
        SECOND,
        lambda: {"allow_unauthenticated_public_requests": view.platform.public_access},
        lambda: view.platform.public_access,
    )


def _quiet(view: View, _match: re.Match[str]) -> Feed:
    return TradesFeed(view, lambda _: False, SECOND)


def _matcher(match: re.Match[str]) -> Callable[[Instrument], bool]:
    kinds, currency = TRADE_KINDS[match["kind"]], match["currency"]
    return lambda i: i.kind in kinds and currency in {"any", i.currency}


CHANNEL_KINDS = tuple(
    ChannelKind(re.compile(pattern), opens)
    for pattern, opens in (
        (rf"ticker\.(?P<instrument>{INSTRUMENT})\.(?P<interval>{INTERVAL})", _ticker),
        (rf"incremental_ticker\.(?P<instrument>{INSTRUMENT})", _incremental),
        (r"markprice\.options\.(?P<index>\w+)", _marks),
        (r"deribit_price_index\.(?P<index>\w+)", _price_index),
        (r"deribit_price_statistics\.(?P<index>\w+)", _statistics),
        (r"deribit_price_ranking\.(?P<index>\w+)", _ranking),
        (r"deribit_volatility_index\.(?P<index>\w+)", _volatility_index),
        (r"estimated_expiration_price\.(?P<index>\w+)", _estimate),
        (
            rf"trades\.(?P<kind>{KIND})\.(?P<currency>{CURRENCY})\.(?P<interval>{INTERVAL})",
            _trades_of_kind,
        ),
        (rf"trades\.(?P<instrument>{INSTRUMENT})\.(?P<interval>{INTERVAL})", _trades_of_instrument),
        (rf"{BOOK}\.(?P<interval>{INTERVAL})", _book),
        (
            rf"{BOOK}\.(?P<group>{GROUP})\.(?P<depth>1|10|20)\.(?P<interval>{INTERVAL})",
            _grouped_book,
        ),
        (rf"quote\.(?P<instrument>{INSTRUMENT})", _quote),
        (rf"perpetual\.(?P<instrument>{INSTRUMENT})\.(?P<interval>{INTERVAL})", _perpetual),
        (
            rf"chart\.trades\.(?P<instrument>{INSTRUMENT})\.(?P<resolution>{'|'.join(CANDLES)})",
            _candle,
        ),
        (rf"instrument\.state\.(?P<kind>{KIND})\.(?P<currency>{CURRENCY})", _states),
        (rf"instrument\.creation\.(?P<kind>{KIND})\.(?P<currency>{CURRENCY})", _listings),
        (r"platform_state", _platform),
        (r"platform_state\.public_methods_state", _public_access),
        (r"announcements", _quiet),
    )
)
