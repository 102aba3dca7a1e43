"""Feedback: the loops through which a move comes back, and the modelled ladder of liquidations."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.figures import STACK_MARGIN, Part, axis, bars, layout
from app.dashboard.parts import chart, heading, key, menu, panel, table, with_attributes
from app.dashboard.theme import token

_RESTS = ("Rests on", "Value", "Known how")


def build() -> Component:
    """Return loops, ladder and what they rest on."""
    return html.Div(
        [
            with_attributes(
                html.Ul(id="feedback-loops", className="loops"), {"aria-label": "Feedback loops"}
            ),
            html.Div([_ladder(), _rests()], className="grid feedback"),
        ]
    )


def _ladder() -> Component:
    name, title = "feedback-ladder", "Liquidation ladder"
    keys = (
        html.Span("modelled", className="badge"),
        key("negative", "longs sold"),
        key("positive", "shorts bought"),
        key("spot", "index"),
        menu(name, title),
    )
    body = html.Div(
        [
            chart(name, title, ladder()),
            html.P("", id="feedback-ladder-words", className="sentence padded"),
        ],
        className="column charted",
    )
    return panel(name, heading(name, title, "$ forced in each half per cent", keys), body)


def ladder() -> Part:
    """USD of forced trading by price, sold below spot and bought above."""
    hover = "%{customdata}<extra></extra>"
    return {
        "data": [
            bars(
                "sold",
                marker={"color": token("negative"), "line": {"width": 0}},
                hovertemplate=hover,
            ),
            bars(
                "bought",
                marker={"color": token("positive"), "line": {"width": 0}},
                hovertemplate=hover,
            ),
        ],
        "layout": layout(
            dragmode=False,
            hovermode="x",
            bargap=0.08,
            barmode="overlay",
            margin={**STACK_MARGIN, "t": 22, "b": 26},
            xaxis=axis(tickformat="~s", hoverformat=",.0f", showgrid=False),
            yaxis=axis(zeroline=True, nticks=6, tickformat="~s"),
        ),
    }


def _rests() -> Component:
    title = heading(
        "feedback-rests", "What the loops rest on", "what is assumed can be set over REST"
    )
    rows = table("feedback-rests-rows", _RESTS, "title-feedback-rests")
    return panel(
        "feedback-rests", title, html.Div(rows, className="scroll", tabIndex=0, role="group")
    )
