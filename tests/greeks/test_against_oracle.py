"""`compute_exposure` against the referee, the referee against the theory, both without a wire."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

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
        "20260220T042923Z",
        "20260411T093319Z",
        "20260525T072131Z",
        "20260531T220901Z",
    )
    for asset in ("BTC", "ETH")
]

NOW_MS = 1_767_225_600_000
DAY_MS = 86_400_000


_Test = TypeVar("_Test", bound=Callable[..., object])


def realdata(test: _Test) -> _Test:
    missing = pytest.mark.skipif(not DATA.is_dir(), reason="needs the recorded chains")
    marked: _Test = pytest.mark.realdata(missing(test))
    return marked


def held(strike: float, days: float, *, is_call: bool, iv: float = 0.5, coins: float = 1.0) -> Row:
    """An option that the naive rule makes dealers hold, or owe if it is a put."""
    expiry_ms = NOW_MS + round(days * DAY_MS)
    return Row(f"{strike}", expiry_ms, strike, is_call, 1e5, NOW_MS, iv, coins, 1e5)


def ruled(rows: list[Row]) -> Verdict:
    return oracle.judge(rows, NOW_MS, 1e5, oracle.forwards_of(rows))


REFERENCES: dict[tuple[float, float, float, float, bool], tuple[float, ...]] = {
    # forward, strike, days, iv, call: delta, gamma, vega, theta, vanna, charm, vomma, speed,
    # zomma, color, in the raw units of the formulas
    (1e5, 1e5, 30, 0.5, True): (
        0.528568837545, 2.77594197532e-5, 11407.9807205, -34699.2746915, 0.0570399036025,
        -0.173496373458, -117.205281375, -4.16391296298e-10, -5.58040390245e-5, 1.69737285366e-4,
    ),
    (1e5, 1.1e5, 30, 0.5, True): (
        0.276515183589, 2.33403957819e-5, 9591.94347202, -29175.4947274, 0.492875181096,
        -1.49916200917, 8382.44720484, 7.32521691695e-10, -2.62835033654e-5, 7.99456560698e-5,
    ),
    (1e5, 9e4, 7, 0.6, False): (
        -0.095172450456, 2.03685645591e-5, 2343.78003145, -36663.4162063, -0.345954844035,
        5.41172220312, 6274.03930664, -3.41388362625e-9, 2.05767816141e-5, -3.21879655249e-4,
    ),
    (3e3, 3.2e3, 1, 0.7, True): (
        0.0406564739563, 7.94408114052e-4, 13.7117016946, -1751.66989148, 0.222013533018,
        -28.3622288431, 60.7688670475, 1.23330834084e-5, 2.38586721363e-3, -0.304794536542,
    ),
}  # fmt: skip


@pytest.mark.parametrize("option", REFERENCES)
def test_the_referee_reproduces_the_reference_values_of_the_theory(
    option: tuple[float, float, float, float, bool],
) -> None:
    forward, strike, days, iv, is_call = option
    delta, gamma, vega, theta, vanna, charm, vomma, speed, zomma, color = REFERENCES[option]
    found = oracle.exposures_per_coin(forward, strike, days / 365, iv, is_call)
    assert found == pytest.approx(
        {
            "gex_usd_per_1pct": gamma * forward**2 / 100,
            "delta_coin": delta,
            "vega_usd_per_pt": vega / 100,
            "theta_usd_per_day": theta / 365,
            "vanna_coin_per_pt": vanna / 100,
            "charm_coin_per_day": charm / 365,
            "volga_usd_per_pt2": vomma / 1e4,
            "speed_usd_per_1pct2": speed * forward**3 / 1e4,
            "zomma_usd_per_1pct_per_pt": zomma * forward**2 / 1e4,
            "color_usd_per_1pct_per_day": color * forward**2 / 100 / 365,
        },
        rel=1e-9,
    )


def test_the_referee_finds_the_flip_that_has_a_closed_form() -> None:
    verdict = ruled(
        [held(9e4, 30, is_call=False, coins=1e3), held(1.1e5, 30, is_call=True, coins=1e3)]
    )
    exact = math.sqrt(9e4 * 1.1e5) * math.exp(-0.25 * 30 / 365 / 2)
    assert [flip.spot_usd for flip in verdict.flips] == [pytest.approx(exact, rel=1e-12)]
    assert exact == pytest.approx(98481.7297, abs=1e-4)
    assert verdict.net[oracle.GEX] == pytest.approx(323_930, abs=1)


def test_the_referee_re_hedges_as_the_theory_says() -> None:
    flow = ruled([held(1e5, 30, is_call=True, coins=1e3)]).flow_coin
    assert [flow[move] for move in (1.0, 5.0, -5.0)] == pytest.approx(
        [-27.53, -131.28, 141.19], abs=0.01
    )


def test_the_referee_finds_the_strike_of_least_pay_out() -> None:
    calls = zip((90, 95, 100, 105, 110), (10, 20, 50, 80, 60), strict=True)
    puts = zip((90, 95, 100, 105, 110), (70, 60, 40, 20, 5), strict=True)
    rows = [held(k, 1, is_call=True, coins=coins) for k, coins in calls]
    rows += [held(k, 1, is_call=False, coins=coins) for k, coins in puts]
    assert oracle.max_pain(rows) == 100


def test_the_referee_takes_the_newest_forward_and_the_median_of_ties() -> None:
    def quoted(underlying: float, timestamp_ms: int) -> Row:
        return Row("any", 9, 1.0, True, underlying, timestamp_ms, 0.5, 1.0, 1.0)

    rows = [quoted(100.0, 1), quoted(105.0, 2), quoted(101.0, 2), quoted(103.0, 2)]
    assert oracle.forwards_of(rows) == {9: 103.0}


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
        mark_price=np.array([row.mark for row in rows]),
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
        # a maximum over samples: a narrow peak near expiry may fall between them
        assert found.strength == pytest.approx(expected.strength, rel=0.03)
    assert levels.flip_usd == pytest.approx(verdict.flip_usd, abs=near_spot)
    assert levels.call_wall_usd == verdict.call_wall_usd
    assert levels.put_wall_usd == verdict.put_wall_usd
    for i, expiry in enumerate(verdict.by_expiry.values()):
        flip, pain = snapshot.by_expiry.flip_usd[i], snapshot.by_expiry.max_pain_usd[i]
        assert (None if np.isnan(flip) else flip) == pytest.approx(expiry.flip_usd, abs=near_spot)
        assert (None if np.isnan(pain) else pain) == expiry.max_pain_usd


def assert_flow_agrees(snapshot: ExposureSnapshot, verdict: Verdict) -> None:
    moves = np.array(oracle.MOVES_PCT)
    flow = compute_hedge_flow(snapshot.chain, snapshot.position_coin, moves, np.zeros(1))
    scale = verdict.gross["delta_coin"]
    expected = [verdict.flow_coin[move] for move in oracle.MOVES_PCT]
    assert flow.flow_coin == pytest.approx(expected, abs=1e-9 * scale)


@realdata
@pytest.mark.parametrize("path", TICKER_FILES, ids=lambda path: path.name)
def test_tickers_of_a_day_give_the_numbers_of_the_referee(path: Path) -> None:
    snapshot, verdict = both_sides(oracle.read_tickers(path))
    assert_agreement(snapshot, verdict)
    assert_flow_agrees(snapshot, verdict)


@realdata
@pytest.mark.parametrize(("asset", "stamp"), SNAPSHOTS)
def test_a_summary_snapshot_gives_the_numbers_of_the_referee(asset: str, stamp: str) -> None:
    path = DATA / "svcj-6h" / f"deribit_options_6h_{stamp[:6]}.parquet"
    snapshot, verdict = both_sides(oracle.read_summaries(path, stamp, asset))
    assert_agreement(snapshot, verdict)
    assert_flow_agrees(snapshot, verdict)


@realdata
@pytest.mark.parametrize("asset", ["BTC", "ETH"])
def test_the_nearest_expiry_alone_gives_the_numbers_of_the_referee(asset: str) -> None:
    stamp = "20260525T072131Z"  # 38 minutes before the expiry: gamma underflows along the ladder
    path = DATA / "svcj-6h" / f"deribit_options_6h_{stamp[:6]}.parquet"
    rows = oracle.read_summaries(path, stamp, asset)
    nearest = min(row.expiry_ms for row in rows)
    snapshot, verdict = both_sides([row for row in rows if row.expiry_ms == nearest])
    assert_agreement(snapshot, verdict)
    assert_flow_agrees(snapshot, verdict)


@realdata
@pytest.mark.parametrize("path", TICKER_FILES, ids=lambda path: path.name)
def test_recomputed_greeks_are_the_published_ones_row_by_row(path: Path) -> None:
    rows = [row for row in oracle.read_tickers(path) if row.iv > 0]
    years = np.array([(row.expiry_ms - row.timestamp_ms) / oracle.YEAR_MS for row in rows])
    greeks = compute_greeks(
        np.array([row.underlying for row in rows]),
        np.array([row.strike for row in rows]),
        years,
        np.array([row.iv for row in rows]),
        np.array([row.is_call for row in rows]),
    )
    delta, gamma, vega = (
        np.array([(row.published or {})[name] for row in rows])
        for name in ("delta", "gamma", "vega")
    )
    assert np.abs(greeks.delta - delta).max() < 1.5e-4
    assert np.abs(greeks.delta - delta)[years >= 1 / 365].max() < 6e-5
    assert np.abs(greeks.gamma - gamma).max() < 5.7e-6
    # wings hours from expiry, vega under 1 USD per point, fit to 0.5 % only: bounded absolutely
    assert (np.abs(greeks.vega / 100 - vega) / np.maximum(vega, 1.0)).max() < 2.5e-3
