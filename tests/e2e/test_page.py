"""The page in a real browser, beside the real API: the same numbers, nothing foreign, no error."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.page_views import DIGITS
from tests.processes import Board, Launcher, until

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP, PHONE = (1600, 1000), (390, 844)
FIRST_NUMBERS_MS = 20_000
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
        drawn = until(lambda: self.page.evaluate(CHART, key), 10.0, f"{key} drawn")
        assert isinstance(drawn, dict)
        return drawn

    def text(self, name: str) -> str:
        return str(self.page.locator(f"#{name}").text_content())

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
FIGURES = """() => {
  const text = (id) => document.getElementById(id).textContent;
  const rows = [...document.querySelectorAll("#ladder-rows tr")];
  return {
    seq: Number(text("data-age").match(/seq (\\d+)/)[1]),
    ladder: rows.map((row) => [...row.children].map((cell) => cell.textContent)),
    ...Object.fromEntries([
      "spot", "regime", "kpi-gex", "kpi-gex-words", "kpi-flip", "kpi-call-wall", "kpi-put-wall",
      "kpi-up", "kpi-down", "kpi-vega", "kpi-iv", "range-words",
    ].map((id) => [id, text(id)])),
  };
}"""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("page")).board("demo") as board:
        yield board.wait_ready(60.0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


def new_tab(browser: Any, board: Board, size: tuple[int, int]) -> Tab:
    width, height = size
    is_phone = size == PHONE
    context = browser.new_context(
        viewport={"width": width, "height": height}, has_touch=is_phone, is_mobile=is_phone
    )
    tab = Tab(context.new_page(), board)
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


def cut(value: Any) -> Any:
    """What the page is sent of an array of the API: its first significant digits."""
    if isinstance(value, list):
        return [cut(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def test_every_chart_shows_exactly_what_the_api_says(tab: Tab) -> None:
    gex = tab.chart("gex")
    strikes = tab.board.get("/BTC/strikes", seq=gex["seq"])["data"]
    strike, calls, puts, net = columns(
        strikes, "strike", "call_gex_usd_per_1pct", "put_gex_usd_per_1pct", "gex_usd_per_1pct"
    )
    assert [trace["x"] for trace in gex["traces"]] == [cut(strike)] * 3
    assert [trace["y"] for trace in gex["traces"]] == cut([calls, puts, net])

    levels = tab.board.get("/BTC/levels", seq=gex["seq"])["data"]
    spot = tab.board.get("/BTC", seq=gex["seq"])["spot_usd"]
    walls = {levels["call_wall_usd"], levels["put_wall_usd"]} - {None}
    expected = sorted([spot, *[flip["spot_usd"] for flip in levels["flips"]], *walls])
    lines = [shape for shape in gex["shapes"] if shape["type"] == "line"]
    assert sorted(line["x0"] for line in lines) == expected

    drawn = tab.chart("profile")
    profile = tab.board.get("/BTC/profile", seq=drawn["seq"])["data"]
    curve = drawn["traces"][0]
    assert [curve["x"], curve["y"]] == cut([profile["spot_usd"], profile["gex_usd_per_1pct"]])

    drawn = tab.chart("matrix")
    matrix = tab.board.get("/BTC/matrix", greek="gex", seq=drawn["seq"])["data"]
    cells = drawn["traces"][0]
    assert (cells["x"], cells["y"]) == (matrix["strikes"], matrix["expiries"])
    assert cells["z"] == cut(matrix["values"])

    drawn = tab.chart("expiries")
    rows = tab.board.get("/BTC/expiries", seq=drawn["seq"])["data"]
    bars = drawn["traces"][0]
    assert [bars["y"], bars["x"]] == cut(columns(rows, "expiry", "vega_usd_per_pt"))


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
    for text, model in zip(shown["range-words"].split(" | "), data["range"].values(), strict=True):
        assert_prints(text.split()[-1], model["gex_usd_per_1pct"])


def test_the_ladder_prints_the_api_with_high_prices_on_top(tab: Tab) -> None:
    shown = tab.page.evaluate(FIGURES)
    rows = tab.board.get("/BTC/hedge-flow", seq=shown["seq"])["data"]
    flows = {row["move_pct"]: row for row in rows if row["horizon_s"] == 0}
    moves = []
    for move_text, spot_text, trade, _, coins in shown["ladder"]:
        move = 0.0 if move_text == "spot" else round(amount(move_text)[0] * 100, 6)
        moves.append(move)
        assert_prints(spot_text, flows[move]["spot_usd"])
        if move:
            side, size = trade.split()
            usd = flows[move]["flow_usd"]
            assert side == ("buy" if usd > 0 else "sell")
            assert_prints(size, abs(usd))
            assert_prints(coins, flows[move]["flow_coin"])
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
    keyboard.press("6")
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
    for key in ("gex", "profile", "matrix", "expiries", "history"):
        tab.page.locator(f"#panel-{key}").scroll_into_view_if_needed()
        assert tab.chart(key)["traces"][0]["x"], f"{key} is empty"
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
    order = ("gex", "ladder", "profile", "matrix", "expiries", "history", "alerts")
    tops = [tab.page.locator(f"#panel-{key}").bounding_box()["y"] for key in order]
    assert tops == sorted(tops)
    assert tab.problems == []
    tab.page.context.close()


def test_no_script_may_be_built_from_text(board: Board) -> None:
    policy = board.client.get("/").headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'sha256-" in policy
