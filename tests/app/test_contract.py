"""What the public contract promises, asked of one running demo board by a stranger."""

import csv
import io
import json
import math
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import orjson
import pyarrow.parquet
import pytest
from websockets.sync.client import ClientConnection, connect

from soak.contract import fuzz
from tests.processes import Board, Launcher, free_port, until

ENVELOPE = {
    "asset", "as_of", "age_ms", "source", "status", "position", "spot_usd", "quality", "data",
}  # fmt: skip
QUALITY = {"listed", "used", "stale", "without_iv", "rejected", "gaps"}
TABLES = ("strikes", "expiries", "chain", "hedge-flow", "limits")
VIEWS = (*TABLES, "matrix", "profile", "levels", "positions", "trades", "feedback")
STREAMED = ("summary", "strikes", "profile", "levels", "trades")
COLUMNS = {
    "strikes": {
        "strike", "gex_usd_per_1pct", "call_gex_usd_per_1pct", "put_gex_usd_per_1pct",
        "vega_usd_per_pt", "delta_coin", "vanna_coin_per_pt", "charm_coin_per_day",
        "open_interest_call_coin", "open_interest_put_coin",
    },
    "expiries": {
        "expiry", "expiry_ms", "days", "forward_usd", "atm_iv", "gex_usd_per_1pct",
        "vega_usd_per_pt", "delta_coin", "vanna_coin_per_pt", "charm_coin_per_day", "flip_usd",
    },
    "chain": {
        "instrument_name", "book", "strike", "expiry_ms", "type", "open_interest_coin",
        "position_coin", "mark_iv", "status",
    },
    "limits": {
        "strike", "gex_usd_per_1pct", "use", "breached", "headroom_usd_per_1pct", "headroom_coin",
        "headroom_option",
    },
    "hedge-flow": {
        "move_pct", "horizon_s", "spot_usd", "flow_coin", "flow_usd", "gamma_coin", "charm_coin",
        "vanna_coin", "expiry_coin", "residual_coin", "share_of_depth", "share_of_volume",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Launcher:
    return Launcher(tmp_path_factory.mktemp("contract"))


@pytest.fixture(scope="module")
def board(launch: Launcher) -> Iterator[Board]:
    with launch.board("demo") as running:
        yield running.wait_ready()


def newest_seq(board: Board, asset: str = "BTC") -> int:
    return int(board.get(f"/{asset}")["seq"])


def assert_problem(response: httpx.Response, status: int, *words: str) -> None:
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem.keys() >= {"type", "title", "status", "detail"}
    assert problem["status"] == status
    for word in words:
        assert word in problem["detail"]


# Bodies


@pytest.mark.parametrize("asset", ["BTC", "ETH"])
@pytest.mark.parametrize("view", ["", *(f"/{view}" for view in VIEWS)])
def test_every_body_says_whose_when_how_old_and_from_where(
    board: Board, asset: str, view: str
) -> None:
    response = board.client.get(f"/api/v1/{asset}{view}")
    assert response.status_code == 200

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    body = json.loads(response.content, parse_constant=refuse)
    assert body.keys() >= ENVELOPE
    assert body["asset"] == asset
    assert (body["source"], body["status"], body["position"]) == ("demo", "live", "naive")
    assert body["quality"].keys() >= QUALITY
    assert body["quality"]["used"] <= body["quality"]["listed"]
    assert isinstance(body["as_of"], int)
    assert body["age_ms"] >= 0


def test_the_assets_are_listed_with_books_and_expiries(board: Board) -> None:
    body = board.get("/assets")
    rows = {row["asset"]: row for row in body["data"]}
    assert list(rows) == ["BTC", "ETH"]
    assert body.keys() >= ENVELOPE
    assert (body["asset"], body["source"], body["status"]) == (None, "demo", "live")
    assert body["as_of"] == max(row["as_of"] for row in rows.values())
    for row in rows.values():
        assert set(row["books"]) <= {"inverse", "linear"}
        assert row["expiries"]
        assert row["status"] == "live"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_columns_that_the_contract_names(board: Board, table: str) -> None:
    rows = board.get(f"/BTC/{table}")["data"]
    assert rows
    assert all(row.keys() >= COLUMNS[table] for row in rows)


@pytest.mark.parametrize("position", ["naive", "reversed", "customer_long"])
def test_the_position_model_is_the_one_asked_for_and_said(board: Board, position: str) -> None:
    seq = newest_seq(board)
    net = board.get("/BTC", seq=seq)["data"]["net"]["gex_usd_per_1pct"]
    gross = board.get("/BTC", seq=seq)["data"]["gross"]["gex_usd_per_1pct"]
    body = board.get("/BTC", seq=seq, position=position)
    assert body["position"] == position
    expected = {"naive": net, "reversed": -net, "customer_long": -gross}[position]
    assert body["data"]["net"]["gex_usd_per_1pct"] == pytest.approx(expected, rel=1e-12)


def test_the_loop_gain_rests_on_the_depth_of_the_last_minutes(board: Board) -> None:
    seq = newest_seq(board)
    found = board.get("/BTC/feedback", seq=seq)["data"]
    assert found["depth_source"] == "book"
    depth_usd, low_usd, high_usd = (found[f"depth_usd{end}"] for end in ("", "_lo", "_hi"))
    assert 0 < low_usd <= depth_usd <= high_usd
    assert 0 <= found["depth_covers_s"] < 900
    at_one_usd = -100 * found["gex_usd_per_1pct"] * found["permanence"] * found["within"]
    assert found["loop_gain"] == pytest.approx(at_one_usd / depth_usd, rel=1e-12)
    ends = sorted((at_one_usd / low_usd, at_one_usd / high_usd))
    assert [found["loop_gain_lo"], found["loop_gain_hi"]] == pytest.approx(ends, rel=1e-12)
    pin = board.get("/BTC/levels", seq=seq)["data"]["pin"]
    assert pin is None or pin["depth_usd"] == depth_usd
    stated = board.get("/BTC/feedback", seq=seq, depth_usd=2 * depth_usd)["data"]
    assert stated["depth_source"] == "stated"
    assert stated["loop_gain"] == pytest.approx(found["loop_gain"] / 2, rel=1e-12)
    for unknown in ("loop_gain_lo", "loop_gain_hi", "depth_usd_lo", "depth_covers_s"):
        assert stated[unknown] is None, unknown


MODELS = ("naive", "reversed", "customer_long", "flow", "posterior")


@pytest.mark.parametrize("position", MODELS[3:])
@pytest.mark.parametrize("view", ["", *(f"/{view}" for view in VIEWS if view != "trades")])
def test_models_that_follow_the_tape_answer_everywhere(
    board: Board, view: str, position: str
) -> None:
    body = board.get(f"/BTC{view}", position=position)
    assert body["position"] == position
    assert "position_reason" in body


def test_the_models_stand_side_by_side(board: Board) -> None:
    def answered() -> dict[str, Any] | None:
        body = board.get("/BTC/positions")
        is_followed = not any(row["reason"] for row in body["data"])
        return body if is_followed else None

    body = until(answered, 30, "a day of simulated tape was read")
    rows = {row["position"]: row for row in body["data"]}
    assert tuple(rows) == MODELS
    naive = board.get("/BTC", seq=body["seq"])["data"]
    assert rows["naive"]["gex_usd_per_1pct"] == naive["net"]["gex_usd_per_1pct"]
    assert rows["naive"]["flip_usd"] == naive["levels"]["flip_usd"]
    posterior = rows["posterior"]
    lo, hi = posterior["gex_usd_per_1pct_lo"], posterior["gex_usd_per_1pct_hi"]
    assert lo < posterior["gex_usd_per_1pct"] < hi
    assert posterior["history_h"] >= 24
    assert body["range"]["models"] == 5
    assert body["stability"].keys() >= {"oi_noise_usd", "iv_up_usd", "basis_up_usd", "day_usd"}
    assert body["stability"]["first_cause"] in {"spot_moved", "level_moved", "position_changed"}


@pytest.mark.parametrize("part", ["path", "expected", "contributions", "response"])
@pytest.mark.parametrize("position", MODELS)
def test_hedge_flow_has_its_parts_under_every_model(board: Board, part: str, position: str) -> None:
    body = board.get(f"/BTC/hedge-flow/{part}", position=position)
    assert body["position"] == position
    assert body["data"]
    if part != "response":
        files = board.client.get(f"/api/v1/BTC/hedge-flow/{part}", params={"format": "csv"})
        assert files.status_code == 200
        assert set(next(csv.reader(io.StringIO(files.text)))) == set(body["data"][0])


@pytest.mark.parametrize(
    "query",
    [
        "by=nobody",
        "move_pct=-100",
        "move_pct=x",
        "horizon_s=-1",
        "convention=gold",
        "horizon_s=inf",
    ],
)
def test_a_flow_that_cannot_be_is_refused(board: Board, query: str) -> None:
    answer = board.client.get(f"/api/v1/BTC/hedge-flow/contributions?{query}")
    assert_problem(answer, 422, query.partition("=")[0])


@pytest.mark.parametrize("position", MODELS)
def test_flattening_and_the_ageing_book_answer_under_every_model(
    board: Board, position: str
) -> None:
    found = board.get("/BTC/flatten", position=position, size_coin=1e6)["data"]
    assert found["is_flat"] is (found["reason"] is None)
    assert board.get("/BTC/flatten", position=position)["data"]["reason"]
    body = board.get("/BTC/flip-term", position=position)
    levels = board.get("/BTC/levels", position=position, seq=body["seq"])["data"]
    now = body["data"]["times"][0]
    assert now["at_ms"] == body["as_of"]
    assert (now["flip_usd"] is None) is (levels["flip_usd"] is None)
    if now["flip_usd"] is not None:
        assert now["flip_usd"] == pytest.approx(levels["flip_usd"], rel=1e-6)


def test_the_books_add_up_to_the_whole(board: Board) -> None:
    seq = newest_seq(board)
    parts = [
        board.get("/BTC", seq=seq, book=book)["data"]["net"]["gex_usd_per_1pct"]
        for book in ("inverse", "linear")
    ]
    body = board.get("/BTC", seq=seq)["data"]
    gross = body["gross"]["gex_usd_per_1pct"]
    assert sum(parts) == pytest.approx(body["net"]["gex_usd_per_1pct"], abs=1e-9 * gross)


def test_the_expiries_add_up_to_the_whole(board: Board) -> None:
    seq = newest_seq(board)
    body = board.get("/BTC", seq=seq)["data"]
    labels = [row["expiry"] for row in board.get("/BTC/expiries", seq=seq)["data"]]
    alone = [
        board.get("/BTC", seq=seq, expiry=label)["data"]["net"]["gex_usd_per_1pct"]
        for label in labels
    ]
    gross = body["gross"]["gex_usd_per_1pct"]
    assert sum(alone) == pytest.approx(body["net"]["gex_usd_per_1pct"], abs=1e-9 * gross)
    together = board.client.get(
        "/api/v1/BTC", params=[("seq", seq), *(("expiry", label) for label in labels)]
    ).json()["data"]
    assert together["net"] == pytest.approx(body["net"], rel=1e-9)


def test_the_profile_has_one_value_a_level(board: Board) -> None:
    body = board.get("/BTC/profile")
    spots = body["data"]["spot_usd"]
    assert spots == sorted(spots)
    assert spots[0] == pytest.approx(0.6 * body["spot_usd"])
    assert spots[-1] == pytest.approx(1.6 * body["spot_usd"])
    assert {len(column) for column in body["data"].values()} == {len(spots)}


def test_every_horizon_has_a_row_without_a_move(board: Board) -> None:
    rows = board.get("/BTC/hedge-flow")["data"]
    horizons = {row["horizon_s"] for row in rows}
    assert horizons >= {0, 3600, 14_400, 86_400}
    assert {row["horizon_s"] for row in rows if row["move_pct"] == 0} == horizons


def test_trades_come_newest_first_and_page_by_page(board: Board) -> None:
    def enough() -> Any:
        body = board.get("/BTC/trades", limit=5)
        return body if body["cursor"] else None

    first = until(enough, 30.0, "more than one page of trades")
    second = board.get("/BTC/trades", limit=5, cursor=first["cursor"])
    trades = first["data"] + second["data"]
    times = [trade["timestamp"] for trade in trades]
    assert times == sorted(times, reverse=True)
    assert len({trade["trade_id"] for trade in trades}) == len(trades)
    assert {trade["direction"] for trade in trades} <= {"buy", "sell"}


@pytest.mark.parametrize(
    ("query", "keeps"),
    [
        ({"book": "linear"}, lambda name, _next: name.startswith("BTC_USDC-")),
        ({"book": "inverse"}, lambda name, _next: name.startswith("BTC-")),
        ({"expiry": "next"}, lambda name, next_one: name.split("-")[1] == next_one),
    ],
)
def test_trades_are_those_of_the_selected_options(
    board: Board, query: dict[str, str], keeps: Callable[[str, str], bool]
) -> None:
    next_one = board.get("/BTC/expiries")["data"][0]["expiry"]

    def both() -> Any:
        selected = board.get("/BTC/trades", limit=1000, **query)["data"]
        everything = board.get("/BTC/trades", limit=1000)["data"]
        return (selected, everything) if len(everything) > len(selected) > 0 else None

    selected, everything = until(both, 60.0, "trades of both kinds")
    kept = [row["trade_id"] for row in selected]
    assert all(keeps(row["instrument_name"], next_one) for row in selected)
    wanted = [r["trade_id"] for r in everything if keeps(r["instrument_name"], next_one)]
    assert wanted[-len(kept) :] == kept, "nothing of the selection is left out"


def test_history_is_of_the_whole_book_under_any_model(board: Board) -> None:
    for view in ("history", "history/strikes"):
        for part in ("book=linear", "expiry=next"):
            refused = board.client.get(f"/api/v1/BTC/{view}?{part}")
            assert_problem(refused, 422, "history is kept of the whole book")
        own, other = (board.get(f"/BTC/{view}", position=name) for name in ("naive", "reversed"))
        assert (own["position"], other["position"]) == ("naive", "reversed")
    own, other = (
        {row["timestamp"]: row for row in board.get("/BTC/history", position=name)["data"]}
        for name in ("naive", "reversed")
    )
    assert other, "a row a minute under each model"
    for at, row in other.items():
        if own.get(at, row)["samples"] == row["samples"] == 1:
            assert row["gex_usd_per_1pct"] == -own[at]["gex_usd_per_1pct"]


# Tables as files


def cell(text: str) -> Any:
    """A cell as a spreadsheet reads it."""
    if text in {"true", "false"}:
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text or None


@pytest.mark.parametrize("table", TABLES)
def test_csv_holds_what_the_json_holds(board: Board, table: str) -> None:
    seq = newest_seq(board)
    expected = board.get(f"/BTC/{table}", seq=seq)["data"]
    response = board.client.get(f"/api/v1/BTC/{table}", params={"seq": seq, "format": "csv"})
    assert response.headers["content-type"].startswith("text/csv")
    assert response.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(response.text, newline=""), strict=True))
    assert [{name: cell(text) for name, text in row.items()} for row in rows] == expected


