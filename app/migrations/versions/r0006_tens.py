"""Tens of minutes of history, for a month at full width; hours learn how they ended."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, Text

revision = "0006"
down_revision = "0005"

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
_WIDTH_MS = 600_000
_HOUR_MS = 3_600_000


def upgrade() -> None:
    """Create the table and fill it from the minutes that are kept."""
    _create()
    _fill()
    for table, width_ms in (("rollup_10m", _WIDTH_MS), ("rollup_1h", _HOUR_MS)):
        _set_lasts(table, width_ms)


def _create() -> None:
    op.create_table(
        "rollup_10m",
        Column("asset", Text, primary_key=True),
        Column("position", Text, primary_key=True),
        Column("ts_ms", BigInteger, primary_key=True),
        Column("samples", Integer, nullable=False),
        *(Column(name, Float) for name in _SCALARS),
        *(Column(f"{name}_{part}", Float) for name in _EXTREMES for part in ("min", "max", "last")),
        sqlite_with_rowid=False,
    )


def _fill() -> None:
    start = f"ts_ms / {_WIDTH_MS} * {_WIDTH_MS}"
    columns = {name: f"avg({name})" for name in _SCALARS}
    for name in _EXTREMES:
        columns |= {f"{name}_{part}": f"{part}({name}_{part})" for part in ("min", "max")}
    op.execute(
        f"INSERT INTO rollup_10m (asset, position, ts_ms, samples, {', '.join(columns)}) "  # noqa: S608 - constants
        f"SELECT asset, position, {start}, sum(samples), {', '.join(columns.values())} "
        f"FROM rollup_1m GROUP BY asset, position, {start}"
    )


def _set_lasts(table: str, width_ms: int) -> None:
    """Take the last values of a row from the last minute in it."""
    inside = (
        f"m.asset = {table}.asset AND m.position = {table}.position "
        f"AND m.ts_ms >= {table}.ts_ms AND m.ts_ms < {table}.ts_ms + {width_ms}"
    )
    for name in _EXTREMES:
        newest = (
            f"SELECT m.{name}_last FROM rollup_1m m WHERE {inside} ORDER BY m.ts_ms DESC LIMIT 1"  # noqa: S608 - constants
        )
        op.execute(f"UPDATE {table} SET {name}_last = ({newest}) WHERE {name}_last IS NULL")  # noqa: S608 - constants
