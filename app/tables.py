"""Tables as files: CSV for a spreadsheet, Parquet for a notebook. Same names as the JSON."""

from collections.abc import Mapping
from enum import StrEnum
from io import BytesIO

import orjson
from starlette.responses import Response

from app.views import Columns, Json


class TableFormat(StrEnum):
    """How a table may be asked for."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


MEDIA_TYPES = {
    TableFormat.JSON: "application/json",
    TableFormat.CSV: "text/csv; charset=utf-8",
    TableFormat.PARQUET: "application/vnd.apache.parquet",
}


def encode_table(columns: Columns, header: dict[str, Json], wanted: TableFormat) -> bytes:
    """Encode columns as a file; unknown numbers are empty cells or nulls.

    Parquet keeps the header under the metadata key `gammaflip`; CSV has no place for it.
    """
    import pyarrow as pa  # noqa: PLC0415 - half a second that no start should wait for
    import pyarrow.csv  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415

    arrays = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    table = pa.table(arrays)
    out = BytesIO()
    if wanted == TableFormat.CSV:
        options = pa.csv.WriteOptions(quoting_style="needed")
        pa.csv.write_csv(table, out, options)
    else:
        table = table.replace_schema_metadata({"gammaflip": orjson.dumps(header)})
        pa.parquet.write_table(table, out)
    return out.getvalue()


def table_response(
    columns: Columns,
    header: dict[str, Json],
    wanted: TableFormat,
    name: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with columns as a file called `name` and its format."""
    disposition = f'attachment; filename="{name}.{wanted.value}"'
    return Response(
        encode_table(columns, header, wanted),
        media_type=MEDIA_TYPES[wanted],
        headers={"Content-Disposition": disposition, **(headers or {})},
    )
