"""REST, version 1: reads of the hub. Every answer is a view of one published state."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from app import level_views, schemas, views
from app.board import Book, Selection, UnknownExpiryError
from app.flows import FlowTables
from app.hub import BoardState, SnapshotHub
from app.once import OnceCache
from app.problems import Problem, problem_responses
from app.push import Publisher, StreamClient, server_sent_events
from app.security import STREAM_PROTOCOL
from app.selections import SnapshotCache
from app.settings import Settings
from app.tables import MEDIA_TYPES, TableFormat, table_response
from app.tape_view import Prints, UnknownCursorError, select_trades, trade_rows
from app.topics import UnknownTopicError, parse_topic
from dealers.rules import PositionModel
from greeks.exposure import ExposureSnapshot

MAX_TRADES = 1000

_LOCKED = "only where GAMMAFLIP_READ_TOKEN_REQUIRED is set"
PROBLEMS = problem_responses(
    {
        401: f"A bearer token is needed, or the one given is not known; {_LOCKED}.",
        403: f"No token exists, so only this machine and page may ask; {_LOCKED}.",
        404: "No such asset, expiry or state.",
        421: f"The host name is not one of this board's; {_LOCKED}.",
        422: "A parameter that is not understood; the detail names it.",
        429: "Too many requests; Retry-After says when.",
        503: "The asset is still starting.",
    }
)
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPES[TableFormat.CSV]: {}, MEDIA_TYPES[TableFormat.PARQUET]: {}}}
}


@dataclass(frozen=True, slots=True)
class BoardContext:
    """What the reading routes need; the application keeps it in `app.state.board`."""

    hub: SnapshotHub
    snapshots: SnapshotCache
    publisher: Publisher
    settings: Settings
    tape: Callable[[str], Prints]
    once: OnceCache  # single questions
    flows: FlowTables


def context_of(connection: HTTPConnection) -> BoardContext:
    """Return the context of the application that serves a request or websocket."""
    context = connection.app.state.board
    if not isinstance(context, BoardContext):
        raise TypeError(f"app.state.board: expected a BoardContext, was {type(context)}")
    return context


Context = Annotated[BoardContext, Depends(context_of)]
Position = Annotated[PositionModel | None, Query(description="Who is assumed to hold what.")]
Expiries = Annotated[
    list[str] | None,
    Query(description="A label such as 27DEC26, or next, 0dte, weekly, monthly, quarterly."),
]
InBook = Annotated[Book, Query(description="Coin-margined, USDC-margined or both.")]


async def refuse_other_formats(connection: HTTPConnection) -> None:
    """Refuse a file of what is no table, on routes that do not know `format`."""
    route, asked = connection.scope.get("route"), connection.query_params.get("format", "json")
    if not isinstance(route, APIRoute) or asked == TableFormat.JSON:
        return
    if all(field.alias != "format" for field in route.dependant.query_params):
        raise Problem(422, "Bad parameter", "format: expected json, this is no table")


class Answer:
    """One state under one selection, ready to be encoded."""

    def __init__(
        self,
        state: BoardState,
        snapshot: ExposureSnapshot,
        models: Mapping[PositionModel, ExposureSnapshot],
        selection: Selection,
    ) -> None:
        self.state = state
        self.selection = selection
        self.snapshot = snapshot
        self.models = models  # the same options under every position model

    def json(self, data: "views.Json", **more: "views.Json") -> Response:
        """Encode a body around `data`."""
        body = {**views.header(self.state, self.snapshot), **more, "data": data}
        return Response(orjson.dumps(body), media_type=MEDIA_TYPES[TableFormat.JSON])

    def table(
        self, name: str, columns: views.Columns, wanted: TableFormat, **more: "views.Json"
    ) -> Response:
        """Encode a table as rows, CSV or Parquet; `more` stands beside the rows."""
        if wanted == TableFormat.JSON:
            return self.json(views.rows(columns), **more)
        header = {**views.header(self.state, self.snapshot), **more}
        stamp = f"{self.state.asset}-{name}-{self.state.source}-{self.snapshot.chain.as_of_ms}"
        return table_response(columns, header, wanted, stamp, self.stamps())

    def stamps(self) -> dict[str, str]:
        """Return the headers of an answer that has no place for a body's header."""
        return {
            "X-Gammaflip-Source": self.state.source.value,
            "X-Gammaflip-Status": self.state.status.value,
            "X-Gammaflip-Position": self.snapshot.position_model,
        }


