"""Predicted hedge flow as the board shows it: scenarios, the coming hours, whom it is of.

Knows a published state; how a flow is computed is `dealers.hedging`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from app.board import Selection, atm_iv_30d, expiry_label
from app.hub import BoardState
from app.once import OnceCache
from app.views import Columns, Json, flow_columns
from dealers.hedging import (
    HORIZONS_S,
    MOVES_PCT,
    HedgeFlow,
    compute_flow_contributions,
    compute_flow_draws,
    compute_hedge_flow,
    next_settlement_s,
)
from dealers.liquidity import Liquidity, compare_with_market
from dealers.outlook import compute_charm_path, estimate_expected_flow
from dealers.response import Slope, estimate_vega_pressure
from dealers.rules import PositionModel
from greeks.conventions import Exposure, FloatArray, HedgeConvention
from greeks.exposure import ExposureSnapshot
from greeks.settlement import WINDOW_S

_QUANTILES = (0.05, 0.95)


class By(StrEnum):
    """What a flow is split by."""

    STRIKE = "strike"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class FlowBasis:
    """What a flow rests on: the book, the error of its position, volatility's answer, the market.

    Attributes
    ----------
    draws_coin : (D, n) joint draws of the inventory; D = 0 for a model without error.
    iv_points_per_pct : points of volatility for +1 % of spot.
    """

    snapshot: ExposureSnapshot
    draws_coin: FloatArray
    iv_points_per_pct: float
    convention: HedgeConvention
    market: Liquidity

    @classmethod
    def of(
        cls,
        state: BoardState,
        snapshot: ExposureSnapshot,
        iv_points_per_pct: float | None = None,
        convention: HedgeConvention = HedgeConvention.USD,
    ) -> "FlowBasis":
        """Take volatility's measured answer unless another one is given."""
        model = PositionModel(snapshot.position_model)
        measured = state.tape.beta.used
        return cls(
            snapshot=snapshot,
            draws_coin=state.tape.draws(model, snapshot.chain),
            iv_points_per_pct=measured if iv_points_per_pct is None else iv_points_per_pct,
            convention=convention,
            market=state.liquidity,
        )

    @property
    def horizons_s(self) -> FloatArray:
        """Now, the standing horizons and the next settlement."""
        settlement = next_settlement_s(self.snapshot.chain.as_of_ms)
        return np.array(sorted({*HORIZONS_S, settlement}), dtype=np.float64)


class FlowTables:
    """The scenario table, computed once for REST and push alike."""

    def __init__(self, once: OnceCache) -> None:
        self._once = once

    async def table(
        self, state: BoardState, snapshot: ExposureSnapshot, selection: Selection
    ) -> Columns:
        """Return the table of the standing moves and horizons."""
        key = "hedge-flow", state.asset, state.seq, selection
        return await self._once.get(key, partial(scenario_table, FlowBasis.of(state, snapshot)))


def scenario_table(basis: FlowBasis) -> Columns:
    """One item a pair of move and horizon: the exact flow, its interval, and gamma times move.

    `linear_coin` is -GEX_1% x move / S, what a gamma alone would say of the move;
    `linear_error_coin` how far that is from the exact gamma part.
    """
    snapshot, moves = basis.snapshot, np.array(MOVES_PCT)
    flow = compute_hedge_flow(
        snapshot.chain,
        snapshot.position_coin,
        moves,
        basis.horizons_s,
        basis.iv_points_per_pct,
        basis.convention,
    )
    spot = snapshot.chain.index_price
    linear = -snapshot.net_of(Exposure.GEX) * flow.move_pct / spot
    return {
        **flow_columns(flow, spot, basis.market),
        **_interval(basis, moves, basis.horizons_s, basis.iv_points_per_pct),
        "linear_coin": linear.tolist(),
        "linear_error_coin": (linear - flow.gamma_coin).tolist(),
    }


def charm_path(basis: FlowBasis) -> Columns:
    """Cumulative flow of time alone, hour by hour into the next 08:00 UTC.

    The last half hour is its own: there the hedge fades with the settlement average.
    """
    snapshot = basis.snapshot
    flow = compute_charm_path(snapshot.chain, snapshot.position_coin, basis.convention)
    settlement_s = next_settlement_s(snapshot.chain.as_of_ms)
    horizons = np.unique(flow.horizon_s)
    return {
        "at_ms": [snapshot.chain.as_of_ms + int(1000 * s) for s in flow.horizon_s],
        "in_settlement_window": [s > settlement_s - WINDOW_S for s in flow.horizon_s.tolist()],
        **_parts(flow, snapshot.chain.index_price, basis.market),
        **_interval(basis, np.zeros(1), horizons, 0.0),
    }


def _parts(flow: HedgeFlow, spot_usd: float, market: Liquidity) -> Columns:
    """The columns of a flow of time alone."""
    columns = flow_columns(flow, spot_usd, market)
    for name in ("move_pct", "spot_usd", "gamma_coin", "vanna_coin"):
        del columns[name]
    return columns


