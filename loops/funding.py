"""Perpetual funding: what longs pay shorts, and the loop between premium, funding and leverage.

Knows premiums, rates and amounts; does not know which venue's ticker they came from.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

import numpy as np

from greeks.conventions import DAYS_PER_YEAR, FloatArray

HOURS = 8.0
"""Rates are quoted for eight hours."""
PER_DAY = 24.0 / HOURS
DEAD_BAND = 0.00025
CAP = 0.005
"""Most that is paid in eight hours: an assumption of ours, the venue sets it by instrument."""
INTEREST = 0.0001
CLAMP = 0.0005
UNWIND = 1.0
"""Share of open interest that crowded holders close in eight hours, per unit of funding paid.

An assumption of ours: funding of 0.1 % closes 0.1 % of it. Nothing public says how much.
"""


class Push(StrEnum):
    """Which way forced trading would push the price."""

    DOWN = "down"
    UP = "up"


def continuous_rate(premium: FloatArray | float, cap: float = CAP) -> FloatArray:
    """Funding for eight hours under the continuous rule (Deribit).

    max(0.025 %, premium) + min(-0.025 %, premium), within +-cap: a premium inside the dead band
    costs nothing, outside it what is beyond the band. `premium` = (mark - index) / index; both are
    fractions, + means that longs pay. Any shape. Source: Deribit, perpetual specification.
    """
    beyond = np.maximum(DEAD_BAND, premium) + np.minimum(-DEAD_BAND, premium)
    return np.asarray(np.clip(beyond, -cap, cap))


def interval_rate(premium: FloatArray | float, interest: float = INTEREST) -> FloatArray:
    """Funding for eight hours where it is paid every eight hours (BitMEX and its followers).

    premium + clip(interest - premium, +-0.05 %). Fractions, + means that longs pay; any shape.
    """
    return np.asarray(premium + np.clip(interest - premium, -CLAMP, CLAMP))


def funding_usd(position_usd: float, rate_8h: float, hours: float) -> float:
    """USD that a position pays while a rate holds; + it pays, - it receives; longs are positive.

    rate x position x hours / 8: the sum over any number of steps is the same.
    """
    return rate_8h * position_usd * hours / HOURS


@dataclass(frozen=True, slots=True)
class FundingReading:
    """What funding costs now. NaN and None are unknown.

    Attributes
    ----------
    rate_8h : present funding as a fraction of the position for eight hours; + longs pay.
    realised_8h : what it came to over the last eight hours, a fraction.
    per_year : the present rate held for a year without compounding, a fraction.
    paid_usd_per_day : open interest times the present rate, USD a day; + longs pay shorts.
    is_stacked : whether dealers are short gamma while one side of the perpetual pays the other:
        then a move against the side that pays meets both its liquidations and dealers' hedging.
    pushes : the way of such a move, None unless stacked.
    """

    rate_8h: float
    realised_8h: float
    per_year: float
    paid_usd_per_day: float
    is_stacked: bool | None
    pushes: Push | None


def read_funding(
    rate_8h: float, realised_8h: float, open_interest_usd: float, gex_usd_per_1pct: float
) -> FundingReading:
    """Read funding beside dealers' gamma; whatever rests on an unknown input is unknown."""
    is_known = isfinite(rate_8h) and isfinite(gex_usd_per_1pct)
    is_stacked = gex_usd_per_1pct < 0 and rate_8h != 0
    crowd_falls = Push.DOWN if rate_8h > 0 else Push.UP
    return FundingReading(
        rate_8h=rate_8h,
        realised_8h=realised_8h,
        per_year=rate_8h * PER_DAY * DAYS_PER_YEAR,
        paid_usd_per_day=rate_8h * PER_DAY * open_interest_usd,
        is_stacked=is_stacked if is_known else None,
        pushes=crowd_falls if is_known and is_stacked else None,
    )


def funding_loop_gain(
    rate_8h: float,
    open_interest_usd: float,
    lam_eff_per_usd: float,
    unwind: float = UNWIND,
    cap: float = CAP,
) -> float:
    """Loop gain of funding over eight hours: - unwind x open interest x lam_eff, else 0.

    A perpetual that runs ahead of its index by r raises funding by r, those who pay close
    `unwind` x r x open interest within eight hours, and that moves the price back: it dampens.
    Inside the dead band and at the cap a small move changes no funding, and the gain is 0. NaN
    where an input is unknown.
    """
    if not isfinite(rate_8h):
        return np.nan
    answers = 0 < abs(rate_8h) < cap
    gain = -unwind * open_interest_usd * lam_eff_per_usd
    return gain if answers or not isfinite(gain) else 0.0


@dataclass(frozen=True, slots=True)
class PremiumLoop:
    """How a premium moves, linear beyond the dead band. All assumptions; time in eight hours.

    dp = (-arbitrage p - unwind f + entry (p - a)) dt, df = (p - f) / funding_delay dt,
    da = (p - a) / memory dt

    with p the premium, f the funding that holders have come to pay and a the premium's recent
    average: p - a is momentum.

    Attributes
    ----------
    arbitrage : how fast arbitrage alone closes a premium, per eight hours.
    unwind : push of those who close because they pay, per unit of funding.
    entry : push of those who enter with momentum, per unit of it.
    funding_delay, memory : eight-hour spans until funding bites, over which momentum looks back.
    """

    arbitrage: float
    unwind: float
    entry: float
    funding_delay: float = 1.0
    memory: float = 1.0

    def matrix(self) -> FloatArray:
        """(3, 3) matrix of the rates of change of (p, f, a)."""
        return np.array(
            [
                [self.entry - self.arbitrage, -self.unwind, -self.entry],
                [1 / self.funding_delay, -1 / self.funding_delay, 0.0],
                [1 / self.memory, 0.0, -1 / self.memory],
            ]
        )

    def growth_rate(self) -> float:
        """How fast a disturbance grows per eight hours, its largest real rate; - it dies.

        It never grows while entry <= arbitrage, however large and late the answer to funding.
        """
        return float(np.linalg.eigvals(self.matrix()).real.max())
