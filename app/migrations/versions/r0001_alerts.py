"""Alert rules, webhooks, events, the outbox and tokens."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Integer,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first tables."""
    _create_webhook()
    _create_rule()
    _create_event()
    _create_delivery()
    _create_token()


def _create_webhook() -> None:
    op.create_table(
        "webhook",
        Column("id", Text, primary_key=True),
        Column("url", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("format", Text, nullable=False),
        Column("secret", Text, nullable=False),
        Column("old_secret", Text),
        Column("old_secret_until_ms", BigInteger),
        Column("enabled", Boolean, nullable=False),
        Column("disabled_reason", Text),
        Column("failures_in_row", Integer, nullable=False),
        Column("failing_since_ms", BigInteger),
        Column("resume_ms", BigInteger, nullable=False),
        Column("lease_until_ms", BigInteger, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
    )


def _create_rule() -> None:
    op.create_table(
        "alert_rule",
        Column("id", Text, primary_key=True),
        Column("asset", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("position", Text),
        Column("dead_band_pct", Float, nullable=False),
        Column("confirm_s", Float, nullable=False),
        Column("cooldown_s", Float, nullable=False),
        Column("params", Text, nullable=False),
        Column("enabled", Boolean, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
        Column("version", Integer, nullable=False),
        Column("side", Text),
        Column("sequence", Integer, nullable=False),
        Column("fired_ms", BigInteger),
        Column("side_spot_usd", Float),
        Column("side_level_usd", Float),
        Column("side_position", Text),
    )
    op.create_table(
        "rule_webhook",
        Column("rule_id", Text, ForeignKey("alert_rule.id", ondelete="CASCADE"), primary_key=True),
        Column("webhook_id", Text, ForeignKey("webhook.id", ondelete="CASCADE"), primary_key=True),
    )


def _create_event() -> None:
    op.create_table(
        "alert_event",
        Column("id", Text, primary_key=True),
        Column("rule_id", Text),
        Column("sequence", Integer),
        Column("type", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("muted", Boolean, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
        UniqueConstraint("rule_id", "sequence", name="alert_event_once"),
    )


def _create_delivery() -> None:
    op.create_table(
        "delivery",
        Column("id", Text, primary_key=True),
        Column("event_id", Text, ForeignKey("alert_event.id"), nullable=False),
        Column("webhook_id", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_attempt_ms", BigInteger),
        Column("expires_ms", BigInteger, nullable=False),
        Column("last_status_code", Integer),
        Column("last_error", Text),
        Column("created_ms", BigInteger, nullable=False),
        Column("finished_ms", BigInteger),
        UniqueConstraint("event_id", "webhook_id", name="delivery_once"),
        CheckConstraint(
            "status IN ('pending', 'delivered', 'failed', 'dead')", name="delivery_status_known"
        ),
    )
    op.create_index("delivery_due", "delivery", ["webhook_id", "status", "next_attempt_ms"])


def _create_token() -> None:
    op.create_table(
        "token",
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("digest", Text, nullable=False, unique=True),
        Column("scopes", Text, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
        Column("revoked_ms", BigInteger),
    )
