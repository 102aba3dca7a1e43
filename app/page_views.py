"""The messages of the page: what it draws and no more, rounded to the digits that it shows.

They are the values of `app/views.py`; gamma by strike, spot and cell is cut to `DIGITS`
significant digits, other arrays that are drawn to `SOME_DIGITS` or `MORE_DIGITS`, what is
printed is not.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from app import views
from app.hub import BoardState
from app.level_views import levels
from app.views import Columns, Json, Models
from greeks.conventions import Exposure
from greeks.exposure import ExposureSnapshot

DIGITS = 4
"""As many as a pixel of a 4,000 pixel wide screen needs, and a label shows."""
MORE_DIGITS = 6
SOME_DIGITS = {"spot_usd": 5, "open_interest_call_coin": 5, "open_interest_put_coin": 5}
DRAWN_STRIKES = (
    "strike",
    "gex_usd_per_1pct",
    "call_gex_usd_per_1pct",
    "put_gex_usd_per_1pct",
    "open_interest_call_coin",
    "open_interest_put_coin",
)
DRAWN_EXPIRIES = (
    "expiry",
    "expiry_ms",
    "days",
    "atm_iv",
    "gex_usd_per_1pct",
    "vega_usd_per_pt",
    "vanna_coin_per_pt",
    "charm_coin_per_day",
    "flip_usd",
)
DRAWN_FLOW = (
    "move_pct",
    "spot_usd",
    "flow_coin",
    "flow_usd",
    "gamma_coin",
    "charm_coin",
    "vanna_coin",
    "expiry_coin",
    "share_of_depth",
)
DRAWN_PROFILE = ("spot_usd", "gex_usd_per_1pct")
DRAWN_TRADES = (
    "trade_id",
    "timestamp",
    "instrument_name",
    "direction",
    "amount_coin",
    "iv",
    "premium_usd",
    "block_trade_id",
    "liquidation",
)

_GAMMA = Exposure.GEX.value
Cell: TypeAlias = str | int | float | None


def board(state: BoardState, snapshot: ExposureSnapshot, models: Models) -> dict[str, Json]:
    """Return what the board draws at every tick, tables as columns."""
    flow = views.flow_columns(
        views.sudden_flow(state, snapshot, views.LADDER_MOVES_PCT),
        snapshot.chain.index_price,
        state.liquidity,
    )
    found = levels(snapshot, models, state.liquidity)
    return {
        "summary": views.summary(state, snapshot, models),
        "levels": {name: value for name, value in found.items() if name != "max_pain"},
        "strikes": _drawn(views.strikes(snapshot), DRAWN_STRIKES),
        "profile": _drawn(views.profile(snapshot), DRAWN_PROFILE),
        "hedge_flow": {name: flow[name] for name in DRAWN_FLOW},
    }


def heatmap(snapshot: ExposureSnapshot, greek: str) -> dict[str, Json]:
    """Return what changes slowly: a matrix of `views.matrix`, and the expiries."""
    cells = [_rounded(row, DIGITS) for row in views.matrix_values(snapshot, greek)]
    return {
        "matrix": {**views.matrix(snapshot, greek), "values": cells},
        "expiries": _drawn(views.expiries(snapshot), DRAWN_EXPIRIES)
        | {"max_pain_usd": snapshot.by_expiry.max_pain_usd.tolist()},
    }


def tape(trades: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """Return the newest prints as columns."""
    return {name: [trade[name] for trade in trades] for name in DRAWN_TRADES}


def _drawn(columns: Columns, names: Sequence[str]) -> dict[str, Json]:
    return {
        name: _rounded(
            columns[name],
            DIGITS if name.endswith(_GAMMA) else SOME_DIGITS.get(name, MORE_DIGITS),
        )
        for name in names
    }


def _rounded(values: Sequence[Cell], digits: int) -> list[Cell]:
    """Cut floats; a whole number loses its decimal point, which is two bytes."""
    form = f".{digits}g"
    return [_cut(value, form) if isinstance(value, float) else value for value in values]


def _cut(value: float, form: str) -> float | int:
    cut = float(format(value, form))
    return int(cut) if cut.is_integer() else cut
