"""Puts the page on the server: shell, skeletons and assets. Numbers arrive over the stream."""

from collections.abc import Sequence
from pathlib import Path

from dash import Dash, html
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from app.dashboard import figures, panels, shell, theme
from app.dashboard.attributes import with_attributes
from app.settings import Source

_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<style>THEME</style>
{%css%}
</head>
<body>
<noscript>The board needs JavaScript. The same numbers are under /api/v1; see /docs.</noscript>
{%app_entry%}
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""


class _Assets(StaticFiles):
    """Files that a browser asks about each time.

    Modules import each other by plain name: a cached half of an older release would not fit.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file that must be revalidated, or 304."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response


def mount_page(server: FastAPI, assets: Sequence[str], source: Source) -> Dash:
    """Mount the page at `/`; every other route must be registered before.

    There are no callbacks: the state of the controls is the URL, and `assets/` keeps it.
    """
    folder = Path(__file__).parent / "assets"
    server.mount("/assets", _Assets(directory=folder), name="page_assets")
    page = Dash(
        __name__,
        server=server,  # type: ignore[arg-type] # annotated before Dash knew FastAPI
        assets_folder=str(folder),
        assets_ignore=r"^(?!live\.).*\.mjs$",  # live.mjs imports the others
        index_string=_INDEX.replace("THEME", theme.css_variables(figures.LENGTHS)),
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1"},
            {"name": "color-scheme", "content": "dark"},
            {"name": "theme-color", "content": theme.BACKGROUND},
        ],
        title="gammaflip",
        update_title="",
        suppress_callback_exceptions=True,
        add_log_handler=False,
    )
    page.layout = build_layout(assets, source)
    return page


def build_layout(assets: Sequence[str], source: Source) -> html.Div:
    """Return the whole page without a single number in it."""
    main = html.Main([panels.key_figures(), panels.grid()], id="main")
    return html.Div(
        [
            shell.banner(source),
            shell.header(assets),
            shell.notice(),
            shell.controls(),
            with_attributes(main, {"aria-busy": "true"}),
            shell.footer(),
            shell.help_dialog(),
        ],
        id="board",
    )
