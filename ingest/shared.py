"""Answers that concern the assets of a whole currency: asked by one socket, heard by all.

Lists and summaries of USDC hold every linear coin. Whoever needs one first asks; the frame that
answers is handed on to the other assets' sinks, so that each asset's recording is whole in itself.
"""

from dataclasses import dataclass, field

from ingest.connection import FrameSink
from ingest.events import Kind
from ingest.requests import Asked, Request

ANSWERED_WITHIN_S = 5.0
"""A question of somebody else's that has waited longer is asked by the next who needs it."""
MARK = "shared"


@dataclass(slots=True)
class Shared:
    """What is being asked for everybody, and who hears the answers."""

    sinks: dict[str, FrameSink] = field(default_factory=dict)
    _asked: dict[str, tuple[str, float]] = field(default_factory=dict)

    def claim(self, question: str, asset: str, now_s: float) -> bool:
        """Whether an asset is to ask; False while an answer to another one is on its way."""
        who, asked_s = self._asked.get(question, (asset, now_s))
        if who != asset and now_s - asked_s < ANSWERED_WITHIN_S:
            return False
        self._asked[question] = asset, now_s
        return True

    def settle(self, question: str) -> None:
        """Note that a question has its answer."""
        self._asked.pop(question, None)

    def hand_on(self, asset: str, frame: bytes | str, now_s: float) -> None:
        """Let everybody else hear a frame."""
        for other, sink in self.sinks.items():
            if other != asset:
                sink.received(frame, now_s)


def question_of(asked: Asked, currency: str, kind: Kind | None) -> str:
    """Name a question that concerns a whole currency."""
    return f"{MARK}-{asked.name.lower()}-{currency}-{kind or ''}"


def read_question(request_id: int | str | None, now_s: float) -> Request | None:
    """Return what an answer is to when its id begins with the name of a question."""
    parts = request_id.split("-") if isinstance(request_id, str) else []
    if len(parts) != 5 or parts[0] != MARK or parts[1] not in _ASKED:
        return None
    kind = Kind(parts[3]) if parts[3] in set(Kind) else None
    return Request(_ASKED[parts[1]], now_s, currency=parts[2], kind=kind)


_ASKED = {asked.name.lower(): asked for asked in (Asked.INSTRUMENTS, Asked.SUMMARY)}