def find_state(hub: SnapshotHub, asset: str) -> BoardState:
    """Return the newest state of the asset, or raise the 404 that it is."""
    state = hub.latest(asset)
    if state is None:
        known = ", ".join(hub.assets()) or "none"
        raise Problem(404, "Unknown asset", f"expected one of {known}, was {asset!r}")
    return state


async def read(
    context: Context,
    asset: str,
    position: Position = None,
    expiry: Expiries = None,
    book: InBook = Book.ALL,
    seq: Annotated[
        int | None, Query(ge=1, description="A recent state by its number; newest if absent.")
    ] = None,
) -> Answer:
    """Find the state and snapshot of a request, or raise the problem that it is."""
    find_state(context.hub, asset)
    state = await context.snapshots.state(context.hub, asset, seq)
    if state is None:
        raise Problem(404, "Unknown state", f"{asset} keeps no state with seq {seq}")
    expiries = tuple(sorted(set(expiry or ())))
    selection = Selection(position or context.settings.position, expiries, book)
    try:
        snapshot = await context.snapshots.get(state, selection)
    except UnknownExpiryError as error:
        raise Problem(404, "Unknown expiry", f"{asset} lists no expiry {error}") from error
    if snapshot is None and seq is not None:
        raise Problem(404, "Unknown state", f"{asset} had no complete chain yet at seq {seq}")
    if snapshot is None:
        raise Problem(503, "Starting", f"{asset} waits for its first complete chain")
    models = await context.snapshots.models(state, selection)
    return Answer(state, snapshot, models, selection)


Read = Annotated[Answer, Depends(read)]
Format = Annotated[TableFormat, Query(alias="format")]
router = APIRouter(prefix="/api/v1", responses=PROBLEMS)


@router.get("/assets", response_model=schemas.Assets, responses=FILES)
async def assets(context: Context, wanted: Format = TableFormat.JSON) -> Response:
    """Return the assets on the board with their books, expiries and status."""
    states = [
        state for asset in context.hub.assets() if (state := context.hub.latest(asset)) is not None
    ]
    body = views.assets(states, context.settings.position)
    if wanted == TableFormat.JSON:
        return Response(orjson.dumps(body), media_type=MEDIA_TYPES[wanted])
    del body["data"]
    name = f"assets-{body['source']}-{body['as_of']}"
    return table_response(views.asset_columns(states), body, wanted, name)


@router.get(
    "/{asset}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(
    context: Context,
    asset: str,
    request: Request,
    topic: Annotated[
        list[str] | None,
        Query(
            description="Views to send, each with a query of its own if need be; summary and "
            "levels if absent."
        ),
    ] = None,
    position: Position = None,
    expiry: Expiries = None,
    book: InBook = Book.ALL,
) -> StreamingResponse:
    """Push views of an asset as server-sent events; resumes after `Last-Event-ID`."""
    state = find_state(context.hub, asset)
    common = {
        "position": [] if position is None else [position.value],
        "expiry": expiry or [],
        "book": [] if book == Book.ALL else [book.value],
    }
    names = [f"{asset}.{_with_common(view, common)}" for view in topic or ("summary", "levels")]
    try:
        wanted = [
            parse_topic(name, context.hub.assets(), context.settings.position) for name in names
        ]
        for each in wanted:
            await context.snapshots.get(state, each.selection)
    except UnknownTopicError as error:
        raise Problem(422, "Bad parameter", f"topic: {error}") from error
    except UnknownExpiryError as error:
        raise Problem(404, "Unknown expiry", f"{asset} lists no expiry {error}") from error
    last = request.headers.get("last-event-id", "")
    last_id = int(last) if last.isascii() and last.isdigit() and len(last) < 16 else 0
    return StreamingResponse(
        _until_expired(server_sent_events(context.hub, context.publisher, wanted, last_id)),
        media_type="text/event-stream",
    )


