"""The option tape as rows of the API, a page at a time."""

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from app.board import Book, Selection, expiry_label
from app.views import Cell
from dealers.tape import Trade
from greeks.chain import OptionChain

Print: TypeAlias = tuple[Trade, int]
"""A trade, and how many prints are missing before it."""
Prints: TypeAlias = Sequence[Print]
"""A tape, newest first."""


class UnknownCursorError(LookupError):
    """A cursor that names no trade on the tape."""


def select_trades(tape: Prints, selection: Selection, chain: OptionChain) -> Iterator[Print]:
    """Yield the trades in options of the selected book and expiries.

    `chain` is the selected one. Without a choice of expiries also those of options long expired.
    """
    if not selection.expiries and selection.book == Book.ALL:
        yield from tape
        return
    listed = {expiry_label(int(expiry_ms)) for expiry_ms in np.unique(chain.expiry_ms)}
    for trade, gap in tape:
        currency, expiry, *_ = trade.instrument_name.split("-")
        book = Book.LINEAR if "_" in currency else Book.INVERSE
        if selection.book in {Book.ALL, book} and (not selection.expiries or expiry in listed):
            yield trade, gap


def trade_rows(
    tape: Prints, limit: int, cursor: str | None = None
) -> tuple[list[dict[str, Cell]], str | None]:
    """Return up to `limit` trades older than `cursor`, and the cursor of the next page.

    A cursor is the trade id that a page ended with. Raises `UnknownCursorError` for one that is
    not, or no longer, kept.
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
