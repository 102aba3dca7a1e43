"""The position models side by side, how far they disagree, and how firmly the flip stands."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.board import atm_iv_30d
from app.views import Columns, Json
from dealers.estimate import PositionEstimate, point_estimate, summarise_flips, summarise_gex
from dealers.inventory import Unavailable
from dealers.ladder import GexLadder
from dealers.models import MODELS, ModelAnswer, ModelRange, compute_range
from dealers.reading import TapeReading
from dealers.rules import PositionModel
from dealers.stability import compute_flip_stability, compute_regime_margin
from greeks.conventions import Exposure, FloatArray
from greeks.exposure import ExposureSnapshot
from greeks.held import known_or_zero
from greeks.tables import scale_exposures

_SEED = 1
_HOUR_MS = 3_600_000
Models = Mapping[PositionModel, ExposureSnapshot]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that `/positions` says of one selection."""

    rows: Columns
    range: dict[str, Json]
    stability: dict[str, Json]


def compare_positions(models: Models, tape: TapeReading, chosen: PositionModel) -> Comparison:
    """Put every model beside the others; stability is of the `chosen` one."""
    ladder = GexLadder.of(models[chosen].chain)
    answers = [_answer(models[model], tape, ladder) for model in models]
    rows = [
        _row(answer, models[PositionModel(answer.model)], tape, _bound_of(models))
        for answer in answers
    ]
    return Comparison(
        rows={name: [row[name] for row in rows] for name in rows[0]},  # type: ignore[misc]
        range=_range(compute_range(answers)),
        stability=_stability(models[chosen]),
    )


def _answer(snapshot: ExposureSnapshot, tape: TapeReading, ladder: GexLadder) -> ModelAnswer:
    """What one model says of the snapshot's options, with the snapshot's own flip."""
    model, chain = PositionModel(snapshot.position_model), snapshot.chain
    draws, unheld = tape.draws(model, chain), np.empty((0, len(chain)))
    interest = chain.open_interest_coin
    reason = tape.reason(model)
    answer: PositionEstimate | Unavailable
    if reason is not None:
        answer = Unavailable(model.value, reason)
    elif not np.isfinite(snapshot.position_coin).any():
        answer = Unavailable(model.value, "no option of the selection has a known position")
    elif not snapshot.quality.used:
        answer = Unavailable(model.value, "no option of the selection can be priced")
    elif len(draws):
        lo, hi = np.quantile(draws, (0.05, 0.95), axis=0)
        gex = summarise_gex(snapshot.position_coin, draws, interest, ladder)
        answer = PositionEstimate(model.value, snapshot.position_coin, lo, hi, draws, gex)
    else:
        answer = point_estimate(model.value, snapshot.position_coin, interest, ladder)
    return ModelAnswer(
        model=model.value,
        inputs=next(known.inputs for known in MODELS if known.name == model.value),
        answer=answer,
        regime=snapshot.regime,
        flip_usd=snapshot.levels.flip_usd,
        flips=summarise_flips(draws if isinstance(answer, PositionEstimate) else unheld, ladder),
    )


def _bound_of(models: Models) -> float:
    """Gross GEX if dealers held all open interest, whatever a model says."""
    return models[PositionModel.CUSTOMER_LONG].gross_of(Exposure.GEX)


