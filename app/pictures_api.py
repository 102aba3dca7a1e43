"""REST for still pictures: a panel as SVG or PNG, for chat programs, wikis and mails."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.api import PROBLEMS, Answer, Read
from app.dashboard.theme import Palette, Theme
from app.history_store import DAY_MS, Series, Window, read_window
from app.pictures.formats import MEDIA_TYPES, Panel, PictureFormat
from app.pictures.subject import Look, Subject
from app.problems import problem_responses
from app.store import Store
from app.views import Columns
from app.workbench import Workbench

HISTORY_POINTS = 600
MAX_AGE_S = 5

_BUSY = problem_responses({429: "Too many pictures wait; Retry-After says when."})


def build_pictures_router(store: Store, bench: Workbench) -> APIRouter:
    """Build the route on one store and one bench."""
    router = APIRouter(prefix="/api/v1", responses=PROBLEMS | _BUSY, tags=["pictures"])

    @router.get(
        "/{asset}/image/{panel}.{kind}",
        response_class=Response,
        responses={200: {"content": {media: {} for media in MEDIA_TYPES.values()}}},
    )
    async def image(
        answer: Read,
        panel: Annotated[Panel, Path(description="Which panel.")],
        kind: Annotated[PictureFormat, Path(description="How it is encoded.")],
        theme: Theme = Theme.DARK,
        palette: Palette = Palette.SAFE,
    ) -> Response:
        """A panel as a picture of 1200 x 675 with source, status, time and position in it."""
        history = await _last_day(store, answer) if panel == Panel.HISTORY else {}
        subject = Subject(answer.state, answer.snapshot, answer.selection, history)
        body = await bench.run(partial(_draw, subject, panel, kind, Look.named(theme, palette)))
        return Response(
            body,
            media_type=MEDIA_TYPES[kind],
            headers={"Cache-Control": f"max-age={MAX_AGE_S}", **answer.stamps()},
        )

    return router


def _draw(subject: Subject, panel: Panel, kind: PictureFormat, look: Look) -> bytes:
    from app.pictures.draw import draw_picture  # noqa: PLC0415 - loaded for the first picture

    return draw_picture(subject, panel, kind, look)


async def _last_day(store: Store, answer: Answer) -> Columns:
    end_ms = answer.snapshot.chain.as_of_ms + 1
    series = Series(answer.state.asset, answer.selection.position.value)
    return await read_window(store, series, Window(end_ms - DAY_MS, end_ms, HISTORY_POINTS))
