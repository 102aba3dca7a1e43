"""The grammar of push topics: `ASSET.view`, optionally with the query of its REST twin."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from app.board import Book, Selection
from app.views import VIEWS
from dealers.rules import PositionModel

BOARD = "board"  # all that the page draws, in one message
TRADES = "trades"
KNOWN_VIEWS = frozenset({*VIEWS, BOARD, TRADES})


class UnknownTopicError(ValueError):
    """A topic that names no asset, view or selection of the board."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One parsed topic; `name` is echoed as the client wrote it."""

    name: str
    asset: str
    view: str
    selection: Selection


def parse_topic(name: str, assets: tuple[str, ...], default: PositionModel) -> Topic:
    """Parse `BTC.strikes?book=linear`; `UnknownTopicError` says what was expected."""
    path, _, query = name.partition("?")
    asset, _, view = path.partition(".")
    if asset not in assets:
        raise UnknownTopicError(f"expected an asset of {', '.join(assets)}, was {name!r}")
    if view not in KNOWN_VIEWS:
        expected = ", ".join(sorted(KNOWN_VIEWS))
        raise UnknownTopicError(f"expected a view of {expected}, was {name!r}")
    try:
        return Topic(name, asset, view, _parse_selection(query, default))
    except ValueError as error:
        raise UnknownTopicError(f"{error}, was {name!r}") from error


def _parse_selection(query: str, default: PositionModel) -> Selection:
    position, expiries, book = default, [], Book.ALL
    for key, value in parse_qsl(query, strict_parsing=bool(query)):
        match key:
            case "position":
                position = PositionModel(value)
            case "expiry":
                expiries.append(value)
            case "book":
                book = Book(value)
            case _:
                raise ValueError(f"expected position, expiry or book instead of {key!r}")
    return Selection(position, tuple(sorted(expiries)), book)
