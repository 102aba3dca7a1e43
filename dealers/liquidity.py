"""The market that must take a hedge flow: how large the flow is beside it, and its recent depth.

Knows depths and the times that they are handed with; reads no clock.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from greeks.conventions import FloatArray

WINDOW_MS = 15 * 60_000
"""How far back the depth is remembered that a push of dealers is weighed with."""
SAMPLE_MS = 1000
HOLE_MS = 10_000
"""Samples further apart cover nothing between them."""
DepthSample = tuple[int, float]
"""When, exchange time in ms, and USD."""
_MINUTES_PER_DAY = 1440.0


@dataclass(frozen=True, slots=True)
class RecentDepth:
    """USD resting within 0.5 % of mid, mean of both sides, over the last 15 minutes.

    What rests at one moment says little of what a hedge of minutes meets: quotes come and go.

    Attributes
    ----------
    median_usd, low_usd, high_usd : median and quartiles of the samples, NaN without any.
    covers_s : how much of the 15 minutes lies between samples at most 10 s apart; less than 900
        until the record is as long, and by every hole in it, that of a restart too.
    samples : how many, at least a second apart.
    """

    median_usd: float = np.nan
    low_usd: float = np.nan
    high_usd: float = np.nan
    covers_s: float = 0.0
    samples: int = 0


UNKNOWN_DEPTH = RecentDepth()


@dataclass(frozen=True, slots=True)
class Liquidity:
    """What the hedging market shows, USD; NaN where unknown.

    Attributes
    ----------
    bid_half_pct_usd, ask_half_pct_usd : resting within 0.5 % below, above the mid.
    bid_one_pct_usd, ask_one_pct_usd : resting within 1 %.
    volume_24h_usd : traded in the last 24 hours.
    recent : the depth within 0.5 % over the last 15 minutes.
    """

    bid_half_pct_usd: float = np.nan
    ask_half_pct_usd: float = np.nan
    bid_one_pct_usd: float = np.nan
    ask_one_pct_usd: float = np.nan
    volume_24h_usd: float = np.nan
    recent: RecentDepth = UNKNOWN_DEPTH

    @property
    def half_pct_usd(self) -> float:
        """Resting within 0.5 % of mid now, mean of both sides."""
        return (self.bid_half_pct_usd + self.ask_half_pct_usd) / 2


class DepthLog:
    """The depth within 0.5 % of one market over the last 15 minutes, sampled second by second."""

    def __init__(self) -> None:
        self._samples: deque[DepthSample] = deque()

    @property
    def samples(self) -> tuple[DepthSample, ...]:
        """What is remembered, oldest first."""
        return tuple(self._samples)

    def restore(self, kept: Iterable[DepthSample]) -> None:
        """Put back what a former process remembered, by the same rules as if it were seen now.

        What is 15 minutes older than the newest sample falls out here or with the next record,
        and so does what is later than a sample of this process.
        """
        own = self.samples
        self._samples.clear()
        for at_ms, depth_usd in (*kept, *own):
            self.record(at_ms, depth_usd)

    def record(self, at_ms: int, depth_usd: float) -> None:
        """Note the depth at a time, which need not rise: what is later than it is forgotten.

        A depth that is not positive, an unknown one too, is no sample; its time still counts.
        """
        samples = self._samples
        while samples and samples[-1][0] > at_ms:
            samples.pop()
        while samples and samples[0][0] <= at_ms - WINDOW_MS:
            samples.popleft()
        if depth_usd > 0 and not (samples and at_ms < samples[-1][0] + SAMPLE_MS):
            samples.append((at_ms, depth_usd))

    def recent(self) -> RecentDepth:
        """Median and quartiles of the samples, all weighed alike."""
        if not self._samples:
            return UNKNOWN_DEPTH
        times_ms, depths = zip(*self._samples, strict=True)
        low, median, high = np.quantile(depths, (0.25, 0.5, 0.75)).tolist()
        steps_ms = np.diff(times_ms)
        covers_s = float(steps_ms[steps_ms <= HOLE_MS].sum()) / 1000
        return RecentDepth(median, low, high, covers_s, len(depths))


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
