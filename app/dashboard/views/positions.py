"""Positions: the models side by side, their intervals, what moves the flip, what comes first."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.figures import Part, axis, layout, points
from app.dashboard.parts import chart_panel, heading, key, panel, table
from app.dashboard.theme import token

_COLUMNS = (
    "Model", "Net GEX", "5 % to 95 %", "Regime", "P(short)", "Flip", "5 % to 95 %", "P(no flip)",
    "Net vega", "Net delta", "Coverage", "Rests on",
)  # fmt: skip


def build() -> Component:
    """Return comparison, intervals, stability and margins."""
    marks = (key("interval", "5 % to 95 %"), key("point", "estimate"))
    nets = interval_figure("net GEX", spot=False)
    flips = interval_figure("flip", spot=True)
    return html.Div(
        html.Div(
            [
                _models(),
                chart_panel("positions-gex", "Net GEX by model", "$ per 1 %", nets, marks),
                chart_panel(
                    "positions-flip", "Flip by model", "USD", flips, (*marks, key("spot", "index"))
                ),
                _stability(),
                _margin(),
            ],
            className="grid positions",
        )
    )


def _models() -> Component:
    title = heading(
        "positions-models", "Who holds what", "each model is an assumption; press one to use it"
    )
    body = html.Div(
        [
            table("positions-rows", _COLUMNS, "title-positions-models"),
            html.P("", id="positions-range", className="sentence padded"),
        ],
        className="scroll",
        tabIndex=0,
        role="group",
    )
    return panel("positions-models", title, body)


def _stability() -> Component:
    columns = ("If", "the flip moves by", "to", "% of spot")
    body = html.Div(
        [
            html.P("", id="positions-flip-words", className="sentence padded"),
            table("positions-shifts", columns, "title-positions-stability"),
        ],
        className="scroll",
        tabIndex=0,
        role="group",
    )
    title = heading("positions-stability", "How firmly the flip stands", "")
    return panel("positions-stability", title, body)


def _margin() -> Component:
    body = html.Div(
        [
            html.P("", id="positions-first", className="sentence padded"),
            html.Div(id="positions-margins", className="padded"),
        ],
        className="scroll",
        tabIndex=0,
        role="group",
    )
    title = heading("positions-margin", "What would change the regime first", "")
    return panel("positions-margin", title, body)


def interval_figure(name: str, *, spot: bool) -> Part:
    """One row a model: its 5 to 95 % interval as a bar, its estimate as a mark."""
    bar = {
        "type": "bar",
        "name": f"{name}, 5 % to 95 %",
        "orientation": "h",
        "x": [],
        "y": [],
        "base": [],
        "width": 0.34,
        "hoverinfo": "skip",
        "marker": {"color": token("faint"), "opacity": 0.45, "line": {"width": 0}},
    }
    mark = {
        "symbol": "line-ns-open",
        "size": 20,
        "color": token("text"),
        "line": {"width": 3, "color": token("text")},
    }
    return {
        "data": [
            bar,
            {**points(name, "%{customdata}<extra></extra>", mark), "customdata": []},
        ],
        "layout": layout(
            dragmode=False,
            hovermode="closest",
            margin={"l": 112, "r": 24, "t": 6, "b": 26},
            xaxis=axis(zeroline=not spot, nticks=6, tickformat="~s"),
            yaxis=axis(type="category", autorange="reversed", showgrid=False, ticklen=0),
        ),
    }
