"""The page in a real browser, beside the real API: the same numbers, nothing foreign, no error."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.page_views import DIGITS, MORE_DIGITS, SOME_DIGITS
from tests.browser import CHROMIUM, DESKTOP, PHONE, context_of, launched
from tests.processes import Board, Launcher, until

FIRST_NUMBERS_MS = 20_000
SLOW_S = 40.0
"""Longer than a page on a busy machine takes."""
UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "B": 1e9}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the path"),
]


@dataclass
class Tab:
    """One page and everything that must not happen on it."""

    page: Any
    board: Board
    problems: list[str] = field(default_factory=list)

    def open(self, query: str = "") -> None:
        """Load the page and wait for numbers of the asked selection."""
        self.page.goto(f"{self.board.url}/{query}")
        self.page.locator("#board.has-data").wait_for(timeout=FIRST_NUMBERS_MS)
        self.settle()

    def settle(self) -> None:
        """Wait until the numbers are those of the view, and drawn."""
        self.page.locator('main[aria-busy="false"]').wait_for(timeout=FIRST_NUMBERS_MS)

    def chart(self, key: str) -> dict[str, Any]:
        """What a chart shows now, with the state that it was drawn from."""
        drawn = until(lambda: self.page.evaluate(CHART, key), SLOW_S, f"{key} drawn")
        assert isinstance(drawn, dict)
        return drawn

    def text(self, name: str) -> str:
        return str(self.page.locator(f"#{name}").text_content())

    def prefer(self, **choices: str) -> None:
        """Choose how it looks, as in the dialog Display."""
        self.page.locator("#display-open").click()
        for name, value in choices.items():
            self.page.locator(f'#display [data-choice="{name}"][data-value="{value}"]').click()
        self.page.locator('[data-close="display"]').click()

    def reject_foreign(self, url: str) -> None:
        own = self.board.url.removeprefix("http://")
        if not url.startswith((f"http://{own}/", f"ws://{own}/", "data:", "blob:")):
            self.problems.append(f"foreign request: {url}")


CHART = """key => {
  const { data, layout } = document.querySelector(`#chart-${key} .plot`);
  if (layout?.meta?.seq === undefined) return null;
  const traces = data.map(({ name, x, y, z }) => ({ name, x, y, z }));
  return { seq: layout.meta.seq, asset: layout.meta.asset, traces, shapes: layout.shapes };
}"""
TAPE = """() => {
  const rows = [...document.querySelectorAll("#tape-rows tr:not(.none)")];
  return rows.map((row) => [...row.children].map((cell) => cell.textContent));
}"""
FIGURES = """() => {
  const text = (id) => document.getElementById(id).textContent;
  const rows = [...document.querySelectorAll("#ladder-rows tr")];
  return {
    seq: Number(document.getElementById("ladder-rows").dataset.seq),
    ladder: rows.map((row) => [...row.children].map((cell) => cell.textContent)),
    ...Object.fromEntries([
      "spot", "regime", "kpi-gex", "kpi-gex-words", "kpi-flip", "kpi-call-wall", "kpi-put-wall",
      "kpi-up", "kpi-down", "kpi-vega", "kpi-iv", "range-words", "regime-dissent",
    ].map((id) => [id, text(id)])),
  };
}"""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("page")).board("demo") as board:
        yield board.wait_ready(60.0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


def new_tab(browser: Any, board: Board, size: tuple[int, int]) -> Tab:
    tab = Tab(context_of(browser, size).new_page(), board)
    tab.page.on("request", lambda request: tab.reject_foreign(request.url))
    tab.page.on("websocket", lambda socket: tab.reject_foreign(socket.url))
    tab.page.on("pageerror", lambda error: tab.problems.append(f"page error: {error}"))
    tab.page.on(
        "console",
        lambda message: message.type == "error" and tab.problems.append(f"console: {message.text}"),
    )
    return tab


@pytest.fixture(scope="module")
def desktop(browser: Any, board: Board) -> Iterator[Tab]:
    tab = new_tab(browser, board, DESKTOP)
    tab.open()
    yield tab
    tab.page.context.close()


@pytest.fixture
def tab(desktop: Tab) -> Iterator[Tab]:
    """The desktop page in its default view; the test fails on anything that it should not do."""
    yield desktop
    assert desktop.problems == []


def amount(text: str) -> tuple[float, float]:
    """A number as printed and half of its last digit: the most that rounding may take."""
    found = re.fullmatch(r"([+−]?)([\d,]+(?:\.(\d+))?)([kMB%]?)", text)
    assert found, f"expected a number, was {text!r}"
    sign, digits, decimals, unit = found.groups()
    scale = 0.01 if unit == "%" else UNITS[unit]
    value = float(digits.replace(",", "")) * scale * (-1 if sign == "−" else 1)
    return value, 0.5 * scale / 10 ** len(decimals or "") * (1 + 1e-9)


def assert_prints(text: str, value: float) -> None:
    printed, half = amount(text)
    assert abs(printed - value) <= half, f"{text} does not print {value}"


def columns(rows: list[dict[str, Any]], *names: str) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in names]


def cut(value: Any, digits: int = DIGITS) -> Any:
    """What the page is sent of an array of the API: its first significant digits."""
    if isinstance(value, list):
        return [cut(item, digits) for item in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def test_every_chart_shows_exactly_what_the_api_says(tab: Tab) -> None:
    gex = tab.chart("gex")
    strikes = tab.board.get("/BTC/strikes", seq=gex["seq"])["data"]
    strike, calls, puts, net = columns(
        strikes, "strike", "call_gex_usd_per_1pct", "put_gex_usd_per_1pct", "gex_usd_per_1pct"
    )
    *drawn_traces, alone = gex["traces"]
    in_sight = drawn_traces[0]["x"]  # and half a window beyond on each side
    first = strike.index(in_sight[0])
    part = slice(first, first + len(in_sight))
    assert len(in_sight) > len(strike) / 3
    assert [trace["x"] for trace in drawn_traces] == [strike[part]] * 3
    assert [trace["y"] for trace in drawn_traces] == cut([calls[part], puts[part], net[part]])
    assert alone["y"] == []

    levels = tab.board.get("/BTC/levels", seq=gex["seq"])["data"]
    spot = tab.board.get("/BTC", seq=gex["seq"])["spot_usd"]
    walls = {levels["call_wall_usd"], levels["put_wall_usd"]} - {None}
    pins = [levels["pin"]["strike_usd"]] if levels["pin"] else []
    expected = sorted([spot, *[flip["spot_usd"] for flip in levels["flips"]], *walls, *pins])
    lines = [shape for shape in gex["shapes"] if shape["type"] == "line"]
    assert sorted(line["x0"] for line in lines) == expected

    drawn = tab.chart("profile")
    profile = tab.board.get("/BTC/profile", seq=drawn["seq"])["data"]
    curve = drawn["traces"][0]
    assert curve["x"] == cut(profile["spot_usd"], SOME_DIGITS["spot_usd"])
    assert curve["y"] == cut(profile["gex_usd_per_1pct"])

    drawn = tab.chart("matrix")
    matrix = tab.board.get("/BTC/matrix", greek="gex", seq=drawn["seq"])["data"]
    cells = drawn["traces"][0]
    assert (cells["x"], cells["y"]) == (matrix["strikes"], matrix["expiries"])
    assert cells["z"] == cut(matrix["values"])

    drawn = tab.chart("expiries")
    rows = tab.board.get("/BTC/expiries", seq=drawn["seq"])["data"]
    bars = drawn["traces"][0]
    assert [bars["y"], bars["x"]] == cut(columns(rows, "expiry", "gex_usd_per_1pct"))


@pytest.mark.parametrize("greek", ["vega", "vanna", "charm", "oi"])
def test_the_map_of_every_greek_is_the_apis(tab: Tab, greek: str) -> None:
    tab.open(f"?greek={greek}")
    drawn = tab.chart("matrix")
    matrix = tab.board.get("/BTC/matrix", greek=greek, seq=drawn["seq"])["data"]
    cells = drawn["traces"][0]
    assert cells["z"] == cut(matrix["values"])
    assert tab.text("unit-matrix")


@pytest.mark.parametrize("by", ["vega", "vanna", "charm"])
def test_the_expiries_by_every_exposure_are_the_apis(tab: Tab, by: str) -> None:
    tab.open(f"?by={by}")
    drawn = tab.chart("expiries")
    rows = tab.board.get("/BTC/expiries", seq=drawn["seq"])["data"]
    name = next(name for name in rows[0] if name.startswith(f"{by}_"))
    assert [drawn["traces"][0]["x"]] == cut(columns(rows, name), MORE_DIGITS)


def test_the_path_and_the_tape_are_the_apis(tab: Tab) -> None:
    tab.open()
    drawn = tab.chart("charm")["traces"][0]
    path = tab.board.get("/BTC/hedge-flow/path")["data"]
    assert len(drawn["x"]) == len(path)
    assert drawn["x"] == sorted(drawn["x"])
    printed = until(lambda: tab.page.evaluate(TAPE), 20.0, "prints on the tape")
    trades = tab.board.get("/BTC/trades", limit=1000)["data"]
    known = {
        (trade["instrument_name"].partition("-")[2], trade["direction"] + "s") for trade in trades
    }
    assert {(option.split()[0], taker) for _, option, taker, *_ in printed} <= known


def test_units_and_sides_change_what_is_drawn_and_nothing_else(tab: Tab) -> None:
    tab.open()
    try:
        tab.prefer(unit="coin", sides="net")
        until(lambda: tab.text("unit-gex") == "coins per 1 %", 5.0, "unit said")
        drawn = until(lambda: settled_net(tab), SLOW_S, "net bars drawn")
        body = tab.board.get("/BTC/strikes", seq=drawn["seq"])
        net = {row["strike"]: cut(row["gex_usd_per_1pct"]) for row in body["data"]}
        alone = drawn["traces"][3]
        assert alone["y"] == [net[strike] / body["spot_usd"] for strike in alone["x"]]
    finally:
        tab.prefer(unit="pct", sides="split")


def settled_net(tab: Tab) -> dict[str, Any] | None:
    """The chart of strikes once it shows nets alone."""
    drawn = tab.chart("gex")
    return drawn if drawn["traces"][3]["y"] else None


def test_every_key_figure_prints_the_api(tab: Tab) -> None:
    shown = tab.page.evaluate(FIGURES)
    body = tab.board.get("/BTC", seq=shown["seq"])
    data = body["data"]
    net, gross, levels, flow = (data[key] for key in ("net", "gross", "levels", "hedge_flow"))
    assert_prints(shown["spot"], body["spot_usd"])
    assert_prints(shown["kpi-gex"], net["gex_usd_per_1pct"])
    assert_prints(shown["kpi-gex-words"].split()[-2], gross["gex_usd_per_1pct"])
    assert_prints(shown["kpi-up"], flow["up_1pct_usd"])
    assert_prints(shown["kpi-down"], flow["down_1pct_usd"])
    assert_prints(shown["kpi-vega"], net["vega_usd_per_pt"])
    assert_prints(shown["kpi-iv"], data["atm_iv"])
    for key, level in (("flip", "flip_usd"), ("call-wall", "call_wall_usd")):
        if levels[level] is None:
            assert shown[f"kpi-{key}"] == "–"
        else:
            assert_prints(shown[f"kpi-{key}"], levels[level])
    word = {"long_gamma": "Long gamma", "short_gamma": "Short gamma"}[data["regime"]]
    assert shown["regime"].endswith(word)
    assert shown["regime-dissent"] == dissent(data["regime"], data["range"]["posterior"])
    for text, model in zip(shown["range-words"].split(" | "), data["range"].values(), strict=True):
        assert_prints(text.split()[-1], model["gex_usd_per_1pct"])


def dissent(regime: str, posterior: dict[str, Any]) -> str:
    """What stands beside the regime: how many draws of the posterior see the other one."""
    short = posterior["p_short_gamma"]
    if short is None or short == 0.5:
        return ""
    against, other = (1 - short, "long") if regime == "short_gamma" else (short, "short")
    return f"posterior: {math.floor(100 * against + 0.5)} % {other}" if against > 0.5 else ""


def test_the_ladder_prints_the_api_with_high_prices_on_top(tab: Tab) -> None:
    shown = tab.page.evaluate(FIGURES)
    body = tab.board.get("/BTC/hedge-flow", seq=shown["seq"])
    rows, spot = body["data"], body["spot_usd"]
    flows = {row["move_pct"]: row for row in rows if row["horizon_s"] == 0}
    moves = []
    for move_text, spot_text, trade, _, gamma, *_ in shown["ladder"]:
        move = 0.0 if move_text == "spot" else round(amount(move_text)[0] * 100, 6)
        moves.append(move)
        assert_prints(spot_text, flows[move]["spot_usd"])
        if move:
            side, size = trade.split()
            usd = flows[move]["flow_usd"]
            assert side == ("buy" if usd > 0 else "sell")
            assert_prints(size, abs(usd))
            assert_prints(gamma, flows[move]["gamma_coin"] * spot)
    assert moves == sorted(moves, reverse=True)
    assert len(moves) >= 11


def test_demo_data_cannot_be_mistaken_for_the_market(tab: Tab) -> None:
    banner = tab.page.locator("#banner")
    assert banner.is_visible()
    assert "DEMO" in banner.inner_text()
    assert "Simulated data" in banner.inner_text()
    assert tab.text("pill-word") == "DEMO"


def test_a_deep_link_shows_its_view_and_a_click_becomes_a_link(tab: Tab) -> None:
    tab.open("?asset=eth&expiry=WEEKLY&position=reversed&book=inverse")
    pressed = tab.page.locator('.controls [aria-pressed="true"]').all_inner_texts()
    assert pressed == ["ETH", "Weekly"]
    chosen = [tab.page.locator(f"#select-{name}").input_value() for name in ("position", "book")]
    assert chosen == ["reversed", "inverse"]
    shown = tab.page.evaluate(FIGURES)
    query = {"expiry": "weekly", "position": "reversed", "book": "inverse"}
    data = tab.board.get("/ETH", seq=shown["seq"], **query)["data"]
    assert_prints(shown["kpi-gex"], data["net"]["gex_usd_per_1pct"])

    tab.page.locator("#select-position").select_option("customer_long")
    tab.settle()
    assert tab.page.url.endswith("?asset=ETH&position=customer_long&expiry=weekly&book=inverse")
    tab.open("?asset=DOGE&expiry=soon&expiry=1XXX99&position=best&book=of")
    until(lambda: tab.page.url.endswith("?asset=BTC"), 5.0, "what the board does not know dropped")
    assert "unknown expiry 1XXX99" in tab.text("notice")


def test_keys_lead_everywhere(tab: Tab) -> None:
    tab.open()
    keyboard = tab.page.keyboard
    keyboard.press("7")
    assert tab.page.evaluate("document.activeElement.id") == "panel-ladder"
    keyboard.press("e")
    tab.settle()
    keyboard.press("x")
    tab.settle()
    assert tab.page.url.endswith("?asset=ETH&expiry=0dte")
    keyboard.press("?")
    assert tab.page.locator("#help").is_visible()
    keyboard.press("Escape")
    keyboard.press("b")
    keyboard.press("r")
    tab.settle()
    assert tab.text("spot-unit").startswith("BTC")


def test_the_words_of_numbers_are_exact(tab: Tab) -> None:
    words = tab.page.evaluate(
        """async () => {
          const { age, brief, countdown, level, money, percent } =
            await import("/assets/format.mjs");
          const { judge } = await import("/assets/status.mjs");
          const header = { status: "live", source: "demo", age_ms: 100 };
          const words = (header, silence) => judge(header, silence, 0).word;
          return [
            [59_312_345, -999_960, 1_234_567_890, 12.4, 0, null, NaN].map((x) => money(x)),
            [brief(59_312_345), brief(-5_931_234), level(96_816.4), percent(-0.01234, 2)],
            [countdown(90_061_000), countdown(-1), age(240), age(61_000), age(null)],
            [
              words(null, 0), words(header, 100), words(header, 5_001),
              words({ ...header, source: "live" }, 0), words({ ...header, status: "stale" }, 0),
              words({ ...header, status: "maintenance" }, 0),
              words({ ...header, status: "starting" }, 0),
            ],
          ];
        }"""
    )
    assert words == [
        ["+59.3M", "−1.0M", "+1.23B", "+12", "0", "–", "–"],
        ["+59M", "−5.9M", "96,816", "−1.23%"],
        ["1d 01:01:01", "00:00:00", "0.2 s", "61 s", "–"],
        ["CONNECTING", "DEMO", "STALE", "LIVE", "STALE", "MAINTENANCE", "STARTING"],
    ]


def assert_all_is_drawn(tab: Tab) -> None:
    for key in ("gex", "profile", "matrix", "expiries", "history", "charm"):
        tab.page.locator(f"#panel-{key}").scroll_into_view_if_needed()
        traces = tab.chart(key)["traces"]
        assert any(trace["x"] for trace in traces), f"{key} is empty"
        box = tab.page.locator(f"#chart-{key}").bounding_box()
        assert box["width"] > 200
        assert box["height"] > 100


def page_size(tab: Tab) -> tuple[int, int]:
    width, height = tab.page.evaluate(
        "(({ scrollWidth, scrollHeight }) => [scrollWidth, scrollHeight])(document.documentElement)"
    )
    return width, height


def test_a_desktop_shows_the_whole_board_without_scrolling(tab: Tab) -> None:
    assert_all_is_drawn(tab)
    assert page_size(tab) == DESKTOP


def test_a_phone_shows_the_whole_board_in_one_column(browser: Any, board: Board) -> None:
    tab = new_tab(browser, board, PHONE)
    tab.open()
    assert_all_is_drawn(tab)
    width, height = page_size(tab)
    assert width == PHONE[0]
    assert height > PHONE[1]
    buttons = tab.page.locator(".controls button:visible, .top button:visible").all()
    assert min(button.bounding_box()["height"] for button in buttons) >= 38
    order = (
        "gex", "ladder", "profile", "history", "matrix", "expiries", "charm", "tape", "alerts",
    )  # fmt: skip
    tops = [tab.page.locator(f"#panel-{key}").bounding_box()["y"] for key in order]
    assert tops == sorted(tops)
    assert tab.problems == []
    tab.page.context.close()


def test_no_script_may_be_built_from_text(board: Board) -> None:
    policy = board.client.get("/").headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'sha256-" in policy
