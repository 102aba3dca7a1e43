"""Position models side by side."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.parts import heading, panel


def build() -> Component:
    """Return the view's panels."""
    return html.Div(
        panel(
            "positions-main",
            heading("positions-main", "Position models side by side", ""),
            html.Div(),
        ),
        className="grid single",
    )
