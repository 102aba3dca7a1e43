"""What each address of the API says about a snapshot, as plain JSON-ready values.

REST, push and page are all made of these functions, so they cannot disagree. Tables are
dictionaries of columns; unknown numbers are NaN here and null on the wire.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import orjson

from app.board import Book, atm_iv_30d, expiry_label, hedge_flow_now
from app.hub import BoardState, FeedStatus
from app.level_views import levels
from dealers.hedging import HedgeFlow
from dealers.liquidity import Liquidity, compare_with_market
from dealers.rules import PositionModel
from greeks.black76 import venue_theta
from greeks.conventions import DAYS_PER_YEAR, Exposure, FloatArray, Settlement
from greeks.exposure import ExposureSnapshot, ExposureTable
from greeks.held import known_or_zero
from greeks.inverse import net_delta

Json: TypeAlias = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | None
Models: TypeAlias = Mapping[PositionModel, ExposureSnapshot]
Cell: TypeAlias = str | int | float | None
Columns: TypeAlias = dict[str, list[str] | list[int] | list[float] | list[str | None] | list[Cell]]

_LEAST_SURE = (FeedStatus.MAINTENANCE, FeedStatus.STARTING, FeedStatus.STALE, FeedStatus.LIVE)
_GEX = list(Exposure).index(Exposure.GEX)
_QUALITY = ("listed", "used", "stale", "without_iv", "rejected", "gaps")


def header(state: BoardState, snapshot: ExposureSnapshot | None) -> dict[str, Json]:
    """Return what every body carries beside its data: how old, how sure, under which model."""
    if snapshot is None:
        return {
            "asset": state.asset,
            "seq": state.seq,
            "as_of": None,
            "age_ms": None,
            "source": state.source.value,
            "status": state.status.value,
            "position": None,
            "position_reason": None,
            "spot_usd": None,
            "quality": None,
            "progress": dict(state.progress),
        }
    return {
        "asset": state.asset,
        "seq": state.seq,
        "as_of": snapshot.chain.as_of_ms,
        "age_ms": state.age_ms,
        "source": state.source.value,
        "status": state.status.value,
        "position": snapshot.position_model,
        "position_reason": state.tape.reason(PositionModel(snapshot.position_model)),
        "spot_usd": snapshot.chain.index_price,
        "quality": _quality(snapshot),
    }


def assets(states: Sequence[BoardState], position: PositionModel) -> dict[str, Json]:
    """Return the body of the whole board: as new as its newest asset, as sure as its least sure."""
    known = [(state, state.snapshot) for state in states if state.snapshot is not None]
    newest = max(known, key=lambda pair: pair[1].chain.as_of_ms, default=None)
    statuses = {state.status for state in states} or {FeedStatus.STARTING}
    return {
        "asset": None,
        "as_of": None if newest is None else newest[1].chain.as_of_ms,
        "age_ms": None if newest is None else newest[0].age_ms,
        "source": min((state.source.value for state in states), default=None),
        "status": next(status.value for status in _LEAST_SURE if status in statuses),
        "position": position.value,
        "spot_usd": None,
        "quality": _quality(*(snapshot for _, snapshot in known)) if known else None,
        "data": [_asset_row(state) for state in states],
    }


def asset_columns(states: Sequence[BoardState]) -> Columns:
    """Return the rows of the whole board as columns; a list in a cell is its JSON."""
    rows = [_asset_row(state) for state in states]
    names = tuple(rows[0]) if rows else ()
    return {name: [_cell(row[name]) for row in rows] for name in names}


def _cell(value: Json) -> Cell:
    if value is None or isinstance(value, str | int | float):
        return value
    return orjson.dumps(value).decode()


def _quality(*snapshots: ExposureSnapshot) -> dict[str, Json]:
    counted = (snapshot.quality for snapshot in snapshots)
    rows = [[getattr(quality, name) for name in _QUALITY] for quality in counted]
    return dict(zip(_QUALITY, map(sum, zip(*rows, strict=True)), strict=True))


def _asset_row(state: BoardState) -> dict[str, Json]:
    snapshot = state.snapshot
    settlements = set() if snapshot is None else set(snapshot.chain.settlement.tolist())
    margins = ((Settlement.INVERSE, Book.INVERSE), (Settlement.LINEAR, Book.LINEAR))
    listed = () if snapshot is None else snapshot.by_expiry.expiry_ms
    names = ("asset", "status", "source", "as_of", "age_ms", "spot_usd")
    head = header(state, snapshot)
    return {
        **{name: head[name] for name in names},
        "books": [book.value for settlement, book in margins if settlement in settlements],
        "expiries": [expiry_label(int(expiry)) for expiry in listed],
        "progress": dict(state.progress),
    }


def summary(state: BoardState, snapshot: ExposureSnapshot, models: Models) -> dict[str, Json]:
    """Return the headline of an asset: totals, regime, levels, flow of 1 %, range of models."""
    levels = snapshot.levels
    down, up = sudden_flow(state, snapshot, np.array([-1.0, 1.0])).flow_coin.tolist()
    spot = snapshot.chain.index_price
    expiries = snapshot.by_expiry
    return {
        "net": {name.value: snapshot.net_of(name) for name in Exposure},
        "gross": {name.value: snapshot.gross_of(name) for name in Exposure},
        "regime": snapshot.regime.value,
        "levels": {
            "flip_usd": levels.flip_usd,
            "flip_reason": levels.flip_reason,
            "call_wall_usd": levels.call_wall_usd,
            "put_wall_usd": levels.put_wall_usd,
        },
        "hedge_flow": {
            "up_1pct_coin": up,
            "up_1pct_usd": up * spot,
            "down_1pct_coin": down,
            "down_1pct_usd": down * spot,
        },
        "range": {
            model.value: {
                "gex_usd_per_1pct": other.net_of(Exposure.GEX),
                "flip_usd": other.levels.flip_usd,
                "regime": other.regime.value,
                "p_short_gamma": _p_short_gamma(state, model, other),
            }
            for model, other in models.items()
        },
        "atm_iv": atm_iv_30d(snapshot),
        "volatility_index": state.volatility_index,
        "next_expiry_ms": int(expiries.expiry_ms[0]) if len(expiries.expiry_ms) else None,
    }


def _p_short_gamma(state: BoardState, model: PositionModel, snapshot: ExposureSnapshot) -> float:
    """Share of the draws of a model's inventory with net GEX below 0; NaN without draws."""
    draws = state.tape.draws(model, snapshot.chain)
    if not (len(draws) and snapshot.quality.used):
        return math.nan
    gex = known_or_zero(draws) @ known_or_zero(snapshot.per_coin[_GEX])
    return float(np.mean(gex < 0))