@pytest.mark.parametrize("table", TABLES)
def test_parquet_holds_what_the_json_holds(board: Board, table: str) -> None:
    seq = newest_seq(board)
    body = board.get(f"/BTC/{table}", seq=seq)
    response = board.client.get(f"/api/v1/BTC/{table}", params={"seq": seq, "format": "parquet"})
    found = pyarrow.parquet.read_table(io.BytesIO(response.content))
    assert found.to_pylist() == body["data"]
    header = orjson.loads(found.schema.metadata[b"gammaflip"])
    assert (header["asset"], header["source"], header["as_of"]) == ("BTC", "demo", body["as_of"])


def test_the_assets_are_a_table_too(board: Board) -> None:
    rows = board.get("/assets")["data"]
    response = board.client.get("/api/v1/assets", params={"format": "csv"})
    assert response.headers["content-type"].startswith("text/csv")
    listed = list(csv.DictReader(io.StringIO(response.text, newline=""), strict=True))
    assert [list(row) for row in listed] == [list(row) for row in rows]
    assert [json.loads(row["books"]) for row in listed] == [row["books"] for row in rows]
    parquet = board.client.get("/api/v1/assets", params={"format": "parquet"})
    table = pyarrow.parquet.read_table(io.BytesIO(parquet.content))
    assert table.column("asset").to_pylist() == [row["asset"] for row in rows]


