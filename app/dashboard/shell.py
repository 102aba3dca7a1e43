"""What surrounds the panels: header, banners, controls, footer and the help."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from app.board import Book, ExpiryGroup
from app.dashboard.attributes import with_attributes
from app.settings import Source
from dealers.rules import PositionModel

_UNREAL = {
    Source.DEMO: ("DEMO", "Simulated data. No price here is real."),
    Source.REPLAY: ("REPLAY", "Recorded data, replayed. Nothing here is happening now."),
    Source.TESTNET: ("TESTNET", "The exchange's test system. No price here is real."),
}

_EXPIRY_WORDS = {
    "all": "All",
    ExpiryGroup.ZERO_DTE.value: "0DTE",
    ExpiryGroup.NEXT.value: "Next",
    ExpiryGroup.WEEKLY.value: "Weekly",
    ExpiryGroup.MONTHLY.value: "Monthly",
    ExpiryGroup.QUARTERLY.value: "Quarterly",
}
_POSITION_WORDS = {
    PositionModel.NAIVE: ("Naive", "dealers long calls, short puts"),
    PositionModel.REVERSED: ("Reversed", "dealers short calls, long puts"),
    PositionModel.CUSTOMER_LONG: ("Customers long", "dealers short every option"),
}
_BOOK_WORDS = {
    Book.ALL: ("All", "both books, in coins of the asset"),
    Book.INVERSE: ("Inverse", "coin-margined options"),
    Book.LINEAR: ("Linear", "USDC-margined options"),
}
_KEYS = (
    ("1 – 7", "go to a panel"),
    ("B E S", "asset by its first letter"),
    ("X", "next expiry preset"),
    ("P", "next position model"),
    ("R", "reset the strike range"),
    ("wheel, drag", "zoom and move the strike range"),
    ("click an expiry", "show that expiry alone; again: all"),
    ("?", "this help"),
)


def banner(source: Source) -> Component:
    """Say in large letters that the numbers are not the market's, when they are not."""
    return html.Div(
        [
            with_attributes(
                html.P([html.Strong(word), sentence], hidden=unreal != source),
                {"data-source": unreal.value},
            )
            for unreal, (word, sentence) in _UNREAL.items()
        ],
        id="banner",
        role="note",
    )


def _segment(name: str, label: str, options: Sequence[tuple[str, str, str]]) -> Component:
    """Return a group of buttons of which one is pressed: value, word and explanation of each."""
    return with_attributes(
        html.Div(
            [
                with_attributes(
                    html.Button(
                        word,
                        type="button",
                        title=explanation or None,
                    ),
                    {"data-choice": name, "data-value": value, "aria-pressed": "false"},
                )
                for value, word, explanation in options
            ],
            className="segment",
            role="group",
        ),
        {"aria-label": label, "data-segment": name},
    )


def header(assets: Sequence[str]) -> Component:
    """Asset, price, regime, age of the data, next expiry and clock."""
    return html.Header(
        [
            html.A(
                [
                    html.Img(src="/assets/favicon.svg", alt="", className="logo"),
                    html.H1("gammaflip"),
                ],
                href="/",
                className="brand",
            ),
            _segment("asset", "Asset", [(asset, asset, "") for asset in assets]),
            html.Div(
                [html.Span("–", id="spot"), html.Span("USD index", id="spot-unit")],
                className="spot",
            ),
            html.Div(
                [html.Strong("–", id="regime"), html.Span("", id="regime-words")],
                className="regime",
                id="regime-badge",
            ),
            html.Div(className="spring"),
            _fact("Next expiry", "next-expiry"),
            _fact("UTC", "clock"),
            with_attributes(
                html.Div(
                    [
                        html.I(className="dot"),
                        html.Strong("CONNECTING", id="pill-word", role="status"),
                        html.Span("", id="pill-age"),
                    ],
                    id="pill",
                ),
                {"data-state": "connecting"},
            ),
            with_attributes(
                html.Button("?", id="help-open", type="button"), {"aria-label": "Help and keys"}
            ),
        ],
        className="top",
    )


def _fact(label: str, name: str) -> Component:
    return html.Div([html.Small(label), html.Span("–", id=name)], className="fact")


def notice() -> Component:
    """Return the line that says what is wrong: stale, starting, an unknown selection.

    It counts seconds, so it is not announced; the word on the pill is.
    """
    return html.Div("", id="notice", hidden=True)


def controls() -> Component:
    """Expiries, position model and book."""
    return with_attributes(
        html.Nav(
            [
                html.Span("Expiries", className="control-label"),
                _segment("expiry", "Expiries", [(v, w, "") for v, w in _EXPIRY_WORDS.items()]),
                html.Details(
                    [html.Summary("Pick", id="expiry-picked"), html.Div(id="expiry-list")],
                    id="expiry-menu",
                    className="menu",
                ),
                html.Div(className="spring"),
                html.Span("Dealers", className="control-label"),
                _segment(
                    "position",
                    "Position model",
                    [(model.value, *words) for model, words in _POSITION_WORDS.items()],
                ),
                html.Span("Book", className="control-label"),
                _segment(
                    "book", "Book", [(book.value, *words) for book, words in _BOOK_WORDS.items()]
                ),
            ],
            className="controls",
        ),
        {"aria-label": "What the board shows"},
    )


def footer() -> Component:
    """Model, conventions, coverage, age, links."""
    return html.Div(
        [
            html.Span("–", id="model-words"),
            html.Span("–", id="coverage"),
            html.Span(className="spring"),
            html.Span("–", id="data-age"),
            html.Span("", id="draw-time"),
            html.A("API", href="/docs"),
            html.A("OpenAPI", href="/openapi.json"),
            html.Span("? keys", className="hint"),
        ],
        className="bottom",
        role="contentinfo",
    )


def help_dialog() -> Component:
    """Keys, and what the numbers mean."""
    return with_attributes(
        html.Dialog(
            [
                html.H2("Keys"),
                html.Dl(
                    [
                        part
                        for keys, action in _KEYS
                        for part in (html.Dt(html.Kbd(keys)), html.Dd(action))
                    ]
                ),
                html.H2("Reading the board"),
                html.P(
                    "GEX is the delta, in US dollars, that dealers must trade to stay hedged when "
                    "every forward moves up 1 %. Above zero they are long gamma: they sell rallies "
                    "and buy dips, which dampens moves. Below zero they chase the market and "
                    "amplify it. The flip is the spot at which the re-priced net GEX is zero."
                ),
                html.P(
                    "Nobody publishes who holds an option. Who is long is an assumption, chosen "
                    "under Dealers; the range shows what the others would say. A dash means "
                    "unknown, never zero. Hatched: nothing listed."
                ),
                html.Button("Close", type="button", id="help-close"),
            ],
            id="help",
        ),
        {"aria-label": "Help"},
    )
