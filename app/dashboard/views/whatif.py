"""What if."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.parts import heading, panel


def build() -> Component:
    """Return the view's panels."""
    return html.Div(
        panel("whatif-main", heading("whatif-main", "What if", ""), html.Div()),
        className="grid single",
    )
