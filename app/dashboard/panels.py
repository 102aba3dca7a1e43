"""The panels: key figures, charts, hedge-flow ladder, alerts. Empty until the stream speaks."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from app.dashboard import figures
from app.dashboard.attributes import with_attributes

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
_UNKNOWN = "–"


def key_figures() -> Component:
    """Return the strip of headline numbers, and the range of net GEX over position models."""
    cards: list[Component] = [
        html.Div(
            [
                html.Dt([name, html.Small(unit)]),
                html.Dd(
                    [
                        html.Strong(_UNKNOWN, id=f"kpi-{key}"),
                        html.Span("", id=f"kpi-{key}-words"),
                    ]
                ),
            ],
            className="kpi",
            id=f"card-{key}",
        )
        for key, name, unit in _KEY_FIGURES
    ]
    spread = html.Div(
        [
            html.Dt(["Range over models", html.Small("net GEX")]),
            html.Dd([html.Div(id="range-axis"), html.Span(_UNKNOWN, id="range-words")]),
        ],
        className="kpi range",
        id="card-range",
    )
    return with_attributes(
        html.Dl([*cards, spread], className="kpis"), {"aria-label": "Key figures"}
    )


def _exposure_switch() -> Component:
    return with_attributes(
        html.Div(
            [
                with_attributes(
                    html.Button(
                        word,
                        type="button",
                    ),
                    {"data-choice": "by", "data-value": column, "aria-pressed": pressed},
                )
                for word, column, pressed in (
                    ("Vega", "vega_usd_per_pt", "true"),
                    ("GEX", "gex_usd_per_1pct", "false"),
                )
            ],
            className="segment small",
            role="group",
        ),
        {"aria-label": "Exposure by expiry", "data-segment": "by"},
    )


def grid() -> Component:
    """Return the charts, the ladder and the alerts in reading order."""
    stack = html.Div(
        [
            _chart(
                "gex",
                "GEX by strike",
                "$ per 1 %",
                figures.gex_by_strike(),
                (*_GEX_KEY, _data_link("gex")),
            ),
            _chart(
                "profile",
                "Gamma profile",
                "net GEX if spot moved",
                figures.gamma_profile(),
                (_data_link("profile"),),
            ),
            _chart(
                "matrix",
                "Strike × expiry",
                "net GEX",
                figures.strike_by_expiry(),
                (*_MATRIX_KEY, _data_link("matrix")),
            ),
            html.Div(html.Span(id="crosshair-value"), id="crosshair", hidden=True),
        ],
        className="stack",
        id="stack",
    )
    return html.Div(
        [
            stack,
            _chart(
                "expiries",
                "By expiry",
                "$ per pt · IV",
                figures.by_expiry(),
                (_exposure_switch(), _data_link("expiries")),
            ),
            _chart(
                "history",
                "Flip against price",
                "this visit",
                figures.flip_and_price(),
                _HISTORY_KEY,
            ),
            _ladder(),
            _alerts(),
        ],
        className="grid",
    )


def _key(kind: str, word: str, name: str | None = None) -> Component:
    text = html.Span(word) if name is None else html.Span(word, id=name)
    return html.Span([html.I(className=f"swatch {kind}"), text], className="key")


_GEX_KEY = (
    _key("positive", "calls", "key-calls"),
    _key("negative", "puts", "key-puts"),
    _key("net", "net"),
)
_MATRIX_KEY = (
    _key("flip", "flip"),
    _key("pain", "max pain"),
    html.Span(
        [html.Span(_UNKNOWN, id="scale-low"), html.I(), html.Span(_UNKNOWN, id="scale-high")],
        className="scale",
        title="Colour grows with the square root and is capped at the 99th percentile",
    ),
)
_HISTORY_KEY = (_key("spot", "index"), _key("flip", "flip"))


def _heading(key: str, title: str, unit: str, extra: Sequence[Component]) -> Component:
    return html.Div(
        [
            html.H2(title, id=f"title-{key}"),
            html.Span(unit, id=f"unit-{key}", className="unit"),
            html.Span(className="spring"),
            *extra,
        ],
        className="heading",
    )


def _panel(key: str, heading: Component, body: Component) -> Component:
    return with_attributes(
        html.Section(
            [heading, body],
            id=f"panel-{key}",
            className="panel",
            tabIndex=-1,
        ),
        {"aria-labelledby": f"title-{key}"},
    )


def _chart(
    key: str, title: str, unit: str, figure: figures.Part, extra: Sequence[Component]
) -> Component:
    """Return a panel with a skeleton chart."""
    graph = dcc.Graph(
        id=f"chart-{key}",
        figure=figure,
        config=figures.CONFIG,  # type: ignore[arg-type] # its type lacks showSendToCloud
    )
    body = with_attributes(
        html.Div(
            graph,
            className="chart",
            id=f"box-{key}",
            role="img",
        ),
        {"aria-label": f"Chart: {title}, {unit}. The same numbers are behind the data link."},
    )
    return _panel(key, _heading(key, title, unit, extra), body)


def _data_link(key: str) -> Component:
    """Link to the same numbers as a table; live.mjs keeps its address."""
    return html.A("data", id=f"data-{key}", className="data", href="/docs")


def _ladder() -> Component:
    columns = (("Move", 1), ("Spot", 1), ("Dealers trade", 2), ("Coins", 1))
    head = html.Thead(
        html.Tr([html.Th(name, scope="col", colSpan=width) for name, width in columns])
    )
    table = with_attributes(
        html.Table(
            [head, html.Tbody(id="ladder-rows")],
            className="ladder",
        ),
        {"aria-labelledby": "title-ladder"},
    )
    unit = "$, re-hedged exactly"
    heading = _heading("ladder", "Hedge-flow ladder", unit, (_data_link("ladder"),))
    return _panel("ladder", heading, html.Div(table, className="scroll"))


def _alerts() -> Component:
    link = html.A("how to", href="/docs", className="data")
    body = html.Ul(html.Li("No rules yet.", className="empty"), id="alert-rows")
    return _panel("alerts", _heading("alerts", "Alerts", "webhooks", (link,)), body)
