"""The feedback loops of an asset: how much of a move comes back, and what each number rests on.

A loop is a row: what it measures and what it assumes stand beside its gain.
"""

import math

from app.coupled_views import Coupling, coupled_facts, coupled_loop, vega_loop
from app.hub import BoardState
from app.liquidation_views import ladder_facts, liquidation_loop, model_ladders
from app.loop_rows import NO_DEPTH, UNIT, Asked, Impact, loop_row, permanence
from app.views import Json
from dealers.perpetual import Perpetual
from greeks.conventions import Exposure
from greeks.exposure import ExposureSnapshot
from loops.funding import FundingReading, funding_loop_gain, read_funding
from loops.gain import gamma_loop_gain
from loops.impact import BOOK_WITHIN


def feedback(state: BoardState, snapshot: ExposureSnapshot, asked: Asked) -> dict[str, Json]:
    """Return the loop gain of dealers' hedging, every loop as a row, and what they rest on."""
    impact = Impact.of(state, asked.depth_usd, asked.permanence)
    gex = snapshot.net_of(Exposure.GEX)
    gamma = _gamma(snapshot, impact)
    funding = _funding_reading(state.perpetual, gex)
    ladders = model_ladders(state.perpetual, snapshot, asked)
    coupling = Coupling(snapshot, state.tape, ladders, asked.vega_reaction_per_pt)
    depth = impact.depth
    return {
        "loop_gain": gamma["gain"],
        "loop_gain_lo": gamma["gain_lo"],
        "loop_gain_hi": gamma["gain_hi"],
        "amplification": gamma["amplification"],
        "gex_usd_per_1pct": gex,
        "depth_usd": depth.median_usd,
        "depth_usd_lo": depth.low_usd,
        "depth_usd_hi": depth.high_usd,
        "depth_covers_s": depth.covers_s if depth.samples else None,
        "depth_source": impact.source,
        "within": BOOK_WITHIN,
        "permanence": impact.permanence,
        "reason": gamma["reason"],
        "loops": [
            gamma,
            _funding(state.perpetual, funding, impact, asked),
            liquidation_loop(state.perpetual, ladders, impact),
            vega_loop(coupling),
            coupled_loop(coupling, impact),
        ],
        "funding": _funding_facts(state.perpetual, funding),
        "liquidation": ladder_facts(ladders, impact, asked, snapshot.chain.index_price),
        "coupled": coupled_facts(coupling, impact),
    }


def _gamma(snapshot: ExposureSnapshot, impact: Impact) -> dict[str, Json]:
    gex = snapshot.net_of(Exposure.GEX)
    gains = impact.gains(lambda lam_eff: gamma_loop_gain(gex, lam_eff, 1.0))
    no_depth = NO_DEPTH if not impact.depth.median_usd > 0 else None
    return loop_row(
        "gamma",
        gains,
        basis="position_model",
        reason=no_depth or "net_gex_unknown",
        inputs={"gex_usd_per_1pct": gex, "depth_usd": impact.depth.median_usd},
        assumptions={
            "position": (snapshot.position_model, "who holds what"),
            **permanence(impact),
        },
    )


def _funding_reading(perpetual: Perpetual, gex_usd_per_1pct: float) -> FundingReading:
    return read_funding(
        perpetual.rate_8h, perpetual.realised_8h, perpetual.open_interest_usd, gex_usd_per_1pct
    )


def _funding(
    perpetual: Perpetual, funding: FundingReading, impact: Impact, asked: Asked
) -> dict[str, Json]:
    gains = impact.gains(
        lambda lam_eff: funding_loop_gain(
            perpetual.rate_8h, perpetual.open_interest_usd, lam_eff, asked.unwind
        )
    )
    return loop_row(
        "funding",
        gains,
        basis="modelled",
        unit=f"{UNIT} in 8 hours",
        reason=_without_perpetual(perpetual) or NO_DEPTH,
        inputs={
            "current_funding": funding.rate_8h,
            "open_interest_usd": perpetual.open_interest_usd,
            "depth_usd": impact.depth.median_usd,
        },
        assumptions={
            "unwind": (
                asked.unwind,
                "share of open interest closed in 8 hours per unit of funding",
            ),
            **permanence(impact),
        },
    )


def _funding_facts(perpetual: Perpetual, funding: FundingReading) -> dict[str, Json]:
    reason = _without_perpetual(perpetual)
    if reason is None and funding.is_stacked is None:
        reason = "net_gex_unknown"
    return {
        "instrument_name": perpetual.instrument_name,
        "current_funding": funding.rate_8h,
        "funding_8h": funding.realised_8h,
        "funding_per_year": funding.per_year,
        "open_interest_usd": perpetual.open_interest_usd,
        "paid_usd_per_day": funding.paid_usd_per_day,
        "stacked": funding.is_stacked,
        "stacked_push": funding.pushes.value if funding.pushes else None,
        "reason": reason,
    }


def _without_perpetual(perpetual: Perpetual) -> str | None:
    if not math.isfinite(perpetual.rate_8h):
        return "no_funding"
    return None if math.isfinite(perpetual.open_interest_usd) else "no_open_interest"
