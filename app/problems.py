"""RFC 9457 problem documents: the one shape of every refusal and failure over HTTP."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from uvicorn.protocols.utils import ClientDisconnected

MEDIA_TYPE = "application/problem+json"
_MAX_DETAIL = 500
_OURS = (DataError, IntegrityError, ProgrammingError)
"""What a database says of a mistake in the question; everything else is its own trouble."""
AWAY_S = 5

_log = structlog.get_logger()


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


def problem_responses(texts: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Describe refusals for the API's own description, by status."""
    content = {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}}
    return {code: {"description": text, "content": content} for code, text in texts.items()}


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """A request that is answered with a problem document instead of a body.

    Not a frozen dataclass: the framework clears `__traceback__` on exceptions it has handled.
    """

    def __init__(
        self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = headers


def problem_response(
    status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Encode a problem document."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail[:_MAX_DETAIL].encode("utf-8", "replace").decode(),
    }
    return Response(orjson.dumps(body), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every refusal of `app` with a problem document."""

    @app.exception_handler(Problem)
    async def on_problem(_request: Request, problem: Problem) -> Response:
        return problem_response(problem.status, problem.title, problem.detail, problem.headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_request: Request, error: RequestValidationError) -> Response:
        return problem_response(422, "Bad parameter", describe_errors(error.errors()))

    @app.exception_handler(HTTPException)
    async def on_http(_request: Request, error: HTTPException) -> Response:
        # a body that cannot even be parsed is no other mistake than one that cannot be understood
        status = 422 if error.status_code == 400 else error.status_code
        title = HTTPStatus(status).phrase
        return problem_response(status, title, str(error.detail), error.headers)

    @app.exception_handler(DBAPIError)
    @app.exception_handler(PoolTimeoutError)
    @app.exception_handler(OSError)  # what a driver says of a server that is gone
    async def on_database(request: Request, error: Exception) -> Response:
        if isinstance(error, (*_OURS, ClientDisconnected)):
            raise error
        reason = str(getattr(error, "orig", None) or error)
        _log.warning("api.database_away", path=request.url.path, reason=reason)
        detail = f"the database cannot be used now: {reason}"
        return problem_response(503, "Database away", detail, {"Retry-After": str(AWAY_S)})

    @app.exception_handler(Exception)
    async def on_bug(_request: Request, _error: Exception) -> Response:
        return problem_response(500, "Internal error", "the board could not answer; see its log")


def describe_errors(errors: Sequence[Mapping[str, Any]]) -> str:
    """Name every parameter that is not understood and why, never repeating its value."""
    return "; ".join(f"{_name(error['loc'])}: {error['msg']}" for error in errors[:5])


def _name(location: Sequence[int | str]) -> str:
    # the first step says body, query or path; a malformed body has nothing after it
    return ".".join(str(step) for step in location[1:]) or str(location[0])