@pytest.mark.parametrize("wanted", ["csv", "parquet"])
def test_the_tape_comes_as_a_file_too(board: Board, wanted: str) -> None:
    page = board.get("/BTC/trades", limit=20)
    older = {"cursor": page["data"][4]["trade_id"], "limit": 15}
    response = board.client.get("/api/v1/BTC/trades", params=older | {"format": wanted})
    if wanted == "csv":
        lines = csv.DictReader(io.StringIO(response.text, newline=""), strict=True)
        ids = [row["trade_id"] for row in lines]
    else:
        ids = pyarrow.parquet.read_table(io.BytesIO(response.content))["trade_id"].to_pylist()
    assert ids == [row["trade_id"] for row in page["data"][5:]]
    unknown = {"cursor": "no-trade", "format": wanted}
    assert_problem(board.client.get("/api/v1/BTC/trades", params=unknown), 422, "cursor")


# Refusals


@pytest.mark.parametrize("path", ["/DOGE", "/DOGE/strikes", "/btc", "/%00", "/DOGE/events"])
def test_an_unknown_asset_is_a_404_problem(board: Board, path: str) -> None:
    assert_problem(board.client.get(f"/api/v1{path}"), 404)


def test_a_state_of_before_the_first_chain_is_not_found_and_the_newest_is_waited_for(
    launch: Launcher,
) -> None:
    nowhere = f"ws://127.0.0.1:{free_port()}/ws/api/v2"
    with launch.board(nowhere, GAMMAFLIP_ASSETS="BTC") as starting:
        until(lambda: starting.client.get("/api/v1/BTC").status_code == 503, 60.0, "a first state")
        assert_problem(starting.client.get("/api/v1/BTC"), 503, "first complete chain")
        assert_problem(starting.client.get("/api/v1/BTC?seq=1"), 404, "at seq 1")


