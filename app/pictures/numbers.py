"""Numbers and instants as the page prints them: true minus, UTC, a dash for what is unknown."""

import math
from datetime import UTC, datetime

UNKNOWN = "–"
_UNITS = ((1e9, "B", 2), (1e6, "M", 1), (1e3, "k", 1), (1.0, "", 0))


def number(value: float | None, decimals: int) -> str:
    """Print with thousands separated."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = f"{abs(value):,.{decimals}f}"
    is_zero = not text.strip("0.,")
    return f"−{text}" if value < 0 and not is_zero else text


def signed(value: float | None, decimals: int) -> str:
    """Print with a plus when positive."""
    text = number(value, decimals)
    return f"+{text}" if text[0].isdigit() and text.strip("0.,") else text


def money(value: float | None) -> str:
    """59,312,345 as +59.3M; the unit follows the rounded size, so 999,960 is +1.0M."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    scale, unit, decimals = next(
        (part for part in _UNITS if abs(value) >= part[0] * 0.99995), _UNITS[-1]
    )
    return signed(value / scale, decimals) + unit


def level(value: float | None) -> str:
    """Print a price level."""
    size = abs(value or 0.0)
    return number(value, 0 if size >= 1_000 else 1 if size >= 100 else 3)


def coins(value: float | None) -> str:
    """Print an amount of coins."""
    size = abs(value or 0.0)
    return number(value, 0 if size >= 100 else 1 if size >= 1 else 3)


def percent(fraction: float | None, decimals: int = 1) -> str:
    """Print a fraction as per cent."""
    text = signed(None if fraction is None else fraction * 100, decimals)
    return text if text == UNKNOWN else f"{text}%"


def instant(time_ms: int) -> str:
    """25 Nov 2026 15:52:01 UTC."""
    at = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{at.day} {at:%b %Y %H:%M:%S} UTC"


def hour(time_ms: int) -> str:
    """15:52, UTC."""
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%H:%M}"
