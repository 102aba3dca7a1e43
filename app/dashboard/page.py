"""Puts the page on the server: shell, skeletons and assets. Numbers arrive over the stream."""

from collections.abc import Sequence
from pathlib import Path

from dash import Dash, html
from fastapi import FastAPI

from app.dashboard import figures, panels, shell, theme
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


def mount_page(server: FastAPI, assets: Sequence[str], source: Source) -> Dash:
    """Mount the page at `/`; every other route must be registered before.

    There are no callbacks: the state of the controls is the URL, and `assets/` keeps it.
    """
    page = Dash(
        __name__,
        server=server,
        assets_folder=str(Path(__file__).parent / "assets"),
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
    return html.Div(
        [
            shell.banner(source),
            shell.header(assets),
            shell.notice(),
            shell.controls(),
            html.Main(
                [panels.key_figures(), panels.grid()],
                id="main",
                **{"aria-busy": "true"},
            ),
            shell.footer(),
            shell.help_dialog(),
        ],
        id="board",
        **{"data-source": source.value},
    )
