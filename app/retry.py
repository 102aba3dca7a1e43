"""When to try again and when to give up: the retry schedule and the circuit of an endpoint.

Pure: one attempt's outcome in, what to remember out.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from app.webhooks import Outcome

SCHEDULE_S = (0, 5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 36_000)
JITTER = 0.2
MAX_AGE_MS = 24 * 3_600_000
CIRCUIT_FAILURES = 5
DISABLE_AFTER_MS = 5 * 24 * 3_600_000
THROTTLED = frozenset({429, 502, 503, 504})


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"  # never tried
    FAILED = "failed"  # tried, will be tried again
    DELIVERED = "delivered"
    DEAD = "dead"  # given up


OPEN = (DeliveryStatus.PENDING, DeliveryStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint has been doing. No request before `resume_ms`."""

    failures_in_row: int = 0
    failing_since_ms: int | None = None
    resume_ms: int = 0
    disabled_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt makes of its delivery and of the endpoint."""

    status: DeliveryStatus
    next_attempt_ms: int | None
    error: str | None
    health: Health


def judge_attempt(
    outcome: Outcome, attempts: int, health: Health, now_ms: int, rng: random.Random
) -> Verdict:
    """Decide after attempt number `attempts`, counted from 1."""
    if outcome.is_delivered:
        return Verdict(DeliveryStatus.DELIVERED, None, None, Health())
    after = _after_failure(outcome, health, now_ms, rng)
    if outcome.is_final or attempts >= len(SCHEDULE_S):
        return Verdict(DeliveryStatus.DEAD, None, outcome.error, after)
    wait_ms = max(_jittered_ms(attempts, rng), _asked_ms(outcome))
    return Verdict(DeliveryStatus.FAILED, now_ms + wait_ms, outcome.error, after)


def _after_failure(outcome: Outcome, health: Health, now_ms: int, rng: random.Random) -> Health:
    since_ms = now_ms if health.failing_since_ms is None else health.failing_since_ms
    failures = health.failures_in_row + 1
    wait_ms = _asked_ms(outcome) if outcome.status_code in THROTTLED else 0
    if failures >= CIRCUIT_FAILURES:  # one probe a step of the schedule
        wait_ms = max(wait_ms, _jittered_ms(failures - CIRCUIT_FAILURES + 1, rng))
    reason = None
    if outcome.is_gone:
        reason = "the receiver answered 410: gone"
    elif now_ms - since_ms >= DISABLE_AFTER_MS:
        reason = "every attempt failed for 5 days"
    return Health(failures, since_ms, now_ms + wait_ms, reason)


def _jittered_ms(step: int, rng: random.Random) -> int:
    seconds = SCHEDULE_S[min(step, len(SCHEDULE_S) - 1)]
    return round(1000 * seconds * rng.uniform(1 - JITTER, 1 + JITTER))


def _asked_ms(outcome: Outcome) -> int:
    return min(round(1000 * (outcome.retry_after_s or 0)), MAX_AGE_MS)
