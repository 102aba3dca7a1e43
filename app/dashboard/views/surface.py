"""Gamma over spot and time."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.parts import heading, panel


def build() -> Component:
    """Return the view's panels."""
    return html.Div(
        panel("surface-main", heading("surface-main", "Gamma over spot and time", ""), html.Div()),
        className="grid single",
    )
