"""Forced selling of leveraged positions: at which prices, how much, and what it sets off.

Venues do not publish who is leveraged how far. The ladder here is modelled from what they do
publish, and every assumption of it is an argument. Knows no feed and no clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from greeks.conventions import FloatArray, Settlement

LEVERAGE_MIX: Mapping[float, float] = MappingProxyType(
    {5.0: 0.40, 10.0: 0.35, 25.0: 0.20, 50.0: 0.05}
)
"""Share of open interest by leverage: an assumption of ours."""
CROWDED_RATE_8H = 0.0005
"""Funding at which the side that pays is as large as it is taken to get: an assumption of ours."""
LEAST_SHARE = 0.1
REACH = 0.30
"""How far from spot the ladder goes, in log price."""
STEPS = 60


class Leveraged(StrEnum):
    """Which side of the perpetual a leveraged position is on."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class MarginSchedule:
    """What a venue asks of a position: a share of it that grows with its size.

    Attributes
    ----------
    initial, maintenance : shares of a position of size 0.
    per_coin : added to both for each coin of the position.
    source : where the venue says so, and of when that is.
    """

    initial: float
    maintenance: float
    per_coin: float
    source: str

    @property
    def max_leverage(self) -> float:
        """Of a small position."""
        return 1 / self.initial

    def maintenance_of(self, size_coin: float) -> float:
        """Share of a position of this size that must be left, or it is liquidated."""
        return self.maintenance + self.per_coin * size_coin


_NOTICE = "Deribit, change of leverage levels, 2022-01-11"
_LINEAR_PAGE = "Deribit, linear perpetual, read 2026-11-26"
DERIBIT_MARGINS: Mapping[str, MarginSchedule] = MappingProxyType(
    {
        "BTC": MarginSchedule(0.02, 0.01, 0.00005, _NOTICE),
        "ETH": MarginSchedule(0.02, 0.01, 0.000004, _NOTICE),
        "SOL": MarginSchedule(0.04, 0.02, 0.000005, _LINEAR_PAGE),
    }
)
"""By asset. Venues change them: what is not here is unknown, not like something else."""


def liquidation_price(
    entry_usd: FloatArray | float,
    leverage: float,
    maintenance: float,
    settlement: Settlement,
    side: Leveraged,
) -> FloatArray:
    """Price at which a position opened at `entry_usd` has its maintenance margin left.

    Inverse: long P (1 + m) / (1 + 1/L), short P (1 - m) / (1 - 1/L). Linear: long
    P (1 - 1/L) / (1 - m), short P (1 + 1/L) / (1 + m). Any shape of entries; an inverse short at
    leverage 1 is never liquidated: inf. Raises ValueError unless 1 <= L < 1/m.
    """
    if not 1 <= leverage < 1 / maintenance:
        raise ValueError(f"leverage: expected 1 to below {1 / maintenance:g}, was {leverage:g}")
    sign = 1.0 if side is Leveraged.LONG else -1.0
    left, kept = 1 + sign * maintenance, 1 + sign / leverage
    if settlement is Settlement.INVERSE:
        return np.asarray(entry_usd, dtype=np.float64) * (left / kept if kept else np.inf)
    left, kept = 1 - sign * maintenance, 1 - sign / leverage
    return np.asarray(entry_usd, dtype=np.float64) * kept / left


def long_share(rate_8h: float) -> float:
    """Share of leveraged open interest that is long, as funding implies it: an assumption of ours.

    Half at no funding, 0.9 where longs pay 0.05 % for eight hours, 0.1 where shorts do, a straight
    line between. A contract has a long and a short; one of them is an arbitrageur with the coin.
    """
    crowd = float(np.clip(rate_8h / CROWDED_RATE_8H, -1, 1))
    return 0.5 + (0.5 - LEAST_SHARE) * crowd


@dataclass(frozen=True, slots=True)
class Assumed:
    """What the ladder assumes of holders. All of it ours.

    Attributes
    ----------
    leverage_mix : share of open interest by leverage; normalised, what the venue does not grant
        left out.
    long_share : of what is leveraged.
    maintenance : share of the position, that of a small one.
    settlement : of the perpetual.
    """

    long_share: float
    maintenance: float
    settlement: Settlement = Settlement.INVERSE
    leverage_mix: Mapping[float, float] = field(default_factory=lambda: LEVERAGE_MIX)


