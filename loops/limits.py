"""Risk limits: how much gamma a book may hold at a strike, in an expiry and in all.

Knows a chain, a position and a depth; does not know where the depth was measured. A limit is a
choice of its user, not a finding (theory 8.3, "Limits per strike/expiry").
"""

from dataclasses import dataclass

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import BoolArray, FloatArray, IntArray
from greeks.exposure import compute_chain_greeks
from greeks.held import HeldRows, known_or_zero
from greeks.layout import nothing_known
from greeks.profile import gex_of_rows
from loops.impact import BOOK_WITHIN

DEFAULT_UTILISATION = 0.25
"""Share of the depth that the hedge of a move may take. An assumption of ours, always shown."""
DEFAULT_MAX_GAIN = 0.2
"""Largest loop gain of the whole book. An assumption of ours, always shown."""


def group_limit(depth_usd: float, utilisation: float, within: float = BOOK_WITHIN) -> float:
    """Largest |GEX| of a strike or an expiry, USD per 1 %: u D / (100 x).

    The hedge of a move x = `within` is 100 |GEX| x USD; it may be at most u of D, the USD that
    rest within x of mid. Ref: D = 30 M, u = 0.25, x = 0.005 give 15 M.
    """
    return utilisation * depth_usd / (100 * within)


def book_limit(max_gain: float, lam_eff_per_usd: float) -> float:
    """Net GEX may fall to minus this, USD per 1 %: g / (100 lam_eff), by g = -100 GEX lam_eff.

    `lam_eff_per_usd` is the return that stays per USD bought, `loops.gain`; inf where none does.
    """
    return max_gain / (100 * lam_eff_per_usd) if lam_eff_per_usd else np.inf


@dataclass(frozen=True, slots=True)
class GroupUse:
    """What a position uses of one limit L in each of G groups of options; NaN where unknown.

    Attributes
    ----------
    gex_usd_per_1pct : (G,) net GEX, the sum over what is known.
    use : (G,) |GEX| / L; beyond 1 the limit is breached, by a long book too.
    headroom_usd_per_1pct : (G,) L + GEX: what dealers can still go short of; below 0 they are
        too short by as much.
    headroom_coin : (G,) the same in coins of `option`: headroom / its GEX per coin. No other option
        of the group takes more of the limit per coin.
    option : (G,) row of that option in the chain, -1 where no option of the group has gamma.
    """

    gex_usd_per_1pct: FloatArray
    use: FloatArray
    headroom_usd_per_1pct: FloatArray
    headroom_coin: FloatArray
    option: IntArray

    @property
    def is_breached(self) -> BoolArray:
        """Whether |GEX| is beyond the limit, (G,); not where it is unknown."""
        return np.asarray(self.use > 1)


def use_by_group(
    of_group: IntArray,
    groups: int,
    position_coin: FloatArray,
    gex_per_coin: FloatArray,
    limit_usd_per_1pct: float,
) -> GroupUse:
    """What n options in `groups` groups use of a limit.

    Parameters
    ----------
    of_group : (n,) the group of each option, from 0.
    position_coin, gex_per_coin : (n,) coins, + = dealers long, and USD per 1 %; NaN where unknown.
    """
    gex = position_coin * gex_per_coin
    total = np.bincount(of_group, known_or_zero(gex), groups).astype(np.float64)
    total[nothing_known(of_group, np.isfinite(gex), groups)] = np.nan
    option = _steepest(of_group, groups, gex_per_coin)
    headroom = np.asarray(total + limit_usd_per_1pct)
    with np.errstate(all="ignore"):  # of a limit that underflows to 0, the use is inf
        return GroupUse(
            gex_usd_per_1pct=total,
            use=np.abs(total) / limit_usd_per_1pct,
            headroom_usd_per_1pct=headroom,
            headroom_coin=headroom / np.append(gex_per_coin, np.nan)[option],
            option=option,
        )


def use_by_strike(
    chain: OptionChain, position_coin: FloatArray, limit_usd_per_1pct: float
) -> tuple[FloatArray, GroupUse]:
    """The strikes, rising, and what their own options use once spot stands at each of them.

    There gamma is near its largest: this is the use to come, not that of today's spot. Volatilities
    stick to strikes, time stands still; inside a settlement average its open part moves.
    """
    strikes, of_strike = np.unique(chain.strike, return_inverse=True)
    per_coin = gex_per_coin(chain, np.log(chain.strike / chain.index_price))
    return strikes, use_by_group(
        of_strike, len(strikes), position_coin, per_coin, limit_usd_per_1pct
    )


def use_by_expiry(
    chain: OptionChain, position_coin: FloatArray, limit_usd_per_1pct: float
) -> tuple[IntArray, GroupUse]:
    """The expiries, nearest first, and what all their strikes use at today's spot."""
    expiries, of_expiry = np.unique(chain.expiry_ms, return_inverse=True)
    per_coin = gex_per_coin(chain, np.zeros(len(chain)))
    return expiries, use_by_group(
        of_expiry, len(expiries), position_coin, per_coin, limit_usd_per_1pct
    )


def gex_per_coin(chain: OptionChain, moves: FloatArray) -> FloatArray:
    """GEX of one coin of each option after a log-move of spot of its own, (n,) USD per 1 %.

    NaN where an option has no usable mark; 0 where its payoff is certain.
    """
    held = HeldRows.of(chain)
    greeks, _ = compute_chain_greeks(chain, held)
    per_coin = np.where(np.isfinite(greeks.gamma), 0.0, np.nan)
    per_coin[held.row] = gex_of_rows(held, moves[held.row])
    return per_coin


def _steepest(of_group: IntArray, groups: int, per_coin: FloatArray) -> IntArray:
    """Row with the most GEX per coin in each group; -1 without one above 0."""
    option = np.full(groups, -1)
    rows = np.flatnonzero(per_coin > 0)
    rows = rows[np.argsort(per_coin[rows], kind="stable")]
    option[of_group[rows]] = rows  # the last that is written stays
    return option
