"""A seeded market with known truth: customers with gross books trade through five dealers.

Every instrument trades once a step. Who meets whom is drawn from `shares`; a customer buys
with a persistent bias of his instrument and closes, when he can, four times in ten; sizes are
lognormal. Open interest is everyone's longs, dealers' included, never netted between dealers.
"""

from dataclasses import dataclass

import numpy as np

from dealers.tape import AggressorSide, Trade
from exchange.agents import AgentBooks
from greeks.conventions import FloatArray

DEALERS = 5
CLOSING_SHARE = 0.4
LOT_COIN = 0.1
BIAS_SD = 0.25  # of the share of buys less the share of sales


@dataclass(frozen=True, slots=True)
class Shares:
    """How often a customer takes from a dealer, and so on; the rest is dealer to dealer."""

    customer_takes: float = 0.80
    dealer_takes: float = 0.07
    customers_only: float = 0.08


class AgentMarket:
    """`instruments` options; `names`, if given, are theirs in the trades printed."""

    def __init__(self, seed: int, instruments: int, shares: Shares | None = None) -> None:
        self._rng = np.random.default_rng(seed)
        self._shares = shares or Shares()
        self.size = instruments
        self.longs = np.zeros(instruments)
        self.shorts = np.zeros(instruments)
        self.dealers = np.zeros((DEALERS, instruments))
        bias = 0.5 + 0.5 * BIAS_SD * self._rng.standard_normal(instruments)
        self._buy_share = np.clip(bias, 0.03, 0.97)

    @property
    def position_coin(self) -> FloatArray:
        """Dealers' true inventory."""
        return self.dealers.sum(axis=0)

    @property
    def open_interest_coin(self) -> FloatArray:
        return self.longs + np.maximum(self.dealers, 0).sum(axis=0)

    def step(self) -> FloatArray:
        """One trade in every instrument; returns the signed amounts takers bought."""
        rng, n = self._rng, self.size
        amount = rng.lognormal(0.0, 1.0, n)
        customer = np.where(rng.random(n) < self._buy_share, 1.0, -1.0)
        meeting = rng.random(n)
        takes = self._shares.customer_takes
        meets_dealer = takes + self._shares.dealer_takes
        one, other = np.argsort(rng.random((DEALERS, n)), axis=0)[:2]
        with_dealer = meeting < meets_dealer
        customers_only = (meeting >= meets_dealer) & (
            meeting < meets_dealer + self._shares.customers_only
        )
        dealers_only = ~with_dealer & ~customers_only
        rows = np.arange(n)
        self._customer(customer, amount * ~dealers_only)
        self._customer(-customer, amount * customers_only)
        self.dealers[one, rows] -= customer * amount * with_dealer
        self.dealers[one, rows] += customer * amount * dealers_only
        self.dealers[other, rows] -= customer * amount * dealers_only
        taker = np.where(with_dealer & (meeting >= takes), -customer, customer)
        return taker * amount

    def run(self, steps: int) -> FloatArray:
        """(steps, instruments) signed amounts."""
        return np.array([self.step() for _ in range(steps)]).reshape(steps, self.size)

    def _customer(self, sign: FloatArray, amount: FloatArray) -> None:
        closable = np.where(sign > 0, self.shorts, self.longs)
        closes = (self._rng.random(self.size) < CLOSING_SHARE) & (closable >= amount)
        buys = sign > 0
        self.longs += amount * (buys & ~closes) - amount * (~buys & closes)
        self.shorts += amount * (~buys & ~closes) - amount * (buys & closes)


class ExchangeAgents:
    """The agents of the local exchange, each option with its first open interest and holders.

    Customers there lean twice as far to one side as in `AgentMarket`, and start short calls and
    long puts.
    """

    def __init__(self, seed: int, instruments: int) -> None:
        rng = np.random.default_rng(seed)
        self._rng, self._books, self.size = rng, AgentBooks(rng), instruments
        lots = np.round(300 * rng.lognormal(0.0, 1.0, instruments)).astype(np.int64)
        self._books.append(lots, np.arange(instruments) % 2 == 0)

    @property
    def position_coin(self) -> FloatArray:
        return self._books.dealer_lots() * LOT_COIN

    @property
    def open_interest_coin(self) -> FloatArray:
        lots = [self._books.open_lots(row) for row in range(self.size)]
        return np.array(lots) * LOT_COIN

    def run(self, steps: int) -> FloatArray:
        lots = np.maximum(np.round(10 * self._rng.lognormal(0.0, 1.0, (steps, self.size))), 1)
        signed = np.zeros((steps, self.size))
        for step, row in np.ndindex(steps, self.size):
            fill = self._books.trade(row, int(lots[step, row]))
            signed[step, row] = fill.sign * fill.lots * LOT_COIN
        return signed


def as_trades(
    signed: FloatArray, names: tuple[str, ...], first_seq: int, first_ms: int
) -> list[Trade]:
    """(steps, instruments) signed amounts as prints of the venue, a second a step."""
    return [
        Trade(
            trade_id=f"{names[i]}#{first_seq + step}",
            trade_seq=first_seq + step,
            ts_event=first_ms + 1000 * step,
            instrument_name=names[i],
            side=AggressorSide.BUY if amount > 0 else AggressorSide.SELL,
            amount_coin=abs(float(amount)),
            price=0.01,
            iv=0.5,
            index_price_usd=100_000.0,
        )
        for step, row in enumerate(signed)
        for i, amount in enumerate(row)
    ]
