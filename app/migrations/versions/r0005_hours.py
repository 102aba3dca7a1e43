"""Hours of history, so that a month is read as quickly as a day."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, Text

revision = "0005"
down_revision = "0004"

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
_HOUR_MS = 3_600_000


def upgrade() -> None:
    """Create the table and fill it from the minutes that are kept."""
    op.create_table(
        "rollup_1h",
        Column("asset", Text, primary_key=True),
        Column("position", Text, primary_key=True),
        Column("ts_ms", BigInteger, primary_key=True),
        Column("samples", Integer, nullable=False),
        *(Column(name, Float) for name in _SCALARS),
        *(Column(f"{name}_{part}", Float) for name in _EXTREMES for part in ("min", "max", "last")),
        sqlite_with_rowid=False,
    )
    hour = f"ts_ms / {_HOUR_MS} * {_HOUR_MS}"
    columns = {name: f"avg({name})" for name in _SCALARS}
    for name in _EXTREMES:
        columns |= {f"{name}_{part}": f"{part}({name}_{part})" for part in ("min", "max")}
    op.execute(
        f"INSERT INTO rollup_1h (asset, position, ts_ms, samples, {', '.join(columns)}) "  # noqa: S608 - constants
        f"SELECT asset, position, {hour}, sum(samples), {', '.join(columns.values())} "
        f"FROM rollup_1m GROUP BY asset, position, {hour}"
    )
