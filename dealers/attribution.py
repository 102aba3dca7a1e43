"""Who met whom in a public trade: its class, and the odds that a customer took from a dealer.

Nothing public says which side of a trade a dealer was. The odds are assumptions [A] of ours; no
venue publishes the truth to check them against.
"""

from dataclasses import dataclass
from enum import IntEnum

from dealers.tape import Liquidation, Trade


class TradeClass(IntEnum):
    """Kinds of trades that differ in who is likely to be the dealer; codes index arrays."""

    LIT = 0  # an order met the book
    RFQ_BLOCK = 1  # a block from a request for quotes
    BLOCK = 2  # any other block
    TAKER_LIQUIDATED = 3
    MAKER_LIQUIDATED = 4
    BOTH_LIQUIDATED = 5


@dataclass(frozen=True, slots=True)
class Attribution:
    """Odds of the three ways a trade can move dealers' inventory; they sum to 1.

    Attributes
    ----------
    customer_took : a customer took from a dealer: dealers move against the printed side.
    neither : two customers or two dealers met: their sum stays.
    dealer_took : a dealer took from a customer: dealers move with the printed side.
    """

    customer_took: float
    neither: float
    dealer_took: float

    @property
    def effectiveness(self) -> float:
        """Mean of eps in dq = -sign v eps, eps in {1, 0, -1}."""
        return self.customer_took - self.dealer_took

    @property
    def variance(self) -> float:
        """Variance of eps."""
        return self.customer_took + self.dealer_took - self.effectiveness**2


ATTRIBUTIONS: dict[TradeClass, Attribution] = {
    TradeClass.LIT: Attribution(0.85, 0.10, 0.05),
    TradeClass.RFQ_BLOCK: Attribution(0.75, 0.20, 0.05),
    TradeClass.BLOCK: Attribution(0.60, 0.25, 0.15),
    TradeClass.TAKER_LIQUIDATED: Attribution(0.90, 0.10, 0.0),
    TradeClass.MAKER_LIQUIDATED: Attribution(0.05, 0.15, 0.80),
    TradeClass.BOTH_LIQUIDATED: Attribution(0.0, 1.0, 0.0),
}
"""Prior odds by class [A]. A liquidated maker is a customer, so its taker is likely a dealer."""

CONCENTRATION = 16.0
"""How firmly the odds are believed: pseudo-trades of the Dirichlet prior [A]."""


def classify(trade: Trade) -> TradeClass:
    """Return the class that decides the odds; a liquidation outweighs a block."""
    if trade.liquidation is not None:
        return {
            Liquidation.TAKER: TradeClass.TAKER_LIQUIDATED,
            Liquidation.MAKER: TradeClass.MAKER_LIQUIDATED,
            Liquidation.BOTH: TradeClass.BOTH_LIQUIDATED,
        }[trade.liquidation]
    if trade.block_rfq_id is not None:
        return TradeClass.RFQ_BLOCK
    return TradeClass.LIT if trade.block_trade_id is None else TradeClass.BLOCK
