"""A picture as bytes: the drawing, and printed around it how far to trust it.

Imported when the first picture is asked for: the drawing library takes most of a second.
"""

from io import BytesIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.board import Book, Selection
from app.hub import FeedStatus
from app.pictures.formats import Panel, PictureFormat
from app.pictures.numbers import instant, level, money, percent
from app.pictures.panels import DRAWINGS
from app.pictures.subject import Look, Subject
from app.settings import Source
from greeks.conventions import Exposure, Regime

WIDTH_IN, HEIGHT_IN, DPI = 12.0, 6.75, 100
"""1200 x 675 pixels: the shape that chat programs show whole."""
PLACE_UNDER_LABELS = (0.075, 0.13, 0.895, 0.64)
PLACES = {
    Panel.EXPIRIES: (0.115, 0.13, 0.865, 0.71),
    Panel.LADDER: (0.125, 0.13, 0.855, 0.71),
    Panel.HISTORY: (0.075, 0.13, 0.81, 0.71),
}
"""Left, bottom, width and height of the plot as shares of the picture."""
REAL = {Source.LIVE, Source.CUSTOM}
_REGIMES = {
    Regime.LONG_GAMMA: ("LONG GAMMA", "hedging dampens moves", "positive"),
    Regime.SHORT_GAMMA: ("SHORT GAMMA", "hedging amplifies moves", "negative"),
    Regime.UNKNOWN: ("REGIME UNKNOWN", "", "muted"),
}


def draw_picture(subject: Subject, panel: Panel, kind: PictureFormat, look: Look) -> bytes:
    """Draw a panel with source, status, time and position model printed on it."""
    title, unit, draw = DRAWINGS[panel]
    with mpl.rc_context(
        {
            "font.family": "sans-serif",
            "font.size": 10,
            "svg.fonttype": "none",  # text stays text: small, and readable for machines
            "svg.hashsalt": "gammaflip",  # the same numbers are the same bytes
            "hatch.linewidth": 0.6,
        }
    ):
        figure = Figure((WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor=look["background"])
        axes = figure.add_axes(PLACES.get(panel, PLACE_UNDER_LABELS))
        _style(axes, look)
        draw(axes, subject, look)
        _head(figure, subject, title, unit, look)
        _foot(figure, subject, look)
        return _encode(figure, kind, f"{subject.state.asset} {title}", provenance(subject))


def provenance(subject: Subject) -> str:
    """Return where the numbers come from, in one line."""
    state, snapshot = subject.state, subject.snapshot
    return "  ·  ".join(
        [
            f"source {state.source.value}",
            f"status {state.status.value}",
            f"as of {instant(snapshot.chain.as_of_ms)}",
            f"position {snapshot.position_model} (assumed)",
            _words(subject.selection),
            f"{snapshot.quality.used} of {snapshot.quality.listed} options",
            f"seq {state.seq}",
        ]
    )


def _words(selection: Selection) -> str:
    expiries = ", ".join(selection.expiries) if selection.expiries else "all expiries"
    books = "both books" if selection.book == Book.ALL else f"{selection.book.value} book"
    return f"{expiries}, {books}"


def _head(figure: Figure, subject: Subject, title: str, unit: str, look: Look) -> None:
    snapshot = subject.snapshot
    word, meaning, colour = _REGIMES[snapshot.regime]
    flip = snapshot.levels.flip_usd
    away = None if flip is None else flip / subject.spot_usd - 1
    asset = f"{subject.state.asset}  {level(subject.spot_usd)}"
    figure.text(0.02, 0.945, asset, size=19, weight="bold", color=look["text"], va="center")
    figure.text(0.25, 0.958, title, size=14, weight="bold", color=look["text"], va="center")
    figure.text(0.25, 0.922, unit, size=10, color=look["muted"], va="center")
    figure.text(0.02, 0.885, word, size=11, weight="bold", color=look[colour], va="center")
    facts = [
        meaning,
        f"net GEX {money(snapshot.net_of(Exposure.GEX))} per 1 %",
        f"flip {level(flip)}" + (f" ({percent(away)} from spot)" if flip is not None else ""),
    ]
    figure.text(
        0.165, 0.885, "  ·  ".join(filter(None, facts)), size=10, color=look["muted"], va="center"
    )
    badge, shade = _badge(subject, look)
    figure.text(
        0.98,
        0.945,
        badge,
        size=12,
        weight="bold",
        color=look["on-fill"],
        ha="right",
        va="center",
        bbox={"boxstyle": "round,pad=0.4", "facecolor": shade, "edgecolor": "none"},
    )
    if subject.state.source not in REAL:
        text = f"{subject.state.source.value.upper()}: NOT THE MARKET"
        figure.text(
            0.53, 0.45, text, size=54, color=look["warning"], alpha=0.16, rotation=18,
            ha="center", va="center", weight="bold",
        )  # fmt: skip


def _badge(subject: Subject, look: Look) -> tuple[str, str]:
    """Return the one word that stands for how far to trust the picture, and its colour."""
    state = subject.state
    if state.status == FeedStatus.STALE:
        return f"STALE {round((state.age_ms or 0) / 1000)} s", look["alarm"]
    if state.status != FeedStatus.LIVE:
        return state.status.value.upper(), look["warning"]
    if state.source not in REAL:
        return state.source.value.upper(), look["warning"]
    return "LIVE", look["good"]


def _foot(figure: Figure, subject: Subject, look: Look) -> None:
    figure.text(0.02, 0.035, provenance(subject), size=9, color=look["muted"], va="center")
    figure.text(
        0.98, 0.035, "gammaflip", size=10, color=look["faint"], ha="right", va="center",
        weight="bold",
    )  # fmt: skip


def _style(axes: Axes, look: Look) -> None:
    axes.set_facecolor(look["panel"])
    axes.grid(visible=True, color=look["grid"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=look["muted"], labelsize=9.5, length=0, pad=6)
    for spine in axes.spines.values():
        spine.set_color(look["border"])


def _encode(figure: Figure, kind: PictureFormat, title: str, description: str) -> bytes:
    out = BytesIO()
    words = {"Title": title, "Description": description}
    own = {"Date": None} if kind == PictureFormat.SVG else {"Software": "gammaflip"}
    figure.savefig(out, format=kind.value, metadata=words | own)
    return out.getvalue()
