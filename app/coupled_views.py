"""Volatility's own loop, and spot and volatility as one: two rows of the loops, and the facts."""

import math
from dataclasses import dataclass

from app.liquidation_views import Ladders
from app.loop_rows import NO_DEPTH, UNIT, Impact, loop_row, permanence
from app.views import Json
from dealers.reading import TapeReading
from greeks.conventions import Exposure
from greeks.exposure import ExposureSnapshot
from loops.coupled import CoupledLoop, couple, vanna_loop_gain, vega_loop_gain
from loops.gain import gamma_loop_gain

ROUNDS_GROW = "rounds_grow: the spectral radius is 1 or more"
AGAINST = "against_the_shock: volatility alone would run away"


@dataclass(frozen=True, slots=True)
class Coupling:
    """All that spot and volatility do to each other, but for the market that takes the trades."""

    snapshot: ExposureSnapshot
    tape: TapeReading
    ladders: Ladders
    reaction_per_pt: float

    @property
    def vanna_usd_per_pt(self) -> float:
        """USD of delta per point of volatility."""
        return self.snapshot.net_of(Exposure.VANNA) * self.snapshot.chain.index_price

    @property
    def vega_gain(self) -> float:
        """Points of volatility per point of it."""
        vega = self.snapshot.net_of(Exposure.VEGA)
        return vega_loop_gain(vega, self.tape.vega_impact.used, self.reaction_per_pt)

    @property
    def vega_reason(self) -> str | None:
        """Why the gain of vega is unknown; None where it is known."""
        if math.isfinite(self.vega_gain):
            return None
        if not math.isfinite(self.snapshot.net_of(Exposure.VEGA)):
            return "net_vega_unknown"
        return f"vega_impact_not_established: {self.tape.vega_impact.reason}"

    def at(self, lam_eff_per_usd: float) -> CoupledLoop:
        """The loop in a market that a USD moves by so much for good."""
        gamma = gamma_loop_gain(self.snapshot.net_of(Exposure.GEX), lam_eff_per_usd, 1.0)
        return couple(
            gamma + lam_eff_per_usd * self.ladders.steepest_usd_per_log,
            vanna_loop_gain(self.vanna_usd_per_pt, lam_eff_per_usd),
            self.tape.beta.used,
            self.vega_gain,
        )


def vega_loop(coupling: Coupling) -> dict[str, Json]:
    """Return the loop of dealers who are short vega and buy it back as volatility rises."""
    impact = coupling.tape.vega_impact
    return loop_row(
        "vega",
        # no depth of the perpetual stands in it
        {"gain": coupling.vega_gain, "gain_lo": math.nan, "gain_hi": math.nan},
        basis="modelled",
        unit="point per point",
        reason=coupling.vega_reason,
        inputs={
            "vega_usd_per_pt": coupling.snapshot.net_of(Exposure.VEGA),
            "vega_impact_pts_per_usd_per_pt": impact.used,
            "vega_impact_t_statistic": impact.t_statistic,
            "vega_impact_samples": impact.samples,
        },
        assumptions={**_position(coupling), **_reaction(coupling)},
    )


def coupled_loop(coupling: Coupling, impact: Impact) -> dict[str, Json]:
    """Return the loop of spot that goes through volatility and back as well."""
    loop, beta = coupling.at(impact.lam_eff_per_usd), coupling.tape.beta
    return loop_row(
        "coupled",
        impact.gains(lambda lam_eff: coupling.at(lam_eff).spot_gain),
        basis="modelled",
        unit=UNIT,
        reason=_reason(coupling, loop, impact) or AGAINST,
        inputs={
            "gex_usd_per_1pct": coupling.snapshot.net_of(Exposure.GEX),
            "forced_usd_per_1pct": coupling.ladders.steepest_usd_per_log / 100,
            "vanna_usd_per_pt": coupling.vanna_usd_per_pt,
            "iv_points_per_pct": beta.used,
            "vega_gain": coupling.vega_gain,
            "depth_usd": impact.depth.median_usd,
        },
        assumptions={
            **_position(coupling),
            **({"volatility": ("sticky strike", beta.reason)} if beta.reason else {}),
            "lending_collateral": ("left out", "no feed of on-chain loans"),
            **_reaction(coupling),
            **permanence(impact),
        },
    )


def coupled_facts(coupling: Coupling, impact: Impact) -> dict[str, Json]:
    """Return the matrix, whether its rounds die out, and what they come to."""
    loop = coupling.at(impact.lam_eff_per_usd)
    return {
        "gains": loop.gains.tolist(),
        "spectral_radius": loop.radius,
        "stable": loop.is_stable,
        "response": None if loop.response is None else loop.response.tolist(),
        "reason": _reason(coupling, loop, impact),
    }


def _reason(coupling: Coupling, loop: CoupledLoop, impact: Impact) -> str | None:
    """Why there is no response: what is unknown of the matrix, or that its rounds grow."""
    reasons = {
        NO_DEPTH: not impact.depth.median_usd > 0,
        "net_gex_unknown": not math.isfinite(coupling.snapshot.net_of(Exposure.GEX)),
        f"liquidation: {coupling.ladders.reason}": coupling.ladders.reason is not None,
        f"vega: {coupling.vega_reason}": coupling.vega_reason is not None,
        ROUNDS_GROW: loop.is_stable is False,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _position(coupling: Coupling) -> dict[str, tuple[Json, str]]:
    return {"position": (coupling.snapshot.position_model, "who holds what")}


def _reaction(coupling: Coupling) -> dict[str, tuple[Json, str]]:
    meaning = "share of short vega that dealers buy back per point of volatility"
    return {"vega_reaction_per_pt": (coupling.reaction_per_pt, meaning)}