@pytest.mark.parametrize("path", ["/BTC", "/BTC/strikes", "/BTC/levels"])
def test_an_unknown_expiry_is_a_404_problem(board: Board, path: str) -> None:
    assert_problem(board.client.get(f"/api/v1{path}?expiry=31FEB99"), 404, "31FEB99")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/BTC?position=nobody", "position"),
        ("/BTC/strikes?book=comic", "book"),
        ("/BTC/strikes?format=xml", "format"),
        ("/BTC/matrix?greek=omega", "greek"),
        ("/BTC/trades?limit=0", "limit"),
        ("/BTC/trades?limit=1001", "limit"),
        ("/BTC/trades?limit=many", "limit"),
        ("/BTC?seq=-1", "seq"),
        ("/BTC/feedback?depth_usd=-5", "depth_usd"),
        ("/BTC/events?topic=weather", "topic"),
        ("/BTC/events?position=nobody", "position"),
        ("/BTC/events?topic=levels&book=comic", "book"),
        ("/BTC/events?topic=levels%3Fbook%3Dcomic", "topic"),
        ("/assets?format=xml", "format"),
        ("/BTC?format=csv", "format"),
        ("/BTC/levels?format=parquet", "format"),
        ("/BTC/matrix?format=xml", "format"),
    ],
)
def test_a_bad_parameter_is_a_422_problem_that_names_it(board: Board, path: str, name: str) -> None:
    assert_problem(board.client.get(f"/api/v1{path}"), 422, name)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path", ["/api/v1/BTC/nothing", "/api/v2/BTC", "/api/", "/api/v1/", "/api/v1/a/b/c/d"]
)
def test_an_unknown_api_address_is_a_problem_and_never_a_page(
    board: Board, path: str, method: str
) -> None:
    assert_problem(board.client.request(method, path), 404)


