"""Which expiries are listed at an instant, and how the venue writes a day. Pure functions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from greeks.conventions import MS_PER_DAY

EXPIRY_HOUR_MS = 8 * 3_600_000
DAILIES = 4
WEEKLIES = 3
MONTHLIES = 3
QUARTERLIES = 4
FRIDAY = 4


@dataclass(frozen=True, slots=True, order=True)
class Expiry:
    """One 08:00:00 UTC and the venue's word for its tenor: day, week or month."""

    ms: int
    period: str


def expiry_code(ms: int) -> str:
    """Write an expiry as the venue does: 7JAN26, 27DEC26."""
    day = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{day.day}{day.strftime('%b%y').upper()}"


def parse_expiry(code: str) -> int:
    """Read an expiry code back into ms UTC of its 08:00."""
    day = datetime.strptime(code.title(), "%d%b%y").replace(tzinfo=UTC)
    return int(day.timestamp()) * 1000 + EXPIRY_HOUR_MS


def last_roll(now_ms: int) -> int:
    """Return the newest 08:00 UTC that is not after `now_ms`."""
    return (now_ms - EXPIRY_HOUR_MS) // MS_PER_DAY * MS_PER_DAY + EXPIRY_HOUR_MS


def listed_expiries(now_ms: int) -> tuple[Expiry, ...]:
    """Return the expiries after `now_ms`, soonest first; the set changes only at 08:00."""
    roll = last_roll(now_ms)
    days = [roll + k * MS_PER_DAY for k in range(1, DAILIES + 1)]
    fridays = [
        ms for k in range(1, 7 * WEEKLIES + 1) if _weekday(ms := roll + k * MS_PER_DAY) == FRIDAY
    ]
    months = _month_ends(roll, 3 * QUARTERLIES + 1)
    quarters = [ms for ms in months if datetime.fromtimestamp(ms / 1000, UTC).month % 3 == 0]
    monthly = {*months[:MONTHLIES], *quarters[:QUARTERLIES]}
    listed = dict.fromkeys(days, "day")
    listed |= dict.fromkeys(fridays, "week")
    listed |= dict.fromkeys(monthly, "month")
    return tuple(Expiry(ms, period) for ms, period in sorted(listed.items()))


def expiry_period(ms: int) -> str:
    """Return the tenor word of an expiry by its place in the calendar."""
    if _weekday(ms) != FRIDAY:
        return "day"
    day = datetime.fromtimestamp(ms / 1000, UTC)
    return "month" if (day + timedelta(days=7)).month != day.month else "week"


def created_ms(expiry: Expiry) -> int:
    """Return when an expiry that stood before the market began was probably listed."""
    days = {"day": DAILIES, "week": 7 * WEEKLIES, "month": 91}[expiry.period]
    return expiry.ms - days * MS_PER_DAY + 17_000


def _weekday(ms: int) -> int:
    return datetime.fromtimestamp(ms / 1000, UTC).weekday()


def _month_ends(after_ms: int, count: int) -> list[int]:
    """Last Fridays of the coming months, at 08:00 UTC."""
    day = datetime.fromtimestamp(after_ms / 1000, UTC).replace(day=1)
    ends: list[int] = []
    while len(ends) < count:
        following = (day + timedelta(days=32)).replace(day=1)
        last = following - timedelta(days=1)
        friday = last - timedelta(days=(last.weekday() - FRIDAY) % 7)
        ms = int(friday.replace(hour=8, minute=0, second=0, microsecond=0).timestamp()) * 1000
        if ms > after_ms:
            ends.append(ms)
        day = following
    return ends
