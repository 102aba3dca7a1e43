"""What a position model answers: an inventory, how sure it is, and what that makes of net GEX."""

from dataclasses import dataclass

import numpy as np

from dealers.ladder import GexLadder
from greeks.conventions import FloatArray

_INTERVAL = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class GexInterval:
    """Net GEX at spot under one model, USD per 1 %. Without draws lo, hi and odds are NaN.

    Attributes
    ----------
    net, lo, hi : of the mean inventory, and the 5 % and 95 % quantiles over draws.
    gross : sum over options of |GEX| if dealers held all open interest: the bound on |net|.
    p_short_gamma : share of draws with net GEX below zero.
    """

    net: float
    lo: float
    hi: float
    gross: float
    p_short_gamma: float

    @property
    def width_of_gross(self) -> float:
        """(hi - lo)/gross: 2 means that nothing is known."""
        return (self.hi - self.lo) / self.gross if self.gross > 0 else np.nan


@dataclass(frozen=True, slots=True)
class FlipDistribution:
    """The flip nearest to spot over draws of the inventory.

    Attributes
    ----------
    median_usd, lo_usd, hi_usd : median, 5 % and 95 % among draws that have a flip, else NaN.
    p_none : share of draws without a flip.
    """

    median_usd: float
    lo_usd: float
    hi_usd: float
    p_none: float


@dataclass(frozen=True, slots=True)
class PositionEstimate:
    """Dealers' inventory according to one model, coins, + = dealers long.

    Attributes
    ----------
    model : its name, stated beside every number made with it.
    mean_coin : (n,).
    lo_coin, hi_coin : (n,) 5 % and 95 % quantiles; NaN when the model has no error.
    draws_coin : (D, n) joint draws; D = 0 when the model has no error.
    gex : what it makes of net GEX.
    reason : why the data do not suffice to show it as an answer; None when they do.
    """

    model: str
    mean_coin: FloatArray
    lo_coin: FloatArray
    hi_coin: FloatArray
    draws_coin: FloatArray
    gex: GexInterval
    reason: str | None = None

    @property
    def enough_data(self) -> bool:
        """Whether the answer may be shown as an answer."""
        return self.reason is None


def point_estimate(
    model: str, position_coin: FloatArray, open_interest_coin: FloatArray, ladder: GexLadder
) -> PositionEstimate:
    """Wrap an inventory that a model states without error."""
    unknown = np.full(len(position_coin), np.nan)
    draws = np.empty((0, len(position_coin)))
    return PositionEstimate(
        model=model,
        mean_coin=position_coin,
        lo_coin=unknown,
        hi_coin=unknown,
        draws_coin=draws,
        gex=summarise_gex(position_coin, draws, open_interest_coin, ladder),
    )


def summarise_gex(
    mean_coin: FloatArray,
    draws_coin: FloatArray,
    open_interest_coin: FloatArray,
    ladder: GexLadder,
) -> GexInterval:
    """Net GEX at spot of the mean inventory and its quantiles over the draws."""
    net = float(ladder.net_at_spot(mean_coin[None, :])[0])
    gross = float(ladder.net_at_spot(open_interest_coin[None, :])[0])
    if not len(draws_coin):
        return GexInterval(net, np.nan, np.nan, gross, np.nan)
    drawn = ladder.net_at_spot(draws_coin)
    lo, hi = np.quantile(drawn, _INTERVAL)
    return GexInterval(net, float(lo), float(hi), gross, float(np.mean(drawn < 0)))


def summarise_flips(draws_coin: FloatArray, ladder: GexLadder) -> FlipDistribution:
    """Where the flip lies over the draws; nothing known without draws."""
    if not len(draws_coin):
        return FlipDistribution(np.nan, np.nan, np.nan, np.nan)
    flips = ladder.flips(draws_coin)
    found = flips[np.isfinite(flips)]
    p_none = 1 - len(found) / len(flips)
    if not len(found):
        return FlipDistribution(np.nan, np.nan, np.nan, p_none)
    lo, median, hi = np.quantile(found, (0.05, 0.5, 0.95))
    return FlipDistribution(float(median), float(lo), float(hi), p_none)