def _interval(
    basis: FlowBasis, moves_pct: FloatArray, horizons_s: FloatArray, iv_points_per_pct: float
) -> Columns:
    """The 5 % and 95 % quantiles of the flow over the draws of the inventory."""
    quantiles = np.full((2, len(moves_pct) * len(horizons_s)), np.nan)
    if len(basis.draws_coin):
        flows = compute_flow_draws(
            basis.snapshot.chain,
            basis.draws_coin,
            moves_pct,
            horizons_s,
            iv_points_per_pct,
            basis.convention,
        )
        quantiles = np.quantile(flows, _QUANTILES, axis=1)
    return {"flow_coin_lo": quantiles[0].tolist(), "flow_coin_hi": quantiles[1].tolist()}


def expected_flow(basis: FlowBasis) -> Columns:
    """One item a horizon: what to expect if spot moves as options price it."""
    snapshot = basis.snapshot
    atm_iv = atm_iv_30d(snapshot) or math.nan
    found = [
        estimate_expected_flow(
            snapshot.chain,
            snapshot.position_coin,
            atm_iv,
            horizon,
            basis.iv_points_per_pct,
            basis.convention,
        )
        for horizon in basis.horizons_s[1:].tolist()
    ]
    spot = snapshot.chain.index_price
    size = compare_with_market(np.array([of.mean_abs_coin for of in found]) * spot, basis.market)
    return {
        "horizon_s": [int(of.horizon_s) for of in found],
        "sd_pct": [of.sd_pct for of in found],
        "mean_coin": [of.mean_coin for of in found],
        "mean_abs_coin": [of.mean_abs_coin for of in found],
        "mean_abs_usd": [of.mean_abs_coin * spot for of in found],
        "down_sd_coin": [of.down_coin for of in found],
        "up_sd_coin": [of.up_coin for of in found],
        "share_of_volume": size.share_of_volume.tolist(),
        "minutes_of_volume": size.minutes_of_volume.tolist(),
    }


def contributions(basis: FlowBasis, move_pct: float, horizon_s: float, by: By) -> Columns:
    """Which strikes, or which expiries, the flow of one scenario is of; the known sum to it."""
    snapshot = basis.snapshot
    parts = compute_flow_contributions(
        snapshot.chain,
        snapshot.position_coin,
        move_pct,
        horizon_s,
        basis.iv_points_per_pct,
        basis.convention,
    )
    spot = snapshot.chain.index_price
    flow = parts.strike_flow_coin if by is By.STRIKE else parts.expiry_flow_coin
    keys: Columns = {"strike": parts.strike_usd.tolist()}
    if by is By.EXPIRY:
        labels = [expiry_label(int(expiry)) for expiry in parts.expiry_ms]
        keys = {"expiry": labels, "expiry_ms": parts.expiry_ms.tolist()}
    return {**keys, "flow_coin": flow.tolist(), "flow_usd": (flow * spot).tolist()}


def volatility_response(state: BoardState, snapshot: ExposureSnapshot) -> dict[str, Json]:
    """How volatility answers to spot and to option flow, and dealers' pressure on it."""
    impact = state.tape.vega_impact
    pressure = estimate_vega_pressure(snapshot.net_of(Exposure.VEGA), impact)
    return {
        "spot_vol_beta": slope(state.tape.beta),
        "vega_impact": slope(impact),
        "vega_pressure": {
            "vega_usd_per_pt": pressure.vega_usd_per_pt,
            "iv_points": pressure.iv_points,
        },
    }


def slope(found: Slope) -> dict[str, Json]:
    """A measured slope with what it rests on; infinite statistics are unknown."""
    return {
        "slope": found.slope,
        "used": found.used,
        "r_squared": found.r_squared,
        "t_statistic": found.t_statistic if math.isfinite(found.t_statistic) else None,
        "samples": found.samples,
        "reason": found.reason,
        "measured_on": found.measured_on.value,
    }


def conditions(basis: FlowBasis, state: BoardState) -> dict[str, Json]:
    """What stands beside every table of flows: the market, volatility's answer, the convention."""
    market = basis.market
    return {
        "iv_points_per_pct": basis.iv_points_per_pct,
        "spot_vol_beta": slope(state.tape.beta),
        "convention": basis.convention.value,
        "market": {
            "bid_depth_usd": market.bid_half_pct_usd,
            "ask_depth_usd": market.ask_half_pct_usd,
            "bid_depth_1pct_usd": market.bid_one_pct_usd,
            "ask_depth_1pct_usd": market.ask_one_pct_usd,
            "volume_24h_usd": market.volume_24h_usd,
            "reason": _market_reason(market),
        },
    }


def _market_reason(market: Liquidity) -> str | None:
    said = {
        "depth": market.bid_half_pct_usd + market.ask_half_pct_usd,
        "volume": market.volume_24h_usd,
    }
    unknown = " and no ".join(name for name, value in said.items() if math.isnan(value))
    none = " and no ".join(name for name, value in said.items() if value == 0)
    reasons = [f"no {unknown} of the perpetual is known"] if unknown else []
    reasons += [f"the perpetual shows no {none}"] if none else []
    return "; ".join(reasons) or None
