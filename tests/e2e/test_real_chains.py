"""Recorded chains over the wire: the REST API against the referee, at the body's own instant."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import oracle
from tests.oracle import Row, Verdict
from tests.processes import Board, Launcher, until

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
TICKER_FILES = sorted((DATA / "mh-btc-daily").glob("options_*.jsonl.gz"))
SNAPSHOTS = (
    "20251230T173115Z",
    "20260117T034852Z",
    "20260205T093647Z",
    "20260220T042923Z",
    "20260316T161206Z",
    "20260411T093319Z",  # from here on daily expiries quote the index as their underlying
    "20260430T164559Z",
    "20260510T061812Z",
    "20260525T072131Z",  # 38 minutes before an expiry
    "20260531T220901Z",
)
OF_GROSS = 1e-6
OF_SPOT = 1e-6

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the recorded chains"),
]


def iso(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat()


def complete(board: Board, asset: str, listed: int) -> dict[str, Any]:
    """The first summary that rests on every recorded row."""

    def look() -> dict[str, Any] | None:
        body: dict[str, Any] = board.get(f"/{asset}")
        quality = body["quality"]
        return body if quality["used"] == quality["listed"] == listed else None

    return until(look, 20.0, f"{listed} options of {asset}")


class Answers:
    """Every read of one published state of the board."""

    def __init__(self, board: Board, asset: str, listed: int) -> None:
        first = complete(board, asset, listed)
        self.as_of, self.spot = first["as_of"], first["spot_usd"]
        self.bodies = {
            view: board.get(f"/{asset}{view}", seq=first["seq"])
            for view in ("", "/strikes", "/expiries", "/matrix", "/levels", "/hedge-flow", "/chain")
        }
        assert {body["as_of"] for body in self.bodies.values()} == {self.as_of}
        assert {body["position"] for body in self.bodies.values()} == {"naive"}
        assert {body["source"] for body in self.bodies.values()} == {"custom"}

    def data(self, view: str) -> Any:
        return self.bodies[view]["data"]


def as_summarised(rows: list[Row]) -> list[Row]:
    """The rows as a book summary tells them: every row carries the time of the one answer."""
    newest_ms = max(row.timestamp_ms for row in rows)
    return [replace(row, timestamp_ms=newest_ms) for row in rows]


def assert_same_as_referee(board: Board, asset: str, recorded: list[Row]) -> None:
    rows = as_summarised(recorded)
    answers = Answers(board, asset, len(rows))
    elapsed_ms = answers.as_of - rows[0].timestamp_ms
    assert 0 <= elapsed_ms < 120_000, "time is the recording's, not today's"
    indices = [row.index for row in rows]
    # summaries were recorded without an index, which was read row by row a little later
    assert 0.999 * min(indices) <= answers.spot <= 1.001 * max(indices)
    verdict = oracle.judge(rows, answers.as_of, answers.spot, oracle.forwards_of(rows))
    assert_totals_agree(answers, verdict)
    assert_strikes_agree(answers, verdict)
    assert_expiries_agree(answers, verdict)
    assert_matrix_agrees(answers, verdict)
    assert_levels_agree(answers, verdict)
    assert_flow_agrees(answers, verdict)
    assert_rows_are_the_recorded_ones(answers, rows)


def assert_totals_agree(answers: Answers, verdict: Verdict) -> None:
    summary = answers.data("")
    for name in oracle.EXPOSURES:
        allowed = OF_GROSS * verdict.gross[name]
        assert summary["net"][name] == pytest.approx(verdict.net[name], abs=allowed)
        assert summary["gross"][name] == pytest.approx(verdict.gross[name], abs=allowed)
    sign = "long_gamma" if verdict.net[oracle.GEX] > 0 else "short_gamma"
    assert summary["regime"] == sign
    flow = summary["hedge_flow"]
    scale = 1e-9 * verdict.gross["delta_coin"]
    assert flow["up_1pct_coin"] == pytest.approx(verdict.flow_coin[1.0], abs=scale)
    assert flow["down_1pct_coin"] == pytest.approx(verdict.flow_coin[-1.0], abs=scale)


def assert_strikes_agree(answers: Answers, verdict: Verdict) -> None:
    bars = answers.data("/strikes")
    assert [bar["strike"] for bar in bars] == list(verdict.by_strike)
    allowed = OF_GROSS * verdict.gross[oracle.GEX]
    for bar, expected in zip(bars, verdict.by_strike.values(), strict=True):
        for name in oracle.EXPOSURES:
            of_gross = OF_GROSS * verdict.gross[name]
            assert bar[name] == pytest.approx(expected.exposures[name], abs=of_gross)
        assert bar["call_gex_usd_per_1pct"] == pytest.approx(expected.call_gex, abs=allowed)
        assert bar["put_gex_usd_per_1pct"] == pytest.approx(expected.put_gex, abs=allowed)
        assert bar["open_interest_call_coin"] == pytest.approx(expected.open_interest_call)
        assert bar["open_interest_put_coin"] == pytest.approx(expected.open_interest_put)


def assert_expiries_agree(answers: Answers, verdict: Verdict) -> None:
    bars = answers.data("/expiries")
    assert [bar["expiry_ms"] for bar in bars] == list(verdict.by_expiry)
    for bar, expected in zip(bars, verdict.by_expiry.values(), strict=True):
        assert bar["forward_usd"] == pytest.approx(expected.forward, rel=1e-12)
        for name in oracle.EXPOSURES:
            of_gross = OF_GROSS * verdict.gross[name]
            assert bar[name] == pytest.approx(expected.exposures[name], abs=of_gross)
        assert bar["flip_usd"] == pytest.approx(expected.flip_usd, abs=OF_SPOT * answers.spot)


def assert_matrix_agrees(answers: Answers, verdict: Verdict) -> None:
    matrix = answers.data("/matrix")
    expiries = [bar["expiry_ms"] for bar in answers.data("/expiries")]
    assert matrix["expiries"] == [bar["expiry"] for bar in answers.data("/expiries")]
    cells = {
        (expiry, strike): value
        for expiry, line in zip(expiries, matrix["values"], strict=True)
        for strike, value in zip(matrix["strikes"], line, strict=True)
        if value is not None
    }
    gross = verdict.gross[oracle.GEX]
    assert cells == pytest.approx(verdict.matrix, abs=OF_GROSS * gross)
    net = answers.data("")["net"][oracle.GEX]
    by_strike = sum(bar[oracle.GEX] for bar in answers.data("/strikes"))
    by_expiry = sum(bar[oracle.GEX] for bar in answers.data("/expiries"))
    # one state summed in three orders: nothing but rounding may differ
    assert [sum(cells.values()), by_strike, by_expiry] == pytest.approx([net] * 3, abs=1e-9 * gross)


def assert_levels_agree(answers: Answers, verdict: Verdict) -> None:
    levels = answers.data("/levels")
    allowed = OF_SPOT * answers.spot
    assert [flip["spot_usd"] for flip in levels["flips"]] == pytest.approx(
        [flip.spot_usd for flip in verdict.flips], abs=allowed
    )
    assert [flip["direction"] for flip in levels["flips"]] == [
        flip.direction for flip in verdict.flips
    ]
    # the strength is a maximum over samples, and each side samples at its own points
    assert [flip["strength"] for flip in levels["flips"]] == pytest.approx(
        [flip.strength for flip in verdict.flips], rel=0.03
    )
    assert levels["flip_usd"] == pytest.approx(verdict.flip_usd, abs=allowed)
    assert (levels["flip_reason"] is None) == bool(verdict.flips)
    assert levels["call_wall_usd"] == verdict.call_wall_usd
    assert levels["put_wall_usd"] == verdict.put_wall_usd
    assert {pain["expiry_ms"]: pain["max_pain_usd"] for pain in levels["max_pain"]} == {
        expiry_ms: expected.max_pain_usd for expiry_ms, expected in verdict.by_expiry.items()
    }


def assert_flow_agrees(answers: Answers, verdict: Verdict) -> None:
    scale = 1e-9 * verdict.gross["delta_coin"]
    now = {row["move_pct"]: row for row in answers.data("/hedge-flow") if row["horizon_s"] == 0}
    for move, expected in verdict.flow_coin.items():
        assert now[move]["flow_coin"] == pytest.approx(expected, abs=scale)
        assert now[move]["flow_usd"] == pytest.approx(
            expected * answers.spot, abs=scale * answers.spot
        )
        assert now[move]["spot_usd"] == pytest.approx(answers.spot * (1 + move / 100))
    for row in answers.data("/hedge-flow"):
        parts = ("gamma_coin", "charm_coin", "vanna_coin", "expiry_coin", "residual_coin")
        assert sum(row[part] for part in parts) == pytest.approx(row["flow_coin"], abs=scale)


def assert_rows_are_the_recorded_ones(answers: Answers, rows: list[Row]) -> None:
    shown = {row["instrument_name"]: row for row in answers.data("/chain")}
    assert shown.keys() == {row.instrument_name for row in rows}
    for row in rows:
        option = shown[row.instrument_name]
        assert option["mark_iv"] == pytest.approx(row.iv, rel=1e-12)
        assert option["open_interest_coin"] == row.open_interest
        assert option["type"] == ("call" if row.is_call else "put")
        assert (option["strike"], option["expiry_ms"]) == (row.strike, row.expiry_ms)
        assert option["status"] == "ok"


@pytest.mark.parametrize("path", TICKER_FILES, ids=lambda path: path.name)
def test_a_day_of_tickers_replayed_over_the_wire_gives_the_numbers_of_the_referee(
    path: Path, launch: Launcher
) -> None:
    rows = oracle.read_tickers(path)
    with launch.pair("--replay", str(path), GAMMAFLIP_ASSETS="BTC") as board:
        board.wait_ready()
        assert_same_as_referee(board, "BTC", rows)


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_a_summary_snapshot_replayed_over_the_wire_gives_the_numbers_of_the_referee(
    snapshot: str, launch: Launcher
) -> None:
    path = DATA / "svcj-6h" / f"deribit_options_6h_{snapshot[:6]}.parquet"
    chains = {asset: oracle.read_summaries(path, snapshot, asset) for asset in ("BTC", "ETH")}
    start = iso(chains["BTC"][0].timestamp_ms)
    with launch.pair("--replay", str(path), "--start", start) as board:
        board.wait_ready()
        for asset, rows in chains.items():
            assert_same_as_referee(board, asset, rows)