@pytest.mark.parametrize("length", [5_000, 60_000])
def test_an_absurd_query_is_refused_without_a_server_error(board: Board, length: int) -> None:
    response = board.client.get("/api/v1/BTC", params={"expiry": "x" * length})
    assert 400 <= response.status_code < 500


# Health, documentation, page


def test_health_and_readiness_say_line_by_line_what_they_checked(board: Board) -> None:
    assert board.client.get("/healthz").status_code == 200
    ready = board.client.get("/readyz")
    assert ready.status_code == 200
    checks = ready.json()["checks"]
    assert all(check["ok"] for check in checks)
    assert all(any(asset in check["name"] for check in checks) for asset in ("BTC", "ETH"))


def test_metrics_are_in_the_prometheus_format(board: Board) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    families = {
        family.name: family
        for family in text_string_to_metric_families(board.client.get("/metrics").text)
    }
    ages = {
        sample.labels["ccy"]: sample.value for sample in families["gex_data_age_seconds"].samples
    }
    assert ages.keys() == {"BTC", "ETH"}
    assert all(0 <= age < 60 for age in ages.values())


def test_the_reference_needs_nothing_from_elsewhere(board: Board) -> None:
    page = board.client.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text.replace("http://127.0.0.1", "").partition("<body")[0]
    assert board.client.get("/openapi.json").json()["info"]["title"] == "gammaflip"


def test_every_refusal_is_documented_as_a_problem_document(board: Board) -> None:
    paths = board.client.get("/openapi.json").json()["paths"]
    wrong = [
        f"{verb} {path} {status}"
        for path, verbs in paths.items()
        for verb, operation in verbs.items()
        for status, answer in operation["responses"].items()
        if status >= "400" and path.startswith("/api/")
        if "application/problem+json" not in answer.get("content", {})
    ]
    assert wrong == []


def test_every_read_documents_what_it_says_where_reads_need_a_token(board: Board) -> None:
    paths = board.client.get("/openapi.json").json()["paths"]
    assert [
        path
        for path, verbs in paths.items()
        for operation in verbs.values()
        if path.startswith("/api/") and not {"401", "403"} <= set(operation["responses"])
    ] == []


