"""Alert rules."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.parts import heading, panel


def build() -> Component:
    """Return the view's panels."""
    return html.Div(
        panel("alerts-main", heading("alerts-main", "Alert rules", ""), html.Div()),
        className="grid single",
    )
