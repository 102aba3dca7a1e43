"""What is known of dealers' inventories: one checkpoint an asset."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table of checkpoints."""
    op.create_table(
        "inventory",
        Column("asset", Text, primary_key=True),
        Column("ts_ms", BigInteger, nullable=False),
        Column("state", LargeBinary, nullable=False),
    )
