"""Surfaces: an exposure over spot and time, spot and volatility, and by strike through the past."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.figures import AXIS, STACK_MARGIN, Part, axis, heatmap, layout, path, points
from app.dashboard.parts import UNKNOWN, chart_panel, key, segment
from app.dashboard.theme import token

_GREEKS = (
    ("gex", "GEX", "$ of delta for a move of 1 %"),
    ("flow", "Hedge flow", "coins that dealers trade from now to there"),
    ("vega", "Vega", "$ for one vol point"),
)
_REACHES = (("10", "±10 %", ""), ("20", "±20 %", ""), ("40", "±40 %", ""))
_SPANS = (("6h", "6 h", ""), ("24h", "24 h", ""), ("7d", "7 d", ""))


def build() -> Component:
    """Return the three maps."""
    zero = key("zero", "net GEX is zero")
    return html.Div(
        html.Div(
            [
                chart_panel(
                    "surface-ahead",
                    "Spot × time",
                    "",
                    ahead("hours from now"),
                    (
                        segment("greek", "Exposure", _GREEKS, "small"),
                        zero,
                        _scale("surface-ahead"),
                    ),
                ),
                chart_panel(
                    "surface-shifted",
                    "Spot × volatility",
                    "",
                    ahead("points on every volatility"),
                    (
                        segment("reach", "Reach of spot", _REACHES, "small"),
                        _scale("surface-shifted"),
                    ),
                ),
                chart_panel(
                    "surface-past",
                    "Strike × time, as it was",
                    "net GEX, $ per 1 %, all expiries and both books",
                    past(),
                    (
                        segment("span", "Time", _SPANS, "small"),
                        key("spot", "index"),
                        key("flip", "flip"),
                        _scale("surface-past"),
                    ),
                ),
            ],
            className="grid surface",
        )
    )


def _scale(name: str) -> Component:
    ends = [html.Span(UNKNOWN, id=f"{name}-low"), html.I(), html.Span(UNKNOWN, id=f"{name}-high")]
    return html.Span(
        ends, className="scale", title="Colour is capped at the 99th percentile of the cells"
    )


def ahead(across: str) -> Part:
    """One exposure by scenario, spot upwards, with the contour where net GEX is zero."""
    zero = {"symbol": "circle", "size": 4, "color": token("flip")}
    here = {"symbol": "circle-open", "size": 11, "color": token("spot"), "line": {"width": 2}}
    return {
        "data": [
            {**heatmap("exposure", "%{customdata}<extra></extra>"), "xgap": 0, "ygap": 0},
            points("net GEX is zero", "zero at %{y:,.0f}<extra></extra>", zero),
            points("now", "now<extra></extra>", here),
        ],
        "layout": layout(
            dragmode=False,
            hovermode="closest",
            margin={**STACK_MARGIN, "b": AXIS + 18},
            xaxis=axis(showgrid=False, title={"text": across, "font": {"size": 11}, "standoff": 6}),
            yaxis=axis(showgrid=False, tickformat="~s", hoverformat=",.0f", nticks=9),
        ),
    }


def past() -> Part:
    """Net GEX by strike through time, with index and flip."""
    return {
        "data": [
            {**heatmap("net GEX", "%{customdata}<extra></extra>"), "xgap": 0, "ygap": 1},
            path("index", "index %{y:,.1f}<extra></extra>", color=token("spot"), width=2),
            path("flip", "flip %{y:,.1f}<extra></extra>", color=token("flip"), width=2, dash="dot"),
        ],
        "layout": layout(
            dragmode=False,
            hovermode="closest",
            margin={**STACK_MARGIN, "b": AXIS},
            xaxis=axis(type="date", hoverformat="%d %b %H:%M UTC", tickangle=0, showgrid=False),
            yaxis=axis(showgrid=False, tickformat="~s", hoverformat=",.0f", nticks=9),
        ),
    }
