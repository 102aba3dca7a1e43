"""Units, day count and the enums that name every convention. Knows no data and no formula."""

from enum import IntEnum, StrEnum

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
StatusArray = npt.NDArray[np.int8]

MS_PER_DAY = 86_400_000
DAYS_PER_YEAR = 365.0
MS_PER_YEAR = 31_536_000_000
"""Act/365 fixed: a year is 365 days of 86,400 s, every hour of every day counts."""
SECONDS_PER_YEAR = 31_536_000.0

PCT = 0.01
"""A move of one percent, as a return."""
VOL_POINT = 0.01
"""One point of volatility: 50 % to 51 %."""


class Settlement(IntEnum):
    """What an option pays out in, and so which book it belongs to."""

    INVERSE = 0  # coin-margined: BTC-27DEC26-100000-C
    LINEAR = 1  # USDC-margined: BTC_USDC-27DEC26-100000-C


class RowStatus(IntEnum):
    """What is known of one option, ordered so that the worst code wins.

    Rows up to `STALE` are computed; above it every exposure of the row is NaN.
    """

    OK = 0
    STALE = 1  # computed from values older than their limit
    NO_IV = 2  # no mark volatility: wait for the next mark or imply it from a price
    NO_FORWARD = 3  # no forward of this expiry is known yet
    REJECTED = 4  # a value that cannot be true: not finite, negative, or out of range
    EXPIRED = 5  # at or past 08:00:00 UTC of its expiry day


class ForwardSource(IntEnum):
    """Where an expiry's forward comes from."""

    UNKNOWN = 0
    FUTURE = 1  # a listed future of that expiry
    SYNTHETIC = 2  # the venue's own, from its options: "SYN.<expiry>"
    INDEX = 3  # the spot index in place of a forward
    PARITY = 4  # recovered from marks by put-call parity


class IvSource(IntEnum):
    """Where a row's volatility comes from."""

    MARK = 0  # the venue's mark volatility
    TWIN = 1  # the mark volatility of the call or put at the same strike
    PRICE = 2  # implied from a mark price


class AverageSource(IntEnum):
    """Where the running average of the settlement window comes from."""

    NONE = 0  # outside the window, or not given: the forward says what is fixed
    VENUE = 1  # the venue's estimated delivery price
    SAMPLES = 2  # the index prices we received since the window began


class HedgeConvention(StrEnum):
    """In which money a dealer of coin-margined options keeps his wealth constant."""

    USD = "usd"  # hedges q delta coins
    COIN = "coin"  # hedges q (delta - price/F) coins


class SmileDynamics(StrEnum):
    """What implied volatility does when spot moves."""

    STICKY_STRIKE = "sticky_strike"  # each option keeps its own volatility
    STICKY_MONEYNESS = "sticky_moneyness"  # the smile moves along with the forward


class Exposure(StrEnum):
    """Every exposure, named by its unit. The order is the row order of an `ExposureTable`."""

    GEX = "gex_usd_per_1pct"
    DELTA = "delta_coin"
    VEGA = "vega_usd_per_pt"
    THETA = "theta_usd_per_day"
    VANNA = "vanna_coin_per_pt"
    CHARM = "charm_coin_per_day"
    VOLGA = "volga_usd_per_pt2"
    SPEED = "speed_usd_per_1pct2"
    ZOMMA = "zomma_usd_per_1pct_per_pt"
    COLOR = "color_usd_per_1pct_per_day"


class Regime(StrEnum):
    """The sign of net GEX at spot."""

    LONG_GAMMA = "long_gamma"  # hedging dampens moves
    SHORT_GAMMA = "short_gamma"  # hedging amplifies moves
    UNKNOWN = "unknown"


ROUNDING = 1e-12
"""A net sum smaller than this part of its gross is the rounding of positions that cancel."""


def regime_of(net_gex_usd_per_1pct: float, gross_gex_usd_per_1pct: float) -> Regime:
    """The sign of net GEX; unknown where that is rounding, of its gross or of a dollar."""
    least = ROUNDING * max(gross_gex_usd_per_1pct, 1.0)
    if not abs(net_gex_usd_per_1pct) > least:
        return Regime.UNKNOWN
    return Regime.LONG_GAMMA if net_gex_usd_per_1pct > 0 else Regime.SHORT_GAMMA


class FlipDirection(StrEnum):
    """How net GEX changes sign as spot rises through a flip."""

    LONG_ABOVE = "long_above"
    SHORT_ABOVE = "short_above"


class FlipReason(StrEnum):
    """Why there is no flip level."""

    ALWAYS_LONG = "net_gex_positive_on_whole_ladder"
    ALWAYS_SHORT = "net_gex_negative_on_whole_ladder"
    NO_EXPOSURE = "no_gamma_in_the_book"  # nothing is held, or what is held cancels
    NO_SPOT = "no_index_price"
    UNKNOWN = "net_gex_unknown"  # no option's exposure is known
