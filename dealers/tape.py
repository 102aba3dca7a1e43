"""The signed tape: one public option trade as dealers' bookkeeping needs it."""

from dataclasses import dataclass
from enum import StrEnum


class AggressorSide(StrEnum):
    """What the taker did."""

    BUY = "buy"
    SELL = "sell"


class Liquidation(StrEnum):
    """Whose order of the trade was a liquidation."""

    TAKER = "T"
    MAKER = "M"
    BOTH = "MT"


@dataclass(frozen=True, slots=True)
class Trade:
    """One print of one option instrument; a combo appears by its legs only.

    Attributes
    ----------
    trade_id : unique per settlement currency, text.
    trade_seq : rises by one per instrument; a step is a hole in the tape.
    ts_event : exchange clock, ms UTC.
    amount_coin : coins of the base asset.
    price : in the instrument's quote unit (coin if inverse, USDC if linear).
    iv : fraction, NaN when the venue gives none.
    index_price_usd : index at the trade.
    """

    trade_id: str
    trade_seq: int
    ts_event: int
    instrument_name: str
    side: AggressorSide
    amount_coin: float
    price: float
    iv: float
    index_price_usd: float
    block_trade_id: str | None = None
    block_rfq_id: str | None = None
    combo_id: str | None = None
    liquidation: Liquidation | None = None
