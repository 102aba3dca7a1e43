"""Collateral that lending protocols sell: health, liquidation, and a cascade of both.

On-chain positions are not on this board's feed: everything here is for a ladder that the caller
makes up. Knows amounts and prices; knows no chain and no protocol's address.
"""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import FloatArray

CLOSE_FACTOR = 0.5
FULL_BELOW = 0.95
"""Health factor under which all of a debt may be repaid at once (Aave v3)."""
LIQUIDATION_THRESHOLD = 0.83
BONUS = 0.05
_DUST = 1e-12
_MOST_ROUNDS = 1_000


def health_factor(
    collateral_coin: FloatArray | float,
    price_usd: float,
    debt_usd: FloatArray | float,
    threshold: float = LIQUIDATION_THRESHOLD,
) -> FloatArray:
    """HF = C P LT / D: below 1 anyone may liquidate. inf without a debt; any shape."""
    worth = np.asarray(collateral_coin, dtype=np.float64) * price_usd * threshold
    owed = np.asarray(debt_usd, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(owed > 0, worth / owed, np.inf))


def close_factor(health: FloatArray | float) -> FloatArray:
    """Share of the debt that may be repaid: 0 from 1 up, 0.5, and all of it below 0.95 (Aave v3).

    Since Aave v3.3 the half binds only for larger positions with a health factor above 0.95.
    """
    half = np.where(np.asarray(health) < FULL_BELOW, 1.0, CLOSE_FACTOR)
    return np.where(np.asarray(health) < 1, half, 0.0)


@dataclass(frozen=True, slots=True)
class Loan:
    """Collateral and debt; arrays of any shape."""

    collateral_coin: FloatArray
    debt_usd: FloatArray

    def loan_to_value(self, price_usd: float) -> FloatArray:
        """Debt over the worth of the collateral."""
        return self.debt_usd / (self.collateral_coin * price_usd)

    def repaid(self, share: FloatArray | float, price_usd: float, bonus: float = BONUS) -> "Loan":
        """Return the loan after a liquidator repaid a share R and took R (1 + bonus) / P coins.

        He repays no more than what is worth his while: the collateral covers R (1 + bonus).
        """
        worth = self.collateral_coin * price_usd / (1 + bonus)
        repays = np.minimum(share * self.debt_usd, worth)
        seized = repays * (1 + bonus) / price_usd
        return Loan(np.maximum(self.collateral_coin - seized, 0.0), self.debt_usd - repays)


def toxic_loan_to_value(bonus: float = BONUS) -> float:
    """Loan to value from which each liquidation lowers the health factor: 1 / (1 + bonus).

    Warmuz, Chaudhary and Pinna 2022 call what follows a toxic liquidation spiral.
    """
    return 1 / (1 + bonus)


def collateral_branching(
    impact_per_coin: float,
    trigger_density: float,
    threshold: float = LIQUIDATION_THRESHOLD,
    bonus: float = BONUS,
    share: float = CLOSE_FACTOR,
) -> float:
    """Liquidations that one sets off near their triggers: n = E rho cf LT (1 + bonus).

    E = price moved by one coin sold, rho = coins of collateral per unit of price whose health
    factor crosses 1; of each of them cf LT (1 + bonus) are sold.
    """
    return impact_per_coin * trigger_density * share * threshold * (1 + bonus)


def loans_triggered_at(
    price_usd: FloatArray, collateral_coin: FloatArray, threshold: float = LIQUIDATION_THRESHOLD
) -> Loan:
    """Return loans whose health factor is 1 at these prices: D = C P LT."""
    return Loan(collateral_coin, collateral_coin * price_usd * threshold)


@dataclass(frozen=True, slots=True)
class Market:
    """The market that must take the collateral.

    Attributes
    ----------
    price_usd : before the shock.
    impact_per_coin_usd : E, by which one coin sold lowers the price; linear, and it stays.
    threshold, bonus : of the loans.
    """

    price_usd: float
    impact_per_coin_usd: float
    threshold: float = LIQUIDATION_THRESHOLD
    bonus: float = BONUS


@dataclass(frozen=True, slots=True)
class Cascade:
    """What a shock came to.

    Attributes
    ----------
    price_usd : (rounds + 1,) after the shock and after each round of liquidations.
    sold_coin : (rounds,) collateral sold in each round.
    left : the loans at the end.
    bad_debt_usd : debt that its collateral does not cover at the last price.
    has_ended : False when the price reached 0 or the rounds ran out.
    """

    price_usd: FloatArray
    sold_coin: FloatArray
    left: Loan
    bad_debt_usd: float
    has_ended: bool


def run_cascade(loans: Loan, market: Market, shock: float) -> Cascade:
    """Let the price fall by `shock`, a fraction, and liquidate round by round until none is due.

    In each round every loan with a health factor below 1 is liquidated at the price of the round,
    by its close factor; what was seized is sold and lowers the price by E a coin.
    """
    prices, sold = [market.price_usd * (1 - shock)], list[float]()
    total, has_ended = float(loans.collateral_coin.sum()), False
    while not has_ended and len(sold) < _MOST_ROUNDS and prices[-1] > 0:
        price = prices[-1]
        share = close_factor(
            health_factor(loans.collateral_coin, price, loans.debt_usd, market.threshold)
        )
        after = loans.repaid(share, price, market.bonus)
        coins = float((loans.collateral_coin - after.collateral_coin).sum())
        has_ended = coins <= _DUST * total
        if not has_ended:
            loans = after
            sold.append(coins)
            prices.append(max(0.0, price - market.impact_per_coin_usd * coins))
    uncovered = np.maximum(loans.debt_usd - loans.collateral_coin * prices[-1], 0.0)
    return Cascade(np.array(prices), np.array(sold), loans, float(uncovered.sum()), has_ended)
