"""Who reads which channel: opens feeds, polls them when due, sends all readers the same bytes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from exchange.channels import is_raw, open_feed
from exchange.feed_books import BookFeed
from exchange.feeds import Feed
from exchange.rpc import RAW_REFUSED, encode_notification
from exchange.session import Session
from exchange.view import View


@dataclass(slots=True)
class Channel:
    """One channel that somebody reads."""

    name: str
    feed: Feed
    due: float
    readers: list[Session] = field(default_factory=list)


class Hub:
    """Fans every channel out to its readers."""

    def __init__(self, view: View) -> None:
        self.distort: Callable[[str, list[object]], list[object]] = lambda _, said: said
        self.is_left_out: Callable[[str], bool] = lambda _: False
        self._view = view
        self._channels: dict[str, Channel] = {}

    def subscribe(self, session: Session, names: list[str]) -> list[str]:
        """Add a reader; return the channels that exist, in an order of the hub's own.

        The first push of each new channel waits in the session until its ack is out. A channel
        that the session already reads is acknowledged and says nothing again.
        """
        if not session.is_authenticated and any(is_raw(name) for name in names):
            raise RAW_REFUSED
        accepted = [name for name in dict.fromkeys(names) if self._join(session, name)]
        return sorted(accepted, reverse=True)

    def unsubscribe(self, session: Session, names: list[str]) -> list[str]:
        """Remove a reader; return what it had been reading."""
        removed = [name for name in dict.fromkeys(names) if name in session.channels]
        for name in removed:
            session.channels.discard(name)
            channel = self._channels[name]
            channel.readers.remove(session)
            if not channel.readers:
                del self._channels[name]
        return sorted(removed, reverse=True)

    def leave(self, session: Session) -> None:
        """Remove a reader from everything."""
        self.unsubscribe(session, list(session.channels))

    def publish(self, now: float) -> None:
        """Poll every channel that is due and send what it says."""
        for channel in list(self._channels.values()):
            if now < channel.due:
                continue
            if period := channel.feed.period_s:
                channel.due += period * (1 + (now - channel.due) // period)
            said = channel.feed.poll()
            if said:
                self._send(channel, self.distort(channel.name, said), now)

    def skip_book_changes(self) -> None:
        """Make every book channel lose one change."""
        for channel in self._channels.values():
            if isinstance(channel.feed, BookFeed):
                channel.feed.skip()

    def _join(self, session: Session, name: str) -> bool:
        if self.is_left_out(name):
            return False
        if name in session.channels:
            return True
        channel = self._channels.get(name)
        if channel is None:
            feed = open_feed(self._view, name)
            if feed is None:
                return False
            channel = Channel(name, feed, self._view.clock.monotonic() + feed.period_s)
            self._channels[name] = channel
        channel.readers.append(session)
        session.channels.add(name)
        said = self.distort(name, channel.feed.first())
        session.after_reply += [encode_notification(name, data) for data in said]
        return True

    def _send(self, channel: Channel, said: list[object], now: float) -> None:
        for data in said:
            frame = encode_notification(channel.name, data)
            for reader in channel.readers:
                reader.send(frame, now)
