"""What implied volatility does when spot moves: the smile of each expiry, and how far it sticks.

After a log-move x of every forward, an option struck at K has the volatility of today's smile at
log-moneyness ln(K/F) - (1 - R) x, R the skew-stickiness ratio (Bergomi 2009, "Smile dynamics IV"):
with R = 1 each option keeps its own volatility (sticky strike), with R = 0 the smile moves along
with the forward (sticky moneyness); the at-the-money volatility then moves by R x skew x.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from greeks.black76 import differs_from_previous, log_ratio
from greeks.chain import OptionChain
from greeks.conventions import FloatArray, IntArray, Settlement, SmileDynamics

STICKINESS = {SmileDynamics.STICKY_STRIKE: 1.0, SmileDynamics.STICKY_MONEYNESS: 0.0}
"""The skew-stickiness ratio R that each name stands for."""


@dataclass(frozen=True, slots=True)
class Smile:
    """Mark volatility by log-moneyness of one expiry and book, monotone between marks.

    Attributes
    ----------
    row : rows of the chain that it belongs to.
    log_moneyness : (k,) ln(K/F) of the marks, rising; flat beyond the outermost.
    curve : volatility between them; None when there is one mark only.
    level : volatility at the lowest mark.
    """

    row: IntArray
    log_moneyness: FloatArray
    curve: PchipInterpolator | None
    level: float

    def at(self, log_moneyness: FloatArray) -> FloatArray:
        """Volatility at any log-moneyness."""
        if self.curve is None:
            return np.full(np.shape(log_moneyness), self.level)
        k = self.log_moneyness
        return np.asarray(self.curve(np.clip(log_moneyness, k[0], k[-1])))


def smiles_of(chain: OptionChain) -> tuple[Smile, ...]:
    """The smile of every expiry and book that has a usable mark; calls and puts averaged."""
    with np.errstate(invalid="ignore"):
        known = chain.is_usable & (chain.mark_iv > 0) & (chain.forward > 0) & (chain.strike > 0)
    smiles = []
    for expiry in np.unique(chain.expiry_ms[known]):
        for book in Settlement:
            row = np.flatnonzero(known & (chain.expiry_ms == expiry) & (chain.settlement == book))
            if len(row):
                smiles.append(_smile(chain, row))
    return tuple(smiles)


def _smile(chain: OptionChain, row: IntArray) -> Smile:
    strike = chain.strike[row]
    first = np.flatnonzero(differs_from_previous(strike))
    iv = np.add.reduceat(chain.mark_iv[row], first) / np.diff(first, append=len(row))
    k = -log_ratio(chain.forward[row], strike)[first]
    return Smile(row, k, PchipInterpolator(k, iv) if len(k) > 1 else None, float(iv[0]))


def moved_iv(
    chain: OptionChain, smiles: tuple[Smile, ...], moves: FloatArray, stickiness: float
) -> FloatArray:
    """Volatility of every option after each log-move of spot: (L, n), NaN where unknown.

    Each option keeps its own distance from its smile, so that no move changes nothing.
    """
    iv = np.full((len(moves), len(chain)), np.nan)
    for smile in smiles:
        row = smile.row
        here = -log_ratio(chain.forward[row], chain.strike[row])
        own = chain.mark_iv[row]
        if stickiness == 1.0:
            iv[:, row] = own
            continue
        slid = here - (1 - stickiness) * moves[:, None]
        iv[:, row] = np.maximum(own + smile.at(slid) - smile.at(here), own / 10)
    return iv
