"""What a view of the page is: a name, a word in the navigation and a body.

`views/NAME.py` holds its panels and skeleton figures, `assets/views/NAME.mjs` what it reads and
how it paints; `docs/page.md` describes both sides.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dash.development.base_component import Component


@dataclass(frozen=True, slots=True)
class View:
    """One view. `build` returns its body, without a single number in it."""

    name: str
    title: str
    build: Callable[[], Component]
