"""What history keeps of a snapshot, as plain values and bytes. Pure."""

import math
import struct
from dataclasses import dataclass, fields
from io import BytesIO

import numpy as np

from app.store_schema import SCALARS
from greeks.chain import OptionChain
from greeks.conventions import Exposure, FloatArray
from greeks.exposure import ExposureSnapshot, StrikeTable

SECOND_MS = 1_000
MINUTE_MS = 60_000
TEN_MINUTES_MS = 600_000
HOUR_MS = 3_600_000

_CURVE_VERSION = 1
_CURVE_HEAD = struct.Struct("<BI")
_CURVE_ROWS = 3

Scalars = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class KeptRow:
    """One asset under one position model at one time of the exchange's clock, to the second."""

    asset: str
    position: str
    ts_ms: int
    scalars: Scalars

    @property
    def minute_ms(self) -> int:
        """The minute that it belongs to."""
        return self.ts_ms // MINUTE_MS * MINUTE_MS

    @property
    def is_above_flip(self) -> bool | None:
        """Which side of the flip spot is on, None without a flip."""
        spot, flip = self.scalars["spot_usd"], self.scalars["flip_usd"]
        return None if spot is None or flip is None else spot > flip


def kept_row(asset: str, snapshot: ExposureSnapshot) -> KeptRow:
    """Return what to keep of a snapshot."""
    return KeptRow(
        asset=asset,
        position=snapshot.position_model,
        ts_ms=snapshot.chain.as_of_ms // SECOND_MS * SECOND_MS,
        scalars=_scalars(snapshot),
    )


def _scalars(snapshot: ExposureSnapshot) -> Scalars:
    levels = snapshot.levels
    values = {
        "spot_usd": snapshot.chain.index_price,
        "flip_usd": levels.flip_usd,
        "call_wall_usd": levels.call_wall_usd,
        "put_wall_usd": levels.put_wall_usd,
        "gross_gex_usd_per_1pct": snapshot.gross_of(Exposure.GEX),
        **{exposure.value: snapshot.net_of(exposure) for exposure in Exposure},
    }
    return {name: _known(values[name]) for name in SCALARS}


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def encode_curve(table: StrikeTable) -> bytes:
    """Pack strikes, call GEX and put GEX as little-endian float32 behind a version byte."""
    rows = np.stack([table.strike_usd, table.call_gex_usd_per_1pct, table.put_gex_usd_per_1pct])
    return _CURVE_HEAD.pack(_CURVE_VERSION, rows.shape[1]) + rows.astype("<f4").tobytes()


def decode_curve(packed: bytes) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return strikes, call GEX and put GEX. Raises ValueError for bytes that are no curve."""
    version, size = _CURVE_HEAD.unpack_from(packed)
    if version != _CURVE_VERSION:
        raise ValueError(f"curve version: expected {_CURVE_VERSION}, was {version}")
    rows = np.frombuffer(packed, "<f4", _CURVE_ROWS * size, _CURVE_HEAD.size)
    strikes, calls, puts = rows.astype(np.float64).reshape(_CURVE_ROWS, size)
    return strikes, calls, puts


def encode_chain(chain: OptionChain) -> bytes:
    """Pack a chain, so that the next start has something to show."""
    columns = {field.name: np.asarray(getattr(chain, field.name)) for field in fields(chain)}
    out = BytesIO()
    np.savez_compressed(out, allow_pickle=False, **columns)
    return out.getvalue()


def decode_chain(packed: bytes) -> OptionChain:
    """Unpack a chain. Raises ValueError or KeyError for bytes of another version."""
    with np.load(BytesIO(packed), allow_pickle=False) as columns:
        values = {field.name: columns[field.name] for field in fields(OptionChain)}
    names = tuple(values.pop("instrument_name").tolist())
    plain = {name: value if value.ndim else value.item() for name, value in values.items()}
    return OptionChain(**plain, instrument_name=names)
