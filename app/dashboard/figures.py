"""Parts that every chart is made of: axes, layout, traces, as plain dictionaries.

A view's skeletons are built from them: layout, axes, colours and empty traces. Its `.mjs` puts
numbers into them and nothing else. Colours are tokens of the theme.
"""

from typing import TypeAlias

from app.dashboard import theme
from app.dashboard.theme import token

Part: TypeAlias = dict[str, object]

CONFIG: Part = {
    "displaylogo": False,
    "displayModeBar": False,  # the panel's own menu exports
    "showSendToCloud": False,
    "responsive": False,  # the painter watches sizes
    "doubleClick": False,  # live.mjs resets the shared strike axis itself
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "gammaflip"},
}
LEFT, RIGHT, AXIS = 62, 14, 22
STACK_MARGIN: Part = {"l": LEFT, "r": RIGHT, "t": 4, "b": 4}
"""Shared by charts over strikes, so that one crosshair runs through all of them."""
LENGTHS = {"plot-left": LEFT, "plot-right": RIGHT, "plot-axis": AXIS}
"""What the stylesheet must know of the plots, in pixels."""


def axis(**changes: object) -> Part:
    """Return an axis in the style of the board."""
    return {
        "gridcolor": token("grid"),
        "zeroline": False,
        "zerolinecolor": token("faint"),
        "linecolor": token("border"),
        "tickcolor": token("border"),
        "tickfont": {"size": 11, "color": token("muted")},
        "exponentformat": "B",
        "fixedrange": True,
        **changes,
    }


def strike_axis(**changes: object) -> Part:
    """Return an axis of strikes or spot levels, which moves with its neighbours."""
    return axis(fixedrange=False, tickformat="~s", hoverformat=",.0f", **changes)


def layout(**changes: object) -> Part:
    """Return a layout in the style of the board; `meta` holds looks that come and go."""
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": theme.FONT, "size": 11, "color": token("muted")},
        "margin": STACK_MARGIN,
        "showlegend": False,
        "autosize": True,
        "uirevision": "board",
        "dragmode": "pan",
        "hoverlabel": {
            "bgcolor": token("raised"),
            "bordercolor": token("border"),
            "font": {"family": theme.FONT, "size": 12, "color": token("text")},
            "align": "left",
        },
        "meta": {"marks": MARKS, "colours": SIGN_COLOURS},
        **changes,
    }


def bars(name: str, **changes: object) -> Part:
    """Return empty bars without an outline."""
    return {
        "type": "bar",
        "name": name,
        "x": [],
        "y": [],
        "marker": {"line": {"width": 0}},
        **changes,
    }


def path(name: str, hover: str, **line: object) -> Part:
    """Return an empty line; `hover` is the template of its label."""
    return {
        "type": "scatter",
        "name": name,
        "mode": "lines",
        "x": [],
        "y": [],
        "connectgaps": False,
        "hovertemplate": hover,
        "line": line,
    }


def points(name: str, hover: str, marker: Part) -> Part:
    """Return empty markers; `hover` is the template of their label."""
    return {
        "type": "scatter",
        "name": name,
        "mode": "markers",
        "x": [],
        "y": [],
        "hovertemplate": hover,
        "marker": marker,
    }


def heatmap(name: str, hover: str) -> Part:
    """Return an empty heatmap on the scale of signs; what is not known stays open."""
    return {
        "type": "heatmap",
        "name": name,
        "x": [],
        "y": [],
        "z": [],
        "customdata": [],
        "hovertemplate": hover,
        "hoverongaps": False,
        "colorscale": theme.heat_scale(),
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }


def _line(colour: str, dash: str, width: float) -> Part:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "layer": "above",
        "line": {"color": token(colour), "width": width, "dash": dash},
    }


def _label(colour: str) -> Part:
    return {
        "xref": "x",
        "yref": "paper",
        "y": 1,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 11, "color": token(colour)},
        "bgcolor": token("panel"),
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
        "fillcolor": token(f"{colour}-zone"),
    }


SIGN_COLOURS: Part = {
    "positive": token("positive"),
    "negative": token("negative"),
    "positive_shade": token("positive-shade"),
    "negative_shade": token("negative-shade"),
}
"""Colours of bars; the shades are for puts stacked on calls of the same sign."""
MARKS: Part = {
    "spot": {"line": _line("spot", "solid", 1.5), "label": _label("spot")},
    "flip": {"line": _line("flip", "dot", 2), "label": _label("flip")},
    "weak_flip": {"line": _line("flip", "dot", 1), "label": _label("flip")},
    "call_wall": {"line": _line("positive", "dash", 1), "label": _label("positive")},
    "put_wall": {"line": _line("negative", "dash", 1), "label": _label("negative")},
    "pin": {"line": _line("muted", "dashdot", 1), "label": _label("muted")},
    "long_zone": _zone("positive"),
    "short_zone": _zone("negative"),
}
"""Looks of levels over a strike axis; `assets/levels.mjs` places them."""