def sudden_flow(state: BoardState, snapshot: ExposureSnapshot, moves_pct: FloatArray) -> HedgeFlow:
    """Hedge flow of moves now, volatility answering as it was measured to."""
    return hedge_flow_now(snapshot, moves_pct, state.tape.beta.used)


def _exposure_columns(table: ExposureTable) -> dict[str, list[float]]:
    return {name.value: table.column(name).tolist() for name in Exposure}


def strikes(snapshot: ExposureSnapshot) -> Columns:
    """One item a strike, rising."""
    table = snapshot.by_strike
    exposures = _exposure_columns(table.exposures)
    gex = exposures.pop(Exposure.GEX.value)
    return {
        "strike": table.strike_usd.tolist(),
        Exposure.GEX.value: gex,
        "call_gex_usd_per_1pct": table.call_gex_usd_per_1pct.tolist(),
        "put_gex_usd_per_1pct": table.put_gex_usd_per_1pct.tolist(),
        **exposures,
        "open_interest_call_coin": table.open_interest_call_coin.tolist(),
        "open_interest_put_coin": table.open_interest_put_coin.tolist(),
    }


def expiries(snapshot: ExposureSnapshot) -> Columns:
    """One item an expiry, nearest first. `flip_usd` is of that expiry alone."""
    table = snapshot.by_expiry
    return {
        "expiry": [expiry_label(int(expiry)) for expiry in table.expiry_ms],
        "expiry_ms": table.expiry_ms.tolist(),
        "days": ((table.expiry_ms - snapshot.chain.as_of_ms) / 86_400_000).tolist(),
        "forward_usd": table.forward_usd.tolist(),
        "atm_iv": table.atm_iv.tolist(),
        **_exposure_columns(table.exposures),
        "gross_gex_usd_per_1pct": table.gross_gex_usd_per_1pct.tolist(),
        "flip_usd": table.flip_usd.tolist(),
        "max_pain_usd": table.max_pain_usd.tolist(),
        "forward_source": [_FORWARD_WORDS[int(code)] for code in table.forward_source],
        "settlement_average_usd": table.settlement_average_usd.tolist(),
        "settlement_average_source": [
            _AVERAGE_WORDS[int(code)] if begun else None
            for code, begun in zip(table.average_source, table.is_averaging, strict=True)
        ],
    }