def _row(
    answer: ModelAnswer, snapshot: ExposureSnapshot, tape: TapeReading, bound: float
) -> dict[str, Json]:
    found = answer.answer
    known = found if isinstance(found, PositionEstimate) else None
    has_draws = known is not None and len(known.draws_coin) > 0
    follows_tape = "signed trades" in answer.inputs
    return {
        "position": answer.model,
        "gex_usd_per_1pct": snapshot.net_of(Exposure.GEX),
        "gex_usd_per_1pct_lo": known.gex.lo if known else math.nan,
        "gex_usd_per_1pct_hi": known.gex.hi if known else math.nan,
        "gross_gex_usd_per_1pct": snapshot.gross_of(Exposure.GEX),
        "bound_gex_usd_per_1pct": bound,
        "regime": answer.regime.value,
        "p_short_gamma": known.gex.p_short_gamma if known else math.nan,
        "flip_usd": math.nan if answer.flip_usd is None else answer.flip_usd,
        "flip_reason": snapshot.levels.flip_reason,
        "flip_usd_lo": answer.flips.lo_usd,
        "flip_usd_median": answer.flips.median_usd,
        "flip_usd_hi": answer.flips.hi_usd,
        "p_no_flip": answer.flips.p_none,
        **_intervals(snapshot, known.draws_coin if known and has_draws else None),
        "inputs": "; ".join(answer.inputs),
        "coverage": _coverage(snapshot, bound) if known else math.nan,
        "history_h": tape.history_ms / _HOUR_MS if follows_tape else math.nan,
        "trades": tape.trades if follows_tape else None,
        "missing_trades": tape.missing if follows_tape else None,
        "followed_options": tape.followed if has_draws else None,
        "reason": found.reason,
    }


def _intervals(snapshot: ExposureSnapshot, draws: FloatArray | None) -> dict[str, Json]:
    """Every other exposure with its 5 % and 95 % quantiles."""
    columns: dict[str, Json] = {}
    quantiles = np.full((2, len(Exposure)), np.nan)
    if draws is not None:
        ones = np.ones(len(snapshot.chain))
        per_coin = scale_exposures(snapshot.greeks, ones, snapshot.chain.forward).values
        sums = np.nan_to_num(draws) @ known_or_zero(per_coin).T
        quantiles = np.quantile(sums, (0.05, 0.95), axis=0)
    for at, exposure in enumerate(Exposure):
        if exposure is not Exposure.GEX:
            columns[exposure.value] = snapshot.net_of(exposure)
            columns[f"{exposure.value}_lo"] = float(quantiles[0, at])
            columns[f"{exposure.value}_hi"] = float(quantiles[1, at])
    return columns


def _coverage(snapshot: ExposureSnapshot, bound: float) -> float:
    """Share of the bound that lies in options whose position the model knows."""
    interest = snapshot.chain.open_interest_coin
    per_coin = scale_exposures(snapshot.greeks, interest, snapshot.chain.forward)
    gex = np.abs(per_coin.column(Exposure.GEX))
    known = np.isfinite(gex) & np.isfinite(snapshot.position_coin)
    return float(gex[known].sum()) / bound if bound > 0 else math.nan


def _range(found: ModelRange) -> dict[str, Json]:
    return {
        "gex_usd_per_1pct_lo": found.low_gex_usd_per_1pct,
        "gex_usd_per_1pct_hi": found.high_gex_usd_per_1pct,
        "flip_usd_lo": found.low_flip_usd,
        "flip_usd_hi": found.high_flip_usd,
        "models": found.models,
        "models_without_flip": found.without_flip,
        "regime": found.regime.value,
    }


def _stability(snapshot: ExposureSnapshot) -> dict[str, Json]:
    """How far the flip of one model moves, and what would change its regime first."""
    chain, position = snapshot.chain, snapshot.position_coin
    known = snapshot.quality.used > 0
    rng = np.random.default_rng(_SEED)
    stable = compute_flip_stability(chain, position, rng) if known else None
    atm_iv = atm_iv_30d(snapshot) or math.nan
    margin = (
        compute_regime_margin(chain, position, stable, atm_iv, rng) if stable is not None else None
    )
    shifts = ("oi_noise_usd", "iv_up_usd", "iv_down_usd", "basis_up_usd", "basis_down_usd")
    names = (*shifts, "day_usd", "oi_noise_without_flip")
    flip_usd = snapshot.levels.flip_usd
    return {
        "position": snapshot.position_model,
        "flip_usd": math.nan if flip_usd is None else flip_usd,
        **{name: getattr(stable, name) if stable else math.nan for name in names},
        "first_cause": margin.first.value if margin and margin.first else None,
        "spot_margin_days": _finite(margin.spot) if margin else None,
        "level_margin_days": _finite(margin.level) if margin else None,
        "position_margin_sd": _finite(margin.position) if margin else None,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
