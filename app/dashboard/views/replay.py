"""Replay: the kept past minute by minute, apart from what is live."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.figures import STACK_MARGIN, Part, axis, layout, path
from app.dashboard.parts import UNKNOWN, chart_panel, heading, key, panel, segment, with_attributes
from app.dashboard.theme import token
from app.dashboard.views.board_figures import gex_by_strike

_SPANS = (("24h", "24 h", ""), ("6h", "6 h", ""), ("7d", "7 d", ""), ("30d", "30 d", ""))
_SPEEDS = (
    ("1", "1×", "a minute of the past each second"),
    ("5", "5×", "five minutes each second"),
    ("20", "20×", "twenty minutes each second"),
)
_FACTS = (
    ("spot", "Index", "USD"),
    ("gex", "Net GEX", "$ per 1 %"),
    ("regime", "Regime", ""),
    ("flip", "Gamma flip", "USD"),
    ("call-wall", "Call wall", "USD"),
    ("put-wall", "Put wall", "USD"),
)


def build() -> Component:
    """Return the player, the figures of that minute, its strikes, and the whole range."""
    return html.Div(
        [
            _player(),
            _figures(),
            html.Div(
                [
                    chart_panel(
                        "replay-gex",
                        "GEX by strike, then",
                        "$ per 1 %, all expiries and both books",
                        gex_by_strike(),
                        (
                            key("positive", "calls", "replay-long"),
                            key("negative", "puts", "replay-short"),
                            key("net", "net"),
                        ),
                    ),
                    chart_panel(
                        "replay-path",
                        "Index and flip",
                        "USD; press to go there",
                        whole_range(),
                        (key("spot", "index"), key("flip", "flip")),
                    ),
                ],
                className="grid replay",
            ),
        ]
    )


def _button(name: str, word: str, label: str) -> Component:
    button = html.Button(word, type="button", id=name, className="button", title=label)
    return with_attributes(button, {"aria-label": label})


def _player() -> Component:
    """Return buttons, slider and the instant in sight; `replay.mjs` adds the slider."""
    body = html.Div(
        [
            _button("replay-back", "◀", "A step back"),
            _button("replay-play", "▶ Play", "Play or pause"),
            _button("replay-on", "▶|", "A step on"),
            segment("speed", "Speed", _SPEEDS, "small"),
            html.Div(id="replay-slider"),
            html.Strong(UNKNOWN, id="replay-at", role="status"),
            html.Span("", id="replay-ago"),
            _button("replay-live", "Back to live", "Follow the newest minute"),
        ],
        className="player padded",
    )
    head = heading("replay-player", "The past", "", (segment("span", "Range", _SPANS, "small"),))
    return panel("replay-player", head, body)


def _figures() -> Component:
    cards: list[Component] = [
        html.Div(
            [
                html.Dt([name, html.Small(unit)]),
                html.Dd(
                    [
                        html.Strong(UNKNOWN, id=f"replay-{card}"),
                        html.Span("", id=f"replay-{card}-words"),
                    ]
                ),
            ],
            className="kpi",
        )
        for card, name, unit in _FACTS
    ]
    return with_attributes(
        html.Dl(cards, className="kpis replayed"), {"aria-label": "Figures of that minute"}
    )


def whole_range() -> Part:
    """Index and flip over the range, with a line at the instant in sight."""
    return {
        "data": [
            path("index", "index %{y:,.1f}<extra></extra>", color=token("spot"), width=1.5),
            path("flip", "flip %{y:,.1f}<extra></extra>", color=token("flip"), width=2, dash="dot"),
        ],
        "layout": layout(
            dragmode=False,
            hovermode="x unified",
            margin={**STACK_MARGIN, "t": 6, "b": 26},
            xaxis=axis(type="date", hoverformat="%d %b %H:%M UTC", tickangle=0, showgrid=False),
            yaxis=axis(tickformat=",.0f", nticks=6),
        ),
    }
