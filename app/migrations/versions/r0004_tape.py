"""The tape, and when the last known chain was received."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table of trades and give the last chain its age."""
    op.create_table(
        "trade",
        Column("asset", Text, primary_key=True),
        Column("ts_ms", BigInteger, primary_key=True),
        Column("trade_id", Text, primary_key=True),
        Column("instrument_name", Text, nullable=False),
        Column("trade_seq", BigInteger, nullable=False),
        Column("side", Text, nullable=False),
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
    op.add_column("last_chain", Column("received_ms", BigInteger))
