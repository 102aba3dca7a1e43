"""What surrounds the views: banners, navigation, controls, footer, dialogs."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from app.board import Book, ExpiryGroup
from app.dashboard.parts import UNKNOWN, segment, select, with_attributes
from app.dashboard.theme import Palette, Theme
from app.dashboard.views import VIEWS
from app.settings import Source
from dealers.rules import PositionModel

_UNREAL = {
    Source.DEMO: ("DEMO", "Simulated data. No price here is real."),
    Source.REPLAY: ("REPLAY", "Recorded data, replayed. Nothing here is happening now."),
    Source.TESTNET: ("TESTNET", "The exchange's test system. No price here is real."),
}

_EXPIRIES = (
    ("all", "All", ""),
    (ExpiryGroup.ZERO_DTE.value, "0DTE", "expiring within 24 hours"),
    (ExpiryGroup.NEXT.value, "Next", "the nearest expiry"),
    (ExpiryGroup.WEEKLY.value, "Weekly", "Fridays that are not the last of their month"),
    (ExpiryGroup.MONTHLY.value, "Monthly", "last Fridays of a month"),
    (ExpiryGroup.QUARTERLY.value, "Quarterly", "last Fridays of a quarter"),
)
_POSITION_WORDS = {
    "naive": ("Naive", "dealers long calls, short puts"),
    "reversed": ("Reversed", "dealers short calls, long puts"),
    "customer_long": ("Customers long", "dealers short every option"),
    "flow": ("Flow", "inventory counted from the signed tape"),
    "posterior": ("Posterior", "inventory from the tape with its uncertainty"),
}
_BOOKS = (
    (Book.ALL.value, "Both", "both books, in coins of the asset"),
    (Book.INVERSE.value, "Inverse", "coin-margined options"),
    (Book.LINEAR.value, "Linear", "USDC-margined options"),
)
_UNITS = (
    ("pct", "$ per 1 %", "USD of delta that dealers trade for a move of 1 %"),
    ("usd", "$ per $1", "USD of delta that dealers trade for a move of one dollar"),
    ("coin", "coins per 1 %", "coins that dealers trade for a move of 1 %"),
)
_SIDES = (
    ("split", "Call · put", "calls and puts stacked, their net as a tick"),
    ("net", "Net", "calls and puts together"),
    ("absolute", "Absolute", "sizes of calls and puts without their signs"),
)
_SCALES = (
    ("root", "√", "colour grows with the square root"),
    ("linear", "Linear", "colour grows with the value"),
    ("log", "Log", "colour grows with the logarithm"),
)
_THEMES = (
    (Theme.DARK.value, "Dark", ""),
    (Theme.LIGHT.value, "Light", ""),
    ("system", "System", ""),
)
_PALETTES = (
    (Palette.SAFE.value, "Blue · orange", "apart for every eye"),
    (Palette.CLASSIC.value, "Green · red", "the classic"),
)
_DENSITIES = (("comfortable", "Comfortable", ""), ("compact", "Compact", ""))
_SWITCHES = (("off", "Off", ""), ("on", "On", ""))
_KEYS = (
    ("1 – 9", "go to a panel"),
    ("B E S", "asset by its first letter"),
    ("X", "next expiry preset"),
    ("P", "next position model"),
    ("/", "go to a strike"),
    ("R", "reset the strike range"),
    ("T", "dark or light"),
    ("G, then a letter", "view: B P S W F R A N"),
    ("wheel, drag", "zoom and move the strike range"),
    ("click an expiry", "show that expiry alone; again: all"),
    ("?", "this help"),
)


def banner(source: Source) -> Component:
    """Say in large letters that the numbers are not the market's, when they are not."""
    lines = html.Section(
        [
            with_attributes(
                html.P([html.Strong(word), sentence], hidden=unreal != source),
                {"data-source": unreal.value},
            )
            for unreal, (word, sentence) in _UNREAL.items()
        ],
        id="banner",
    )
    return with_attributes(lines, {"aria-label": "Source of the numbers"})


def header() -> Component:
    """Return name, navigation, next expiry, clock, status and the two dialogs' buttons."""
    return html.Header(
        [
            with_attributes(
                html.A(
                    [
                        html.Img(src="/assets/favicon.svg", alt="", className="logo"),
                        html.H1("gammaflip"),
                    ],
                    href="/",
                    className="brand",
                ),
                {"aria-label": "gammaflip"},
            ),
            _navigation(),
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
            _round_button("display-open", "Display", "◐"),
            _round_button("help-open", "Help and keys", "?"),
        ],
        className="top",
    )


