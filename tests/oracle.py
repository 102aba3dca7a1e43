"""The referee: what a board must say about a recorded chain, computed slowly and apart from it.

Plain loops and `math`, written from the theory and the public contract; it imports nothing of
ours. The rules that both sides share, and nothing else, are:

- One forward per expiry: the `underlying_price` of the expiry's row with the newest timestamp;
  where several rows share that timestamp, the median of theirs.
- Where the venue names the spot index as the underlying, the forward is the one that the marks
  agree on: K/(1 - (C - P)) in coins, the median of the three strikes where C and P are closest,
  those more than 2 % from the index left out.
- Time to expiry runs from `as_of_ms` to 08:00:00 UTC of the expiry day, in years of 365 days.
- Black-76 on that forward, r = 0, with the row's own mark volatility; a row without a positive
  one, or at or past its expiry, has no exposure but keeps its open interest.
- Naive position: dealers hold +OI of every call and -OI of every put.
- net is the signed sum over options, gross the sum over options of absolute exposures.
- A move multiplies the index and every forward; each option keeps its volatility.
"""

import gzip
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.parquet

YEAR_MS = 365 * 86_400_000
GEX = "gex_usd_per_1pct"
EXPOSURES = (
    GEX,
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
LADDER_LEVELS = 801  # twice as dense as the theory asks, so that no pair of roots hides in a step
LADDER = (0.6, 1.6)
WALL_RANGE = 0.35
MOVES_PCT = (-5.0, -1.0, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One recorded option. `published` holds the venue's delta, gamma and vega where it did."""

    instrument_name: str
    expiry_ms: int
    strike: float
    is_call: bool
    underlying: float
    timestamp_ms: int
    iv: float  # fraction; 0 when the venue gave none
    open_interest: float
    index: float
    published: dict[str, float] | None = None
    underlying_name: str = ""
    mark: float = math.nan  # coins


@dataclass(frozen=True, slots=True)
class Flip:
    """A zero of the re-priced profile."""

    spot_usd: float
    direction: str
    strength: float


@dataclass(frozen=True, slots=True)
class Expiry:
    """What one expiry alone adds up to."""

    forward: float
    exposures: dict[str, float]
    flip_usd: float | None
    max_pain_usd: float | None


@dataclass(frozen=True, slots=True)
class Strike:
    """What one strike adds up to over all expiries."""

    exposures: dict[str, float]
    call_gex: float
    put_gex: float
    open_interest_call: float
    open_interest_put: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything the referee says about one chain at one instant."""

    net: dict[str, float]
    gross: dict[str, float]
    by_strike: dict[float, Strike]
    by_expiry: dict[int, Expiry]
    matrix: dict[tuple[int, float], float]
    flips: list[Flip]
    flip_usd: float | None
    call_wall_usd: float | None
    put_wall_usd: float | None
    flow_coin: dict[float, float]  # by move in per cent


# Recordings


def read_tickers(path: Path) -> list[Row]:
    """One `.jsonl.gz` of instruments merged with their tickers."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [_row_of_ticker(json.loads(line)) for line in file]


def _row_of_ticker(ticker: dict[str, Any]) -> Row:
    return Row(
        instrument_name=ticker["instrument_name"],
        expiry_ms=ticker["expiration_timestamp"],
        strike=ticker["strike"],
        is_call=ticker["option_type"] == "call",
        underlying=ticker["underlying_price"],
        timestamp_ms=ticker["timestamp"],
        iv=(ticker["mark_iv"] or 0.0) / 100,
        open_interest=ticker["open_interest"],
        index=ticker["index_price"],
        published=ticker["greeks"],
        underlying_name=ticker.get("underlying_index") or "",
        mark=ticker.get("mark_price") or math.nan,
    )


def read_summaries(path: Path, snapshot: str, asset: str) -> list[Row]:
    """One snapshot of one asset out of a Parquet file of chain summaries."""
    wanted = [("snapshot", "=", snapshot), ("currency", "=", asset)]
    rows = pyarrow.parquet.read_table(path, filters=wanted).to_pylist()
    return [
        Row(
            instrument_name=row["instrument_name"],
            expiry_ms=_milliseconds(row["expiry_datetime"]),
            strike=row["strike"],
            is_call=row["option_type"] == "call",
            underlying=row["underlying"],
            timestamp_ms=_milliseconds(row["timestamp"]),
            iv=row["implied_volatility"] or 0.0,
            open_interest=row["open_interest"],
            index=row["index_price"],
            underlying_name=row["underlying_name"],
            mark=row["mark_price"] or math.nan,
        )
        for row in rows
    ]


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def forwards_of(rows: Sequence[Row]) -> dict[int, float]:
    """One forward per expiry."""
    forwards = {}
    for expiry_ms in {row.expiry_ms for row in rows}:
        of_expiry = [row for row in rows if row.expiry_ms == expiry_ms]
        newest = max(row.timestamp_ms for row in of_expiry)
        named = median(row.underlying for row in of_expiry if row.timestamp_ms == newest)
        by_index = all(row.underlying_name == "index_price" for row in of_expiry)
        forwards[expiry_ms] = parity_forward(of_expiry, named) if by_index else named
    return forwards


def parity_forward(rows: Sequence[Row], named: float) -> float:
    """The forward that calls and puts of one expiry agree on, `named` where they give none."""
    call, put = (
        {row.strike: row.mark for row in rows if row.is_call is kind and not math.isnan(row.mark)}
        for kind in (True, False)
    )
    strikes = sorted(call.keys() & put.keys(), key=lambda strike: abs(call[strike] - put[strike]))
    found = [strike / (1 - (call[strike] - put[strike])) for strike in strikes[:3]]
    believed = [forward for forward in found if abs(math.log(forward / named)) < 0.02]
    return median(believed) if believed else named


# One option


def normal_density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def normal_cdf(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def delta_of(forward: float, strike: float, years: float, iv: float, is_call: bool) -> float:
    sd = iv * math.sqrt(years)
    d1 = math.log(forward / strike) / sd + sd / 2
    return normal_cdf(d1) if is_call else -normal_cdf(-d1)


def exposures_per_coin(
    forward: float, strike: float, years: float, iv: float, is_call: bool
) -> dict[str, float]:
    """Every exposure of one coin of an option that dealers are long."""
    root = math.sqrt(years)
    d1 = math.log(forward / strike) / (iv * root) + iv * root / 2
    d2 = d1 - iv * root
    n = normal_density(d1)
    gamma = n / (forward * iv * root)
    vega = forward * n * root
    return {
        GEX: gamma * forward**2 * 0.01,
        "delta_coin": delta_of(forward, strike, years, iv, is_call),
        "vega_usd_per_pt": vega * 0.01,
        "theta_usd_per_day": -forward * n * iv / (2 * root) / 365,
        "vanna_coin_per_pt": -n * d2 / iv * 0.01,
        "charm_coin_per_day": n * d2 / (2 * years) / 365,
        "volga_usd_per_pt2": vega * d1 * d2 / iv * 1e-4,
        "speed_usd_per_1pct2": -gamma / forward * (d1 / (iv * root) + 1) * forward**3 * 1e-4,
        "zomma_usd_per_1pct_per_pt": gamma * (d1 * d2 - 1) / iv * forward**2 * 1e-4,
        "color_usd_per_1pct_per_day": gamma * (1 - d1 * d2) / (2 * years) * forward**2 * 0.01 / 365,
    }


# The whole chain


@dataclass(frozen=True, slots=True)
class Holding:
    """One option that has an exposure, with dealers' position in coins."""

    row: Row
    forward: float
    years: float
    position: float

    def gex_at(self, ratio: float) -> float:
        """GEX when spot and forward stand at `ratio` times their level."""
        sd = self.row.iv * math.sqrt(self.years)
        moved = self.forward * ratio
        d1 = (math.log(moved / self.row.strike) + sd * sd / 2) / sd
        return self.position * moved * normal_density(d1) / sd * 0.01

    def delta_at(self, ratio: float) -> float:
        """Delta per coin when spot and forward stand at `ratio` times their level."""
        row = self.row
        return delta_of(self.forward * ratio, row.strike, self.years, row.iv, row.is_call)


def judge(rows: Sequence[Row], as_of_ms: int, index: float, forwards: dict[int, float]) -> Verdict:
    """Everything a board must say of `rows` at `as_of_ms` under the naive position."""
    holdings = _holdings(rows, as_of_ms, forwards)
    exposed = [
        (
            holding,
            {
                name: holding.position * value
                for name, value in exposures_per_coin(
                    holding.forward,
                    holding.row.strike,
                    holding.years,
                    holding.row.iv,
                    holding.row.is_call,
                ).items()
            },
        )
        for holding in holdings
    ]
    net = {name: math.fsum(of[name] for _, of in exposed) for name in EXPOSURES}
    gross = {name: math.fsum(abs(of[name]) for _, of in exposed) for name in EXPOSURES}
    by_strike = {
        strike: _strike(strike, rows, exposed) for strike in sorted({row.strike for row in rows})
    }
    ladder = _ladder(holdings)
    flips = _flips(holdings, index, [math.fsum(level) for level in ladder.totals], gross[GEX])
    return Verdict(
        net=net,
        gross=gross,
        by_strike=by_strike,
        by_expiry={
            expiry_ms: Expiry(
                forward=forwards[expiry_ms],
                exposures={
                    name: math.fsum(of[name] for h, of in exposed if h.row.expiry_ms == expiry_ms)
                    for name in EXPOSURES
                },
                flip_usd=_flip_of_expiry(holdings, index, ladder, expiry_ms),
                max_pain_usd=max_pain([row for row in rows if row.expiry_ms == expiry_ms]),
            )
            for expiry_ms in sorted({row.expiry_ms for row in rows})
        },
        matrix=_matrix(exposed),
        flips=flips,
        flip_usd=_nearest([flip.spot_usd for flip in flips], index),
        call_wall_usd=_wall(by_strike, index, lambda strike: strike.call_gex),
        put_wall_usd=_wall(by_strike, index, lambda strike: -strike.put_gex),
        flow_coin={
            move: -math.fsum(
                h.position * (h.delta_at(1 + move / 100) - h.delta_at(1)) for h in holdings
            )
            for move in MOVES_PCT
        },
    )


def _holdings(rows: Iterable[Row], as_of_ms: int, forwards: dict[int, float]) -> list[Holding]:
    return [
        Holding(
            row=row,
            forward=forwards[row.expiry_ms],
            years=(row.expiry_ms - as_of_ms) / YEAR_MS,
            position=row.open_interest if row.is_call else -row.open_interest,
        )
        for row in rows
        if row.iv > 0 and row.expiry_ms > as_of_ms
    ]


Exposed = list[tuple[Holding, dict[str, float]]]


def _strike(strike: float, rows: Sequence[Row], exposed: Exposed) -> Strike:
    here = [(holding, of) for holding, of in exposed if holding.row.strike == strike]
    listed = [row for row in rows if row.strike == strike]
    return Strike(
        exposures={name: math.fsum(of[name] for _, of in here) for name in EXPOSURES},
        call_gex=math.fsum(of[GEX] for holding, of in here if holding.row.is_call),
        put_gex=math.fsum(of[GEX] for holding, of in here if not holding.row.is_call),
        open_interest_call=math.fsum(row.open_interest for row in listed if row.is_call),
        open_interest_put=math.fsum(row.open_interest for row in listed if not row.is_call),
    )


def _matrix(exposed: Exposed) -> dict[tuple[int, float], float]:
    cells: dict[tuple[int, float], float] = {}
    for holding, of in exposed:
        cell = holding.row.expiry_ms, holding.row.strike
        cells[cell] = cells.get(cell, 0.0) + of[GEX]
    return cells


# Levels


@dataclass(frozen=True, slots=True)
class Ladder:
    """Net GEX at every level: of each expiry alone, and the list of all expiries per level."""

    by_expiry: dict[int, list[float]]
    totals: list[list[float]]


def _ratios() -> list[float]:
    low, high = map(math.log, LADDER)
    step = (high - low) / (LADDER_LEVELS - 1)
    return [math.exp(low + step * i) for i in range(LADDER_LEVELS)]


def _ladder(holdings: Sequence[Holding]) -> Ladder:
    by_expiry = {}
    for expiry_ms in {holding.row.expiry_ms for holding in holdings}:
        of_expiry = [h for h in holdings if h.row.expiry_ms == expiry_ms and h.position]
        by_expiry[expiry_ms] = [
            math.fsum(holding.gex_at(ratio) for holding in of_expiry) for ratio in _ratios()
        ]
    return Ladder(by_expiry, [list(level) for level in zip(*by_expiry.values(), strict=True)])


def _flip_of_expiry(
    holdings: Sequence[Holding], index: float, ladder: Ladder, expiry_ms: int
) -> float | None:
    if expiry_ms not in ladder.by_expiry:
        return None
    alone = [holding for holding in holdings if holding.row.expiry_ms == expiry_ms]
    flips = _flips(alone, index, ladder.by_expiry[expiry_ms], gross=math.inf)
    return _nearest([flip.spot_usd for flip in flips], index)


def _flips(
    holdings: Sequence[Holding], index: float, profile: Sequence[float], gross: float
) -> list[Flip]:
    """Every sign change of `profile` on the ladder, refined by bisection on the re-priced book."""

    def net_at(ratio: float) -> float:
        return math.fsum(holding.gex_at(ratio) for holding in holdings)

    flips = []
    signed = [(ratio, net) for ratio, net in zip(_ratios(), profile, strict=True) if net != 0]
    for (low, before), (high, after) in pairwise(signed):
        if (before > 0) == (after > 0):
            continue
        root = bisect(net_at, low, high)
        near = max(abs(net_at(root * (1 + i / 2000))) for i in range(-40, 41))
        flips.append(
            Flip(
                spot_usd=root * index,
                direction="long_above" if after > 0 else "short_above",
                strength=min(1.0, near / gross),
            )
        )
    return flips


def bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """The sign change of `function` between `low` and `high`, to the last few bits."""
    rises = function(high) > 0
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        if (function(middle) > 0) == rises:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _nearest(levels: Sequence[float], index: float) -> float | None:
    return min(levels, key=lambda level: abs(math.log(level / index)), default=None)


def _wall(
    by_strike: dict[float, Strike], index: float, size: Callable[[Strike], float]
) -> float | None:
    """The strike of the largest positive `size` within the range; ties go to the lower strike."""
    inside = [
        (size(strike), -usd)
        for usd, strike in by_strike.items()
        if abs(math.log(usd / index)) < WALL_RANGE
    ]
    if not inside or max(inside)[0] <= 0:
        return None
    return -max(inside)[1]


def max_pain(rows: Sequence[Row]) -> float | None:
    """The listed strike at which one expiry pays least; ties go to the lower strike."""
    if not any(row.open_interest > 0 for row in rows):
        return None

    def pain(level: float) -> float:
        return math.fsum(
            row.open_interest * max(level - row.strike if row.is_call else row.strike - level, 0.0)
            for row in rows
        )

    return min(sorted({row.strike for row in rows}), key=pain)
