"""What would flatten the dealers, and what the board would look like afterwards."""

import math
from dataclasses import dataclass, replace

import numpy as np

from app.views import Json
from dealers.flatten import HedgeMenu, build_menu, compute_flattening, position_after
from greeks.conventions import VOL_POINT, Exposure
from greeks.exposure import ExposureSnapshot, compute_exposure

_DUST_COIN = 1e-6


@dataclass(frozen=True, slots=True)
class Assumed:
    """What stands in for the quotes that the feed does not show."""

    size_coin: float | None
    half_spread_pts: float


def flatten(snapshot: ExposureSnapshot, assumed: Assumed) -> dict[str, Json]:
    """Return the cheapest trades to zero gamma and vega, and net GEX and flip with them done."""
    before = snapshot.net_of(Exposure.GEX), snapshot.net_of(Exposure.VEGA)
    menu = _menu(snapshot, assumed)
    reason = _reason(snapshot, menu)
    if reason is not None:
        return {**_NOTHING, "before": _side(snapshot), "options_on_menu": 0, "reason": reason}
    found = compute_flattening(menu, *before)
    held = np.nan_to_num(snapshot.position_coin)
    position = position_after(held, menu, found)
    after = compute_exposure(snapshot.chain, position, snapshot.position_model)
    used = np.flatnonzero(np.abs(found.trade_coin) > _DUST_COIN)
    return {
        "trades": [_trade(snapshot, menu, at, float(found.trade_coin[at])) for at in used.tolist()],
        "cost_usd": found.cost_usd,
        "perpetual_coin": found.perpetual_coin,
        "gamma_price_usd": found.gamma_price_usd,
        "vega_price_usd": found.vega_price_usd,
        "left_gex_usd_per_1pct": found.left_gamma_usd_per_1pct,
        "left_vega_usd_per_pt": found.left_vega_usd_per_pt,
        "is_flat": found.is_flat,
        "before": _side(snapshot),
        "after": _side(after),
        "options_on_menu": len(menu.row),
        "reason": None if found.is_flat else "the sizes on the menu do not suffice",
    }


_NOTHING: dict[str, Json] = {
    "trades": [],
    "cost_usd": None,
    "perpetual_coin": None,
    "gamma_price_usd": None,
    "vega_price_usd": None,
    "left_gex_usd_per_1pct": None,
    "left_vega_usd_per_pt": None,
    "is_flat": False,
    "after": None,
}


def _menu(snapshot: ExposureSnapshot, assumed: Assumed) -> HedgeMenu:
    """Options whose position is known, at quoted spreads where the feed shows them."""
    chain = snapshot.chain
    half = assumed.half_spread_pts * VOL_POINT
    quoted = np.isfinite(chain.bid_iv) & np.isfinite(chain.ask_iv)
    filled = replace(
        chain,
        bid_iv=np.where(quoted, chain.bid_iv, chain.mark_iv - half),
        ask_iv=np.where(quoted, chain.ask_iv, chain.mark_iv + half),
    )
    size = math.nan if assumed.size_coin is None else assumed.size_coin
    sizes = np.where(np.isfinite(snapshot.position_coin), size, np.nan)
    return build_menu(filled, sizes, sizes)


def _reason(snapshot: ExposureSnapshot, menu: HedgeMenu) -> str | None:
    if not math.isfinite(snapshot.net_of(Exposure.GEX)):
        return "net GEX is unknown under this position model"
    if not len(menu.row):
        return "the feed shows no sizes of options: state size_coin"
    return None


def _side(snapshot: ExposureSnapshot) -> dict[str, Json]:
    return {
        "gex_usd_per_1pct": snapshot.net_of(Exposure.GEX),
        "vega_usd_per_pt": snapshot.net_of(Exposure.VEGA),
        "regime": snapshot.regime.value,
        "flip_usd": snapshot.levels.flip_usd,
        "flip_reason": snapshot.levels.flip_reason,
    }


def _trade(snapshot: ExposureSnapshot, menu: HedgeMenu, at: int, coin: float) -> dict[str, Json]:
    return {
        "instrument_name": snapshot.chain.instrument_name[menu.row[at]],
        "trade_coin": coin,
        "cost_usd": abs(coin) * float(menu.cost_usd[at]),
        "gex_usd_per_1pct": coin * float(menu.gamma_usd_per_1pct[at]),
        "vega_usd_per_pt": coin * float(menu.vega_usd_per_pt[at]),
    }
