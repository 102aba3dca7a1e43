"""Skeletons of the charts: layout, axes, colours and empty traces, as plain dictionaries.

`assets/charts.mjs` puts numbers into them and nothing else; it finds the looks of lines and
labels that come and go (spot, flips, walls) and the colours of signs under `layout.meta`.
"""

from typing import TypeAlias

from app.dashboard import theme

Part: TypeAlias = dict[str, object]

CONFIG: Part = {
    "displaylogo": False,
    "showSendToCloud": False,
    "responsive": True,
    "doubleClick": False,  # live.js resets the shared strike axis itself
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "gammaflip"},
}
LEFT, RIGHT, AXIS = 62, 14, 22
STACK_MARGIN: Part = {"l": LEFT, "r": RIGHT, "t": 4, "b": 4}
"""Shared by the three charts over strikes, so that one crosshair runs through all of them."""
LENGTHS = {"plot-left": LEFT, "plot-right": RIGHT, "plot-axis": AXIS}
"""What the stylesheet must know of the plots, in pixels."""


def _axis(**changes: object) -> Part:
    return {
        "gridcolor": theme.GRID,
        "zeroline": False,
        "linecolor": theme.BORDER,
        "tickcolor": theme.BORDER,
        "tickfont": {"size": 11, "color": theme.MUTED},
        "exponentformat": "B",
        "fixedrange": True,
        **changes,
    }


def _strike_axis(**changes: object) -> Part:
    return _axis(fixedrange=False, tickformat="~s", hoverformat=",.0f", **changes)


def _layout(**changes: object) -> Part:
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": theme.FONT, "size": 11, "color": theme.MUTED},
        "margin": STACK_MARGIN,
        "showlegend": False,
        "autosize": True,
        "uirevision": "board",
        "dragmode": "pan",
        "hoverlabel": {
            "bgcolor": theme.RAISED,
            "bordercolor": theme.BORDER,
            "font": {"family": theme.FONT, "size": 12, "color": theme.TEXT},
            "align": "left",
        },
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": theme.FAINT,
            "activecolor": theme.TEXT,
        },
        "meta": {"marks": MARKS, "colours": dict(theme.SIGN_COLOURS)},
        **changes,
    }


def _line(colour: str, dash: str, width: float) -> Part:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "layer": "above",
        "line": {"color": colour, "width": width, "dash": dash},
    }


def _label(colour: str) -> Part:
    return {
        "xref": "x",
        "yref": "paper",
        "y": 1,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 11, "color": colour},
        "bgcolor": theme.PANEL,
        "borderpad": 1,
    }


def _zone(colour: str) -> Part:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "layer": "below",
        "line": {"width": 0},
        "fillcolor": theme.with_alpha(colour, 0.05),
    }


MARKS: Part = {
    "spot": {"line": _line(theme.SPOT, "solid", 1.5), "label": _label(theme.SPOT)},
    "flip": {"line": _line(theme.FLIP, "dot", 2), "label": _label(theme.FLIP)},
    "weak_flip": {"line": _line(theme.FLIP, "dot", 1), "label": _label(theme.FLIP)},
    "call_wall": {"line": _line(theme.POSITIVE, "dash", 1), "label": _label(theme.POSITIVE)},
    "put_wall": {"line": _line(theme.NEGATIVE, "dash", 1), "label": _label(theme.NEGATIVE)},
    "long_zone": _zone(theme.POSITIVE),
    "short_zone": _zone(theme.NEGATIVE),
}


def _bars(name: str, **changes: object) -> Part:
    return {
        "type": "bar",
        "name": name,
        "x": [],
        "y": [],
        "marker": {"line": {"width": 0}},
        **changes,
    }


def gex_by_strike() -> Part:
    """Calls and puts stacked from zero at each strike, their net as a white tick."""
    net = {
        "type": "scatter",
        "name": "net",
        "mode": "markers",
        "x": [],
        "y": [],
        "customdata": [],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {
            "symbol": "line-ew-open",
            "size": 9,
            "color": theme.TEXT,
            "line": {"width": 2, "color": theme.TEXT},
        },
    }
    return {
        "data": [_bars("calls", hoverinfo="skip"), _bars("puts", hoverinfo="skip"), net],
        "layout": _layout(
            barmode="relative",
            hovermode="x",
            margin={**STACK_MARGIN, "t": 36, "b": AXIS},
            xaxis=_strike_axis(),
            yaxis=_axis(zeroline=True, zerolinecolor=theme.FAINT, nticks=9),
        ),
    }


