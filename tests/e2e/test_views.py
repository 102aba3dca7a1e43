"""The further views in a real browser beside the real API: the same numbers, no error."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser import CHROMIUM, DESKTOP, PHONE, launched
from tests.e2e.test_page import Tab, assert_prints, columns, new_tab
from tests.processes import Board, Launcher, until

VIEWS = ("positions", "surface", "whatif", "feedback", "replay", "alerts", "about")
DRAWN = {
    "positions": ("positions-gex", "positions-flip"),
    "surface": ("surface-ahead", "surface-shifted", "surface-past"),
    "whatif": ("whatif",),
    "feedback": ("feedback-ladder", "feedback-fan"),
    "replay": ("replay-gex", "replay-path"),
    "alerts": (),
    "about": (),
}
FIGURE = """key => {
  const graph = document.querySelector(`#chart-${key} .plot`);
  if (!graph?.layout?.meta?.as_of) return null;
  const { seq, as_of } = graph.layout.meta;
  const traces = graph.data.map(({ name, x, y, z, base }) => ({ name, x, y, z, base }));
  return { seq, as_of, traces };
}"""
SLOW_S = 40.0

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the path"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("views")).board("demo") as board:
        yield board.wait_ready(60.0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def desktop(browser: Any, board: Board) -> Iterator[Tab]:
    tab = new_tab(browser, board, DESKTOP)
    yield tab
    tab.page.context.close()


@pytest.fixture
def tab(desktop: Tab) -> Iterator[Tab]:
    yield desktop
    assert desktop.problems == []


def figure(tab: Tab, key: str) -> dict[str, Any]:
    drawn = until(lambda: tab.page.evaluate(FIGURE, key), SLOW_S, f"{key} drawn")
    assert isinstance(drawn, dict)
    return drawn


def transposed(rows: list[list[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def test_the_models_of_the_page_are_those_of_the_api(tab: Tab) -> None:
    tab.open("?view=positions&asset=BTC")
    drawn = figure(tab, "positions-gex")
    rows = tab.board.get("/BTC/positions", seq=drawn["seq"])["data"]
    estimates = drawn["traces"][1]
    assert estimates["x"] == [row["gex_usd_per_1pct"] for row in rows]
    intervals = drawn["traces"][0]
    assert intervals["base"] == [row["gex_usd_per_1pct_lo"] for row in rows]
    drawn = figure(tab, "positions-flip")
    rows = tab.board.get("/BTC/positions", seq=drawn["seq"])["data"]
    assert drawn["traces"][1]["x"] == [row["flip_usd"] for row in rows]
    lines = tab.page.locator("#positions-rows tr").all_inner_texts()
    assert len(lines) == len(rows)


def test_the_maps_of_the_page_are_those_of_the_api(tab: Tab) -> None:
    tab.open("?view=surface&asset=BTC&reach=10")
    for key, axis in (("surface-ahead", "hours"), ("surface-shifted", "shift_pts")):
        drawn = figure(tab, key)
        cells, zero = drawn["traces"][:2]
        query = {"hours": cells["x"], "shift_pts": [0]}
        if axis == "shift_pts":
            query = {"hours": [0], "shift_pts": cells["x"]}
        data = tab.board.get("/BTC/surface", seq=drawn["seq"], reach_pct=10, spots=61, **query)[
            "data"
        ]
        cube = data["gex_usd_per_1pct"]
        sheets = [sheet for [sheet] in cube] if axis == "hours" else cube[0]
        assert cells["z"] == transposed(sheets)
        assert cells["y"] == data["spot_usd"]
        assert (zero["x"], zero["y"]) == tuple(columns(data["zero"], axis, "spot_usd"))


def test_the_loops_of_the_page_are_those_of_the_api(tab: Tab) -> None:
    tab.open("?view=feedback&asset=BTC")
    figure(tab, "feedback-ladder")

    def seen() -> Any:
        """Cards and chart of one answer: both are made anew every few seconds."""
        seq = figure(tab, "feedback-ladder")["seq"]
        cards = tab.page.locator("#feedback-loops li").all_inner_texts()
        drawn = figure(tab, "feedback-ladder")
        return (cards, drawn) if cards and drawn["seq"] == seq else None

    def holds() -> bool:
        """Text is written at once, the chart at its own rate: until both are of one answer."""
        cards, drawn = until(seen, SLOW_S, "cards and chart of one answer")
        data = tab.board.get("/BTC/feedback", seq=drawn["seq"], shock_pct=5)["data"]
        ladder = data["liquidation"]["ladder"]
        forced = [usd for trace in drawn["traces"] for usd in trace["y"]]
        assert forced == ladder["forced_usd"]
        assert [trace["name"] for trace in drawn["traces"]] == ["sold", "bought"]
        gains = [
            "\u2013" if loop["gain"] is None else f"{loop['gain']:+.3f}".replace("-", "\u2212")
            for loop in data["loops"]
        ]
        return len(cards) == len(gains) and all(
            gain.lstrip("+") in card and loop["basis"].replace("_", " ") in card
            for card, gain, loop in zip(cards, gains, data["loops"], strict=True)
        )

    until(holds, SLOW_S, "the cards say what the API says")
    rests = tab.page.locator("#feedback-rests-rows").inner_text()
    assert "share of impact that stays" in rests
    assert "Modelled" in tab.text("feedback-ladder-words")


def test_the_fan_of_the_page_is_the_simulation_of_the_api(tab: Tab) -> None:
    tab.open("?view=feedback&asset=BTC")
    figure(tab, "feedback-ladder")
    form = tab.page.locator("#feedback-form")
    for name, text in (("hours", "6"), ("paths", "40"), ("seed", "7"), ("depth", "20")):
        form.locator(f"input[name={name}]").fill(text)
    with tab.page.expect_response("**/simulations/feedback", timeout=SLOW_S * 1000) as answered:
        form.get_by_role("button", name="Run").click()
    asked = answered.value.request.post_data_json
    assert {name: asked[name] for name in ("hours", "step_s", "paths", "seed", "depth_usd")} == {
        "hours": 6, "step_s": 75, "paths": 40, "seed": 7, "depth_usd": 20e6,
    }  # fmt: skip
    body = answered.value.json()

    def fan() -> dict[str, Any] | None:
        drawn = figure(tab, "feedback-fan")
        return drawn if drawn["traces"][0]["x"] else None

    drawn = until(fan, SLOW_S, "the fan drawn")
    assert drawn["seq"] == body["seq"]
    assert "seed=7" in tab.page.evaluate("location.search")
    run = body["data"]["run"]
    price = run["price"]
    curves = dict(zip(price["quantile"], price["with_loops_usd"], strict=True))
    plain = dict(zip(price["quantile"], price["without_loops_usd"], strict=True))
    shown = {trace["name"]: trace["y"] for trace in drawn["traces"]}
    assert shown == {
        **{f"with {100 * of:g} %": curves[of] for of in (0.05, 0.25, 0.5, 0.75, 0.95)},
        **{f"without {100 * of:g} %": plain[of] for of in (0.05, 0.5, 0.95)},
    }
    volatility = run["realised_volatility"]["with_loops"]["median"]
    assert f"{100 * volatility:.1f}%" in tab.text("feedback-figures")
    assert "Simulated: 40 paths over 6 h, seed 7" in tab.text("feedback-fan-words")


def test_the_past_of_the_page_is_that_of_the_api(tab: Tab) -> None:
    tab.open("?view=replay&asset=BTC")
    drawn = figure(tab, "replay-gex")
    at = drawn["as_of"]
    data = tab.board.get("/BTC/history/strikes", to=at + 1, points=600)["data"]
    assert data["timestamp"][-1] == at
    calls, puts, net = drawn["traces"]
    kept = {strike: i for i, strike in enumerate(data["strikes"])}
    shared = [i for i, strike in enumerate(net["x"]) if strike in kept]
    assert len(shared) > 20
    for trace, name in ((calls, "call_gex"), (puts, "put_gex"), (net, "gex")):
        curve = data[f"{name}_usd_per_1pct"][-1]
        assert [trace["y"][i] for i in shared] == [curve[kept[net["x"][i]]] for i in shared]
    assert_prints(tab.text("replay-gex"), data["net_gex_usd_per_1pct"][-1])
    assert_prints(tab.text("replay-flip"), data["flip_usd"][-1])


def test_what_if_prints_the_api_and_its_link_says_it_again(tab: Tab) -> None:
    tab.open("?view=whatif&asset=BTC")
    figure(tab, "whatif")
    tab.page.locator("#whatif-move").fill("-4")
    tab.page.locator("#whatif-iv").fill("6")
    until(
        lambda: "move=-4&iv=6" in tab.page.evaluate("location.search"),
        SLOW_S,
        "the link holds the scenario",
    )
    tab.page.locator("#whatif-trade-strike option").first.wait_for(state="attached")
    tab.page.get_by_role("button", name="Add trade").click()
    tab.page.locator("#whatif-added li").first.wait_for(timeout=SLOW_S * 1000)
    name = tab.page.locator("#whatif-added .name").inner_text()

    link = tab.page.evaluate("location.search")
    tab.open(link)
    until(lambda: tab.page.locator("#whatif-added li").count() == 1, SLOW_S, "the trade again")
    drawn = figure(tab, "whatif")
    body = {
        "asset": "BTC", "seq": drawn["seq"], "move_pct": -4, "iv_shift_pts": 6,
        "trades": [{"instrument_name": name, "amount_coin": 500, "side": "buy"}],
    }  # fmt: skip
    answer = tab.board.client.post("/api/v1/simulations/what-if", json=body)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    now, then = drawn["traces"][2:]
    for trace, side in ((now, "before"), (then, "after")):
        profile = data[side]["profile"]
        assert (trace["x"], trace["y"]) == (profile["spot_usd"], profile["gex_usd_per_1pct"])


def test_a_webhook_and_a_rule_are_made_tested_and_taken_away(tab: Tab) -> None:
    tab.open("?view=alerts&asset=BTC")
    page = tab.page
    page.locator("input[name=url]").fill("https://198.51.100.7/gex")  # documentation network
    page.get_by_role("button", name="Add webhook").click()
    until(lambda: "Simulated" not in tab.text("notice"), SLOW_S, "the refusal is said")
    tab.problems.clear()  # the browser logs the 422 that was meant

    page.locator("input[name=url]").fill("https://93.184.216.34/gex")
    page.get_by_role("button", name="Add webhook").click()
    page.locator("#alerts-secret code").wait_for(timeout=SLOW_S * 1000)
    assert re.fullmatch(r"whsec_\S+", page.locator("#alerts-secret code").inner_text())
    page.get_by_role("button", name="I have kept it").click()
    offered = page.locator("#alerts-rule-form").get_by_text("93.184.216.34")
    offered.first.wait_for(timeout=SLOW_S * 1000)
    page.get_by_role("button", name="Add rule").click()
    page.locator("#alerts-rules li").wait_for(timeout=SLOW_S * 1000)
    (rule,) = tab.board.get("/alerts")["data"]
    (hook,) = tab.board.get("/webhooks")["data"]
    assert (rule["kind"], rule["asset"], rule["webhooks"]) == ("flip_crossed", "BTC", [hook["id"]])

    page.get_by_role("button", name=re.compile("^Edit")).click()
    page.locator("input[name=confirm_s]").fill("3")
    page.get_by_role("button", name="Save rule").click()
    until(lambda: tab.board.get("/alerts")["data"][0]["confirm_s"] == 3, SLOW_S, "the change kept")

    def is_gone() -> bool:
        """Press, and press again until it is sure: a saved rule renews the list in between."""
        button = page.get_by_role("button", name=re.compile("^Delete BTC"))
        if button.count():
            button.click()
        page.wait_for_timeout(500)
        return not tab.board.get("/alerts")["data"]

    until(is_gone, SLOW_S, "the rule is gone")


def test_a_panel_stands_alone_in_another_page(tab: Tab) -> None:
    tab.page.goto(f"{tab.board.url}/embed/gex?asset=ETH&theme=light")
    drawn = figure(tab, "gex")
    assert drawn["traces"][0]["x"]
    assert tab.page.locator(".panel:visible").count() == 1
    assert not tab.page.locator(".controls, .top").first.is_visible()
    facts = tab.page.locator("#embed-facts")
    for word in ("ETH", "source demo", "status live", "as of", "position naive"):
        until(lambda word=word: word in facts.inner_text(), 20.0, word)
    assert tab.page.locator("#banner").is_visible()
    assert tab.page.evaluate("document.documentElement.dataset.theme") == "light"


def test_a_panel_that_does_not_exist_is_not_found(board: Board) -> None:
    answer = board.client.get("/embed/gamma")
    assert answer.status_code == 404
    assert "gex" in answer.json()["detail"]


def test_a_locked_board_asks_once_and_a_frame_brings_its_token(
    browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"GAMMAFLIP_TOKEN": (token := "any/text+="), "GAMMAFLIP_READ_TOKEN_REQUIRED": "true"}
    with Launcher(tmp_path_factory.mktemp("locked")).board("demo", **settings) as board:
        board.wait_ready()
        tab = new_tab(browser, board, DESKTOP)
        tab.page.goto(f"{board.url}/embed/gex#token={quote(token)}")
        assert figure(tab, "gex")["traces"][0]["x"]
        assert "token" not in tab.page.url
        assert tab.problems == []
        tab.page.context.close()

        stranger = new_tab(browser, board, DESKTOP)
        stranger.page.goto(f"{board.url}/")
        stranger.page.locator("#locked input").fill(token)
        stranger.page.get_by_role("button", name="Use token").click()
        stranger.page.locator("#board.is-drawn").wait_for(timeout=SLOW_S * 1000)
        assert stranger.page.locator("#locked").is_hidden()
        stranger.page.context.close()


def test_only_panels_may_be_framed_and_only_by_whom_the_operator_names(
    tmp_path_factory: pytest.TempPathFactory, board: Board
) -> None:
    policy = board.client.get("/embed/gex").headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self'")
    named = Launcher(tmp_path_factory.mktemp("framed")).board(
        "demo", GAMMAFLIP_EMBED_ORIGINS="https://wiki.example"
    )
    with named as other:
        policy = other.client.get("/embed/gex").headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self' https://wiki.example")
        policy = other.client.get("/").headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self'")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_fits_a_phone(browser: Any, board: Board, view: str) -> None:
    tab = new_tab(browser, board, PHONE)
    tab.open(f"?view={view}&asset=BTC")
    for key in DRAWN[view]:
        tab.page.locator(f"#panel-{key}").scroll_into_view_if_needed()
        assert figure(tab, key)["traces"]
    width = tab.page.evaluate("document.documentElement.scrollWidth")
    assert width == PHONE[0]
    assert tab.problems == []
    tab.page.context.close()
