"""What is still to be delivered is found without reading the whole log."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the index."""
    op.create_index("delivery_open", "delivery", ["status", "expires_ms"])
