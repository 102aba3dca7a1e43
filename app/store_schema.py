"""The tables of the store. Times are int ms; unknown numbers are NULL, never NaN."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from greeks.conventions import Exposure

METADATA = MetaData()
REVISION = "0007"
"""The newest step in `migrations`; a database that has it needs no migration."""

webhook = Table(
    "webhook",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),  # signs as well until old_secret_until_ms
    Column("old_secret_until_ms", BigInteger),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_reason", Text),
    Column("failures_in_row", Integer, nullable=False),
    Column("failing_since_ms", BigInteger),
    Column("resume_ms", BigInteger, nullable=False),  # circuit or Retry-After: no request before
    Column("lease_until_ms", BigInteger, nullable=False),  # a request is in flight until then
    Column("created_ms", BigInteger, nullable=False),
)

alert_rule = Table(
    "alert_rule",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("position", Text),
    Column("dead_band_pct", Float, nullable=False),
    Column("confirm_s", Float, nullable=False),
    Column("cooldown_s", Float, nullable=False),
    Column("params", Text, nullable=False),  # JSON
    Column("enabled", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),  # compare-and-swap
    Column("side", Text),
    Column("sequence", Integer, nullable=False),
    Column("fired_ms", BigInteger),
    Column("side_spot_usd", Float),
    Column("side_level_usd", Float),
    Column("side_position", Text),
)

rule_webhook = Table(
    "rule_webhook",
    METADATA,
    Column("rule_id", Text, ForeignKey("alert_rule.id", ondelete="CASCADE"), primary_key=True),
    Column("webhook_id", Text, ForeignKey("webhook.id", ondelete="CASCADE"), primary_key=True),
)

# events and deliveries outlive the rule and the webhook that they tell of
alert_event = Table(
    "alert_event",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("rule_id", Text),  # NULL for a test
    Column("sequence", Integer),
    Column("type", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON, exactly as it is signed
    Column("muted", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("rule_id", "sequence", name="alert_event_once"),
)

delivery = Table(
    "delivery",
    METADATA,
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
Index("delivery_due", delivery.c.webhook_id, delivery.c.status, delivery.c.next_attempt_ms)
Index("delivery_open", delivery.c.status, delivery.c.expires_ms)  # few are open in a long log

token = Table(
    "token",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),  # SHA-256 of a 256-bit random token
    Column("scopes", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
)

SCALARS = (
    "spot_usd",
    "flip_usd",
    "call_wall_usd",
    "put_wall_usd",
    "gross_gex_usd_per_1pct",
    *(exposure.value for exposure in Exposure),
)
"""What history keeps of every second."""
EXTREMES = ("spot_usd", "flip_usd", Exposure.GEX.value)
PARTS = ("min", "max", "last")
WALLS = ("call_wall_usd", "put_wall_usd")
"""Strikes: of a time the last one counts, since the mean of two strikes is none."""
"""Where a mean would hide what matters: minutes and hours keep lowest, highest and last as well."""

# history is clustered by its key: a range of time is one run of pages
snapshot = Table(
    "snapshot",
    METADATA,
    Column("asset", Text, primary_key=True),
    Column("position", Text, primary_key=True),
    Column("ts_ms", BigInteger, primary_key=True),
    *(Column(name, Float) for name in SCALARS),
    sqlite_with_rowid=False,
)


def _rollup(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("asset", Text, primary_key=True),
        Column("position", Text, primary_key=True),
        Column("ts_ms", BigInteger, primary_key=True),
        Column("samples", Integer, nullable=False),  # seconds
        *(Column(scalar, Float) for scalar in SCALARS),  # means
        *(Column(f"{scalar}_{part}", Float) for scalar in EXTREMES for part in PARTS),
        sqlite_with_rowid=False,
    )


rollup_1m = _rollup("rollup_1m")
rollup_10m = _rollup("rollup_10m")
rollup_1h = _rollup("rollup_1h")

curve = Table(
    "curve",
    METADATA,
    Column("asset", Text, primary_key=True),
    Column("position", Text, primary_key=True),
    Column("ts_ms", BigInteger, primary_key=True),
    Column("strikes", LargeBinary, nullable=False),  # `history_rows.encode_curve`
    sqlite_with_rowid=False,
)

last_chain = Table(
    "last_chain",
    METADATA,
    Column("asset", Text, primary_key=True),
    Column("ts_ms", BigInteger, nullable=False),
    Column("chain", LargeBinary, nullable=False),  # `history_rows.encode_chain`
    Column("received_ms", BigInteger),  # this machine's time, so that its age can be told
)

# a print never changes its time, so the time may lead the key and cluster the table
trade = Table(
    "trade",
    METADATA,
    Column("asset", Text, primary_key=True),
    Column("ts_ms", BigInteger, primary_key=True),
    Column("trade_id", Text, primary_key=True),
    Column("instrument_name", Text, nullable=False),
    Column("trade_seq", BigInteger, nullable=False),
    Column("side", Text, nullable=False),  # the taker's
    Column("amount_coin", Float, nullable=False),
    Column("price", Float),
    Column("iv", Float),
    Column("index_price_usd", Float),
    Column("block_trade_id", Text),
    Column("block_rfq_id", Text),
    Column("combo_id", Text),
    Column("liquidation", Text),
    sqlite_with_rowid=False,
)

inventory = Table(
    "inventory",
    METADATA,
    Column("asset", Text, primary_key=True),
    Column("ts_ms", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),  # `positions_store.encode_followed`
)
