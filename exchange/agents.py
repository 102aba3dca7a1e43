"""Who trades, and who then holds what: dealers and customers with exact books.

Five dealers make a market to customers who keep gross books. Every trade moves two of them, so
open interest and the dealers' true inventory are always known and never drift apart. Positions
are whole lots. The shares of who meets whom are those of the agent market of theory 2.3.
"""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import BoolArray, FloatArray, IntArray

DEALERS = 5
CUSTOMER_TAKES, DEALER_TAKES, CUSTOMERS_ONLY, DEALERS_ONLY = 0.80, 0.07, 0.08, 0.05
CLOSING_SHARE = 0.40
BIAS_SD = 0.25
OVERWRITING = 0.25
"""At the start customers are short calls and long puts by this share of open interest."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade between agents: the taker's sign and whole lots."""

    row: int
    sign: int
    lots: int


class AgentBooks:
    """The positions of all agents in one option table, in whole lots, aligned with its rows."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.dealers: IntArray = np.zeros((DEALERS, 0), dtype=np.int64)
        self.longs: IntArray = np.zeros(0, dtype=np.int64)  # customers' gross
        self.shorts: IntArray = np.zeros(0, dtype=np.int64)
        self.buy_share: FloatArray = np.zeros(0)

    def append(self, open_lots: IntArray, is_call: BoolArray) -> None:
        """Open books in new rows with the given open interest."""
        n = len(open_lots)
        tilt = np.where(is_call, OVERWRITING, -OVERWRITING)
        net = np.clip(tilt + 0.35 * self._rng.standard_normal(n), -0.8, 0.8) * open_lots
        weights = self._rng.dirichlet(np.full(DEALERS, 2.0), n).T
        dealers = np.round(weights * net).astype(np.int64)
        long = np.maximum(dealers, 0).sum(axis=0)
        short = np.maximum(-dealers, 0).sum(axis=0)
        self.dealers = np.hstack([self.dealers, dealers])
        self.longs = np.concatenate([self.longs, open_lots - long])
        self.shorts = np.concatenate([self.shorts, open_lots - short])
        bias = np.clip(0.5 + BIAS_SD * self._rng.standard_normal(n), 0.03, 0.97)
        self.buy_share = np.concatenate([self.buy_share, bias])

    def keep(self, mask: BoolArray) -> None:
        """Forget the rows where `mask` is false: their options were delivered."""
        self.dealers = self.dealers[:, mask]
        self.longs, self.shorts = self.longs[mask], self.shorts[mask]
        self.buy_share = self.buy_share[mask]

    def open_lots(self, row: int) -> int:
        """Return a row's open interest: everyone's longs, which equal everyone's shorts."""
        return int(self.longs[row] + np.maximum(self.dealers[:, row], 0).sum())

    def dealer_lots(self) -> IntArray:
        """Return the dealers' true net inventory of every row."""
        return np.asarray(self.dealers.sum(axis=0))

    def trade(self, row: int, lots: int, sign: int | None = None) -> Fill:
        """Let two agents meet in a row; the taker's sign is drawn unless it is given."""
        draw = self._rng.random()
        customer = 1 if self._rng.random() < self.buy_share[row] else -1
        dealer, other = self._rng.permutation(DEALERS)[:2]
        if draw < CUSTOMER_TAKES + DEALER_TAKES:
            taker_is_customer = draw < CUSTOMER_TAKES
            if sign is not None:
                customer = sign if taker_is_customer else -sign
            self._customer(row, customer, lots)
            self.dealers[dealer, row] -= customer * lots
            return Fill(row, customer if taker_is_customer else -customer, lots)
        taker = customer if sign is None else sign
        if draw < 1.0 - DEALERS_ONLY:
            self._customer(row, taker, lots)
            self._customer(row, -taker, lots)
        else:
            self.dealers[dealer, row] += taker * lots
            self.dealers[other, row] -= taker * lots
        return Fill(row, taker, lots)

    def _customer(self, row: int, sign: int, lots: int) -> None:
        """A customer buys or sells, to open or to close."""
        opens, closes = (self.longs, self.shorts) if sign > 0 else (self.shorts, self.longs)
        if self._rng.random() < CLOSING_SHARE and closes[row] >= lots:
            closes[row] -= lots
        else:
            opens[row] += lots
