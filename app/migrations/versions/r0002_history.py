"""History: a row a second, its minutes, the curves by strike and the last known chain."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, Text

revision = "0002"
down_revision = "0001"

_SCALARS = (
    "spot_usd",
    "flip_usd",
    "call_wall_usd",
    "put_wall_usd",
    "gross_gex_usd_per_1pct",
    "gex_usd_per_1pct",
    "delta_coin",
    "vega_usd_per_pt",
    "theta_usd_per_day",
    "vanna_coin_per_pt",
    "charm_coin_per_day",
    "volga_usd_per_pt2",
    "speed_usd_per_1pct2",
    "zomma_usd_per_1pct_per_pt",
    "color_usd_per_1pct_per_day",
)
_EXTREMES = ("spot_usd", "flip_usd", "gex_usd_per_1pct")


def _key() -> tuple[Column[str], Column[str], Column[int]]:
    return (
        Column("asset", Text, primary_key=True),
        Column("position", Text, primary_key=True),
        Column("ts_ms", BigInteger, primary_key=True),
    )


def upgrade() -> None:
    """Create the tables of history."""
    op.create_table(
        "snapshot",
        *_key(),
        *(Column(name, Float) for name in _SCALARS),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_1m",
        *_key(),
        Column("samples", Integer, nullable=False),
        *(Column(name, Float) for name in _SCALARS),
        *(Column(f"{name}_{part}", Float) for name in _EXTREMES for part in ("min", "max", "last")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "curve", *_key(), Column("strikes", LargeBinary, nullable=False), sqlite_with_rowid=False
    )
    op.create_table(
        "last_chain",
        Column("asset", Text, primary_key=True),
        Column("ts_ms", BigInteger, nullable=False),
        Column("chain", LargeBinary, nullable=False),
    )
