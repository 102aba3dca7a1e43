"""What a shock does to a hypothetical ladder of lending collateral."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.views import Json
from greeks.conventions import FloatArray
from loops.collateral import (
    Cascade,
    Loan,
    Market,
    collateral_branching,
    health_factor,
    loans_triggered_at,
    run_cascade,
    toxic_loan_to_value,
)

LABEL = "hypothetical ladder"


@dataclass(frozen=True, slots=True)
class Shock:
    """A first fall of the price, and loans by the move that triggers them; all negative."""

    shock_pct: float
    trigger_pct: FloatArray
    collateral_coin: FloatArray
    pool_usd: float | None


def collateral_cascade(market: Market, shock: Shock) -> dict[str, Json]:
    """Run the cascade and say what was sold, what is left and what nobody pays back."""
    triggers = market.price_usd * (1 + shock.trigger_pct / 100)
    loans = loans_triggered_at(triggers, shock.collateral_coin, market.threshold)
    found = run_cascade(loans, market, shock.shock_pct / 100)
    final = float(found.price_usd[-1])
    fall_pct = 100 * (1 - final / market.price_usd)
    pool = shock.pool_usd
    return {
        "label": LABEL,
        "spot_usd": market.price_usd,
        "shocked_usd": float(found.price_usd[0]),
        "final_usd": final,
        "drop_pct": -fall_pct,
        "multiplier": fall_pct / shock.shock_pct if shock.shock_pct else None,
        "branching": _branching(market, triggers, shock.collateral_coin, final),
        "toxic_ltv": toxic_loan_to_value(market.bonus),
        "impact_per_coin_usd": market.impact_per_coin_usd,
        "sold_coin": math.fsum(found.sold_coin.tolist()),
        "bad_debt_usd": found.bad_debt_usd,
        "de_peg_pct": None if pool is None else 100 * found.bad_debt_usd / pool,
        "has_ended": found.has_ended,
        "rounds": [
            {"sold_coin": coins, "price_usd": price}
            for coins, price in zip(
                found.sold_coin.tolist(), found.price_usd[1:].tolist(), strict=True
            )
        ],
        "loans": _loans(triggers, loans, found, market),
    }


def _branching(
    market: Market, triggers: FloatArray, coins: FloatArray, final_usd: float
) -> float | None:
    """Return n with the density of triggers between the first price and the last."""
    fall = market.price_usd - final_usd
    if not fall > 0:
        return None
    density = float(coins[triggers > final_usd].sum()) / fall
    return collateral_branching(market.impact_per_coin_usd, density, market.threshold, market.bonus)


def _loans(
    triggers: FloatArray, before: Loan, found: Cascade, market: Market
) -> list[Mapping[str, Json]]:
    after = found.left
    health = health_factor(
        after.collateral_coin, float(found.price_usd[-1]), after.debt_usd, market.threshold
    )
    columns = {
        "trigger_usd": triggers,
        "collateral_coin": before.collateral_coin,
        "debt_usd": before.debt_usd,
        "left_coin": after.collateral_coin,
        "left_debt_usd": after.debt_usd,
        "health_factor": np.where(np.isfinite(health), health, np.nan),
    }
    lists = [column.tolist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
