"""`compute_exposure` against the referee on recorded chains, without any wire between."""

import math
from pathlib import Path

import numpy as np
import pytest

from dealers.hedging import compute_hedge_flow
from dealers.rules import PositionModel, position_from_rule
from greeks.black76 import compute_greeks
from greeks.chain import OptionChain
from greeks.conventions import Exposure, RowStatus, Settlement
from greeks.exposure import ExposureSnapshot, compute_exposure
from tests import oracle
from tests.oracle import Row, Verdict

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
TICKER_FILES = sorted((DATA / "mh-btc-daily").glob("options_*.jsonl.gz"))
SNAPSHOTS = [
    (asset, snapshot)
    for snapshot in (
        "20251230T173115Z",
        "20260117T034852Z",
        "20260220T042923Z",
        "20260316T161206Z",
        "20260411T093319Z",
        "20260430T164559Z",
        "20260525T072131Z",
        "20260531T220901Z",
    )
    for asset in ("BTC", "ETH")
]

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the recorded chains in {DATA}"),
]


def chain_of(rows: list[Row], as_of_ms: int, index: float) -> OptionChain:
    rows = sorted(rows, key=lambda row: (row.expiry_ms, row.strike, not row.is_call))
    forwards = oracle.forwards_of(rows)
    iv = np.array([row.iv or math.nan for row in rows])
    unknown = np.full(len(rows), np.nan)
    return OptionChain(
        asset=rows[0].instrument_name.partition("-")[0],
        as_of_ms=as_of_ms,
        index_price=index,
        seq=1,
        gaps=0,
        instrument_name=tuple(row.instrument_name for row in rows),
        strike=np.array([row.strike for row in rows]),
        expiry_ms=np.array([row.expiry_ms for row in rows]),
        is_call=np.array([row.is_call for row in rows]),
        settlement=np.full(len(rows), Settlement.INVERSE, np.int8),
        forward=np.array([forwards[row.expiry_ms] for row in rows]),
        mark_iv=iv,
        bid_iv=unknown.copy(),
        ask_iv=unknown.copy(),
        mark_price=unknown.copy(),
        open_interest_coin=np.array([row.open_interest for row in rows]),
        ts_event=np.array([row.timestamp_ms for row in rows]),
        status=np.where(iv > 0, RowStatus.OK, RowStatus.NO_IV).astype(np.int8),
    )


def both_sides(rows: list[Row]) -> tuple[ExposureSnapshot, Verdict]:
    newest = max(rows, key=lambda row: row.timestamp_ms)
    chain = chain_of(rows, newest.timestamp_ms, newest.index)
    position = position_from_rule(chain, PositionModel.NAIVE)
    snapshot = compute_exposure(chain, position, PositionModel.NAIVE)
    verdict = oracle.judge(rows, newest.timestamp_ms, newest.index, oracle.forwards_of(rows))
    return snapshot, verdict


def assert_agreement(snapshot: ExposureSnapshot, verdict: Verdict) -> None:
    strikes = {float(s): i for i, s in enumerate(snapshot.by_strike.strike_usd)}
    assert list(strikes) == list(verdict.by_strike)
    assert snapshot.by_expiry.expiry_ms.tolist() == list(verdict.by_expiry)
    for exposure in map(Exposure, oracle.EXPOSURES):
        # double precision against exactly rounded sums: far inside the 1e-6 of the promise
        tolerance = 1e-9 * verdict.gross[exposure]
        assert snapshot.net_of(exposure) == pytest.approx(verdict.net[exposure], abs=tolerance)
        assert snapshot.gross_of(exposure) == pytest.approx(verdict.gross[exposure], rel=1e-9)
        for table, sums in (
            (snapshot.by_strike.exposures, verdict.by_strike.values()),
            (snapshot.by_expiry.exposures, verdict.by_expiry.values()),
        ):
            expected = [item.exposures[exposure] for item in sums]
            assert table.column(exposure) == pytest.approx(expected, abs=tolerance)
    assert_levels_agree(snapshot, verdict)


def assert_levels_agree(snapshot: ExposureSnapshot, verdict: Verdict) -> None:
    near_spot = 1e-9 * snapshot.chain.index_price
    levels = snapshot.levels
    assert [flip.spot_usd for flip in levels.flips] == pytest.approx(
        [flip.spot_usd for flip in verdict.flips], abs=near_spot
    )
    for found, expected in zip(levels.flips, verdict.flips, strict=True):
        assert found.direction == expected.direction
        # each samples the neighbourhood at its own points
        assert found.strength == pytest.approx(expected.strength, rel=1e-3)
    assert levels.flip_usd == pytest.approx(verdict.flip_usd, abs=near_spot)
    assert levels.call_wall_usd == verdict.call_wall_usd
    assert levels.put_wall_usd == verdict.put_wall_usd
    for i, expected in enumerate(verdict.by_expiry.values()):
        flip, pain = snapshot.by_expiry.flip_usd[i], snapshot.by_expiry.max_pain_usd[i]
        assert (None if np.isnan(flip) else flip) == pytest.approx(expected.flip_usd, abs=near_spot)
        assert (None if np.isnan(pain) else pain) == expected.max_pain_usd


def assert_flow_agrees(snapshot: ExposureSnapshot, verdict: Verdict) -> None:
    moves = np.array(oracle.MOVES_PCT)
    flow = compute_hedge_flow(snapshot.chain, snapshot.position_coin, moves, np.zeros(1))
    scale = verdict.gross["delta_coin"]
    expected = [verdict.flow_coin[move] for move in oracle.MOVES_PCT]
    assert flow.flow_coin == pytest.approx(expected, abs=1e-9 * scale)


@pytest.mark.parametrize("path", TICKER_FILES, ids=lambda path: path.name)
def test_tickers_of_a_day_give_the_numbers_of_the_referee(path: Path) -> None:
    snapshot, verdict = both_sides(oracle.read_tickers(path))
    assert_agreement(snapshot, verdict)
    assert_flow_agrees(snapshot, verdict)


@pytest.mark.parametrize(("asset", "stamp"), SNAPSHOTS)
def test_a_summary_snapshot_gives_the_numbers_of_the_referee(asset: str, stamp: str) -> None:
    path = DATA / "svcj-6h" / f"deribit_options_6h_{stamp[:6]}.parquet"
    snapshot, verdict = both_sides(oracle.read_summaries(path, stamp, asset))
    assert_agreement(snapshot, verdict)
    assert_flow_agrees(snapshot, verdict)