def _navigation() -> Component:
    links = [
        with_attributes(
            html.A(view.title, href="/" if view.name == "board" else f"/?view={view.name}"),
            {"data-go": view.name},
        )
        for view in VIEWS
    ]
    return with_attributes(html.Nav(links, className="views"), {"aria-label": "Views"})


def _round_button(name: str, label: str, sign: str) -> Component:
    button = html.Button(sign, id=name, type="button", className="round", title=label)
    return with_attributes(button, {"aria-label": label})


def _fact(label: str, name: str) -> Component:
    return html.Div([html.Small(label), html.Span(UNKNOWN, id=name)], className="fact")


def controls(assets: Sequence[str]) -> Component:
    """Return what is shown: asset with its price and regime, expiries, position model, book."""
    return with_attributes(
        html.Section(
            [
                segment("asset", "Asset", [(asset, asset, "") for asset in assets]),
                html.Div(
                    [
                        html.Span(UNKNOWN, id="spot"),
                        html.Span("USD index", id="spot-unit"),
                        html.Span("", id="spot-change", title="change of the index in 24 hours"),
                    ],
                    className="spot",
                ),
                html.Div(
                    [
                        html.Strong(UNKNOWN, id="regime"),
                        html.Span("", id="regime-words"),
                        html.Span("", id="regime-dissent"),
                    ],
                    className="regime",
                    id="regime-badge",
                ),
                html.Div(className="spring"),
                segment("expiry", "Expiries", _EXPIRIES),
                html.Details(
                    [html.Summary("Pick", id="expiry-picked"), html.Div(id="expiry-list")],
                    id="expiry-menu",
                    className="menu",
                ),
                select(
                    "position",
                    "Dealers",
                    [(m.value, *_POSITION_WORDS[m.value]) for m in PositionModel],
                ),
                select("book", "Book", _BOOKS),
            ],
            className="controls",
        ),
        {"aria-label": "What the board shows"},
    )


def notice() -> Component:
    """Return the line that says what is wrong: stale, starting, an unknown selection.

    It counts seconds, so it is not announced; the word on the pill is.
    """
    return html.Div("", id="notice", hidden=True)


def locked() -> Component:
    """Return the place where the page asks for the token of a board that shows nothing without."""
    return html.Div(id="locked", hidden=True)


def footer() -> Component:
    """Model, conventions, coverage, age, links."""
    copy = html.Button("Copy link", type="button", id="copy-link")
    return html.Footer(
        [
            html.Span(UNKNOWN, id="model-words"),
            html.Span(UNKNOWN, id="coverage"),
            html.Span(className="spring"),
            html.Span(UNKNOWN, id="data-age"),
            html.Span("", id="draw-time"),
            copy,
            html.A("API", href="/docs"),
            html.A("OpenAPI", href="/openapi.json"),
            html.Span("? keys", className="hint"),
        ],
        className="bottom",
    )


def _dialog(name: str, label: str, parts: Sequence[Component]) -> Component:
    close = with_attributes(html.Button("Close", type="button"), {"data-close": name})
    return with_attributes(html.Dialog([*parts, close], id=name), {"aria-label": label})


def display_dialog() -> Component:
    """How it looks: units, sides, colours, theme, density, what an alert may do."""
    rows = (
        ("unit", "Unit of gamma", _UNITS),
        ("sides", "Calls and puts", _SIDES),
        ("scale", "Colour scale", _SCALES),
        ("theme", "Theme", _THEMES),
        ("palette", "Signs", _PALETTES),
        ("density", "Density", _DENSITIES),
        ("notify", "Browser notification of alerts", _SWITCHES),
        ("sound", "Sound of alerts", _SWITCHES),
    )
    settings = [
        html.Div([html.Span(label), segment(name, label, options)], className="setting")
        for name, label, options in rows
    ]
    return _dialog("display", "Display", [html.H2("Display"), *settings])


def table_dialog() -> Component:
    """Return the numbers of one chart as a table."""
    body = with_attributes(
        html.Div(id="table-body", tabIndex=0, role="region"), {"aria-label": "Numbers"}
    )
    return _dialog("table", "Numbers of a chart", [html.H2("", id="table-title"), body])


def help_dialog() -> Component:
    """Keys, and what the numbers mean."""
    keys = [part for name, action in _KEYS for part in (html.Dt(html.Kbd(name)), html.Dd(action))]
    return _dialog(
        "help",
        "Help",
        [
            html.H2("Keys"),
            html.Dl(keys),
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
        ],
    )