def _with_common(view: str, common: Mapping[str, Sequence[str]]) -> str:
    """Give a topic the query of its route, save for what its own query says."""
    path, _, own = view.partition("?")
    said = {key for key, _ in parse_qsl(own, keep_blank_values=True)}
    more = urlencode({key: given for key, given in common.items() if key not in said}, doseq=True)
    query = "&".join(filter(None, (own, more)))
    return f"{path}?{query}" if query else path


async def _until_expired(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """End a stream when an expiry that it was asked for is delivered."""
    with contextlib.suppress(UnknownExpiryError):
        async for event in events:
            yield event


@router.websocket("/stream")
async def stream(socket: WebSocket, context: Context) -> None:
    """Push topics over one websocket."""
    offers = socket.scope.get("subprotocols", [])
    await socket.accept(STREAM_PROTOCOL if STREAM_PROTOCOL in offers else None)
    await StreamClient(socket, context.hub, context.publisher, context.settings.position).serve()


@router.get("/{asset}", response_model=schemas.Body[schemas.Summary])
async def summary(answer: Read) -> Response:
    """Net and gross of every exposure, regime, levels, flow of 1 %, range over models."""
    return answer.json(views.summary(answer.state, answer.snapshot, answer.models))


@router.get(
    "/{asset}/strikes", response_model=schemas.Body[list[schemas.StrikeRow]], responses=FILES
)
async def strikes(answer: Read, wanted: Format = TableFormat.JSON) -> Response:
    """Exposures by strike."""
    return answer.table("strikes", views.strikes(answer.snapshot), wanted)


@router.get(
    "/{asset}/expiries", response_model=schemas.Body[list[schemas.ExpiryRow]], responses=FILES
)
async def expiries(answer: Read, wanted: Format = TableFormat.JSON) -> Response:
    """Exposures by expiry, with forward, at-the-money volatility and the expiry's own flip."""
    return answer.table("expiries", views.expiries(answer.snapshot), wanted)


@router.get("/{asset}/matrix", response_model=schemas.Body[schemas.Matrix])
async def matrix(
    answer: Read,
    greek: Annotated[str, Query(json_schema_extra={"enum": list(views.MATRICES)})] = "gex",
) -> Response:
    """One exposure, or the open interest, by expiry and strike."""
    if greek not in views.MATRICES:
        raise Problem(422, "Bad parameter", f"greek: expected {', '.join(views.MATRICES)}")
    return answer.json(views.matrix(answer.snapshot, greek))


@router.get("/{asset}/chain", response_model=schemas.Body[list[schemas.ChainRow]], responses=FILES)
async def chain(answer: Read, wanted: Format = TableFormat.JSON) -> Response:
    """Every option with its Greeks per coin and its status."""
    return answer.table("chain", views.chain(answer.snapshot), wanted)


@router.get("/{asset}/levels", response_model=schemas.Body[schemas.Levels])
async def levels(answer: Read) -> Response:
    """All gamma flips with slope, direction and strength; walls; cliff, pin and max pain."""
    market = answer.state.liquidity
    return answer.json(level_views.levels(answer.snapshot, answer.models, market))


@router.get("/{asset}/trades", response_model=schemas.TradesBody, responses=FILES)
async def trades(
    context: Context,
    answer: Read,
    limit: Annotated[int, Query(ge=1, le=MAX_TRADES)] = 100,
    cursor: Annotated[str | None, Query(description="`cursor` of the page before.")] = None,
    wanted: Format = TableFormat.JSON,
) -> Response:
    """The signed option tape, newest first; a page ends with the `trade_id` that is its cursor."""
    tape = context.tape(answer.state.asset)
    chosen = list(select_trades(tape, answer.selection, answer.snapshot.chain))
    try:
        rows, following = trade_rows(chosen, limit, cursor)
    except UnknownCursorError as error:
        raise Problem(422, "Bad parameter", f"cursor: {error}") from error
    if wanted == TableFormat.JSON:
        return answer.json(rows, cursor=following)
    columns: views.Columns = {
        name: [row[name] for row in rows] for name in schemas.TradeRow.model_fields
    }
    return answer.table("trades", columns, wanted, cursor=following)
