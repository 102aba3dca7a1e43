"""The page without numbers: skeletons, colours, layout and the scripts that look for its parts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dash import html
from dash.development.base_component import Component
from plotly import graph_objects

from app.dashboard import figures, theme
from app.dashboard.page import build_layout
from app.settings import Source

SKELETONS = {
    "gex": figures.gex_by_strike,
    "profile": figures.gamma_profile,
    "matrix": figures.strike_by_expiry,
    "expiries": figures.by_expiry,
    "history": figures.flip_and_price,
}
ASSETS = Path(figures.__file__).parent / "assets"
MODULES = sorted(ASSETS.glob("*.mjs"))
READABLE = 4.5  # contrast that WCAG AA asks of text


def components(component: Component) -> Iterator[Component]:
    return (found for found in [component, *component._traverse()] if isinstance(found, Component))


def layout() -> Component:
    return build_layout(("BTC", "ETH", "SOL"), Source.DEMO)


@pytest.mark.parametrize("name", SKELETONS)
def test_a_skeleton_is_a_figure_that_plotly_knows_in_full(name: str) -> None:
    skeleton = json.loads(json.dumps(SKELETONS[name]()))
    figure = graph_objects.Figure(skeleton)  # raises on any name it does not know
    assert figure.layout.uirevision == "board"


@pytest.mark.parametrize("name", SKELETONS)
def test_a_skeleton_holds_no_number_of_its_own(name: str) -> None:
    for trace in graph_objects.Figure(SKELETONS[name]()).data:
        assert not trace.x
        assert not trace.y


def test_no_chart_offers_to_upload_itself() -> None:
    assert figures.CONFIG["showSendToCloud"] is False
    assert figures.CONFIG["displaylogo"] is False


def test_the_charts_over_strikes_share_their_left_and_right_edge() -> None:
    margins = [
        graph_objects.Figure(SKELETONS[name]()).layout.margin
        for name in ("gex", "profile", "matrix")
    ]
    assert {(margin.l, margin.r) for margin in margins} == {(figures.LEFT, figures.RIGHT)}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", [theme.BACKGROUND, theme.PANEL, theme.RAISED])
@pytest.mark.parametrize(
    "colour", [theme.TEXT, theme.MUTED, theme.POSITIVE, theme.NEGATIVE, theme.FLIP, theme.WARNING]
)
def test_text_is_readable_on_every_ground(colour: str, ground: str) -> None:
    contrast = (luminance(colour) + 0.05) / (luminance(ground) + 0.05)
    assert contrast >= READABLE


def test_faint_text_is_readable_on_the_panel() -> None:
    assert (luminance(theme.FAINT) + 0.05) / (luminance(theme.PANEL) + 0.05) >= READABLE


def test_the_heat_scale_runs_from_negative_over_a_dark_zero_to_positive() -> None:
    scale = theme.diverging_scale()
    stops = [stop for stop, _ in scale]
    assert stops == sorted(stops)
    assert scale[0] == (0.0, theme.NEGATIVE)
    assert scale[-1] == (1.0, theme.POSITIVE)
    assert dict(scale)[0.5] == theme.ZERO
    assert stops == pytest.approx([1 - stop for stop in reversed(stops)])


def test_every_part_that_a_script_looks_for_is_on_the_page() -> None:
    ids = {getattr(component, "id", None) for component in components(layout())}
    wanted = {
        name
        for module in MODULES
        for name in re.findall(
            r'(?:getElementById|byId|node|set)\("([\w-]+)"', module.read_text(encoding="utf-8")
        )
    }
    assert len(wanted) > 30
    assert wanted - ids == set()


def test_no_id_is_given_twice() -> None:
    ids = [component.id for component in components(layout()) if getattr(component, "id", None)]
    assert sorted(set(ids)) == sorted(ids)


def test_every_asset_has_its_button() -> None:
    buttons = [c for c in components(layout()) if getattr(c, "data-choice", None) == "asset"]
    assert [button.children for button in buttons] == ["BTC", "ETH", "SOL"]


@pytest.mark.parametrize("source", list(Source))
def test_prices_that_are_not_the_markets_have_their_banner_from_the_start(source: Source) -> None:
    lines = [c for c in components(build_layout(("BTC",), source)) if isinstance(c, html.P)]
    shown = [getattr(c, "data-source", None) for c in lines if getattr(c, "hidden", None) is False]
    is_real = source in {Source.LIVE, Source.CUSTOM}
    assert shown == ([] if is_real else [source.value])


@pytest.mark.parametrize("path", sorted(ASSETS.iterdir()), ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere_or_built_from_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|\beval\(|new Function|innerHTML|@import|url\(", text)
