"""What a picture is of: one state under one selection, and how it should look."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.board import Selection
from app.dashboard.theme import Palette, Theme, colours
from app.hub import BoardState
from app.views import Columns
from greeks.conventions import FloatArray
from greeks.exposure import ExposureSnapshot

WINDOW = 0.15
"""A chart over strikes shows this share of spot to each side, and the levels that are near."""
WIDEST = 0.35


@dataclass(frozen=True, slots=True)
class Subject:
    """The numbers of a picture. `history` is only read for that panel."""

    state: BoardState
    snapshot: ExposureSnapshot
    selection: Selection
    history: Columns

    @property
    def spot_usd(self) -> float:
        """The index."""
        return self.snapshot.chain.index_price

    def window(self) -> tuple[float, float]:
        """Strikes to show: around spot, as wide as the levels near it need."""
        levels = self.snapshot.levels
        near = [levels.flip_usd, levels.call_wall_usd, levels.put_wall_usd]
        reach = [abs(level / self.spot_usd - 1) * 1.05 for level in near if level is not None]
        share = max([WINDOW, *(r for r in reach if r < WIDEST)])
        return self.spot_usd * (1 - share), self.spot_usd * (1 + share)

    def seen(self, levels_usd: FloatArray) -> FloatArray:
        """Whether each level lies in the window."""
        low, high = self.window()
        return np.asarray((levels_usd >= low) & (levels_usd <= high))


@dataclass(frozen=True, slots=True)
class Look:
    """Colours by name."""

    of: Mapping[str, str]

    @classmethod
    def named(cls, theme: Theme, palette: Palette) -> "Look":
        """The colours of the page."""
        plain = colours(theme, palette).items()
        return cls({name: colour for name, colour in plain if colour.startswith("#")})

    def __getitem__(self, name: str) -> str:
        return self.of[name]

    def of_sign(self, value: float) -> str:
        """The colour of a sign."""
        return self["negative" if value < 0 else "positive"]
