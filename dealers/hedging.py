"""Predicted hedge flow: what dealers must trade to stay delta-neutral, by exact re-hedge.

Knows positions and prices; knows nothing of what the flow does to the market.
"""

from dataclasses import dataclass

import numpy as np

from greeks.black76 import compute_delta
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_YEAR, FloatArray

MOVES_PCT = (-10.0, -5.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0)
MOVES_PCT = (*MOVES_PCT, *(-move for move in reversed(MOVES_PCT[:-1])))
HORIZONS_S = (0, 3_600, 14_400, 86_400)


@dataclass(frozen=True, slots=True)
class HedgeFlow:
    """Dealers' trades in the underlying, coins, + = dealers buy. One element a scenario.

    The parts sum to `flow_coin`: `charm_coin` is time alone, `gamma_coin` the spot move on top
    of it, `vanna_coin` the volatility move on top of both, `expiry_coin` the unwinding of
    hedges of options that expire within the horizon, `residual_coin` what is left (rounding).
    """

    move_pct: FloatArray
    horizon_s: FloatArray
    spot_usd: FloatArray
    flow_coin: FloatArray
    gamma_coin: FloatArray
    charm_coin: FloatArray
    vanna_coin: FloatArray
    expiry_coin: FloatArray
    residual_coin: FloatArray


def next_settlement_s(as_of_ms: int) -> int:
    """Seconds from `as_of_ms` to the next 08:00:00 UTC, 1 to 86,400."""
    since_settlement = (as_of_ms - 8 * 3_600_000) % 86_400_000
    return int(-(-(86_400_000 - since_settlement) // 1000))


def compute_hedge_flow(
    chain: OptionChain,
    position_coin: FloatArray,
    moves_pct: FloatArray,
    horizons_s: FloatArray,
    iv_points_per_pct: float = 0.0,
) -> HedgeFlow:
    """Exact re-hedge for every pair of move and horizon, horizons outermost.

    flow = -sum q [delta(F (1+x), K, T-h, s+ds) - delta(F, K, T, s)], with q = `position_coin`,
    x the move, h the horizon and ds = `iv_points_per_pct` x move (0: sticky strike). An option
    that expires within the horizon contributes +q delta(now): its hedge is unwound, whatever
    spot does. Rows without a usable mark contribute nothing.
    """
    use = chain.is_usable & np.isfinite(position_coin) & (position_coin != 0)
    rows, q = chain.select(use), position_coin[use]
    delta_now = compute_delta(
        rows.forward, rows.strike, rows.years_to_expiry, rows.mark_iv, rows.is_call
    )
    moves, horizons = np.broadcast_arrays(moves_pct[None, :], horizons_s[:, None])
    parts = np.zeros((5, moves.size))
    for i, (move, horizon) in enumerate(zip(moves.flat, horizons.flat, strict=True)):
        years = rows.years_to_expiry - horizon * 1000 / MS_PER_YEAR
        expires = years <= 0 if horizon > 0 else np.zeros(len(rows), dtype=bool)

        def flow_to(x: float, ds: float, years: FloatArray, lives: FloatArray) -> float:
            delta = compute_delta(
                rows.forward * (1 + x), rows.strike, years, rows.mark_iv + ds, rows.is_call
            )
            return -float(np.nansum(lives * q * (delta - delta_now)))

        lives = np.where(expires, 0.0, 1.0)
        ds = iv_points_per_pct * move * 0.01
        charm = flow_to(0.0, 0.0, years, lives)
        spot_and_time = flow_to(move / 100, 0.0, years, lives)
        total = flow_to(move / 100, ds, years, lives) if ds else spot_and_time
        unwound = float(np.nansum(np.where(expires, q * delta_now, 0.0)))
        parts[:, i] = total + unwound, spot_and_time - charm, charm, total - spot_and_time, unwound
    flow, gamma, charm_part, vanna, expiry = parts
    return HedgeFlow(
        move_pct=moves.ravel(),
        horizon_s=horizons.ravel(),
        spot_usd=chain.index_price * (1 + moves.ravel() / 100),
        flow_coin=flow,
        gamma_coin=gamma,
        charm_coin=charm_part,
        vanna_coin=vanna,
        expiry_coin=expiry,
        residual_coin=flow - gamma - charm_part - vanna - expiry,
    )