@dataclass(frozen=True, slots=True)
class Ladder:
    """Modelled forced trading by distance from spot, on one side of it.

    Attributes
    ----------
    edges : (n + 1,) distances in log price, from 0.
    usd : (n,) USD traded between one edge and the next.
    """

    edges: FloatArray
    usd: FloatArray

    @property
    def per_log(self) -> FloatArray:
        """L(x): USD per unit of log price, (n,)."""
        return self.usd / np.diff(self.edges)

    def mean_per_log(self, within: float) -> float:
        """L(x) on average over the first `within` of log price."""
        return self._until(within) / within

    def _until(self, x: float) -> float:
        return float(np.interp(x, self.edges, np.append(0.0, np.cumsum(self.usd))))

    def branching(self, lam_eff_per_usd: float) -> FloatArray:
        """n(x) = lam_eff L(x), (n,): what a liquidation sets off; 1 and more run on."""
        return lam_eff_per_usd * self.per_log

    def drop(self, shock: float, lam_eff_per_usd: float) -> float:
        """How far the price goes in all for a first shock, both in log price.

        The smallest X with X = shock + lam_eff x (USD traded within X). Where n is constant this is
        shock / (1 - n); where n >= 1 it runs on until the ladder thins out or ends.
        """
        reached = self.edges - lam_eff_per_usd * np.append(0.0, np.cumsum(self.usd))
        past = np.flatnonzero(reached >= shock)
        if not len(past):
            return shock + lam_eff_per_usd * float(self.usd.sum())
        at = int(past[0])
        if at == 0:
            return shock
        inside = (shock - reached[at - 1]) / (reached[at] - reached[at - 1])
        return float(self.edges[at - 1] + inside * (self.edges[at] - self.edges[at - 1]))


def estimate_ladders(
    entries_usd: FloatArray, spot_usd: float, open_interest_usd: float, assumed: Assumed
) -> dict[Leveraged, Ladder]:
    """Model who would be liquidated where: longs below spot, shorts above it.

    Parameters
    ----------
    entries_usd : (h,) past prices, oldest first, the same span apart: positions are taken to have
        been opened at a rate uniform in time. Without one the ladders are NaN.
    open_interest_usd : of the perpetual.

    What a later price would have liquidated already is gone; the rest makes up the open interest.
    A side of which nobody would be left is NaN.
    """
    edges = np.linspace(0.0, REACH, STEPS + 1)
    shares = {Leveraged.LONG: assumed.long_share, Leveraged.SHORT: 1 - assumed.long_share}
    return {
        side: _ladder(entries_usd, spot_usd, share * open_interest_usd, assumed, side, edges)
        for side, share in shares.items()
    }


def _ladder(
    entries_usd: FloatArray,
    spot_usd: float,
    usd: float,
    assumed: Assumed,
    side: Leveraged,
    edges: FloatArray,
) -> Ladder:
    mix = {times: w for times, w in assumed.leverage_mix.items() if times * assumed.maintenance < 1}
    unknown = Ladder(edges, np.full(len(edges) - 1, np.nan))
    if not (mix and len(entries_usd) and np.isfinite(usd)):
        return unknown
    prices = [
        liquidation_price(entries_usd, times, assumed.maintenance, assumed.settlement, side)
        for times in mix
    ]
    down = -1.0 if side is Leveraged.LONG else 1.0
    # log distance to each price on this side of spot, and to the worst price since each entry
    distance = down * np.log(np.array(prices) / spot_usd)
    seen = down * np.log(np.append(entries_usd, spot_usd) / spot_usd)
    worst = np.maximum.accumulate(seen[::-1])[::-1][1:]
    weight = np.where(distance > worst, np.array(list(mix.values()))[:, None], 0.0)
    total = float(weight.sum())
    if total == 0:
        return unknown
    counted, _ = np.histogram(distance, bins=edges, weights=weight)
    return Ladder(edges, usd * counted / total)


def expected_drop(shock: float, branching: float) -> float:
    """Move in all for a first shock while n is the same everywhere: shock / (1 - n); inf at 1."""
    return shock / (1 - branching) if branching < 1 else np.inf


@dataclass(frozen=True, slots=True)
class CascadeCount:
    """How many positions a shock liquidates in all: mean and variance, inf where it runs on."""

    mean: float
    variance: float


def cascade_count(shock: float, positions_per_log: float, branching: float) -> CascadeCount:
    """Count of liquidations when each moves the price by branching / positions_per_log.

    Triggers are Poisson, `positions_per_log` to the unit of log price; the first shock sets off
    nu d of them and each sets off n on average, so that the total progeny is generalised Poisson
    (Borel and Tanner): mean nu d / (1 - n), variance nu d / (1 - n)^3. The same algebra is that of
    Hawkes processes: Filimonov and Sornette 2012; Hardiman, Bercot and Bouchaud 2013.
    """
    if branching >= 1:
        return CascadeCount(np.inf, np.inf)
    first = positions_per_log * shock
    return CascadeCount(first / (1 - branching), first / (1 - branching) ** 3)
