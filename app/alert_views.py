"""Between the board and the rules: what a rule sees, and the event that the world reads."""

import math
from datetime import UTC, datetime

import numpy as np
import orjson

from app.alert_rules import HedgeFlowBeyond, Observation, Rule, RuleKind
from app.alerts import Fired
from app.board import hedge_flow_now
from app.hub import BoardState
from greeks.conventions import Exposure
from greeks.exposure import ExposureSnapshot

EVENT_TYPES = {
    RuleKind.FLIP_CROSSED: "gex.flip.crossed",
    RuleKind.REGIME_CHANGED: "gex.regime.changed",
    RuleKind.LEVEL_NEAR: "gex.level.near",
    RuleKind.NET_GEX_BEYOND: "gex.net.beyond",
    RuleKind.HEDGE_FLOW_BEYOND: "hedge_flow.beyond",
    RuleKind.LOOP_GAIN_BEYOND: "loop_gain.beyond",
    RuleKind.DATA_STALE: "data.stale",
}
TEST_TYPE = "gammaflip.test"


def observe(rule: Rule, state: BoardState, snapshot: ExposureSnapshot | None) -> Observation | None:
    """Return what the rule sees of a published state; None before the first chain."""
    age_ms = state.age_ms
    if snapshot is None or age_ms is None:
        return None
    levels = snapshot.levels
    return Observation(
        status=state.status,
        as_of_ms=snapshot.chain.as_of_ms,
        age_ms=age_ms,
        position=snapshot.position_model,
        spot_usd=_known(snapshot.chain.index_price),
        flip_usd=levels.flip_usd,
        call_wall_usd=levels.call_wall_usd,
        put_wall_usd=levels.put_wall_usd,
        gex_usd_per_1pct=_known(snapshot.net_of(Exposure.GEX)),
        gross_gex_usd_per_1pct=_known(snapshot.gross_of(Exposure.GEX)),
        hedge_flow_usd=_hedge_flow_usd(rule, state, snapshot),
        depth_usd=_known(state.liquidity.recent.median_usd),
    )


def _hedge_flow_usd(rule: Rule, state: BoardState, snapshot: ExposureSnapshot) -> float | None:
    if not isinstance(rule.watched, HedgeFlowBeyond):
        return None
    moves_pct = np.array([rule.watched.move_pct])
    flow = hedge_flow_now(snapshot, moves_pct, state.tape.beta.used)
    return _known(float(flow.flow_coin[0]) * snapshot.chain.index_price)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def encode_event(rule: Rule, fired: Fired, source: str, now_ms: int) -> bytes:
    """Write the event as it is signed. `timestamp` is this machine's, `confirmed_at` theirs."""
    seen, reading = fired.seen, fired.reading
    return orjson.dumps(
        {
            "type": EVENT_TYPES[rule.kind],
            "timestamp": iso(now_ms),
            "data": {
                "rule_id": rule.id,
                "kind": rule.kind,
                "asset": rule.asset,
                "direction": fired.direction,
                "cause": fired.cause,
                "sequence": fired.sequence,
                "spot_usd": seen.spot_usd,
                "flip_usd": seen.flip_usd,
                "call_wall_usd": seen.call_wall_usd,
                "put_wall_usd": seen.put_wall_usd,
                "gex_usd_per_1pct": seen.gex_usd_per_1pct,
                "hedge_flow_usd": seen.hedge_flow_usd,
                "params": rule.watched.model_dump(mode="json"),
                "value": reading.value,
                "threshold": reading.up_beyond,
                "position": seen.position,
                "confirmed_at": fired.confirmed_ms,
                "data_age_ms": seen.age_ms,
                "late": fired.late,
                "source": source,
            },
        }
    )


def encode_test(webhook_id: str, source: str | None, now_ms: int) -> bytes:
    """Write an event that only proves the way."""
    return orjson.dumps(
        {
            "type": TEST_TYPE,
            "timestamp": iso(now_ms),
            "data": {"webhook_id": webhook_id, "source": source},
        }
    )


def iso(time_ms: int) -> str:
    """Return an instant as ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
