"""About the numbers: conventions and limits from our own pages, coverage from the feed."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.parts import heading, panel, table, with_attributes
from app.dashboard.prose import read_page, render_prose, section_titles

_PAGES = (
    ("conventions", "Conventions and formulas", "conventions.md"),
    ("limits", "What the numbers do not mean", "limits.md"),
)


def build() -> Component:
    """Return coverage and contents beside the pages."""
    pages = [
        panel(
            f"about-{name}",
            heading(f"about-{name}", title, ""),
            html.Div(render_prose(read_page(file), f"about-{name}"), className="prose"),
        )
        for name, title, file in _PAGES
    ]
    return html.Div(
        html.Div(
            [
                html.Div([_coverage(), _contents()], className="column"),
                with_attributes(
                    html.Div(pages, className="column pages", tabIndex=0, role="region"),
                    {"aria-label": "Conventions and limits"},
                ),
            ],
            className="grid about",
        )
    )


def _coverage() -> Component:
    title = heading("about-coverage", "Data coverage", "now")
    body = html.Div(
        [
            html.P("", id="about-source", className="sentence"),
            table("about-quality", ("Options", "Count"), "title-about-coverage"),
            table(
                "about-assets",
                ("Asset", "Status", "Age", "Books", "Expiries"),
                "title-about-coverage",
            ),
        ],
        className="padded",
    )
    return panel("about-coverage", title, body)


def _contents() -> Component:
    entries = [
        html.Li(html.A(title, href=f"#about-{name}-{place}"))
        for name, _, file in _PAGES
        for place, title in enumerate(section_titles(read_page(file)), start=1)
    ]
    more = [
        html.Li(html.A("Every address and field of the API", href="/docs")),
        html.Li(html.A("Readiness, check by check", href="/readyz")),
    ]
    body = html.Ul([*entries, *more], className="contents padded")
    return panel("about-contents", heading("about-contents", "Contents", ""), body)
