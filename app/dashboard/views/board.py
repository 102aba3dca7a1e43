"""The board: key figures, charts, hedge-flow ladder, alerts. Empty until the stream speaks."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.parts import (
    UNKNOWN,
    chart_panel,
    heading,
    key,
    panel,
    segment,
    with_attributes,
)
from app.dashboard.views import board_figures as figures

_KEY_FIGURES = (
    ("gex", "Net GEX", "$ per 1 %"),
    ("flip", "Gamma flip", "USD"),
    ("call-wall", "Call wall", "USD"),
    ("put-wall", "Put wall", "USD"),
    ("up", "Hedge if +1 %", "$"),
    ("down", "Hedge if −1 %", "$"),
    ("vega", "Net vega", "$ per pt"),
    ("iv", "ATM IV", "30 days"),
)

_GREEKS = (
    ("gex", "GEX", "$ of delta for a move of 1 %"),
    ("vega", "Vega", "$ for one vol point"),
    ("vanna", "Vanna", "coins of delta for one vol point"),
    ("charm", "Charm", "coins of delta in one day"),
    ("oi", "OI", "open interest, coins"),
)
_BY = (("vega", "Vega", ""), ("gex", "GEX", ""))
_GEX_KEY = (
    key("positive", "calls", "key-calls"),
    key("negative", "puts", "key-puts"),
    key("net", "net"),
)
_MATRIX_KEY = (
    key("flip", "flip"),
    key("pain", "max pain"),
    html.Span(
        [html.Span(UNKNOWN, id="scale-low"), html.I(), html.Span(UNKNOWN, id="scale-high")],
        className="scale",
        title="Colour is capped at the 99th percentile of the cells in sight",
    ),
)
_HISTORY_KEY = (key("spot", "index"), key("flip", "flip"))


def build() -> Component:
    """Return key figures, charts, ladder and alerts in reading order."""
    charts = html.Div(
        [
            _stack(),
            chart_panel(
                "expiries",
                "By expiry",
                "$ per pt · IV",
                figures.by_expiry(),
                (segment("by", "Exposure by expiry", _BY, "small"),),
            ),
            chart_panel(
                "history", "Flip against price", "", figures.flip_and_price(), _HISTORY_KEY
            ),
            _ladder(),
            _alerts(),
        ],
        className="grid board",
    )
    return html.Div([_key_figures(), charts])


def _stack() -> Component:
    """Return the charts over strikes, which share their axis and one crosshair."""
    return html.Div(
        [
            chart_panel("gex", "GEX by strike", "$ per 1 %", figures.gex_by_strike(), _GEX_KEY),
            chart_panel("profile", "Gamma profile", "if spot moved", figures.gamma_profile()),
            chart_panel(
                "matrix",
                "Strike × expiry",
                "",
                figures.strike_by_expiry(),
                (segment("greek", "Exposure of the map", _GREEKS, "small"), *_MATRIX_KEY),
            ),
            html.Div(html.Span(id="crosshair-value"), id="crosshair", hidden=True),
        ],
        className="stack",
        id="stack",
    )


def _ladder() -> Component:
    columns = (("Move", 1), ("Spot", 1), ("Dealers trade", 2), ("Coins", 1))
    head = html.Thead(
        html.Tr([html.Th(name, scope="col", colSpan=width) for name, width in columns])
    )
    table = with_attributes(
        html.Table([head, html.Tbody(id="ladder-rows")], className="ladder"),
        {"aria-labelledby": "title-ladder"},
    )
    title = heading("ladder", "Hedge-flow ladder", "$, re-hedged exactly")
    return panel("ladder", title, html.Div(table, className="scroll"))


def _alerts() -> Component:
    body = html.Ul(html.Li("No rules yet.", className="empty"), id="alert-rows")
    return panel("alerts", heading("alerts", "Alerts", "webhooks"), body)


def _key_figures() -> Component:
    """Return the strip of headline numbers, and the range of net GEX over position models."""
    cards: list[Component] = [
        html.Div(
            [
                html.Dt([name, html.Small(unit)]),
                html.Dd(
                    [
                        html.Strong(UNKNOWN, id=f"kpi-{card}"),
                        html.Span("", id=f"kpi-{card}-words"),
                    ]
                ),
            ],
            className="kpi",
            id=f"card-{card}",
        )
        for card, name, unit in _KEY_FIGURES
    ]
    spread = html.Div(
        [
            html.Dt(["Range over models", html.Small("net GEX")]),
            html.Dd([html.Div(id="range-axis"), html.Span(UNKNOWN, id="range-words")]),
        ],
        className="kpi range",
        id="card-range",
    )
    return with_attributes(
        html.Dl([*cards, spread], className="kpis"), {"aria-label": "Key figures"}
    )
