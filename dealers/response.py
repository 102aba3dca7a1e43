"""How volatility answers: to spot moves, and to dealers' need for options. Measured, with error."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from greeks.conventions import FloatArray

MIN_R_SQUARED = 0.05
MIN_T_STATISTIC = 2.0
MIN_SAMPLES = 24


class VolatilitySource(StrEnum):
    """Whose hourly changes of volatility a slope was measured on."""

    ATM_IV = "atm_iv"  # at the money, 30 days, as this board saw it
    VOLATILITY_INDEX = "volatility_index"  # the venue's own history of its DVOL


@dataclass(frozen=True, slots=True)
class Slope:
    """A measured proportionality y = slope x, or the reason why it is not established.

    `used` is what calculations may take: the slope, or what stands in for it when `reason` is
    set. R^2 and t-statistic are those of the regression with intercept.
    """

    slope: float
    r_squared: float
    t_statistic: float
    samples: int
    used: float
    reason: str | None
    measured_on: VolatilitySource = VolatilitySource.ATM_IV


@dataclass(frozen=True, slots=True)
class VegaPressure:
    """What dealers would buy in options to be free of vega.

    Attributes
    ----------
    vega_usd_per_pt : minus their net vega; + = they want to buy volatility.
    iv_points : the change of implied volatility that such buying would cause, NaN when the
        impact of vega flow is not established.
    """

    vega_usd_per_pt: float
    iv_points: float


def estimate_spot_vol_beta(returns: FloatArray, iv_changes: FloatArray) -> Slope:
    """Points of at-the-money volatility for +1 % of spot, by regression of hourly changes.

    Parameters
    ----------
    returns : (n,) returns of the index, fractions, typically hourly over 7 days.
    iv_changes : (n,) changes of at-the-money volatility over the same hours, fractions.

    Ordinary least squares with intercept. `used` is 0 (sticky strike) when R^2 < 0.05 or fewer
    than 24 pairs are known. Fractions per fraction are points per per cent.
    """
    fit = _fit(returns, iv_changes)
    if fit.samples < MIN_SAMPLES:
        return _unestablished(fit, 0.0, f"expected {MIN_SAMPLES} samples, was {fit.samples}")
    if not fit.r_squared >= MIN_R_SQUARED:
        return _unestablished(fit, 0.0, f"expected R^2 {MIN_R_SQUARED}, was {fit.r_squared:.3f}")
    return fit


def estimate_vega_impact(taker_vega_usd_per_pt: FloatArray, iv_changes: FloatArray) -> Slope:
    """Points of volatility per USD/pt of vega that takers buy, by regression.

    Parameters
    ----------
    taker_vega_usd_per_pt : (n,) signed vega of taker trades per interval, + = takers bought.
    iv_changes : (n,) changes of at-the-money volatility over the same intervals, points.

    `used` is NaN unless the t-statistic reaches 2: an impact that is not established is
    unknown, not zero.
    """
    fit = _fit(taker_vega_usd_per_pt, iv_changes)
    if not abs(fit.t_statistic) >= MIN_T_STATISTIC or fit.samples < MIN_SAMPLES:
        reason = f"expected |t| {MIN_T_STATISTIC}, was {fit.t_statistic:.2f} on {fit.samples}"
        return _unestablished(fit, np.nan, reason)
    return fit


def estimate_vega_pressure(net_vega_usd_per_pt: float, impact: Slope) -> VegaPressure:
    """Vega that dealers must buy to be flat, and what buying it would do to volatility.

    pressure = -net vega; effect = impact x pressure, both in points. Dealers hedge vega with
    options alone [A]; the aggregate cannot be flat unless customers take the other side.
    """
    return VegaPressure(-net_vega_usd_per_pt, -net_vega_usd_per_pt * impact.used)


def _fit(x: FloatArray, y: FloatArray) -> Slope:
    if x.shape != y.shape:
        raise ValueError(f"expected equal shapes, was {x.shape} and {y.shape}")
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    n = len(x)
    if n < 3 or np.ptp(x) == 0:
        return Slope(np.nan, np.nan, np.nan, n, np.nan, "x does not vary")
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    left = float(np.sum((y - slope * x) ** 2))
    r_squared = 1 - left / float(y @ y) if np.any(y) else 0.0
    error = float(np.sqrt(left / (n - 2) / (x @ x)))
    t_statistic = slope / error if error > 0 else float(np.copysign(np.inf, slope))
    return Slope(slope, r_squared, t_statistic, n, slope, None)


def _unestablished(fit: Slope, fallback: float, reason: str) -> Slope:
    return Slope(fit.slope, fit.r_squared, fit.t_statistic, fit.samples, fallback, reason)
