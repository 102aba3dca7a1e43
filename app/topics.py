"""The grammar of push topics: `ASSET.view`, optionally with the query of its REST twin."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from app.board import Book, Selection
from app.views import MATRICES, VIEWS
from dealers.rules import PositionModel

BOARD = "board"  # all that the page draws at every tick
MAP = "map"  # the page's heatmap and expiries; takes `greek`
TAPE = "tape"  # the page's newest prints
HEDGE_FLOW = "hedge-flow"
TRADES = "trades"
DEFAULT_GREEK = "gex"
KNOWN_VIEWS = frozenset({*VIEWS, BOARD, HEDGE_FLOW, MAP, TAPE, TRADES})


class UnknownTopicError(ValueError):
    """A topic that names no asset, view or selection of the board."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One parsed topic; `name` is echoed as the client wrote it."""

    name: str
    asset: str
    view: str
    selection: Selection
    greek: str = DEFAULT_GREEK


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
        greek, query = _take_greek(query) if view == MAP else (DEFAULT_GREEK, query)
        return Topic(name, asset, view, _parse_selection(query, default), greek)
    except ValueError as error:
        raise UnknownTopicError(f"{error}, was {name!r}") from error


def _take_greek(query: str) -> tuple[str, str]:
    """Return the `greek` of a query and the query without it."""
    pairs = parse_qsl(query, strict_parsing=bool(query))
    greek = next((value for key, value in pairs if key == "greek"), DEFAULT_GREEK)
    if greek not in MATRICES:
        raise ValueError(f"expected a greek of {', '.join(MATRICES)}")
    return greek, urlencode([pair for pair in pairs if pair[0] != "greek"])


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
