"""Every further number of the page is that of the answer it was given, in a market that runs fast.

What reads the past has no `seq`: the page is compared with the API's own answers as it got them.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError

from tests.browser import CHROMIUM, DESKTOP, launched
from tests.e2e.test_page import Tab, amount, assert_prints, new_tab
from tests.processes import Board, Launcher, until

SPEED = "60"  # two minutes of candle in two seconds
SLOW_S = 60.0
QUARTER_MS, DAY_MS = 900_000, 86_400_000
TRACES = """key => {
  const graph = document.querySelector(`#chart-${key} .plot`);
  if (!graph?.layout?.meta) return null;
  const names = ["name", "x", "y", "z", "open", "high", "low", "close"];
  return graph.data.map((trace) => Object.fromEntries(names.map((name) => [name, trace[name]])));
}"""
ROWS = """id => [...document.querySelectorAll(`#${id} tr`)]
  .map((row) => [...row.children].map((cell) => cell.textContent))"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the path"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    launcher = Launcher(tmp_path_factory.mktemp("numbers"))
    with launcher.pair("--speed", SPEED, "--no-limits") as board:
        yield board.wait_ready()


class Watched(Tab):
    """A tab that remembers the newest answers of the API by path."""

    def listen(self) -> None:
        self.answers: dict[str, Any] = {}
        self.page.on("response", self._keep)

    def open(self, query: str = "") -> None:
        """Load the page; answers to the one before it are gone."""
        self.answers.clear()
        super().open(query)

    def _keep(self, response: Any) -> None:
        _, found, path = response.url.partition("/api/v1/")
        if found and response.status == 200:
            self.answers[path.partition("?")[0]] = response

    def answer(self, path: str) -> Any:
        """The newest answer of an address, waited for."""
        until(lambda: self._breathe() and path in self.answers, SLOW_S, f"an answer of {path}")
        try:
            return json.loads(self.answers[path].body())
        except PlaywrightError as error:  # the browser keeps bodies for a while only
            del self.answers[path]
            raise AssertionError(f"the browser let go of {path}") from error

    def _breathe(self) -> bool:
        self.page.wait_for_timeout(100)
        return True

    def until_shown(self, check: Callable[[], None]) -> None:
        """Until the page shows its newest answers; the last difference is the failure."""

        def holds() -> bool:
            self._breathe()
            try:
                check()
            except AssertionError as error:
                self.last = error
                return False
            return True

        try:
            until(holds, SLOW_S, "the page shows its answers")
        except AssertionError:
            raise self.last from None

    def traces(self, key: str) -> list[dict[str, Any]]:
        drawn = self.page.evaluate(TRACES, key)
        assert drawn, f"{key} is not drawn yet"
        return list(drawn)

    def rows(self, name: str) -> list[list[str]]:
        return list(self.page.evaluate(ROWS, name))


@pytest.fixture(scope="module")
def tab(board: Board) -> Iterator[Watched]:
    with launched() as browser:
        plain = new_tab(browser, board, DESKTOP)
        watched = Watched(plain.page, board, plain.problems)
        watched.listen()
        yield watched
        assert watched.problems == []


