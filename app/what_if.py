"""What-if: the board after a move, a shift of volatility, some time and trades of the reader's own.

Pure: everything is computed anew by the functions that compute the board itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app import views
from app.board import Book, expiry_label
from app.level_views import levels
from dealers.hedging import MOVES_PCT, compute_hedge_flow
from greeks.chain import OptionChain
from greeks.conventions import Exposure, FloatArray, IntArray, Settlement
from greeks.exposure import ExposureSnapshot, compute_chain_greeks, compute_exposure
from greeks.held import known_or_zero
from greeks.scenario import NOTHING_MOVES, Scenario, move_chain
from greeks.tables import scale_exposures

Json = views.Json
TRADED = (Exposure.GEX, Exposure.DELTA, Exposure.VEGA)
"""What is said of each added trade alone."""


class Side(StrEnum):
    """What the customer does. The dealer takes the other side."""

    BUY = "buy"
    SELL = "sell"


@dataclass(frozen=True, slots=True)
class OptionName:
    """An option by its terms; without a book the coin-margined one comes first."""

    strike: float
    expiry: str
    is_call: bool
    book: Book = Book.ALL


@dataclass(frozen=True, slots=True)
class CustomerTrade:
    """A trade to add to the book: an instrument or its terms, coins, and the customer's side."""

    option: str | OptionName
    amount_coin: float
    side: Side

    @property
    def dealer_coin(self) -> float:
        """Change of dealers' inventory, coins."""
        return -self.amount_coin if self.side == Side.BUY else self.amount_coin


class UnknownOptionError(LookupError):
    """A trade in an option that the selection does not hold."""


class UnpricedOptionError(ValueError):
    """A trade in an option whose Greeks are unknown now."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The question: a scenario, added trades, and the sudden moves to show the hedge flow of.

    `iv_points_per_pct` is how volatility answers those moves, as in the board's own hedge flow.
    """

    scenario: Scenario = NOTHING_MOVES
    trades: tuple[CustomerTrade, ...] = ()
    moves_pct: tuple[float, ...] = MOVES_PCT
    iv_points_per_pct: float = 0.0


def find_row(chain: OptionChain, option: str | OptionName) -> int:
    """Return the row of an option. Raises `UnknownOptionError`."""
    if isinstance(option, str):
        try:
            return chain.instrument_name.index(option)
        except ValueError:
            raise UnknownOptionError(option) from None
    found = (chain.strike == option.strike) & (chain.is_call == option.is_call)
    if option.book != Book.ALL:
        wanted = Settlement.INVERSE if option.book == Book.INVERSE else Settlement.LINEAR
        found &= chain.settlement == wanted
    for row in np.flatnonzero(found).tolist():
        if expiry_label(int(chain.expiry_ms[row])) == option.expiry:
            return int(row)
    kind = "call" if option.is_call else "put"
    raise UnknownOptionError(f"{option.expiry} {option.strike:.10g} {kind}")


def compute_what_if(snapshot: ExposureSnapshot, asked: WhatIf) -> dict[str, Json]:
    """Return the board before and after, and what dealers trade on the way.

    Raises `UnknownOptionError` and `UnpricedOptionError` for a trade that cannot be added.
    """
    chain, moves = snapshot.chain, np.array(asked.moves_pct)
    rows = np.array([find_row(chain, trade.option) for trade in asked.trades], np.int64)
    added = np.zeros(len(chain))
    np.add.at(added, rows, [trade.dealer_coin for trade in asked.trades])
    moved = move_chain(chain, asked.scenario)
    alive = chain.expiry_ms > moved.as_of_ms
    position = _with(snapshot.position_coin, added)
    after = compute_exposure(moved.select(alive), position[alive], snapshot.position_model)
    trades = _trade_rows(chain, after.chain, rows, asked.trades)
    hedged = float(added[alive] @ known_or_zero(after.greeks.delta))
    arriving = snapshot.net_of(Exposure.DELTA) - (after.net_of(Exposure.DELTA) - hedged)
    return {
        "scenario": {
            "move_pct": asked.scenario.move_pct,
            "iv_shift_pts": asked.scenario.shift_pts,
            "hours": asked.scenario.hours,
            "as_of": moved.as_of_ms,
            "spot_usd": moved.index_price,
            "expired": [expiry_label(int(expiry)) for expiry in np.unique(chain.expiry_ms[~alive])],
        },
        "flow": {
            "scenario_coin": arriving,
            "scenario_usd": arriving * chain.index_price,
            "trades_coin": 0.0 - hedged,
            "trades_usd": (0.0 - hedged) * chain.index_price,
        },
        "trades": trades,
        "before": _side(snapshot, moves, asked.iv_points_per_pct),
        "after": _side(after, moves, asked.iv_points_per_pct),
    }


def _with(position_coin: FloatArray, added: FloatArray) -> FloatArray:
    """Add the trades; where the model knows no position, the trade counts alone."""
    known = np.where(np.isfinite(position_coin), position_coin, 0.0)
    return np.where(added != 0, known + added, position_coin)


def _trade_rows(
    chain: OptionChain, after: OptionChain, rows: IntArray, trades: Sequence[CustomerTrade]
) -> list[dict[str, Json]]:
    """One item a trade: what it adds to dealers' book once the scenario is there."""
    greeks, forward = compute_chain_greeks(after)
    of_coin = scale_exposures(greeks, np.ones(len(after)), forward)
    left = {name: row for row, name in enumerate(after.instrument_name)}
    out: list[dict[str, Json]] = []
    for row, trade in zip(rows.tolist(), trades, strict=True):
        name, coins = chain.instrument_name[row], trade.dealer_coin
        adds = {
            exposure.value: coins * float(of_coin.column(exposure)[left[name]])
            if name in left
            else 0.0
            for exposure in TRADED
        }
        if not np.isfinite(list(adds.values())).all():
            raise UnpricedOptionError(name)
        out.append(
            {
                "instrument_name": name,
                "side": trade.side.value,
                "amount_coin": trade.amount_coin,
                "position_change_coin": coins,
                **adds,
            }
        )
    return out


def _side(
    snapshot: ExposureSnapshot, moves_pct: FloatArray, iv_points_per_pct: float
) -> dict[str, Json]:
    """One side of the comparison, in the shapes of the board's own answers."""
    flow = compute_hedge_flow(
        snapshot.chain, snapshot.position_coin, moves_pct, np.zeros(1), iv_points_per_pct
    )
    profile = views.profile(snapshot)
    return {
        "net": {name.value: snapshot.net_of(name) for name in Exposure},
        "gross": {name.value: snapshot.gross_of(name) for name in Exposure},
        "regime": snapshot.regime.value,
        "levels": levels(snapshot, {}),
        "hedge_flow": {
            "move_pct": flow.move_pct.tolist(),
            "spot_usd": flow.spot_usd.tolist(),
            "flow_coin": flow.flow_coin.tolist(),
            "flow_usd": (flow.flow_coin * snapshot.chain.index_price).tolist(),
        },
        "profile": {name: profile[name] for name in ("spot_usd", "gex_usd_per_1pct")},
    }
