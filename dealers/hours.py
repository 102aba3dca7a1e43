"""What each hour brought: spot, at-the-money volatility and the vega that takers bought.

A fold over observations, as long as the regressions of `dealers.response` look back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dealers.response import (
    MIN_SAMPLES,
    Slope,
    VolatilitySource,
    estimate_spot_vol_beta,
    estimate_vega_impact,
)
from greeks.conventions import VOL_POINT, FloatArray

HOUR_MS = 3_600_000
KEPT_HOURS = 7 * 24 + 1


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour: what was seen first in it, and what takers bought during it.

    Attributes
    ----------
    start_ms : exchange time, a whole hour.
    spot_usd, atm_iv : at the first observation in the hour; volatility as a fraction.
    taker_vega_usd_per_pt : signed vega of the trades in it, + = takers bought.
    """

    start_ms: int
    spot_usd: float
    atm_iv: float
    taker_vega_usd_per_pt: float = 0.0


@dataclass(frozen=True, slots=True)
class HourLog:
    """The last seven days by the hour, oldest first; hours without an observation are missing."""

    hours: tuple[Hour, ...] = ()

    def observe(self, as_of_ms: int, spot_usd: float, atm_iv: float) -> "HourLog":
        """Open the hour of an observation unless it is open; an older one changes nothing."""
        start_ms = as_of_ms // HOUR_MS * HOUR_MS
        if self.hours and start_ms <= self.hours[-1].start_ms:
            return self
        return HourLog((*self.hours[1 - KEPT_HOURS :], Hour(start_ms, spot_usd, atm_iv)))

    def add_vega(self, taker_vega_usd_per_pt: float) -> "HourLog":
        """Count what takers bought in the open hour."""
        if not self.hours or not np.isfinite(taker_vega_usd_per_pt):
            return self
        *before, now = self.hours
        bought = now.taker_vega_usd_per_pt + taker_vega_usd_per_pt
        return HourLog((*before, replace(now, taker_vega_usd_per_pt=bought)))

    def spot_vol_beta(self, past: Sequence[Hour] = ()) -> Slope:
        """Points of volatility for +1 % of spot, from one hour to the next.

        As long as these hours are too few, those of `past`, in which `atm_iv` is the venue's
        volatility index, stand in: levels differ, hourly changes hardly.
        """
        own = _beta(self.hours)
        if own.samples >= MIN_SAMPLES or not past:
            return own
        return replace(_beta(past), measured_on=VolatilitySource.VOLATILITY_INDEX)

    def vega_impact(self) -> Slope:
        """Points of volatility per USD/pt of vega that takers bought in the hour before."""
        _, iv, vega, follows = _columns(self.hours)
        return estimate_vega_impact(vega[:-1][follows], np.diff(iv)[follows] / VOL_POINT)


def _beta(hours: Sequence[Hour]) -> Slope:
    spot, iv, _, follows = _columns(hours)
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.diff(np.log(spot))
    return estimate_spot_vol_beta(returns[follows], np.diff(iv)[follows])


def _columns(hours: Sequence[Hour]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Spot, volatility, vega, and which hours follow right upon the one before."""
    rows = [(h.start_ms, h.spot_usd, h.atm_iv, h.taker_vega_usd_per_pt) for h in hours]
    start, spot, iv, vega = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return spot, iv, vega, np.diff(start) == HOUR_MS