def test_the_change_of_a_day(tmp_path_factory: pytest.TempPathFactory) -> None:
    launcher = Launcher(tmp_path_factory.mktemp("day"))
    with (
        launcher.exchange("--speed", SPEED, "--no-limits", "--control") as exchange,
        launcher.board(exchange.url) as board,
        launched() as browser,
    ):
        began = board.wait_ready().get("/BTC")["as_of"]
        until(
            lambda: board.get("/BTC")["as_of"] > began + QUARTER_MS, SLOW_S, "a quarter of an hour"
        )
        a_day_later = began + DAY_MS
        exchange.control(now_ms=a_day_later + QUARTER_MS // 3, speed=1.0)
        # the exchange answers nobody while it works through the day
        until(lambda: board.get("/BTC")["as_of"] > a_day_later, 3 * SLOW_S, "a day later")
        plain = new_tab(browser, board, DESKTOP)
        before: list[float] = []

        def keep(response: Any) -> None:
            if "points=10" in response.url and response.status == 200:
                before.extend(row["spot_usd"] for row in response.json()["data"][:1])

        plain.page.on("response", keep)
        plain.open()
        look = "() => ['spot-change', 'spot'].map((id) => document.getElementById(id).textContent)"

        def shown() -> Any:
            plain.page.wait_for_timeout(100)
            change, spot = plain.page.evaluate(look)
            return (change, spot) if before and not change.startswith("24 h") else None

        change, spot = until(shown, SLOW_S, "a change")
        assert_prints(change, amount(spot)[0] / before[0] - 1)
        assert plain.problems == []


def assert_shows(text: str, value: float | None) -> None:
    """A printed number, or the dash of what is unknown."""
    if value is None:
        assert text == "–"
    else:
        assert_prints(text, value)


def said(text: str) -> tuple[str, str]:
    """`sell 95.1M` as its side and its size."""
    side, _, size = text.partition(" ")
    return side, size


def test_candles_flip_and_walls_through_time(tab: Watched) -> None:
    def is_long_enough() -> bool:
        now = tab.board.get("/BTC")["as_of"]
        since = now - 4 * 3_600_000
        kept = tab.board.get("/BTC/history", **{"from": since}, to=now, points=120)
        return len(kept["data"]) > 8

    until(is_long_enough, 2 * SLOW_S, "a quarter of an hour of the past")
    tab.open()

    def check() -> None:
        rows = tab.answer("BTC/history")["data"]
        price, line, flip, call, put = tab.traces("history")
        assert len(rows) >= 8
        assert line["x"] == []
        assert price["x"] == [row["timestamp"] for row in rows]
        assert price["open"][1:] == [row["spot_usd_last"] for row in rows[:-1]]
        assert price["close"][:-1] == [row["spot_usd_last"] for row in rows[:-1]]
        assert price["high"][:-1] == [row["spot_usd_max"] for row in rows[:-1]]
        assert price["low"][:-1] == [row["spot_usd_min"] for row in rows[:-1]]
        assert flip["y"] == [row["flip_usd"] for row in rows]
        assert call["y"] == [row["call_wall_usd"] for row in rows]
        assert put["y"] == [row["put_wall_usd"] for row in rows]

    tab.until_shown(check)


def test_the_charm_path(tab: Watched) -> None:
    tab.open()

    def check() -> None:
        path = tab.answer("BTC/hedge-flow/path")["data"]
        flow = tab.traces("charm")[0]
        assert flow["x"] == [row["at_ms"] for row in path]
        assert flow["y"] == [row["flow_usd"] for row in path]

    tab.until_shown(check)


def test_every_column_of_the_tape(tab: Watched) -> None:
    tab.open()
    printed = until(lambda: tab.rows("tape-rows")[:20], SLOW_S, "prints")
    trades = tab.board.get("/BTC/trades", limit=1000)["data"]

    def is_printed_by(row: list[str], trade: dict[str, Any]) -> bool:
        time, option, taker, coins, iv, premium = row
        at = datetime.fromtimestamp(trade["timestamp"] / 1000, UTC)
        name, *marks = option.split()
        if (time, name) != (f"{at:%H:%M:%S}", trade["instrument_name"].partition("-")[2]):
            return False
        numbers = [(coins, "amount_coin"), (iv, "iv"), (premium, "premium_usd")]
        return (
            taker == f"{trade['direction']}s"
            and ("block" in marks) == bool(trade["block_trade_id"])
            and all(is_shown_as(text, trade[key]) for text, key in numbers)
        )

    def is_shown_as(text: str, value: float | None) -> bool:
        if value is None or text == "–":  # a print below intrinsic value has no volatility
            return value is None and text == "–"
        printed, half = amount(text)
        return abs(printed - value) <= half

    for row in printed:
        assert any(is_printed_by(row, trade) for trade in trades), f"no trade is {row}"


def test_what_moves_slowly_in_the_ladder(tab: Watched) -> None:
    tab.open("?when=24h")

    def check() -> None:
        body = tab.answer("BTC/hedge-flow")
        flows = {row["move_pct"]: row for row in body["data"] if row["horizon_s"] == 86_400}
        for move_text, _, trade, _, gamma, charm, vanna, depth in tab.rows("ladder-rows"):
            move = 0.0 if move_text == "spot" else round(amount(move_text)[0] * 100, 6)
            row, usd = flows[move], flows[move]["flow_usd"]
            side, size = said(trade)
            assert side == ("buy" if usd > 0 else "sell")
            assert_prints(size, abs(usd))
            spot = body["spot_usd"]
            parts = (row["gamma_coin"], row["charm_coin"] + row["expiry_coin"], row["vanna_coin"])
            for text, coins in zip((gamma, charm, vanna), parts, strict=True):
                printed, half = amount(text)
                # the index of the tick turns coins to dollars, which may be newer than the answer
                assert abs(printed - coins * spot) <= half + 2e-3 * abs(coins * spot)
            share = row["share_of_depth"]
            assert (
                depth == ">10x"
                if share > 10
                else amount(depth)[0] == pytest.approx(share, abs=0.006)
            )

    tab.until_shown(check)


def test_every_cell_of_the_position_models(tab: Watched) -> None:
    tab.open("?view=positions&asset=BTC")

    def check() -> None:
        body = tab.answer("BTC/positions")
        for row, model in zip(tab.rows("positions-rows"), body["data"], strict=True):
            _, net, interval, regime, p_short, flip, flips, p_none, vega, delta, coverage, _ = row
            assert_shows(net, model["gex_usd_per_1pct"])
            assert_between(interval, model["gex_usd_per_1pct_lo"], model["gex_usd_per_1pct_hi"])
            assert regime.split()[-1] == model["regime"].partition("_")[0]
            assert_shows(p_short.replace(" ", ""), model["p_short_gamma"])
            assert_shows(flip, model["flip_usd"])
            assert_between(flips, model["flip_usd_lo"], model["flip_usd_hi"])
            assert_shows(p_none.replace(" ", ""), model["p_no_flip"])
            assert_shows(vega, model["vega_usd_per_pt"])
            assert_shows(delta, model["delta_coin"])
            assert_shows(coverage.replace(" ", ""), model["coverage"])
        stability = body["stability"]
        shifts = ("iv_up_usd", "iv_down_usd", "basis_up_usd", "basis_down_usd", "day_usd")
        for (_, moved, to, share), name in zip(tab.rows("positions-shifts"), shifts, strict=True):
            assert_prints(moved, stability[name])
            assert_prints(to, stability["flip_usd"] + stability[name])
            assert_prints(share, stability[name] / body["spot_usd"])
        printed = tab.page.locator("#positions-margins strong").all_inner_texts()
        margins = ("spot_margin_days", "level_margin_days", "position_margin_sd")
        for text, name in zip(printed, margins, strict=True):
            if stability[name] is None:
                assert text == "never"
            else:
                assert_prints(text, stability[name])

    tab.until_shown(check)


def assert_between(text: str, low: float | None, high: float | None) -> None:
    if low is None or high is None:
        assert text == "–"
        return
    first, _, last = text.partition(" to ")
    assert_prints(first, low)
    assert_prints(last, high)


def test_the_past_by_strike_is_drawn_as_it_was_kept(tab: Watched) -> None:
    tab.open("?view=surface&asset=BTC&span=6h")

    def check() -> None:
        table = tab.answer("BTC/history/strikes")["data"]
        cells, index, flip = tab.traces("surface-past")
        assert cells["y"] == table["strikes"]
        columns = [list(column) for column in zip(*cells["z"], strict=True)]
        kept = [column for column in columns if any(cell is not None for cell in column)]
        assert kept == table["gex_usd_per_1pct"]
        assert index["y"][: len(table["spot_usd"])] == table["spot_usd"]
        assert flip["y"][: len(table["flip_usd"])] == table["flip_usd"]

    tab.until_shown(check)


def test_the_figures_of_a_past_minute(tab: Watched) -> None:
    tab.open("?view=replay&asset=BTC")
    until(
        lambda: len(tab.answer("BTC/history/strikes")["data"]["timestamp"]) > 3, SLOW_S, "minutes"
    )
    tab.page.locator("#replay-back").click()
    tab.page.locator("#replay-back").click()

    def check() -> None:
        table = tab.answer("BTC/history/strikes")["data"]
        at = int(tab.page.evaluate("new URLSearchParams(location.search).get('t')"))
        frame = table["timestamp"].index(at)
        for name, column in (
            ("spot", "spot_usd"), ("gex", "net_gex_usd_per_1pct"), ("flip", "flip_usd"),
            ("call-wall", "call_wall_usd"), ("put-wall", "put_wall_usd"),
        ):  # fmt: skip
            assert_shows(tab.text(f"replay-{name}"), table[column][frame])
        gross = tab.text("replay-gex-words").split()[1]
        assert_prints(gross, table["gross_gex_usd_per_1pct"][frame])
        index, flip = tab.traces("replay-path")
        assert (index["x"], index["y"]) == (table["timestamp"], table["spot_usd"])
        assert flip["y"] == table["flip_usd"]

    tab.until_shown(check)


def test_the_past_under_another_model_is_its_own_and_names_bars_by_their_sign(tab: Watched) -> None:
    tab.open("?view=replay&asset=BTC&position=reversed")

    def check() -> None:
        answer = tab.answer("BTC/history/strikes")
        assert answer["position"] == "reversed"
        gex = answer["data"]["net_gex_usd_per_1pct"][-1]
        assert_shows(tab.text("replay-gex"), gex)
        assert (tab.text("replay-long"), tab.text("replay-short")) == ("puts", "calls")

    tab.until_shown(check)


def test_every_text_of_what_if(tab: Watched) -> None:
    tab.open("?view=whatif&asset=BTC&move=-4&iv=6&hours=24")

    def check() -> None:
        data = tab.answer("simulations/what-if")["data"]
        for word, side in (("now", "before"), ("then", "after")):
            state, flow = data[side], data[side]["hedge_flow"]
            flows = dict(zip(flow["move_pct"], flow["flow_usd"], strict=True))
            shown = {key: tab.text(f"whatif-{word}-{key}").removeprefix("now ") for key in KEYS}
            assert_prints(shown["gex"], state["net"]["gex_usd_per_1pct"])
            assert_prints(shown["delta"], state["net"]["delta_coin"])
            assert_prints(shown["vega"], state["net"]["vega_usd_per_pt"])
            assert_shows(shown["flip"], state["levels"]["flip_usd"])
            for key, move in (("up", 1), ("down", -1)):
                trade, size = said(shown[key])
                assert trade == ("buy" if flows[move] > 0 else "sell")
                assert_prints(size, abs(flows[move]))
        before, after = (data[side]["hedge_flow"] for side in ("before", "after"))
        for i, (move, now, then, coins) in enumerate(reversed(tab.rows("whatif-rows"))):
            if move == "spot":
                continue
            assert_prints(move, after["move_pct"][i] / 100)
            assert_prints(said(now)[1], abs(before["flow_usd"][i]))
            assert_prints(said(then)[1], abs(after["flow_usd"][i]))
            assert_prints(coins, abs(after["flow_coin"][i]))

    tab.until_shown(check)


KEYS = ("gex", "delta", "vega", "flip", "up", "down")
