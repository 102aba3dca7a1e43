"""Feedback: the loops through which a move comes back, forced trading, a simulated market."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.figures import STACK_MARGIN, Part, axis, bars, layout, path
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
            html.Div([_ladder(), _market(), _rests()], className="grid feedback"),
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


def _market() -> Component:
    """Return the simulator; `feedback_fan.mjs` fills form and figures."""
    name, title = "feedback-fan", "Simulated market"
    keys = (
        html.Span("simulated", className="badge"),
        key("fan", "with hedging"),
        key("past", "without"),
        menu(name, title),
    )
    body = html.Div(
        [
            html.Div(id="feedback-form", className="padded"),
            chart(name, title, fan()),
            with_attributes(
                html.Dl(id="feedback-figures", className="kpis fan"),
                {"aria-label": "With hedging, and without"},
            ),
            html.P("", id="feedback-fan-words", className="sentence padded", role="status"),
        ],
        className="column charted",
    )
    return panel(name, heading(name, title, "price, 5 to 95 % of the paths", keys), body)


def fan() -> Part:
    """Quantiles of the price by hour: with hedging as areas, without as dashed lines."""
    hover = "%{customdata}<extra></extra>"
    silent = {"hoverinfo": "skip", "hovertemplate": None}

    def curve(quantile: int, width: float, colour: str, area: str | None = None) -> Part:
        line = path(f"with {quantile} %", hover, width=width, color=token(colour))
        fill = {} if area is None else {"fill": "tonexty", "fillcolor": token(f"positive-{area}")}
        return {**line, **fill}

    def dashed(quantile: int) -> Part:
        return path(f"without {quantile} %", hover, width=1.5, dash="dash", color=token("muted"))

    return {
        "data": [
            curve(5, 1, "positive"),
            {**curve(25, 0, "positive", "zone"), **silent},
            curve(50, 2.5, "text", "area"),
            {**curve(75, 0, "positive", "area"), **silent},
            curve(95, 1, "positive", "zone"),
            *map(dashed, (5, 50, 95)),
        ],
        "layout": layout(
            dragmode=False,
            hovermode="x unified",
            margin={**STACK_MARGIN, "b": 40},
            xaxis=axis(
                title={"text": "hours from now", "font": {"size": 11}, "standoff": 6},
                showgrid=False,
            ),
            yaxis=axis(tickformat="~s", nticks=6),
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
