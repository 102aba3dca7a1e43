"""Colours and type of the board, in one place for figures and stylesheet.

Blue and orange stay apart under every common colour blindness; sign is also shown by +/- and
a word. Every text colour has a contrast of at least 4.5 on the panel.
"""

from collections.abc import Mapping

BACKGROUND = "#0A0E14"
PANEL = "#0F151D"
RAISED = "#1B2735"
BORDER = "#1C2733"
GRID = "#18222D"
TEXT = "#E8EEF5"
MUTED = "#93A1B2"
FAINT = "#7C8A9B"
POSITIVE = "#56B4E9"
POSITIVE_SHADE = "#2F6C90"
NEGATIVE = "#E8873A"
NEGATIVE_SHADE = "#8F5423"
ZERO = "#131B25"
SPOT = "#F2F5F9"
FLIP = "#D78CC0"
GOOD = "#3FBF8F"
WARNING = "#F2C14E"

FONT = (
    '-apple-system, "Segoe UI", Inter, Roboto, "Helvetica Neue", Arial, "Liberation Sans", '
    "sans-serif"
)

_VARIABLES = {
    "background": BACKGROUND,
    "panel": PANEL,
    "raised": RAISED,
    "border": BORDER,
    "grid": GRID,
    "text": TEXT,
    "muted": MUTED,
    "faint": FAINT,
    "positive": POSITIVE,
    "positive-shade": POSITIVE_SHADE,
    "negative": NEGATIVE,
    "negative-shade": NEGATIVE_SHADE,
    "zero": ZERO,
    "spot": SPOT,
    "flip": FLIP,
    "good": GOOD,
    "warning": WARNING,
    "font": FONT,
}


def css_variables(lengths: Mapping[str, int]) -> str:
    """Return the `:root` rule that hands the theme, and lengths in pixels, to the stylesheet."""
    variables = _VARIABLES | {name: f"{pixels}px" for name, pixels in lengths.items()}
    return ":root{" + "".join(f"--{name}:{value};" for name, value in variables.items()) + "}"


def with_alpha(colour: str, alpha: float) -> str:
    """Return a hex colour as rgba()."""
    return f"rgba({', '.join(str(part) for part in _channels(colour))}, {alpha:g})"


SIGN_COLOURS: Mapping[str, str] = {
    "positive": POSITIVE,
    "negative": NEGATIVE,
    "positive_shade": POSITIVE_SHADE,
    "negative_shade": NEGATIVE_SHADE,
}
"""Colours of bars; the shades are for puts stacked on calls of the same sign."""


def diverging_scale(steps: int = 10) -> list[tuple[float, str]]:
    """Return a colour scale from orange over a dark zero to blue, growing with the square root.

    Gamma by strike and expiry is heavy-tailed: a linear scale would leave all but a few cells
    black.
    """
    reach = [(step / steps) ** 2 for step in range(steps + 1)]
    low = [((1 - r) / 2, _mix(NEGATIVE, r**0.5)) for r in reversed(reach)]
    high = [((1 + r) / 2, _mix(POSITIVE, r**0.5)) for r in reach[1:]]
    return low + high


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mix(colour: str, share: float) -> str:
    """Return `share` of a colour over the zero colour."""
    pairs = zip(_channels(ZERO), _channels(colour), strict=True)
    return "#" + "".join(f"{round(zero + (full - zero) * share):02X}" for zero, full in pairs)
