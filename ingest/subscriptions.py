"""Which channels one socket wants, has and hears. Knows no frames.

Acknowledgements are compared as sets. What the venue left out is asked for again; what was only
a guess is forgotten until the lists show that it exists. A channel that falls silent is left and
taken again, since a second subscription alone brings no new image.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from ingest.plan import mute_after_s

RETRY_S = 2.0
REFUSED_RETRY_S = 60.0
AT_ONCE = 200
"""Channels in one request: its frame stays well below what the venue refuses as too large."""
TALKING_S = 5.0
"""A socket that heard anything within this time talks: silence is the channel's own."""
LONGEST_PATIENCE = 64.0
"""Each renewal in vain doubles the patience with a channel, up to this factor."""


@dataclass(slots=True)
class _Channel:
    is_guess: bool
    due_s: float  # infinite once asked for
    heard_s: float = math.inf  # infinite until granted
    patience: float = 1.0


class Subscriptions:
    """The channels of one session."""

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def __contains__(self, channel: str) -> bool:
        return channel in self._channels

    def want(self, channels: Iterable[str], now_s: float, *, is_guess: bool = False) -> None:
        """Ask for channels that are not asked for yet."""
        for name in channels:
            known = self._channels.setdefault(name, _Channel(is_guess, now_s))
            known.is_guess = known.is_guess and is_guess

    def leave(self, channels: Iterable[str]) -> list[str]:
        """Forget channels; returns those that had been asked for."""
        return [name for name in channels if self._channels.pop(name, None) is not None]

    def renew(self, channel: str, now_s: float) -> bool:
        """Make a granted channel due again; returns whether it has to be left first."""
        known = self._channels.get(channel)
        if known is None or math.isinf(known.heard_s):
            return False
        known.due_s, known.heard_s = now_s, math.inf
        return True

    def take_due(self, now_s: float) -> frozenset[str]:
        """Hand out channels to subscribe now, as many as one request may name."""
        waiting = (name for name, known in self._channels.items() if now_s >= known.due_s)
        due = frozenset(islice(waiting, AT_ONCE))
        for name in due:
            self._channels[name].due_s = math.inf
        return due

    def acknowledge(
        self, asked: frozenset[str], granted: Iterable[str], now_s: float
    ) -> frozenset[str]:
        """Compare an acknowledgement with what was asked; returns what was refused and needed."""
        refused = set()
        taken = set(granted)
        for name in asked & self._channels.keys():
            known = self._channels[name]
            if name in taken:
                known.heard_s = now_s
            elif known.is_guess:
                del self._channels[name]
            else:
                known.due_s = now_s + REFUSED_RETRY_S
                refused.add(name)
        return frozenset(refused)

    def failed(self, asked: frozenset[str], now_s: float) -> None:
        """Ask again soon for channels whose request failed."""
        for name in asked & self._channels.keys():
            self._channels[name].due_s = now_s + RETRY_S

    def heard(self, channel: str, now_s: float) -> None:
        """Note a push."""
        known = self._channels.get(channel)
        if known is not None:
            known.heard_s, known.patience = now_s, 1.0

    def take_mute(self, now_s: float) -> list[str]:
        """Hand out the channels that must be left and taken again; they are due at once.

        Only while another channel of the socket talks.
        """
        heard = [known.heard_s for known in self._channels.values() if known.heard_s < math.inf]
        if now_s - max(heard, default=-math.inf) > TALKING_S:
            return []
        mute = []
        for name, known in self._channels.items():
            limit_s = mute_after_s(name)
            if known.is_guess or limit_s is None:
                continue
            if now_s - known.heard_s > limit_s * known.patience:
                known.due_s, known.heard_s = now_s, math.inf
                known.patience = min(known.patience * 2, LONGEST_PATIENCE)
                mute.append(name)
        return mute
