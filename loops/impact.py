"""Price impact: how far bought or sold USD move a price, and how that is measured.

Knows flows, depths and volumes that it is handed; does not know whose the flow is.
"""

import math
from dataclasses import dataclass

import numpy as np

from greeks.conventions import FloatArray

BOOK_WITHIN = 0.005
"""The depth is what rests within this part of mid."""
NEWEY_WEST_LAGS = 10


def impact_per_usd(depth_usd: float, within: float = BOOK_WITHIN) -> float:
    """Return moved per USD bought, from the USD resting within `within` of mid: lam = x / D.

    Raises ValueError for a depth that is not positive.
    """
    if not depth_usd > 0:
        raise ValueError(f"depth_usd: expected a positive number, was {depth_usd}")
    return within / depth_usd


@dataclass(frozen=True, slots=True)
class ImpactLaw:
    """Log move of the price for USD bought at once: the book's slope, capped by the square root.

    I(Q) = sign(Q) min(lam |Q|, Y s_d sqrt(|Q| / V)). The square root alone would make the gain
    of small moves infinite; without a volume the book stands alone.

    Attributes
    ----------
    per_usd : lam, log move per USD.
    daily_sd : s_d, standard deviation of a day's return, fraction.
    volume_24h_usd : V; NaN when the square root is not wanted or not known.
    coefficient : Y, about 1 (Donier and Bonart 2015, on bitcoin) [A].
    """

    per_usd: float
    daily_sd: float = math.nan
    volume_24h_usd: float = math.nan
    coefficient: float = 1.0

    def of(self, flow_usd: FloatArray) -> FloatArray:
        """The log move of each flow, + = bought."""
        book = self.per_usd * flow_usd
        if math.isnan(self.volume_24h_usd):
            return book
        root = square_root_impact(flow_usd, self.daily_sd, self.volume_24h_usd, self.coefficient)
        return np.where(np.abs(root) < np.abs(book), root, book)


def square_root_impact(
    flow_usd: FloatArray, daily_sd: float, volume_24h_usd: float, coefficient: float = 1.0
) -> FloatArray:
    """Log move of a large order Q: sign(Q) Y s_d sqrt(|Q| / V), V a day's volume in USD.

    Raises ValueError for a volume that is not positive.
    """
    if not volume_24h_usd > 0:
        raise ValueError(f"volume_24h_usd: expected a positive number, was {volume_24h_usd}")
    size = coefficient * daily_sd * np.sqrt(np.abs(flow_usd) / volume_24h_usd)
    return np.asarray(np.copysign(size, flow_usd))


@dataclass(frozen=True, slots=True)
class KyleLambda:
    """Impact as returns say it: r = lam Q + e.

    Attributes
    ----------
    per_usd : lam, return per USD that takers bought; NaN without any flow.
    standard_error : robust against what follows from earlier minutes (Newey and West 1987).
    t_statistic : lam over its error.
    samples : minutes that were used.
    """

    per_usd: float
    standard_error: float
    t_statistic: float
    samples: int


def estimate_kyle_lambda(
    returns: FloatArray, taker_usd: FloatArray, lags: int = NEWEY_WEST_LAGS
) -> KyleLambda:
    """Regress 1-minute returns on signed taker flow, without intercept.

    lam = sum Q r / sum Q^2; with u = Q e, its variance is
    [sum_t u_t^2 + 2 sum_{l=1..L} (1 - l/(L+1)) sum_t u_t u_{t-l}] / (sum Q^2)^2.

    Parameters
    ----------
    returns : (n,) fractions, minute by minute in order; NaN where unknown.
    taker_usd : (n,) USD that takers bought less what they sold in the same minutes.
    lags : L, minutes over which errors may depend on each other.

    Source: Kyle 1985; Newey and West 1987. A minute with an unknown number is left out, and the
    minutes around it count as neighbours. Raises ValueError for arrays of different length.
    """
    if returns.shape != taker_usd.shape:
        raise ValueError(f"taker_usd: expected shape {returns.shape}, was {taker_usd.shape}")
    known = np.isfinite(returns) & np.isfinite(taker_usd)
    r, Q = returns[known], taker_usd[known]
    square = float(Q @ Q)
    if not square > 0:
        return KyleLambda(math.nan, math.nan, math.nan, len(r))
    slope = float(Q @ r) / square
    u = Q * (r - slope * Q)
    weights = 1 - np.arange(1, lags + 1) / (lags + 1)
    lagged = [float(u[lag:] @ u[:-lag]) for lag in range(1, lags + 1)]
    variance = float(u @ u) + 2 * float(weights @ np.array(lagged))
    error = math.sqrt(max(variance, 0.0)) / square
    t_statistic = slope / error if error > 0 else math.nan
    return KyleLambda(slope, error, t_statistic, len(r))
