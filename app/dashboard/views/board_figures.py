"""Skeletons of the board's charts."""

from app.dashboard.figures import (
    AXIS,
    STACK_MARGIN,
    Part,
    axis,
    bars,
    heatmap,
    layout,
    path,
    points,
    strike_axis,
)
from app.dashboard.theme import token


def gex_by_strike() -> Part:
    """Calls and puts stacked from zero at each strike, their net as a tick."""
    net = points(
        "net",
        "%{customdata}<extra></extra>",
        {
            "symbol": "line-ew-open",
            "size": 9,
            "color": token("text"),
            "line": {"width": 2, "color": token("text")},
        },
    )
    return {
        "data": [
            bars("calls", hoverinfo="skip"),
            bars("puts", hoverinfo="skip"),
            net,
            bars("net alone", hoverinfo="skip"),
        ],
        "layout": layout(
            barmode="relative",
            hovermode="x",
            margin={**STACK_MARGIN, "t": 50, "b": AXIS},
            xaxis=strike_axis(),
            yaxis=axis(zeroline=True, nticks=7),
        ),
    }


def gamma_profile() -> Part:
    """Net GEX re-priced at each hypothetical spot, filled by sign."""

    def area(name: str, sign: str) -> Part:
        return {
            **path(name, "", width=0),
            "fill": "tozeroy",
            "fillcolor": token(f"{sign}-area"),
            "hoverinfo": "skip",
        }

    curve = path(
        "net GEX", "%{customdata}<extra></extra>", width=2, color=token("text"), simplify=False
    )
    here = points(
        "now",
        "",
        {"size": 8, "color": token("spot"), "line": {"width": 2, "color": token("panel")}},
    )
    return {
        "data": [
            curve,
            area("long", "positive"),
            area("short", "negative"),
            {**here, "hoverinfo": "skip"},
        ],
        "layout": layout(
            hovermode="x",
            xaxis=strike_axis(showticklabels=False),
            yaxis=axis(zeroline=True, nticks=5),
        ),
    }


def strike_by_expiry() -> Part:
    """One exposure by expiry (nearest on top) and strike, with flip and max pain of each."""
    flip = {
        "symbol": "line-ns-open",
        "size": 11,
        "color": token("flip"),
        "line": {"width": 2, "color": token("flip")},
    }
    pain = {"symbol": "diamond-open", "size": 6, "color": token("text"), "line": {"width": 1}}
    return {
        "data": [
            heatmap("exposure", "%{y} · %{x:,.0f}<br>%{customdata}<extra></extra>"),
            points("flip", "flip of %{y}: %{x:,.0f}<extra></extra>", flip),
            points("max pain", "max pain of %{y}: %{x:,.0f}<extra></extra>", pain),
        ],
        "layout": layout(
            hovermode="closest",
            margin={**STACK_MARGIN, "b": AXIS},
            xaxis=strike_axis(showgrid=False),
            yaxis=axis(type="category", autorange="reversed", showgrid=False, dtick=1),
        ),
    }


def by_expiry() -> Part:
    """One exposure by expiry, nearest on top, with the at-the-money volatility in the label."""
    return {
        "data": [
            bars(
                "exposure",
                orientation="h",
                customdata=[],
                hovertemplate="%{customdata}<extra></extra>",
            )
        ],
        "layout": layout(
            dragmode=False,
            hovermode="y",
            bargap=0.35,
            margin={"l": 110, "r": 14, "t": 4, "b": 24},
            xaxis=axis(zeroline=True, nticks=6),
            yaxis=axis(type="category", autorange="reversed", showgrid=False, ticklen=0),
        ),
    }


def flip_and_price() -> Part:
    """Price through time as candles, or as a line while there are too few; flip and walls."""

    def step(name: str, colour: str, dash: str, width: float) -> Part:
        hover = f"{name} %{{y:,.0f}}<extra></extra>"
        return path(name, hover, color=token(colour), width=width, dash=dash, shape="hv")

    def candle(colour: str, fill: str) -> Part:
        return {"line": {"color": token(colour), "width": 1}, "fillcolor": token(fill)}

    candles = {
        "type": "candlestick",
        "name": "price",
        "x": [],
        **{part: [] for part in ("open", "high", "low", "close")},
        "increasing": candle("text", "panel"),
        "decreasing": candle("text", "text"),
        "hoverinfo": "x+y",
    }
    return {
        "data": [
            candles,
            path("price", "price %{y:,.1f}<extra></extra>", color=token("spot"), width=1.5),
            step("flip", "flip", "dot", 2),
            step("call wall", "positive", "dash", 1),
            step("put wall", "negative", "dash", 1),
        ],
        "layout": layout(
            hovermode="x unified",
            dragmode=False,
            margin={"l": 12, "r": 58, "t": 6, "b": AXIS},
            xaxis=axis(
                type="date",
                hoverformat="%d %b %H:%M UTC",
                nticks=5,
                tickangle=0,
                showgrid=False,
                rangeslider={"visible": False},
            ),
            yaxis=axis(tickformat=",.0f", nticks=6, side="right"),
        ),
    }


def charm_path() -> Part:
    """What dealers must have traded by each hour if spot stays, into the next 08:00 UTC."""
    hover = "%{customdata}<extra></extra>"
    return {
        "data": [
            {
                **path("flow", hover, color=token("text"), width=2),
                "customdata": [],
            },
            {
                **path("buy", "", width=0),
                "fill": "tozeroy",
                "fillcolor": token("positive-area"),
                "hoverinfo": "skip",
            },
            {
                **path("sell", "", width=0),
                "fill": "tozeroy",
                "fillcolor": token("negative-area"),
                "hoverinfo": "skip",
            },
        ],
        "layout": layout(
            hovermode="x",
            dragmode=False,
            margin={"l": 52, "r": 14, "t": 6, "b": AXIS},
            xaxis=axis(type="date", nticks=5, tickformat="%H:%M", tickangle=0, showgrid=False),
            yaxis=axis(zeroline=True, nticks=4),
        ),
    }
