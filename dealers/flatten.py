"""What would flatten the dealers: the cheapest set of listed options against gamma and vega.

A what-if about the aggregate of all dealers; nobody can trade it, and whoever took the other side
would be as short as they were.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from greeks.chain import OptionChain
from greeks.conventions import PCT, VOL_POINT, FloatArray, IntArray
from greeks.exposure import compute_chain_greeks

FEE_OF_UNDERLYING = 0.0003
"""Taker fee per coin of option as a share of the underlying, the venue's schedule of 2026 [A]."""
FEE_CAP_OF_PREMIUM = 0.125
_MISS_PRICE = 1000.0
"""What missing all of a target costs, in units of buying every option on the menu."""


@dataclass(frozen=True, slots=True)
class HedgeMenu:
    """Options that can be traded; one element an option, everything per coin.

    Attributes
    ----------
    row : index into the chain.
    gamma_usd_per_1pct, vega_usd_per_pt, delta_coin : what one coin bought adds.
    cost_usd : half the spread and the fee.
    buy_coin, sell_coin : the most that can be bought, sold.
    """

    row: IntArray
    gamma_usd_per_1pct: FloatArray
    vega_usd_per_pt: FloatArray
    delta_coin: FloatArray
    cost_usd: FloatArray
    buy_coin: FloatArray
    sell_coin: FloatArray


@dataclass(frozen=True, slots=True)
class Flattening:
    """The trades that flatten, + = dealers buy, aligned with the menu.

    Attributes
    ----------
    trade_coin : (m,) coins of each option.
    cost_usd : half spreads and fees of all trades.
    perpetual_coin : purchase of the underlying that leaves their delta as it was.
    left_gamma_usd_per_1pct, left_vega_usd_per_pt : what stays open.
    gamma_price_usd, vega_price_usd : marginal cost of one more USD of gamma, of vega, to hedge;
        NaN unless `is_flat`.
    is_flat : whether the menu's sizes suffice; if not, the trades leave as little as they can.
    """

    trade_coin: FloatArray
    cost_usd: float
    perpetual_coin: float
    left_gamma_usd_per_1pct: float
    left_vega_usd_per_pt: float
    gamma_price_usd: float
    vega_price_usd: float
    is_flat: bool


def build_menu(
    chain: OptionChain, bid_size_coin: FloatArray, ask_size_coin: FloatArray
) -> HedgeMenu:
    """Take the options quoted on both sides with visible size.

    Cost per coin: vega x (ask_iv - bid_iv)/2, the half spread where it is quoted, in volatility;
    plus the fee min(0.0003 F, 0.125 V). `bid_size_coin`, `ask_size_coin` (n,) are what rests at
    the best bid and ask; NaN or 0 keeps an option off that side.
    """
    greeks, forward = compute_chain_greeks(chain)
    buy, sell = np.nan_to_num(ask_size_coin), np.nan_to_num(bid_size_coin)
    with np.errstate(invalid="ignore"):
        half_spread = greeks.vega * (chain.ask_iv - chain.bid_iv) / 2
        quoted = np.isfinite(half_spread) & (half_spread >= 0) & ((buy > 0) | (sell > 0))
    row = np.flatnonzero(quoted)
    fee = np.minimum(FEE_OF_UNDERLYING * forward, FEE_CAP_OF_PREMIUM * greeks.price)
    return HedgeMenu(
        row=row,
        gamma_usd_per_1pct=(greeks.gamma * forward**2 * PCT)[row],
        vega_usd_per_pt=(greeks.vega * VOL_POINT)[row],
        delta_coin=greeks.delta[row],
        cost_usd=(half_spread + fee)[row],
        buy_coin=buy[row],
        sell_coin=sell[row],
    )


def compute_flattening(
    menu: HedgeMenu, net_gamma_usd_per_1pct: float, net_vega_usd_per_pt: float
) -> Flattening:
    """Cheapest trades x with G x = -gamma and V x = -vega within the visible sizes.

    min sum c (b + s) over 0 <= b <= buy, 0 <= s <= sell, x = b - s, by the simplex method
    (HiGHS); a vertex uses at most two options unless sizes bind. Slack on both targets, at a
    price above any trade's and weighted by the size of each target, keeps the programme feasible
    and says what is left when the menu is too small.
    """
    m = len(menu.row)
    targets = -np.array([net_gamma_usd_per_1pct, net_vega_usd_per_pt])
    greeks = np.stack([menu.gamma_usd_per_1pct, menu.vega_usd_per_pt])
    scale = np.maximum(np.abs(targets), 1.0)  # both targets in units of themselves
    rows = greeks / scale[:, None]
    whole_menu = float(menu.cost_usd @ (menu.buy_coin + menu.sell_coin)) + 1.0
    miss = np.full(4, _MISS_PRICE * whole_menu)
    found = linprog(
        c=np.concatenate([menu.cost_usd, menu.cost_usd, miss]),
        A_eq=np.hstack([rows, -rows, np.eye(2), -np.eye(2)]),
        b_eq=targets / scale,
        bounds=np.column_stack(
            [
                np.zeros(2 * m + 4),
                np.concatenate([menu.buy_coin, menu.sell_coin, np.full(4, np.inf)]),
            ]
        ),
        method="highs-ds",
    )
    trade = np.asarray(found.x[:m] - found.x[m : 2 * m])
    left = targets - greeks @ trade
    is_flat = bool(np.all(np.abs(left) <= 1e-6 * scale))
    prices = np.abs(found.eqlin.marginals / scale) if is_flat else np.full(2, np.nan)
    return Flattening(
        trade_coin=trade,
        cost_usd=float(menu.cost_usd @ np.abs(trade)),
        perpetual_coin=float(-menu.delta_coin @ trade),
        left_gamma_usd_per_1pct=float(-left[0]),
        left_vega_usd_per_pt=float(-left[1]),
        gamma_price_usd=float(prices[0]),
        vega_price_usd=float(prices[1]),
        is_flat=is_flat,
    )


def position_after(
    position_coin: FloatArray, menu: HedgeMenu, flattening: Flattening
) -> FloatArray:
    """Dealers' inventory with the trades done, (n,) coins: for the new GEX, flip and gain."""
    after = position_coin.copy()
    after[menu.row] += flattening.trade_coin
    return after
