"""Everything a browser loads: the page, the API reference and their headers."""

from collections.abc import Sequence
from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.dashboard.page import mount_page, panel_names
from app.problems import Problem, problem_response
from app.settings import Source

ALL_VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
STATIC = files("app") / "static"


def add_site(
    app: FastAPI, assets: tuple[str, ...], source: Source, embed_origins: Sequence[str] = ()
) -> None:
    """Add the reference, the guard for unknown API paths, and last of all the page."""
    app.mount("/static", StaticFiles(directory=str(STATIC)), name="static")

    @app.get("/docs", include_in_schema=False)
    async def reference() -> HTMLResponse:
        """Return the API reference; it reads /openapi.json and works offline."""
        return HTMLResponse((STATIC / "reference.html").read_text(encoding="utf-8"))

    @app.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> RedirectResponse:
        """Point browsers that guess to the picture that exists."""
        return RedirectResponse("/assets/favicon.svg")

    @app.api_route("/api/{path:path}", methods=ALL_VERBS, include_in_schema=False)
    async def unknown(path: str, request: Request) -> None:
        """Answer what Dash's catch-all would turn into a page."""
        allowed = _methods_of(app, request.url.path)
        if allowed:
            detail = f"/api/{path} does not take {request.method}"
            raise Problem(405, "Wrong method", detail, {"Allow": ", ".join(allowed)})
        raise Problem(404, "Unknown address", f"/api/{path} is not part of the API")

    page = mount_page(app, assets, source)
    app.add_middleware(KnownPanels, panels=panel_names(assets, source))
    app.add_middleware(
        SecurityHeaders, script_hashes=page.csp_hashes(), embed_origins=embed_origins
    )


def _methods_of(app: FastAPI, address: str) -> list[str]:
    """Return the methods that the API documents for an address."""
    documented = app.openapi()["paths"].items()
    verbs = [verbs for path, verbs in documented if compile_path(path)[0].match(address)]
    return sorted({verb.upper() for found in verbs for verb in found})


class KnownPanels:
    """Hands out the page under `/embed/`, and 404 for a panel that it does not have.

    Dash prepares itself at the first request of `/` alone; its answer to others would lack scripts.
    """

    def __init__(self, app: ASGIApp, panels: Sequence[str]) -> None:
        self._app = app
        self._addresses = {f"/embed/{panel}" for panel in panels}
        self._unknown = problem_response(
            404, "Unknown panel", f"expected one of {', '.join(panels)}"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        path = scope.get("path", "")
        if path in self._addresses:
            await self._app({**scope, "path": "/"}, receive, send)
        elif path.startswith("/embed/"):
            await self._unknown(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds the content security policy and its companions to every response.

    Only single panels, under `/embed/`, may be framed by the sites of `embed_origins`.
    """

    def __init__(
        self, app: ASGIApp, script_hashes: Sequence[str], embed_origins: Sequence[str]
    ) -> None:
        self._app = app
        self._own = self._headers_for(script_hashes, ())
        self._embed = self._headers_for(script_hashes, embed_origins)

    @staticmethod
    def _headers_for(
        script_hashes: Sequence[str], framed_by: Sequence[str]
    ) -> list[tuple[bytes, bytes]]:
        scripts = " ".join(["'self'", *script_hashes])
        framers = " ".join(["'self'", *framed_by])
        policy = (
            f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; "
            "object-src 'none'; base-uri 'self'; "
            f"frame-ancestors {framers}"
        )
        return [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        headers = self._embed if scope["path"].startswith("/embed/") else self._own

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)
