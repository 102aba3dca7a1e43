"""What is open of each option's delivery, and how a move and time change it.

Before the settlement average that is the whole option. Inside it a share m of the delivery is
open, and a call is m calls on the forward F of that part, struck at K' = (K - what is fixed)/m.
Volatility stays, so that the deviation v goes as sqrt(t); what is averaged on the way is averaged
at the moved forward [A] (theory 1.4). Knows nobody's inventory.
"""

from dataclasses import dataclass, fields

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import FloatArray, IntArray
from greeks.settlement import WINDOW_S, averaged_options, is_averaging

CERTAIN = 1e-12
"""A share or an open strike this near to zero: the payoff is certain."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One element an option that has time to live.

    Attributes
    ----------
    left_s : seconds to expiry.
    share : m, the part of the delivery that is not fixed yet; 1 before the settlement average.
    forward : F of that part, USD.
    strike_ratio : m K'/F; not positive when the payoff is certain to be on the call's side.
    sd : total standard deviation v of that part.
    """

    left_s: FloatArray
    share: FloatArray
    forward: FloatArray
    strike_ratio: FloatArray
    sd: FloatArray

    @classmethod
    def of(cls, chain: OptionChain) -> "Delivery":
        """The deliveries of all rows of a chain."""
        sd = chain.mark_iv * np.sqrt(np.maximum(chain.years_to_expiry, 0.0))
        share, forward = np.ones(len(chain)), chain.forward.copy()
        ratio = chain.strike / forward
        averaging = is_averaging(chain)
        if averaging.any():
            options = averaged_options(chain, averaging)
            share[averaging], sd[averaging] = options.share, options.sd
            forward[averaging] = options.forward
            ratio[averaging] = options.share * options.strike / options.forward
        return cls((chain.expiry_ms - chain.as_of_ms) / 1000, share, forward, ratio, sd)

    def take(self, rows: IntArray) -> "Delivery":
        """The deliveries of some rows."""
        return Delivery(*(getattr(self, item.name)[rows] for item in fields(self)))

    def sd_after(self, seconds: float) -> FloatArray:
        """V once `seconds` have passed, (n,)."""
        return np.asarray(self.sd * np.sqrt(np.clip(1 - seconds / self.left_s, 0.0, 1.0)))

    def share_after(self, seconds: float) -> FloatArray:
        """M once `seconds` have passed, (n,)."""
        return np.minimum(np.clip((self.left_s - seconds) / WINDOW_S, 0.0, 1.0), self.share)

    def strike_after(self, move: FloatArray, seconds: float) -> FloatArray:
        """M K'/F' after a move now, (M, 1) as a fraction, and `seconds`: (M, n)."""
        averaged = self.share - np.maximum(self.share_after(seconds), CERTAIN)
        return np.asarray(self.strike_ratio / (1 + move) - averaged)

    def moneyness_after(self, move: FloatArray, seconds: float) -> FloatArray:
        """ln(F'/K') after a move now, (M, 1), and `seconds`: (M, n); large where certain."""
        if self.left_s.min(initial=np.inf) - seconds >= WINDOW_S:
            return np.asarray(np.log1p(move) - np.log(self.strike_ratio))
        share = np.maximum(self.share_after(seconds), CERTAIN)
        return -np.log(np.maximum(self.strike_after(move, seconds) / share, CERTAIN))
