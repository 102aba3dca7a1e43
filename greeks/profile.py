"""Exposures over a ladder of hypothetical spot levels, re-pricing every option at each level.

A move to level S' multiplies the index and every forward by S'/S while each option keeps its
volatility (sticky strike). Exact and direct: one density per option and level.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import INV_SQRT_2PI, MIN_SD
from greeks.chain import OptionChain
from greeks.conventions import DAYS_PER_YEAR, PCT, VOL_POINT, BoolArray, FloatArray, IntArray

LADDER_LOW = 0.6
LADDER_HIGH = 1.6
LADDER_LEVELS = 401
_BLOCK = 16  # levels evaluated together; keeps the temporaries inside the cache


@dataclass(frozen=True, slots=True)
class Profile:
    """Net exposures at each hypothetical spot.

    Attributes
    ----------
    spot_usd : (M,) ladder, rising, log-spaced.
    gex_usd_per_1pct, call_gex_usd_per_1pct, put_gex_usd_per_1pct : (M,) net, of calls, of puts.
    vega_usd_per_pt, vanna_coin_per_pt, charm_coin_per_day : (M,) net.
    expiry_ms : (E,) expiries with exposure, rising.
    expiry_gex_usd_per_1pct : (E, M) net GEX of each expiry alone.
    """

    spot_usd: FloatArray
    gex_usd_per_1pct: FloatArray
    call_gex_usd_per_1pct: FloatArray
    put_gex_usd_per_1pct: FloatArray
    vega_usd_per_pt: FloatArray
    vanna_coin_per_pt: FloatArray
    charm_coin_per_day: FloatArray
    expiry_ms: IntArray
    expiry_gex_usd_per_1pct: FloatArray


def build_ladder(
    spot_usd: float, low: float = LADDER_LOW, high: float = LADDER_HIGH, count: int = LADDER_LEVELS
) -> FloatArray:
    """`count` log-spaced spot levels from `low` to `high` times spot, USD."""
    return np.asarray(spot_usd * np.exp(np.linspace(np.log(low), np.log(high), count)))


def compute_profile(chain: OptionChain, position_coin: FloatArray, spot_usd: FloatArray) -> Profile:
    """Exposures of `position_coin` (one per row, + = dealers long) at each level of `spot_usd`.

    Per row and level, with F' = F S'/S, v = s sqrt(T), d1 = ln(F'/K)/v + v/2, d2 = d1 - v:
    GEX = q F' n(d1)/v x 0.01, vega = q F' n(d1) sqrt(T) x 0.01, vanna = -q n(d1) d2/s x 0.01,
    charm = q n(d1) d2/(2T)/365. Rows without a usable mark contribute nothing.
    """
    book = _Rows.of(chain, position_coin)
    is_call = book.is_call
    starts = np.flatnonzero(np.diff(book.expiry_ms, prepend=-1))
    expiry_ms = book.expiry_ms[starts]
    out = np.zeros((6, len(spot_usd)))
    by_expiry = np.zeros((len(starts), len(spot_usd)))
    for at in range(0, len(spot_usd), _BLOCK):
        block = slice(at, at + _BLOCK)
        gex, forward_density, density_d2 = book.evaluate(spot_usd[block])
        if len(starts):
            by_expiry[:, block] = np.add.reduceat(gex, starts, axis=1).T
        out[0, block] = gex.sum(axis=1)
        out[1, block] = gex[:, is_call].sum(axis=1)
        out[2, block] = gex[:, ~is_call].sum(axis=1)
        out[3, block] = forward_density @ (book.position * book.root_t * VOL_POINT)
        out[4, block] = density_d2 @ (-book.position / book.iv * VOL_POINT)
        out[5, block] = density_d2 @ (book.position / (2 * book.root_t**2) / DAYS_PER_YEAR)
    net, calls, puts, vega, vanna, charm = out
    return Profile(spot_usd, net, calls, puts, vega, vanna, charm, expiry_ms, by_expiry)


def net_gex(chain: OptionChain, position_coin: FloatArray, spot_usd: FloatArray) -> FloatArray:
    """Net GEX in USD per 1 % at each level of `spot_usd`, shape (M,). The exact reference."""
    return np.asarray(_Rows.of(chain, position_coin).evaluate(spot_usd)[0].sum(axis=1))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows with gamma: held, usable, alive. Static factors of the formulas, once."""

    spot: float
    expiry_ms: IntArray
    is_call: BoolArray
    position: FloatArray
    log_moneyness: FloatArray  # ln(F/K) at the chain's own spot
    forward: FloatArray
    iv: FloatArray
    root_t: FloatArray
    sd: FloatArray

    @classmethod
    def of(cls, chain: OptionChain, position_coin: FloatArray) -> "_Rows":
        with np.errstate(invalid="ignore"):
            sd = chain.mark_iv * np.sqrt(np.maximum(chain.years_to_expiry, 0.0))
            keep = chain.is_usable & (position_coin != 0) & (sd >= MIN_SD)
        rows = chain.select(keep)
        return cls(
            spot=chain.index_price,
            expiry_ms=rows.expiry_ms,
            is_call=rows.is_call,
            position=position_coin[keep],
            log_moneyness=np.log(rows.forward / rows.strike),
            forward=rows.forward,
            iv=rows.mark_iv,
            root_t=np.sqrt(rows.years_to_expiry),
            sd=sd[keep],
        )

    def evaluate(self, spot_usd: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """GEX, F' n(d1) and n(d1) d2 of every row at every level, each (levels, rows)."""
        x = spot_usd[:, None] / self.spot
        d1 = (np.log(x) + self.log_moneyness) / self.sd + self.sd / 2
        density = INV_SQRT_2PI * np.exp(np.maximum(-d1 * d1 / 2, -700.0))
        forward_density = self.forward * x * density
        gex = forward_density * (self.position * PCT / self.sd)
        return gex, forward_density, density * (d1 - self.sd)
