"""Which pictures there are and how they are encoded. Loads no drawing library."""

from enum import StrEnum


class Panel(StrEnum):
    """Which panel of the board."""

    GEX = "gex"  # by strike
    PROFILE = "profile"  # re-priced over spot
    MATRIX = "matrix"  # strike by expiry
    EXPIRIES = "expiries"  # by expiry
    LADDER = "ladder"  # hedge flow of sudden moves
    HISTORY = "history"  # flip against the index, the last day


class PictureFormat(StrEnum):
    """How a picture is encoded."""

    SVG = "svg"
    PNG = "png"


MEDIA_TYPES = {PictureFormat.SVG: "image/svg+xml", PictureFormat.PNG: "image/png"}
