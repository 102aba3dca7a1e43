"""A chain as it came, made ready to compute: forwards repaired, missing volatilities implied."""

from dataclasses import replace

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import FloatArray, IntArray, IvSource, RowStatus, Settlement
from greeks.forwards import repair_forwards
from greeks.implied_vol import IvStatus, implied_vol

MIN_IV = 0.01
MAX_IV = 10.0


def prepare_chain(chain: OptionChain) -> OptionChain:
    """Repair forwards, then give a volatility to rows without one where prices allow.

    Whatever is filled in says so in `forward_source` and `iv_source`; a chain that lacks nothing
    is returned as it is.
    """
    return imply_missing_iv(repair_forwards(chain))


def imply_missing_iv(chain: OptionChain) -> OptionChain:
    """Fill `NO_IV` rows: the twin's mark volatility, else the one implied from a mark price.

    In the money the twin's price is asked, because there a price is nearly all intrinsic value.
    Rows that get a volatility between 1 % and 1000 % become `OK`, the others stay `NO_IV`.
    """
    missing = np.flatnonzero((chain.status == RowStatus.NO_IV) & (chain.forward > 0))
    if not len(missing):
        return chain
    twin = chain.twin[missing]
    twin_iv = np.where((twin >= 0) & chain.is_usable[twin], chain.mark_iv[twin], np.nan)
    from_price = _iv_from_price(chain, missing, twin)
    found = np.where(np.isfinite(twin_iv), twin_iv, from_price)
    good = (found >= MIN_IV) & (found <= MAX_IV)
    rows = missing[good]
    iv, source, status = chain.mark_iv.copy(), chain.iv_source.copy(), chain.status.copy()
    iv[rows], status[rows] = found[good], RowStatus.OK
    source[rows] = np.where(np.isfinite(twin_iv[good]), IvSource.TWIN, IvSource.PRICE)
    return replace(chain, mark_iv=iv, iv_source=source, status=status)


def _iv_from_price(chain: OptionChain, rows: IntArray, twin: IntArray) -> FloatArray:
    in_the_money = chain.is_call[rows] == (chain.strike[rows] < chain.forward[rows])
    asked = np.where(in_the_money & (twin >= 0), twin, rows)
    unit = np.where(chain.settlement[asked] == Settlement.INVERSE, chain.forward[asked], 1.0)
    iv, status = implied_vol(
        chain.mark_price[asked] * unit,
        chain.forward[asked],
        chain.strike[asked],
        chain.years_to_expiry[asked],
        chain.is_call[asked],
    )
    return np.where(status == IvStatus.OK, iv, np.nan)
