"""What-if: move spot, volatility and time, add customers' trades, see dealers' book change."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.figures import STACK_MARGIN, Part, axis, layout, path
from app.dashboard.parts import UNKNOWN, chart_panel, heading, key, panel, table, with_attributes
from app.dashboard.theme import token

_COMPARED = (
    ("gex", "Net GEX", "$ per 1 %"),
    ("regime", "Regime", ""),
    ("flip", "Gamma flip", "USD"),
    ("up", "Hedge if +1 %", "$"),
    ("down", "Hedge if −1 %", "$"),
    ("delta", "Net delta", "coins"),
    ("vega", "Net vega", "$ per pt"),
)


def build() -> Component:
    """Return scenario, trades, comparison, profile and ladder."""
    return html.Div(
        [
            _comparison(),
            html.Div(
                [
                    html.Div([_scenario(), _trades()], className="column"),
                    chart_panel(
                        "whatif",
                        "Gamma profile",
                        "net GEX, $ per 1 %, now and then",
                        profile(),
                        (key("past", "now"), key("net", "then"), key("flip", "flip")),
                    ),
                    _ladder(),
                ],
                className="grid whatif",
            ),
        ]
    )


def profile() -> Part:
    """Net GEX over spot as it is and as it would be."""

    def area(name: str, sign: str) -> Part:
        return {
            **path(name, "", width=0),
            "fill": "tozeroy",
            "fillcolor": token(f"{sign}-area"),
            "hoverinfo": "skip",
        }

    hover = "%{customdata}<extra></extra>"
    return {
        "data": [
            area("long", "positive"),
            area("short", "negative"),
            path("now", hover, width=1.5, dash="dash", color=token("faint")),
            path("then", hover, width=2.5, color=token("text")),
        ],
        "layout": layout(
            dragmode=False,
            hovermode="x unified",
            margin={**STACK_MARGIN, "t": 36, "b": 26},
            xaxis=axis(tickformat="~s", hoverformat=",.0f"),
            yaxis=axis(zeroline=True, nticks=7),
        ),
    }


def _comparison() -> Component:
    cards: list[Component] = [
        html.Div(
            [
                html.Dt([name, html.Small(unit)]),
                html.Dd(
                    [
                        html.Strong(UNKNOWN, id=f"whatif-then-{card}"),
                        html.Span(UNKNOWN, id=f"whatif-now-{card}"),
                    ]
                ),
            ],
            className="kpi",
        )
        for card, name, unit in _COMPARED
    ]
    return with_attributes(
        html.Dl(cards, className="kpis compared"), {"aria-label": "Then, and now"}
    )


def _scenario() -> Component:
    """Return sliders and the sentence about the market then; `whatif.mjs` fills them."""
    body = html.Div(
        [html.Div(id="whatif-sliders"), html.P("", id="whatif-arrival", className="sentence")],
        className="padded",
    )
    return panel(
        "whatif-market", heading("whatif-market", "The market then", "volatility by strike"), body
    )


def _trades() -> Component:
    """Return the form for a customer's trade and the list of those that were added."""
    body = html.Div(
        [
            html.Div(id="whatif-form"),
            html.Ul(id="whatif-added", className="cards"),
            html.P("", id="whatif-hedge", className="sentence"),
        ],
        className="padded scroll",
        tabIndex=0,
        role="group",
    )
    title = heading("whatif-trades", "Trades of customers", "dealers: other side")
    return panel("whatif-trades", title, body)


def _ladder() -> Component:
    head = ("Move", "Now: dealers", "Then: dealers", "Coins then")
    title = heading("whatif-flow", "Hedge flow", "$ on a sudden move, re-hedged exactly")
    rows = table("whatif-rows", head, "title-whatif-flow")
    return panel("whatif-flow", title, html.Div(rows, className="scroll", tabIndex=0, role="group"))
