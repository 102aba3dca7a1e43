"""The tape in SQL: every option print once, so that a restart has no hole to fill from memory."""

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from app.store import Store
from app.store_schema import trade
from dealers.tape import AggressorSide, Liquidation, Trade


def insert_trades(connection: Connection, trades: Sequence[tuple[str, Trade]]) -> None:
    """Keep trades with their assets; one that is known stays as it is."""
    if trades:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        insert = dialect.insert(trade).on_conflict_do_nothing()
        connection.execute(insert, [_columns(asset, item) for asset, item in trades])


async def read_tape(store: Store, asset: str, most: int) -> list[Trade]:
    """Return the newest trades of an asset, oldest first."""
    newest = select(trade).where(trade.c.asset == asset).order_by(trade.c.ts_ms.desc()).limit(most)
    async with store.read() as connection:
        rows = (await connection.execute(newest)).all()
    return [_trade(row) for row in reversed(rows)]


def _columns(asset: str, item: Trade) -> dict[str, Any]:
    return {
        "asset": asset,
        "ts_ms": item.ts_event,
        "trade_id": item.trade_id,
        "instrument_name": item.instrument_name,
        "trade_seq": item.trade_seq,
        "side": item.side.value,
        "amount_coin": item.amount_coin,
        "price": _known(item.price),
        "iv": _known(item.iv),
        "index_price_usd": _known(item.index_price_usd),
        "block_trade_id": item.block_trade_id,
        "block_rfq_id": item.block_rfq_id,
        "combo_id": item.combo_id,
        "liquidation": None if item.liquidation is None else item.liquidation.value,
    }


def _trade(row: Row[Any]) -> Trade:
    return Trade(
        trade_id=row.trade_id,
        trade_seq=row.trade_seq,
        ts_event=row.ts_ms,
        instrument_name=row.instrument_name,
        side=AggressorSide(row.side),
        amount_coin=row.amount_coin,
        price=_number(row.price),
        iv=_number(row.iv),
        index_price_usd=_number(row.index_price_usd),
        block_trade_id=row.block_trade_id,
        block_rfq_id=row.block_rfq_id,
        combo_id=row.combo_id,
        liquidation=None if row.liquidation is None else Liquidation(row.liquidation),
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else value