def test_every_documented_read_answers(board: Board) -> None:
    paths = board.client.get("/openapi.json").json()["paths"]
    reads = [path for path, verbs in paths.items() if "get" in verbs and "events" not in path]
    assert len(reads) >= 14
    for path in reads:
        if path.count("{") == path.count("{asset}"):
            response = board.client.get(path.replace("{asset}", "BTC"))
            assert response.status_code == 200, f"{path}: {response.status_code}"


def test_the_page_is_served_on_the_same_port(board: Board) -> None:
    page = board.client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "gammaflip" in page.text.lower()


# Push


def stream(board: Board) -> ClientConnection:
    return connect(board.url.replace("http", "ws") + "/api/v1/stream", max_size=None)


def receive(socket: ClientConnection, seconds: float = 10.0) -> Any:
    return json.loads(socket.recv(timeout=seconds))


def test_the_stream_begins_with_the_newest_of_every_topic(board: Board) -> None:
    with stream(board) as socket:
        before = newest_seq(board)
        socket.send(orjson.dumps({"subscribe": [f"BTC.{view}" for view in STREAMED]}).decode())
        messages = [receive(socket) for _ in STREAMED]
    assert {message["topic"] for message in messages} == {f"BTC.{view}" for view in STREAMED}
    assert all(message.keys() >= {"topic", "seq", "as_of", "data"} for message in messages)
    assert all(message["seq"] >= before for message in messages)


def test_the_stream_says_what_the_api_says_for_the_same_seq(board: Board) -> None:
    with stream(board) as socket:
        socket.send('{"subscribe":["BTC.summary","BTC.strikes","BTC.levels","BTC.profile"]}')
        for _ in range(4):
            message = receive(socket)
            view = message["topic"].removeprefix("BTC.").replace("summary", "")
            body = board.get(f"/BTC/{view}".rstrip("/"), seq=message["seq"])
            assert message["data"] == body["data"]
            assert message["as_of"] == body["as_of"]


@pytest.mark.parametrize("view", ["summary", "trades"])
def test_seq_steps_by_one_for_a_quick_reader_at_most_four_times_a_second(
    board: Board, view: str
) -> None:
    count = 9
    with stream(board) as socket:
        socket.send(orjson.dumps({"subscribe": [f"BTC.{view}"]}).decode())
        seqs = [receive(socket)["seq"]]
        started = time.monotonic()
        seqs += [receive(socket)["seq"] for _ in range(count - 1)]
        took_s = time.monotonic() - started
    steps = [after - before for before, after in pairwise(seqs)]
    assert min(steps) >= 1
    assert steps.count(1) >= len(steps) // 2, f"mostly nothing is skipped: {steps}"
    assert took_s > (count - 2) * 0.25 * 0.9


def test_a_reader_who_returns_gets_the_newest_and_nobody_waited_for_him(board: Board) -> None:
    with stream(board) as slow, stream(board) as quick:
        for socket in (slow, quick):
            socket.send('{"subscribe":["BTC.chain?book=linear","BTC.summary"]}')
            assert "error" in receive(socket), "a view that is not a topic is refused by name"
            socket.send('{"subscribe":["BTC.summary"]}')
        first = receive(quick)["seq"]
        target = first + 6
        until(lambda: receive(quick)["seq"] >= target, 15.0, "the quick reader goes on")
        # what waited in the slow reader's own buffers comes first, then the newest
        until(lambda: receive(slow)["seq"] >= target, 10.0, "the slow reader catches up")


@pytest.mark.parametrize(
    "nonsense", ["", "no json", "[]", '{"subscribe":7}', '{"shout":["BTC.summary"]}', "[" * 5000]
)
def test_nonsense_on_the_stream_is_answered_and_survived(board: Board, nonsense: str) -> None:
    with stream(board) as socket:
        socket.send(nonsense)
        assert "error" in receive(socket)
        socket.send('{"subscribe":["BTC.levels"]}')
        assert receive(socket)["topic"] == "BTC.levels"


