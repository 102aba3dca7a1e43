"""The option tape as rows of the API, a page at a time."""

import math
from collections.abc import Sequence

from app.views import Cell
from dealers.tape import Trade


class UnknownCursorError(LookupError):
    """A cursor that names no trade on the tape."""


def trade_rows(
    tape: Sequence[tuple[Trade, int]], limit: int, cursor: str | None = None
) -> tuple[list[dict[str, Cell]], str | None]:
    """Return up to `limit` trades older than `cursor`, and the cursor of the next page.

    `tape` is newest first, each trade with the prints missing before it. A cursor is the trade
    id that a page ended with. Raises `UnknownCursorError` for one that is not, or no longer, kept.
    """
    start = 0
    if cursor is not None:
        ids = [trade.trade_id for trade, _ in tape]
        if cursor not in ids:
            raise UnknownCursorError(f"expected a trade_id of the tape, was {cursor!r}")
        start = ids.index(cursor) + 1
    page = tape[start : start + limit]
    more = start + limit < len(tape)
    return [_row(trade, gap) for trade, gap in page], page[-1][0].trade_id if more else None


def _row(trade: Trade, gap_before: int) -> dict[str, Cell]:
    return {
        "trade_id": trade.trade_id,
        "timestamp": trade.ts_event,
        "instrument_name": trade.instrument_name,
        "direction": trade.side.value,
        "amount_coin": trade.amount_coin,
        "price": trade.price,
        "iv": trade.iv,
        "index_price_usd": trade.index_price_usd,
        "premium_usd": _premium_usd(trade),
        "block_trade_id": trade.block_trade_id,
        "combo_id": trade.combo_id,
        "liquidation": None if trade.liquidation is None else trade.liquidation.value,
        "gap_before": gap_before,
    }


def _premium_usd(trade: Trade) -> float:
    """Return what the taker paid or got: coin prices times index, USDC prices as they are."""
    is_linear = "_" in trade.instrument_name.partition("-")[0]
    rate = 1.0 if is_linear else trade.index_price_usd
    return trade.price * trade.amount_coin * rate if math.isfinite(rate) else math.nan
