"""Colours and type of the board as CSS variables, in two themes and two palettes.

Stylesheet and charts name a colour `var(--name)`; `assets/palette.mjs` hands the charts what the
browser made of it. The default palette, blue and orange, stays apart under every common colour
blindness; sign is also shown by +/- and a word. Every text colour has a contrast of at least 4.5
on every ground of its theme.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

Colours: TypeAlias = Mapping[str, str]


class Theme(StrEnum):
    """Bright on dark, or dark on bright."""

    DARK = "dark"
    LIGHT = "light"


class Palette(StrEnum):
    """Colours of the two signs."""

    SAFE = "safe"  # blue and orange: apart for every eye
    CLASSIC = "classic"  # green and red


FONT = (
    'Inter, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", '
    "sans-serif"
)
HEAT_STEPS = 10

_GROUNDS: Mapping[Theme, Colours] = MappingProxyType(
    {
        Theme.DARK: {
            "background": "#0A0E14",
            "panel": "#0F151D",
            "raised": "#1B2735",
            "border": "#1C2733",
            "grid": "#18222D",
            "text": "#E8EEF5",
            "muted": "#93A1B2",
            "faint": "#8592A3",
            "zero": "#131B25",
            "spot": "#F2F5F9",
            "flip": "#D78CC0",
            "good": "#3FBF8F",
            "warning": "#F2C14E",
            "alarm": "#F07C5F",
            "on-fill": "#0A0E14",
        },
        Theme.LIGHT: {
            "background": "#EEF1F5",
            "panel": "#FFFFFF",
            "raised": "#E1E7EE",
            "border": "#D3DBE4",
            "grid": "#E6EBF1",
            "text": "#15202B",
            "muted": "#4A5868",
            "faint": "#566373",
            "zero": "#F4F6F9",
            "spot": "#15202B",
            "flip": "#97286F",
            "good": "#0F6B49",
            "warning": "#7A5200",
            "alarm": "#A8321A",
            "on-fill": "#FFFFFF",
        },
    }
)
_SIGNS: Mapping[tuple[Theme, Palette], Colours] = MappingProxyType(
    {
        (Theme.DARK, Palette.SAFE): {
            "positive": "#56B4E9",
            "positive-shade": "#2F6C90",
            "negative": "#E8873A",
            "negative-shade": "#8F5423",
        },
        (Theme.DARK, Palette.CLASSIC): {
            "positive": "#35C08A",
            "positive-shade": "#1F7454",
            "negative": "#F2726F",
            "negative-shade": "#98403E",
        },
        (Theme.LIGHT, Palette.SAFE): {
            "positive": "#0B5C96",
            "positive-shade": "#6FA9D2",
            "negative": "#994600",
            "negative-shade": "#DFA06B",
        },
        (Theme.LIGHT, Palette.CLASSIC): {
            "positive": "#0E6644",
            "positive-shade": "#6DB796",
            "negative": "#A92B28",
            "negative-shade": "#E0918F",
        },
    }
)
_SELECTORS: Mapping[tuple[Theme, Palette], str] = MappingProxyType(
    {
        (Theme.DARK, Palette.SAFE): ":root",
        (Theme.DARK, Palette.CLASSIC): ':root[data-palette="classic"]',
        (Theme.LIGHT, Palette.SAFE): ':root[data-theme="light"]',
        (Theme.LIGHT, Palette.CLASSIC): ':root[data-theme="light"][data-palette="classic"]',
    }
)


def token(name: str) -> str:
    """Return how figures and stylesheet name a colour of the theme."""
    return f"var(--{name})"


def colours(theme: Theme, palette: Palette) -> dict[str, str]:
    """Return every colour of a theme by name; text colours are hex, areas rgba."""
    named = {**_GROUNDS[theme], **_SIGNS[theme, palette]}
    for sign in ("positive", "negative"):
        named[f"{sign}-area"] = with_alpha(named[sign], 0.26)
        named[f"{sign}-zone"] = with_alpha(named[sign], 0.055)
    for step, (_, colour) in enumerate(_heat(named)):
        named[f"heat-{step}"] = colour
    return named


def style_rules(lengths: Mapping[str, int]) -> str:
    """Return the rules that hand the themes, and lengths in pixels, to stylesheet and charts."""
    shared = {"font": FONT} | {name: f"{pixels}px" for name, pixels in lengths.items()}
    rules = [_rule(":root", shared)]
    for (theme, palette), selector in _SELECTORS.items():
        rules.append(_rule(selector, colours(theme, palette), f"color-scheme:{theme.value};"))
    return "".join(rules)


def _rule(selector: str, variables: Mapping[str, str], more: str = "") -> str:
    body = "".join(f"--{name}:{value};" for name, value in variables.items())
    return f"{selector}{{{more}{body}}}"


def with_alpha(colour: str, alpha: float) -> str:
    """Return a hex colour as rgba()."""
    return f"rgba({', '.join(str(part) for part in _channels(colour))}, {alpha:g})"


def heat_scale() -> list[tuple[float, str]]:
    """Return a colour scale from negative over the zero colour to positive, in tokens.

    It grows with the square root: exposure by strike and expiry is heavy-tailed, and a linear
    scale would leave all but a few cells empty.
    """
    return [(stop, token(f"heat-{step}")) for step, stop in enumerate(_heat_stops())]


def _heat_stops() -> list[float]:
    reach = [(step / HEAT_STEPS) ** 2 for step in range(HEAT_STEPS + 1)]
    return [(1 - r) / 2 for r in reversed(reach)] + [(1 + r) / 2 for r in reach[1:]]


def _heat(named: Colours) -> list[tuple[float, str]]:
    signs = [
        (named["negative" if stop < 0.5 else "positive"], abs(2 * stop - 1) ** 0.5)
        for stop in _heat_stops()
    ]
    mixed = [_mix(named["zero"], colour, share) for colour, share in signs]
    return list(zip(_heat_stops(), mixed, strict=True))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mix(ground: str, colour: str, share: float) -> str:
    """Return `share` of a colour over a ground."""
    pairs = zip(_channels(ground), _channels(colour), strict=True)
    return "#" + "".join(f"{round(zero + (full - zero) * share):02X}" for zero, full in pairs)