def test_server_sent_events_resume_after_the_last_one_seen(board: Board) -> None:
    def first_event(**headers: str) -> tuple[int, dict[str, Any]]:
        fields: dict[str, str] = {}
        with board.client.stream("GET", "/api/v1/BTC/events", headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            for line in response.iter_lines():
                if not line and "data" in fields:
                    break
                name, _, value = line.partition(": ")
                fields[name] = value
        return int(fields["id"]), json.loads(fields["data"])

    seq, message = first_event()
    assert message["seq"] == seq
    later, _ = first_event(**{"Last-Event-ID": str(seq)})
    assert later > seq


def test_server_sent_events_take_the_query_of_every_other_read(board: Board) -> None:
    query = {
        "topic": ["levels", "strikes?position=reversed"],
        "position": "customer_long",
        "book": "inverse",
        "expiry": "next",
    }
    messages: list[dict[str, Any]] = []
    with board.client.stream("GET", "/api/v1/BTC/events", params=query) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                messages.append(json.loads(line.removeprefix("data: ")))
            if len(messages) == 2:
                break
    assert [message["position"] for message in messages] == ["customer_long", "reversed"]
    listed = board.get("/BTC", book="inverse", expiry="next")["quality"]["listed"]
    assert [message["quality"]["listed"] for message in messages] == [listed, listed]
    assert listed < board.get("/BTC")["quality"]["listed"]


@pytest.mark.parametrize("query", ["expiry=31FEB99", "topic=levels%3Fexpiry%3D31FEB99"])
def test_events_of_an_unknown_expiry_are_refused_before_they_begin(
    board: Board, query: str
) -> None:
    assert_problem(board.client.get(f"/api/v1/BTC/events?{query}"), 404, "31FEB99")


# What a fuzzer finds


@pytest.mark.timeout(300)
def test_a_fuzzer_finds_no_server_error_and_nothing_undocumented(
    board: Board, tmp_path: Path
) -> None:
    check = fuzz(board, tmp_path, "fuzzing", examples=2, limit_s=280.0)
    assert int(check.counted["operations"]) > 40
    assert check.held, check.counted["said"]


def test_every_address_names_the_methods_it_takes_to_one_that_it_does_not(board: Board) -> None:
    paths = board.client.get("/openapi.json").json()["paths"]
    for path, verbs in paths.items():
        response = board.client.put(path.replace("{asset}", "BTC"), json={})
        assert_problem(response, 405)
        allowed = set(response.headers["allow"].split(", "))
        assert allowed >= {verb.upper() for verb in verbs}, path


# Starting and refusing to start

NO_NUMBERS = ("nan", "inf", "-inf", "-1")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("run", "--port", "eighty"), "--port"),
        (("run", "--port", "70000"), "--port"),
        (("run", "--source", "telepathy"), "--source"),
        (("run", "--source", "http://127.0.0.1:1"), "--source"),
        (("run", "--assets", ""), "--assets"),
        (("run", "--assets", "B/C"), "--assets"),
        (("run", "--position", "guess"), "--position"),
        (("run", "--alert-allow-cidrs", "somewhere"), "--alert-allow-cidrs"),
        (("run", "--no-such-option"), "--no-such-option"),
        (("dance",), "dance"),
        (("exchange", "--speed", "0"), "--speed"),
        (("exchange", "--replay", "/no/such/file"), "--replay"),
        (("exchange", "--start", "yesterday"), "--start"),
        (("exchange", "--seed", "x"), "--seed"),
        (("exchange", "--seed", "-1"), "--seed"),
        *((("exchange", "--speed", value), "--speed") for value in NO_NUMBERS),
        *((("exchange", "--activity", value), "--activity") for value in NO_NUMBERS),
        *((("run", "--rate-limit", value), "--rate-limit") for value in NO_NUMBERS),
        *((("run", "--replay-speed", value), "--replay-speed") for value in NO_NUMBERS),
        (("exchange", "--start", "9999-12-31T00:00"), "--start"),
        (("exchange", "--start", "0001-01-01T00:00+14:00"), "--start"),
        (("exchange", "--host", "a..b", "--port", "0"), "--host"),
        (("exchange", "--host", "203.0.113.1", "--port", "0"), "--host"),
        (("exchange", "--index-script", "/"), "--index-script"),
        (("run", "--source", "replay:/nonexist"), "/nonexist"),
        (("run", "--source", "ws://"), "--source"),
        (("run", "--source", "ws://venue:99999/"), "--source"),
        (("run", "--database-url", "foo://x"), "--database-url"),
        (("run", "--database-url", "nonsense"), "--database-url"),
        (("run", "--database-url", "postgresql://venue:port/db"), "--database-url"),
        (("run", "--database-url", "sqlite://"), "--database-url"),
        (("run", "--data-dir", "/proc/foo"), "--data-dir"),
        (("run", "--data-dir", "~nobody-of-this-name/x"), "--data-dir"),
        (("record", "/proc/foo"), "FOLDER"),
        (("record", "--source", "replay:/nonexist", "/proc/foo"), "--source"),
        (("token", "create", "x", "--data-dir", "/proc/foo"), "--data-dir"),
        (("token", "list", "--data-dir", "/proc/foo"), "--data-dir"),
        (("token", "create", "x", "--database-url", "foo://x"), "--database-url"),
        (("backup", "out", "--data-dir", "/nonexist"), "--data-dir"),
        (("backup", "out", "--database-url", "postgresql://x/y"), "--database-url"),
    ],
)
def test_a_bad_argument_ends_with_code_2_and_one_sentence_that_names_it(
    launch: Launcher, arguments: tuple[str, ...], word: str
) -> None:
    ended = launch.run_to_end(*arguments)
    assert ended.code == 2, ended.output
    assert_one_sentence(ended.output, word)


