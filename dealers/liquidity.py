"""How large a hedge flow is beside the market that must take it."""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import FloatArray

_MINUTES_PER_DAY = 1440.0


@dataclass(frozen=True, slots=True)
class Liquidity:
    """What the hedging market shows, USD; NaN where unknown.

    Attributes
    ----------
    bid_half_pct_usd, ask_half_pct_usd : resting within 0.5 % below, above the mid.
    bid_one_pct_usd, ask_one_pct_usd : resting within 1 %.
    volume_24h_usd : traded in the last 24 hours.
    """

    bid_half_pct_usd: float = np.nan
    ask_half_pct_usd: float = np.nan
    bid_one_pct_usd: float = np.nan
    ask_one_pct_usd: float = np.nan
    volume_24h_usd: float = np.nan


@dataclass(frozen=True, slots=True)
class RelativeSize:
    """A flow in units of the market, each never negative, NaN where the market is unknown."""

    share_of_half_pct_depth: FloatArray
    share_of_one_pct_depth: FloatArray
    share_of_volume: FloatArray
    minutes_of_volume: FloatArray


def compare_with_market(flow_usd: FloatArray, market: Liquidity) -> RelativeSize:
    """Size of each flow beside the side of the book it hits and beside a day's volume.

    Dealers who buy (+) take asks, who sell take bids: share = |flow| / depth of that side.
    Minutes: |flow| / (24 h volume / 1440), as if volume were even [A]. A depth or volume of zero
    counts as unknown.
    """
    size, buys = np.abs(flow_usd), flow_usd > 0

    def share(bid_usd: float, ask_usd: float) -> FloatArray:
        side = np.where(buys, ask_usd, bid_usd)
        return size / np.where(side > 0, side, np.nan)

    of_day = share(market.volume_24h_usd, market.volume_24h_usd)
    return RelativeSize(
        share_of_half_pct_depth=share(market.bid_half_pct_usd, market.ask_half_pct_usd),
        share_of_one_pct_depth=share(market.bid_one_pct_usd, market.ask_one_pct_usd),
        share_of_volume=of_day,
        minutes_of_volume=of_day * _MINUTES_PER_DAY,
    )