def gamma_profile() -> Part:
    """Net GEX re-priced at each hypothetical spot; blue above zero, orange below."""

    def area(name: str, colour: str) -> Part:
        return {
            "type": "scatter",
            "name": name,
            "mode": "lines",
            "x": [],
            "y": [],
            "line": {"width": 0},
            "fill": "tozeroy",
            "fillcolor": theme.with_alpha(colour, 0.26),
            "hoverinfo": "skip",
        }

    curve = {
        "type": "scatter",
        "name": "net GEX",
        "mode": "lines",
        "x": [],
        "y": [],
        "customdata": [],
        "hovertemplate": "%{customdata}<extra></extra>",
        "line": {"width": 2, "color": theme.TEXT, "simplify": False},
    }
    here = {
        "type": "scatter",
        "name": "now",
        "mode": "markers",
        "x": [],
        "y": [],
        "hoverinfo": "skip",
        "marker": {"size": 8, "color": theme.SPOT, "line": {"width": 2, "color": theme.PANEL}},
    }
    return {
        "data": [curve, area("long", theme.POSITIVE), area("short", theme.NEGATIVE), here],
        "layout": _layout(
            hovermode="x",
            xaxis=_strike_axis(showticklabels=False),
            yaxis=_axis(zeroline=True, zerolinecolor=theme.FAINT, nticks=5),
        ),
    }


def strike_by_expiry() -> Part:
    """Net GEX by expiry (nearest on top) and strike, with each expiry's flip and max pain."""

    def points(name: str, marker: Part) -> Part:
        return {
            "type": "scatter",
            "name": name,
            "mode": "markers",
            "x": [],
            "y": [],
            "hovertemplate": f"{name} of %{{y}}: %{{x:,.0f}}<extra></extra>",
            "marker": marker,
        }

    cells = {
        "type": "heatmap",
        "name": "net GEX",
        "x": [],
        "y": [],
        "z": [],
        "customdata": [],
        "hovertemplate": "%{y} · %{x:,.0f}<br>%{customdata}<extra></extra>",
        "hoverongaps": False,
        "colorscale": theme.diverging_scale(),
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }
    flip = {
        "symbol": "line-ns-open",
        "size": 11,
        "color": theme.FLIP,
        "line": {"width": 2, "color": theme.FLIP},
    }
    pain = {"symbol": "diamond-open", "size": 6, "color": theme.TEXT, "line": {"width": 1}}
    return {
        "data": [cells, points("flip", flip), points("max pain", pain)],
        "layout": _layout(
            hovermode="closest",
            margin={**STACK_MARGIN, "b": AXIS},
            xaxis=_strike_axis(showgrid=False),
            yaxis=_axis(type="category", autorange="reversed", showgrid=False, dtick=1),
        ),
    }


def by_expiry() -> Part:
    """One exposure by expiry, nearest on top, with the at-the-money volatility in the label."""
    bars = _bars(
        "exposure",
        orientation="h",
        customdata=[],
        hovertemplate="%{customdata}<extra></extra>",
    )
    return {
        "data": [bars],
        "layout": _layout(
            dragmode=False,
            hovermode="y",
            bargap=0.35,
            margin={"l": 104, "r": 14, "t": 4, "b": 24},
            xaxis=_axis(zeroline=True, zerolinecolor=theme.FAINT, nticks=7),
            yaxis=_axis(type="category", autorange="reversed", showgrid=False),
        ),
    }


def flip_and_price() -> Part:
    """The flip level against the index since the page was opened."""

    def path(name: str, **line: object) -> Part:
        return {
            "type": "scatter",
            "name": name,
            "mode": "lines",
            "x": [],
            "y": [],
            "connectgaps": False,
            "hovertemplate": f"{name} %{{y:,.1f}}<extra></extra>",
            "line": line,
        }

    return {
        "data": [
            path("index", color=theme.SPOT, width=1.5),
            path("flip", color=theme.FLIP, width=2, dash="dot"),
        ],
        "layout": _layout(
            dragmode=False,
            hovermode="x unified",
            margin={"l": 58, "r": 14, "t": 6, "b": 24},
            xaxis=_axis(
                type="date", hoverformat="%H:%M:%S UTC", nticks=4, tickangle=0, showgrid=False
            ),
            yaxis=_axis(tickformat=",.0f", nticks=6),
        ),
    }
