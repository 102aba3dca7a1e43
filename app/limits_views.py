"""Risk limits of dealers' gamma as plain JSON-ready values: by strike, by expiry, in all."""

import math
from dataclasses import dataclass

import numpy as np

from app.board import expiry_label
from app.loop_rows import NO_DEPTH, Impact
from app.views import Columns, Json, rows
from greeks.chain import OptionChain
from greeks.conventions import Exposure
from greeks.exposure import ExposureSnapshot, ExposureTable
from loops.gain import gamma_loop_gain
from loops.impact import BOOK_WITHIN
from loops.limits import (
    DEFAULT_MAX_GAIN,
    DEFAULT_UTILISATION,
    GroupUse,
    book_limit,
    group_limit,
    use_by_expiry,
    use_by_group,
    use_by_strike,
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the caller takes for bearable."""

    utilisation: float = DEFAULT_UTILISATION
    max_gain: float = DEFAULT_MAX_GAIN


@dataclass(frozen=True, slots=True)
class LimitTables:
    """Rows by strike, and what stands beside them."""

    strikes: Columns
    expiries: list[dict[str, Json]]
    portfolio: dict[str, Json]
    summary: dict[str, Json]


def limits(snapshot: ExposureSnapshot, impact: Impact, allowed: Allowed) -> LimitTables:
    """Return the use of every limit; unknown without a depth, while GEX stays known."""
    chain, position = snapshot.chain, snapshot.position_coin
    limit = group_limit(impact.depth.median_usd, allowed.utilisation)
    strikes, of_strike = use_by_strike(chain, position, limit)
    expiries, of_expiry = use_by_expiry(chain, position, limit)
    labels = [expiry_label(int(expiry)) for expiry in expiries]
    strike_columns: Columns = {"strike": strikes.tolist(), **_columns(chain, of_strike)}
    expiry_columns: Columns = {
        "expiry": labels,
        "expiry_ms": expiries.tolist(),
        **_columns(chain, of_expiry),
    }
    portfolio = _portfolio(snapshot, impact, allowed.max_gain)
    return LimitTables(
        strikes=strike_columns,
        expiries=rows(expiry_columns),
        portfolio=portfolio,
        summary={
            "limit_usd_per_1pct": limit,
            "breached_strikes": strikes[of_strike.is_breached].tolist(),
            "breached_expiries": np.array(labels)[of_expiry.is_breached].tolist(),
            "portfolio_breached": portfolio["breached"],
            "utilisation": allowed.utilisation,
            "max_gain": allowed.max_gain,
            "permanence": impact.permanence,
            "within": BOOK_WITHIN,
            "depth_usd": impact.depth.median_usd,
            "depth_source": impact.source,
            "reason": _reason(snapshot, impact),
        },
    )


def _columns(chain: OptionChain, found: GroupUse) -> Columns:
    names = [chain.instrument_name[row] if row >= 0 else None for row in found.option.tolist()]
    return {
        "gex_usd_per_1pct": found.gex_usd_per_1pct.tolist(),
        "use": found.use.tolist(),
        "breached": [_is_beyond(use, 1.0) for use in found.use.tolist()],
        "headroom_usd_per_1pct": found.headroom_usd_per_1pct.tolist(),
        "headroom_coin": found.headroom_coin.tolist(),
        "headroom_option": names,
    }


def _portfolio(snapshot: ExposureSnapshot, impact: Impact, max_gain: float) -> dict[str, Json]:
    """Return the gain of the whole book beside the largest one, and what is left of it."""
    lam_eff = impact.lam_eff_per_usd
    gain = gamma_loop_gain(snapshot.net_of(Exposure.GEX), lam_eff, 1.0)
    limit, chain = book_limit(max_gain, lam_eff), snapshot.chain
    whole = use_by_group(
        np.zeros(len(chain), np.int64),
        1,
        snapshot.position_coin,
        ExposureTable(snapshot.per_coin).column(Exposure.GEX),
        limit,
    )
    row = {name: values[0] for name, values in _columns(chain, whole).items()}
    return {
        **row,
        "gex_usd_per_1pct": snapshot.net_of(Exposure.GEX),
        "limit_usd_per_1pct": limit,
        "gain": gain,
        # a long book dampens: it uses nothing of what is allowed
        "use": gain / max_gain,
        "breached": _is_beyond(gain, max_gain),
    }


def _is_beyond(value: float, most: float) -> bool | None:
    return None if math.isnan(value) else value > most


def _reason(snapshot: ExposureSnapshot, impact: Impact) -> str | None:
    if not impact.depth.median_usd > 0:
        return NO_DEPTH
    return None if math.isfinite(snapshot.net_of(Exposure.GEX)) else "net_gex_unknown"