_FORWARD_WORDS = (None, "future", "synthetic", "index", "parity")
_AVERAGE_WORDS = ("forward", "venue", "samples")
_IV_WORDS = ("mark", "twin", "price")


OPEN_INTEREST = "oi"
GREEKS: Mapping[str, Exposure] = {exposure.value.split("_")[0]: exposure for exposure in Exposure}
"""The matrix takes the short name of any exposure: gex, vega, vanna ... or `oi`."""
MATRICES = (*GREEKS, OPEN_INTEREST)


def matrix(snapshot: ExposureSnapshot, greek: str) -> dict[str, Json]:
    """One of `MATRICES` by expiry and strike; null where nothing is listed."""
    name = "open_interest_coin" if greek == OPEN_INTEREST else GREEKS[greek].value
    return {
        "greek": name,
        "strikes": snapshot.by_strike.strike_usd.tolist(),
        "expiries": [expiry_label(int(expiry)) for expiry in snapshot.by_expiry.expiry_ms],
        "values": matrix_values(snapshot, greek),
    }


def matrix_values(snapshot: ExposureSnapshot, greek: str) -> list[list[float]]:
    """Return the cells of `matrix`, a row an expiry."""
    if greek == OPEN_INTEREST:
        values = snapshot.spread(snapshot.chain.open_interest_coin)
    else:
        values = snapshot.matrix(GREEKS[greek])
    return [list(row) for row in values.tolist()]


def chain(snapshot: ExposureSnapshot) -> Columns:
    """One item an option, with the Greeks per coin in the units of the exposures."""
    rows, greeks = snapshot.chain, snapshot.greeks
    return {
        "instrument_name": list(rows.instrument_name),
        "book": [
            (Book.INVERSE if code == Settlement.INVERSE else Book.LINEAR).value
            for code in rows.settlement
        ],
        "strike": rows.strike.tolist(),
        "expiry_ms": rows.expiry_ms.tolist(),
        "type": ["call" if call else "put" for call in rows.is_call],
        "open_interest_coin": rows.open_interest_coin.tolist(),
        "position_coin": snapshot.position_coin.tolist(),
        "forward_usd": rows.forward.tolist(),
        "mark_iv": rows.mark_iv.tolist(),
        "bid_iv": rows.bid_iv.tolist(),
        "ask_iv": rows.ask_iv.tolist(),
        "price_usd": greeks.price.tolist(),
        "delta_coin": greeks.delta.tolist(),
        "gamma_per_usd": greeks.gamma.tolist(),
        "vega_usd_per_pt": (greeks.vega / 100).tolist(),
        "theta_usd_per_day": (greeks.theta / DAYS_PER_YEAR).tolist(),
        "vanna_coin_per_pt": (greeks.vanna / 100).tolist(),
        "charm_coin_per_day": (greeks.charm / DAYS_PER_YEAR).tolist(),
        "volga_usd_per_pt2": (greeks.volga / 10_000).tolist(),
        "speed_per_usd2": greeks.speed.tolist(),
        "zomma_per_usd_per_pt": (greeks.zomma / 100).tolist(),
        "color_per_usd_per_day": (greeks.color / DAYS_PER_YEAR).tolist(),
        "rho_usd_per_rate_pt": (greeks.rho / 100).tolist(),
        "veta_usd_per_pt_per_day": (greeks.veta / (100 * DAYS_PER_YEAR)).tolist(),
        "ultima_usd_per_pt3": (greeks.ultima * 1e-6).tolist(),
        "net_delta_coin": net_delta(greeks, rows.forward).tolist(),
        "venue_theta_usd_per_day": venue_theta(
            greeks.theta, greeks.price, rows.years_to_expiry
        ).tolist(),
        Exposure.GEX.value: snapshot.by_option.column(Exposure.GEX).tolist(),
        "ts_event": rows.ts_event.tolist(),
        "forward_source": [_FORWARD_WORDS[int(code)] for code in rows.forward_source],
        "iv_source": [_IV_WORDS[int(code)] for code in rows.iv_source],
        "status": [_STATUS_WORDS[int(code)] for code in rows.status],
    }


