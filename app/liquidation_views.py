"""Liquidations of the perpetual's holders: the loop, and the modelled ladder that it rests on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from app.loop_rows import NO_DEPTH, Asked, Impact, loop_row, permanence
from app.views import Json
from dealers.perpetual import Perpetual
from greeks.exposure import ExposureSnapshot
from loops.liquidation import (
    DERIBIT_MARGINS,
    Assumed,
    Ladder,
    Leveraged,
    MarginSchedule,
    estimate_ladders,
    long_share,
)

NEAR = 0.05
"""How far from spot, in log price, the branching ratio is averaged."""
_LOG_LIMIT = 700.0  # beyond it a price is no number


@dataclass(frozen=True, slots=True)
class Ladders:
    """The modelled ladders of longs and shorts, or the reason why there are none."""

    entries: int
    margins: MarginSchedule | None
    assumed: Assumed | None = None
    sides: Mapping[Leveraged, Ladder] = field(default_factory=dict)
    reason: str | None = None

    @property
    def steepest_usd_per_log(self) -> float:
        """Mean forced trading near spot, on the side with more of it; NaN without ladders."""
        means = [ladder.mean_per_log(NEAR) for ladder in self.sides.values()]
        return max(means, default=math.nan)


def model_ladders(perpetual: Perpetual, snapshot: ExposureSnapshot, asked: Asked) -> Ladders:
    """Model who is liquidated where from what the perpetual shows and what is assumed."""
    chain, entries = snapshot.chain, perpetual.entries_usd
    margins = DERIBIT_MARGINS.get(chain.asset)
    share = long_share(perpetual.rate_8h) if asked.long_share is None else asked.long_share
    reasons = {
        "no_open_interest": not math.isfinite(perpetual.open_interest_usd),
        "no_funding: state long_share": not math.isfinite(share),
        "no_past_prices": not len(entries),
        "no_margin_schedule": margins is None,
    }
    reason = next((reason for reason, holds in reasons.items() if holds), None)
    if reason is not None or margins is None:
        return Ladders(len(entries), margins, reason=reason)
    assumed = Assumed(share, margins.maintenance, perpetual.settlement, asked.leverage_mix)
    sides = estimate_ladders(entries, chain.index_price, perpetual.open_interest_usd, assumed)
    if not all(np.isfinite(ladder.usd).all() for ladder in sides.values()):
        return Ladders(
            len(entries),
            margins,
            assumed,
            reason="nobody_is_left: the past week rules out leverage_mix",
        )
    return Ladders(len(entries), margins, assumed, sides)


def liquidation_loop(perpetual: Perpetual, ladders: Ladders, impact: Impact) -> dict[str, Json]:
    """Return the loop: the branching ratio near spot, of the side where it is the larger."""
    steepest = ladders.steepest_usd_per_log
    gains = impact.gains(lambda lam_eff: lam_eff * steepest)
    margins, assumed = ladders.margins, ladders.assumed
    return loop_row(
        "liquidation",
        gains,
        basis="modelled",
        reason=ladders.reason or NO_DEPTH,
        inputs={
            "open_interest_usd": perpetual.open_interest_usd,
            "current_funding": perpetual.rate_8h,
            "entry_hours": ladders.entries,
            "within_pct": 100 * NEAR,
            "forced_usd_per_1pct": steepest / 100,
            "depth_usd": impact.depth.median_usd,
        },
        assumptions={
            "leverage_mix": (_mix(assumed), "share of open interest by leverage"),
            "long_share": (
                assumed.long_share if assumed else None,
                "of leveraged holders, from funding",
            ),
            "entries": ("uniform in time", "positions opened at prices of the past week's hours"),
            "maintenance": (
                margins.maintenance if margins else None,
                f"margin of a small position: {margins.source if margins else 'unknown'}",
            ),
            **permanence(impact),
        },
    )


def _mix(assumed: Assumed | None) -> str | None:
    if assumed is None:
        return None
    return ", ".join(f"{times:g}x {share:.0%}" for times, share in assumed.leverage_mix.items())


def ladder_facts(
    ladders: Ladders, impact: Impact, asked: Asked, spot_usd: float
) -> dict[str, Json]:
    """Return the modelled ladder by price, and how far a first move would run on it."""
    assumed, margins, lam_eff = ladders.assumed, ladders.margins, impact.lam_eff_per_usd
    reason = ladders.reason or (None if math.isfinite(lam_eff) else NO_DEPTH)
    down, up = (ladders.sides.get(side) for side in (Leveraged.LONG, Leveraged.SHORT))
    return {
        "label": "modelled",
        "spot_usd": spot_usd,
        "long_share": None if assumed is None else assumed.long_share,
        "maintenance": None if margins is None else margins.maintenance,
        "margin_source": None if margins is None else margins.source,
        "entry_hours": ladders.entries,
        "leverage_mix": [
            {"leverage": times, "share": share} for times, share in asked.leverage_mix.items()
        ],
        "within_pct": 100 * NEAR,
        "gain_down": None if down is None else lam_eff * down.mean_per_log(NEAR),
        "gain_up": None if up is None else lam_eff * up.mean_per_log(NEAR),
        "shock_pct": asked.shock_pct,
        "drop_pct": _moved(down, -asked.shock_pct, lam_eff),
        "rise_pct": _moved(up, asked.shock_pct, lam_eff),
        "ladder": _rungs(down, up, lam_eff, spot_usd),
        "reason": reason,
    }


def _moved(ladder: Ladder | None, shock_pct: float, lam_eff: float) -> float | None:
    """Per cent in all after a first move of `shock_pct`, with its sign."""
    if ladder is None or not math.isfinite(lam_eff):
        return None
    sign = math.copysign(1.0, shock_pct)
    total = ladder.drop(abs(math.log1p(shock_pct / 100)), lam_eff)
    return 100 * math.expm1(sign * total) if total < _LOG_LIMIT else None


def _rungs(
    down: Ladder | None, up: Ladder | None, lam_eff: float, spot_usd: float
) -> dict[str, Json]:
    """Return both sides as columns from the lowest price to the highest; + is forced buying."""
    if down is None or up is None:
        return {"low_usd": [], "high_usd": [], "forced_usd": [], "branching": []}
    edges = np.concatenate([-down.edges[:0:-1], up.edges])
    prices = spot_usd * np.exp(edges)
    with np.errstate(over="ignore", invalid="ignore"):  # a depth of next to nothing
        branching = np.concatenate([down.branching(lam_eff)[::-1], up.branching(lam_eff)])
    return {
        "low_usd": prices[:-1].tolist(),
        "high_usd": prices[1:].tolist(),
        "forced_usd": np.concatenate([-down.usd[::-1], up.usd]).tolist(),
        "branching": branching.tolist(),
    }
