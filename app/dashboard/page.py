"""Puts the page on the server: shell, views and assets. Numbers arrive over the stream."""

import re
from collections.abc import Sequence
from pathlib import Path

from dash import Dash, hooks, html
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from app.dashboard import charting, figures, shell, theme
from app.dashboard.parts import with_attributes
from app.dashboard.plain import Plain
from app.dashboard.view import View
from app.dashboard.views import VIEWS
from app.settings import Source

ASSETS = Path(__file__).parent / "assets"
# of Dash's own scripts: what no part of this page is made of, and what browsers lacked in 2017
_UNUSED = re.compile(r'<script src="[^"]*/(?:dcc/|dash_table/|deps/polyfill@)[^"]*"></script>\n?')
_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<link rel="preload" href="/assets/inter.woff2" as="font" type="font/woff2" crossorigin>
<style>THEME</style>
{%css%}
<script src="/assets/early.js"></script>
<script src="CHARTING" defer></script>
</head>
<body>
<noscript>The board needs JavaScript. The same numbers are under /api/v1; see /docs.</noscript>
{%app_entry%}
<div hidden>{%config%}{%scripts%}{%renderer%}</div>
MODULES
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
    server.mount("/assets", _Assets(directory=ASSETS), name="page_assets")
    index = (
        _INDEX.replace("THEME", theme.style_rules(figures.LENGTHS))
        .replace("CHARTING", charting.serve(server))
        .replace("MODULES", "\n".join(_module_links()))
    )
    page = Dash(
        __name__,
        server=server,  # type: ignore[arg-type] # annotated before Dash knew FastAPI
        assets_folder=str(ASSETS),
        assets_ignore=r"^early\.js$|^(?!live\.).*\.mjs$",  # live.mjs imports the others
        index_string=index,
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1"},
            {
                "name": "theme-color",
                "content": theme.colours(theme.Theme.DARK, theme.Palette.SAFE)["background"],
            },
        ],
        title="gammaflip",
        update_title="",
        suppress_callback_exceptions=True,
        add_log_handler=False,
    )
    parts = build_layout(assets, source)
    page.layout = html.Div([Plain(part) for part in parts.children], id="board")
    return page


def panel_names(assets: Sequence[str], source: Source) -> list[str]:
    """Return the names of the panels that can stand alone, in the order of the page."""
    names = build_layout(assets, source)
    return [name.removeprefix("panel-") for name in names if name.startswith("panel-")]


@hooks.index()  # type: ignore[untyped-decorator]
def _without_unused(index: str) -> str:
    return _UNUSED.sub("", index)


def _module_links() -> list[str]:
    """Return what makes a browser ask for all modules at once, not import by import."""
    names = (path.relative_to(ASSETS).as_posix() for path in sorted(ASSETS.rglob("*.mjs")))
    return [
        f'<link rel="modulepreload" href="/assets/{name}" fetchpriority="low">'
        for name in names
        if name != "live.mjs"
    ]


def build_layout(assets: Sequence[str], source: Source) -> html.Div:
    """Return the whole page without a single number in it."""
    main = html.Main([_view(view) for view in VIEWS], id="main")
    return html.Div(
        [
            shell.banner(source),
            shell.header(),
            shell.controls(assets),
            shell.notice(),
            shell.locked(),
            with_attributes(main, {"aria-busy": "true"}),
            shell.footer(),
            shell.help_dialog(),
            shell.display_dialog(),
            shell.table_dialog(),
        ],
        id="board",
    )


def _view(view: View) -> html.Div:
    body = html.Div(view.build(), id=f"view-{view.name}", className="view", hidden=True)
    return with_attributes(body, {"data-view": view.name})