_STATUS_WORDS = ("ok", "stale", "no_iv", "no_forward", "rejected", "expired")


def profile(snapshot: ExposureSnapshot) -> Columns:
    """Return net exposures over the ladder of hypothetical spot levels."""
    table = snapshot.profile
    return {
        "spot_usd": table.spot_usd.tolist(),
        "gex_usd_per_1pct": table.gex_usd_per_1pct.tolist(),
        "call_gex_usd_per_1pct": table.call_gex_usd_per_1pct.tolist(),
        "put_gex_usd_per_1pct": table.put_gex_usd_per_1pct.tolist(),
        "vega_usd_per_pt": table.vega_usd_per_pt.tolist(),
        "vanna_coin_per_pt": table.vanna_coin_per_pt.tolist(),
        "charm_coin_per_day": table.charm_coin_per_day.tolist(),
    }


def flow_columns(flow: HedgeFlow, spot_usd: float, market: Liquidity) -> Columns:
    """Return scenarios of hedge flow beside the market that must take it."""
    flow_usd = flow.flow_coin * spot_usd
    size = compare_with_market(flow_usd, market)
    return {
        "move_pct": flow.move_pct.tolist(),
        "horizon_s": [int(horizon) for horizon in flow.horizon_s],
        "spot_usd": flow.spot_usd.tolist(),
        "flow_coin": flow.flow_coin.tolist(),
        "flow_usd": flow_usd.tolist(),
        "gamma_coin": flow.gamma_coin.tolist(),
        "charm_coin": flow.charm_coin.tolist(),
        "vanna_coin": flow.vanna_coin.tolist(),
        "expiry_coin": flow.expiry_coin.tolist(),
        "residual_coin": flow.residual_coin.tolist(),
        "share_of_depth": size.share_of_half_pct_depth.tolist(),
        "share_of_depth_1pct": size.share_of_one_pct_depth.tolist(),
        "share_of_volume": size.share_of_volume.tolist(),
        "minutes_of_volume": size.minutes_of_volume.tolist(),
    }


def rows(columns: Columns) -> list[dict[str, Json]]:
    """Turn columns into the list of rows that REST tables are."""
    names = tuple(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


LADDER_MOVES_PCT: FloatArray = np.array(
    [-5.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0]
)


View: TypeAlias = Callable[[BoardState, ExposureSnapshot, Models], "Json"]
VIEWS: dict[str, View] = {
    "summary": summary,
    "strikes": lambda _state, snapshot, _models: rows(strikes(snapshot)),
    "expiries": lambda _state, snapshot, _models: rows(expiries(snapshot)),
    "profile": lambda _state, snapshot, _models: profile(snapshot),
    "levels": lambda state, snapshot, models: levels(snapshot, models, state.liquidity),
}
"""Push topics, each the `data` of the REST address of the same name."""
