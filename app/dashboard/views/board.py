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
    ("gain", "Loop gain", ""),
)

_GREEKS = (
    ("gex", "GEX", "$ of delta for a move of 1 %"),
    ("vega", "Vega", "$ for one vol point"),
    ("vanna", "Vanna", "coins of delta for one vol point"),
    ("charm", "Charm", "coins of delta in one day"),
    ("oi", "OI", "open interest, coins"),
)
_BY = (("gex", "GEX", ""), ("vega", "Vega", ""), ("vanna", "Vanna", ""), ("charm", "Charm", ""))
_SPANS = (("4h", "4 h", ""), ("1d", "1 d", ""), ("1w", "1 w", ""), ("1m", "1 m", ""))
_WHEN = (
    ("now", "now", "a sudden move"),
    ("1h", "1 h", "the move within an hour"),
    ("4h", "4 h", "the move within four hours"),
    ("08", "08:00", "the move by the next settlement, 08:00 UTC"),
    ("24h", "24 h", "the move within a day"),
)
_SIZES = (
    ("0", "all", "every print"),
    ("1", "≥ 1", "from 1 coin"),
    ("10", "≥ 10", "from 10 coins"),
    ("50", "≥ 50", "from 50 coins"),
)
_GEX_KEY = (
    key("positive", "calls", "key-long"),
    key("negative", "puts", "key-short"),
    key("net", "net"),
)
_MATRIX_KEY = (
    key("flip", "flip"),
    key("pain", "max pain"),
    html.Span(
        [
            html.Span(UNKNOWN, id="scale-low"),
            html.I(),
            html.Span(UNKNOWN, id="scale-high"),
            html.Span(UNKNOWN, id="unit-matrix", className="unit"),
        ],
        className="scale",
        title="Colour is capped at the 99th percentile of the cells in sight",
    ),
)
_HISTORY_KEY = (segment("span", "Time", _SPANS, "small"),)


def build() -> Component:
    """Return key figures, charts, ladder, tape and alerts in reading order."""
    charts = html.Div(
        [
            _stack(),
            chart_panel(
                "history", "Flip against price", "", figures.flip_and_price(), _HISTORY_KEY
            ),
            chart_panel(
                "expiries",
                "By expiry",
                "",
                figures.by_expiry(),
                (segment("by", "Exposure by expiry", _BY, "small"),),
            ),
            chart_panel(
                "charm", "Charm path", "$ dealers trade by then if spot stays", figures.charm_path()
            ),
            _ladder(),
            _tape(),
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
                None,
                figures.strike_by_expiry(),
                (segment("greek", "Exposure of the map", _GREEKS, "small"), *_MATRIX_KEY),
            ),
            html.Div(html.Span(id="crosshair-value"), id="crosshair", hidden=True),
        ],
        className="stack",
        id="stack",
    )


def _table(name: str, columns: tuple[tuple[str, str, int], ...]) -> Component:
    head = html.Thead(
        html.Tr(
            [
                html.Th(word, scope="col", colSpan=width, title=title or None)
                for word, title, width in columns
            ]
        )
    )
    table = html.Table([head, html.Tbody(id=f"{name}-rows")], className=name)
    titled = {"aria-labelledby": f"title-{name}"}
    place = html.Div(with_attributes(table, titled), className="scroll", tabIndex=0, role="group")
    return with_attributes(place, titled)


def _ladder() -> Component:
    columns = (
        ("Move", "", 1),
        ("Spot", "", 1),
        ("Dealers trade", "USD of delta, re-hedged exactly", 2),
        ("gamma", "part of it that the move causes", 1),
        ("charm", "part of it that time causes, expiries unwound included", 1),
        ("vanna", "part of it that volatility causes", 1),
        ("depth", "share of what rests within 0.5 % on the side that is hit", 1),
    )
    title = heading(
        "ladder",
        "Hedge-flow ladder",
        "$",
        (segment("when", "Time that the move takes", _WHEN, "small"),),
    )
    return panel("ladder", title, _table("ladder", columns))


def _tape() -> Component:
    columns = (
        ("UTC", "", 1),
        ("Option", "", 1),
        ("Taker", "", 1),
        ("Coins", "", 1),
        ("IV", "", 1),
        ("Premium", "USD", 1),
    )
    sizes = segment("size", "Size of prints", _SIZES, "small")
    return panel(
        "tape", heading("tape", "Tape", "option prints", (sizes,)), _table("tape", columns)
    )


def _alerts() -> Component:
    body = html.Ul(html.Li("No rules yet.", className="empty"), id="alert-rows")
    link = with_attributes(
        html.A("new alert", href="/?view=alerts", className="data"), {"data-go": "alerts"}
    )
    return panel("alerts", heading("alerts", "Alerts", "webhooks", (link,)), body)


def _key_figures() -> Component:
    """Return the strip of headline numbers, and the range of net GEX over position models."""
    cards: list[Component] = [
        html.Div(
            [
                html.Dt([name, html.Small(unit, id=f"kpi-{card}-unit")]),
                html.Dd(
                    [
                        html.Strong(UNKNOWN, id=f"kpi-{card}"),
                        html.Span("", id=f"kpi-{card}-words"),
                    ]
                ),
            ],
            className="kpi",
            id=f"card-{card}",
            hidden=card == "gain",  # until the depth of the market is known
        )
        for card, name, unit in _KEY_FIGURES
    ]
    spread = html.Div(
        [
            html.Dt(["Range over models", html.Small("net GEX")]),
            html.Dd(
                [
                    html.Div(id="range-axis"),
                    html.Span(UNKNOWN, id="range-words"),
                    html.Span(UNKNOWN, id="range-ends"),
                ]
            ),
        ],
        className="kpi range",
        id="card-range",
    )
    return with_attributes(
        html.Dl([*cards, spread], className="kpis"), {"aria-label": "Key figures"}
    )
