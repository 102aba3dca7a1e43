"""The page without numbers: skeletons, colours, layout and the scripts that look for its parts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dash import html
from dash.development.base_component import Component
from plotly import graph_objects

from app.dashboard import figures, theme
from app.dashboard.page import build_layout
from app.dashboard.theme import Palette, Theme
from app.settings import Source

ASSETS = Path(figures.__file__).parent / "assets"
MODULES = sorted(ASSETS.rglob("*.mjs"))
TEXTS = {".css", ".js", ".mjs", ".svg"}
FILES = sorted(path for path in ASSETS.rglob("*") if path.suffix in TEXTS)
READABLE = 4.5  # contrast that WCAG AA asks of text
THEMES = [(theme, palette) for theme in Theme for palette in Palette]


def components(component: Component) -> Iterator[Component]:
    return (found for found in [component, *component._traverse()] if isinstance(found, Component))


def layout() -> Component:
    return build_layout(("BTC", "ETH", "SOL"), Source.DEMO)


def skeletons() -> dict[str, dict[str, Any]]:
    """Every chart of the page by its key, as the browser reads it."""
    places = (c for c in components(layout()) if hasattr(c, "data-figure"))
    return {
        place.id.removeprefix("chart-"): json.loads(getattr(place, "data-figure"))
        for place in places
    }


SKELETONS = skeletons()


@pytest.mark.parametrize("name", SKELETONS)
def test_a_skeleton_is_a_figure_that_plotly_knows_in_full(name: str) -> None:
    figure = graph_objects.Figure(SKELETONS[name])  # raises on any name it does not know
    assert figure.layout.uirevision == "board"


@pytest.mark.parametrize("name", SKELETONS)
def test_a_skeleton_holds_no_number_of_its_own(name: str) -> None:
    for trace in graph_objects.Figure(SKELETONS[name]).data:
        assert not any(trace[name] for name in trace if name in {"x", "y", "z", "open", "close"})


@pytest.mark.parametrize("name", SKELETONS)
def test_a_skeleton_names_its_colours_by_tokens_of_every_theme(name: str) -> None:
    text = json.dumps(SKELETONS[name])
    asked = set(re.findall(r"var\(--([\w-]+)\)", text))
    assert asked
    assert not re.search(r"#[0-9A-Fa-f]{6}", text)
    for chosen, palette in THEMES:
        assert asked - set(theme.colours(chosen, palette)) == set()


def test_no_chart_offers_to_upload_itself() -> None:
    painter = (ASSETS / "painter.mjs").read_text(encoding="utf-8")
    assert "showSendToCloud: false" in painter
    assert "displaylogo: false" in painter


def test_the_charts_over_strikes_share_their_left_and_right_edge() -> None:
    margins = [SKELETONS[name]["layout"]["margin"] for name in ("gex", "profile", "matrix")]
    assert {(margin["l"], margin["r"]) for margin in margins} == {(figures.LEFT, figures.RIGHT)}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("chosen", "palette"), THEMES)
def test_text_is_readable_on_every_ground(chosen: Theme, palette: Palette) -> None:
    colours = theme.colours(chosen, palette)
    texts = ("text", "muted", "faint", "positive", "negative", "flip", "warning", "good", "alarm")
    too_weak = {
        (text, ground): contrast(colours[text], colours[ground])
        for text in texts
        for ground in ("background", "panel", "raised")
        if (text, ground) != ("faint", "raised")  # stands on background and panel only
        and contrast(colours[text], colours[ground]) < READABLE
    }
    assert too_weak == {}


@pytest.mark.parametrize(("chosen", "palette"), THEMES)
def test_text_on_a_filled_alarm_is_readable(chosen: Theme, palette: Palette) -> None:
    colours = theme.colours(chosen, palette)
    assert contrast(colours["on-fill"], colours["alarm"]) >= READABLE


@pytest.mark.parametrize(("chosen", "palette"), THEMES)
def test_the_heat_scale_runs_from_negative_over_zero_to_positive(
    chosen: Theme, palette: Palette
) -> None:
    scale, colours = theme.heat_scale(), theme.colours(chosen, palette)
    stops = [stop for stop, _ in scale]
    ends = [colours[token.removeprefix("var(--").removesuffix(")")] for _, token in scale]
    assert stops == sorted(stops)
    assert stops == pytest.approx([1 - stop for stop in reversed(stops)])
    assert (ends[0], ends[-1]) == (colours["negative"], colours["positive"])
    assert ends[stops.index(0.5)] == colours["zero"]


def test_every_part_that_a_script_looks_for_is_on_the_page() -> None:
    ids = {getattr(component, "id", None) for component in components(layout())}
    wanted = {
        name
        for module in MODULES
        for name in re.findall(
            r'(?:getElementById|byId|node|(?<!preferences\.)\bset)\("([\w-]+)"',
            module.read_text(encoding="utf-8"),
        )
    }
    made = {
        name
        for module in MODULES
        for name in re.findall(r'(?:\bid: |choice\()"([\w-]+)"', module.read_text(encoding="utf-8"))
    }
    assert len(wanted) > 30
    assert wanted - ids - made == set()


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


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere_or_built_from_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    foreign = r"https?://|\beval\(|new Function|innerHTML|@import|url\((?!./assets/)"
    assert not re.search(foreign, text)


def test_every_view_has_both_of_its_files() -> None:
    views = {getattr(c, "data-view", None) for c in components(layout())} - {None}
    folder = Path(figures.__file__).parent
    assert {path.stem for path in (folder / "views").glob("*.py")} >= views
    assert {path.stem for path in (ASSETS / "views").glob("*.mjs")} >= views
    assert len(views) == 8
