"""About the numbers."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.parts import heading, panel


def build() -> Component:
    """Return the view's panels."""
    return html.Div(
        panel("about-main", heading("about-main", "About the numbers", ""), html.Div()),
        className="grid single",
    )