def assert_one_sentence(output: str, *words: str) -> None:
    lines = output.strip().splitlines()
    assert len(lines) == 1, output
    assert "Traceback" not in output
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("name", "value"), [("GAMMAFLIP_PORT", "eighty"), ("GAMMAFLIP_TOKEN", "pässword")]
)
def test_a_bad_setting_in_the_environment_is_named_too(
    launch: Launcher, name: str, value: str
) -> None:
    ended = launch.run_to_end("run", **{name: value})
    assert ended.code == 2
    assert_one_sentence(ended.output, name)


def test_a_port_in_use_is_one_sentence(launch: Launcher, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        board = launch.run_to_end(
            "run", "--source", "demo", "--port", port, "--data-dir", str(tmp_path)
        )
        exchange = launch.run_to_end("exchange", "--port", port)
    for ended in (board, exchange):
        assert ended.code not in {0, 2}, ended.output
        assert_one_sentence(ended.output, port)


def test_a_data_directory_that_cannot_be_written_is_one_sentence(
    launch: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory")
    ended = launch.run_to_end(
        "run", "--source", "demo", "--port", "0", "--data-dir", str(tmp_path / "file" / "data")
    )
    assert ended.code == 2
    assert_one_sentence(ended.output, "data directory", "--data-dir")


def test_a_second_board_on_one_data_directory_is_refused_and_harms_nothing(
    launch: Launcher, board: Board
) -> None:
    folder = str(board.log.with_suffix(""))
    ended = launch.run_to_end("run", "--source", "demo", "--port", "0", "--data-dir", folder)
    assert ended.code == 1
    assert_one_sentence(ended.output, "another gammaflip", folder)
    assert board.is_ready()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - it is refused
def test_nobody_listens_beyond_loopback_without_a_token(
    launch: Launcher, tmp_path: Path, host: str
) -> None:
    ended = launch.run_to_end("run", "--host", host, "--port", "0", "--data-dir", str(tmp_path))
    assert ended.code == 2
    assert_one_sentence(ended.output, "GAMMAFLIP_TOKEN", "--host")


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs Linux's /proc")
def test_everything_that_a_demo_board_listens_on_is_loopback(board: Board) -> None:
    folder = Path("/proc") / str(board.pid)
    links = (str(entry.readlink()) for entry in (folder / "fd").iterdir() if entry.is_symlink())
    own = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    listening = []
    for table in ("tcp", "tcp6"):
        for line in (folder / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in own:
                listening.append(fields[1].partition(":")[0])
    assert len(listening) == 2, "the board and the exchange beside it"
    assert set(listening) == {"0100007F"}


def test_help_fits_one_screen_and_the_version_is_said(launch: Launcher) -> None:
    shown = launch.run_to_end("--help")
    assert shown.code == 0
    assert len(shown.output.splitlines()) <= 24
    version = launch.run_to_end("--version")
    assert version.code == 0
    assert "gammaflip" in version.output
    assert len(launch.run_to_end("run", "--help").output.splitlines()) <= 60


def test_the_module_runs_as_the_console_script_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "run", "--port", "x"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 2
    assert_one_sentence(done.stderr, "--port")


def test_simulated_data_is_announced_at_the_start(board: Board) -> None:
    assert "source: demo" in board.output()
    logged = [json.loads(line) for line in board.output().splitlines() if line.startswith("{")]
    assert {"board.started", "feed.connected"} <= {line["event"] for line in logged}
    assert {line.get("source") for line in logged} == {"demo"}
    assert board.url in board.output()
    assert not math.isnan(board.get("/BTC")["spot_usd"])
