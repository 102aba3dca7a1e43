"""Someone who has read nothing: regime, flip, who trades what on 2 %, and a webhook that fires."""

import time
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.browser import CHROMIUM, DESKTOP, launched
from tests.e2e.test_flip_webhooks import (
    MARKET,
    STANDSTILL,
    START_USD,
    flip_at_start,
    let_time_run,
    receiver,
    write_script,
)
from tests.e2e.test_page import Tab, assert_prints, new_tab
from tests.processes import Launcher, until

SLOW_S = 60.0
MOST_CLICKS = 4

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the path"),
    pytest.mark.timeout(300),
]


class Visitor:
    """Clicks what is in sight and counts it; notes when each question was answered."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.clicks = 0
        self.notes: list[str] = []
        self._began = time.monotonic()

    def click(self, role: str, name: str) -> None:
        self.clicks += 1
        self.tab.page.get_by_role(role, name=name, exact=True).click()

    def knows(self, what: str) -> None:
        self.notes.append(f"{what}: {self.clicks} clicks, {time.monotonic() - self._began:.1f} s")


def assert_the_board_answers_at_first_sight(visitor: Visitor) -> None:
    """Regime, flip, and what dealers must trade on a move of 2 %, without a click."""
    tab = visitor.tab
    tab.open()
    data = tab.board.get("/BTC")["data"]
    assert tab.text("regime").endswith(
        {"long_gamma": "Long gamma", "short_gamma": "Short gamma"}[data["regime"]]
    )
    visitor.knows("regime")
    assert_prints(tab.text("kpi-flip"), data["levels"]["flip_usd"])
    visitor.knows("flip")
    flows = {
        row["move_pct"]: row["flow_usd"]
        for row in tab.board.get("/BTC/hedge-flow")["data"]
        if row["horizon_s"] == 0
    }
    for move, words in ((2.0, "+2.0%"), (-2.0, "−2.0%")):
        row = tab.page.locator("#ladder-rows tr").filter(has=tab.page.get_by_text(words))
        side, _, size = row.locator(".trade").inner_text().partition(" ")
        assert side == ("buy" if flows[move] > 0 else "sell")
        assert_prints(size, abs(flows[move]))
    visitor.knows("who trades what on 2 %")


def make_a_rule(visitor: Visitor, address: str) -> str:
    """A webhook and a rule on the flip, as the page proposes it; returns the secret."""
    page = visitor.tab.page
    visitor.click("link", "Alerts")
    page.get_by_label("Address").fill(address)
    visitor.click("button", "Add webhook")
    secret = str(page.locator("#alerts-secret code").inner_text(timeout=SLOW_S * 1000))
    visitor.click("button", "I have kept it")
    page.locator('#alerts-rule-form input[name="webhooks"]:checked').wait_for()
    visitor.click("button", "Add rule")
    page.locator("#alerts-rules li").wait_for(timeout=SLOW_S * 1000)
    visitor.knows("a rule that posts")
    return secret


def assert_it_fires(visitor: Visitor, inbox: Any, secret: str) -> None:
    until(lambda: inbox.accepted, SLOW_S, "a delivery")
    headers, body = inbox.accepted[0]
    event = Webhook(secret).verify(body, headers)
    assert event["type"] == "gex.flip.crossed"
    assert event["data"]["direction"] == "down"
    log = visitor.tab.page.locator("#alerts-log tr").first
    until(lambda: "delivered" in log.inner_text(), SLOW_S, "the page says so")
    visitor.knows("posted on the crossing")


def test_a_new_user_gets_from_the_start_page_to_a_fired_webhook(
    tmp_path_factory: pytest.TempPathFactory, record_property: Any
) -> None:
    launch = Launcher(tmp_path_factory.mktemp("visitor"))
    below = 0.97 * flip_at_start(launch)
    script = launch.folder / "walk.csv"
    write_script(script, [(0.0, START_USD), (60.0, START_USD), (80.0, below)])
    market = (*MARKET, *STANDSTILL, "--control", "--index-script", str(script))
    settings = {"GAMMAFLIP_ASSETS": "BTC", "GAMMAFLIP_ALERT_ALLOW_CIDRS": "127.0.0.0/8"}
    with (
        receiver() as inbox,
        launch.exchange(*market) as exchange,
        launch.board(exchange.url, **settings) as board,
        launched() as browser,
    ):
        board.wait_ready()
        tab = new_tab(browser, board, DESKTOP)
        visitor = Visitor(tab)
        assert_the_board_answers_at_first_sight(visitor)
        secret = make_a_rule(visitor, inbox.url)
        until(
            lambda: board.get("/alerts")["data"][0]["state"]["status"] == "armed", SLOW_S, "armed"
        )
        let_time_run(exchange)
        assert_it_fires(visitor, inbox, secret)
        assert tab.problems == []
    record_property("walk", "; ".join(visitor.notes))
    print(*visitor.notes, sep="\n")  # noqa: T201 - what a person would have needed
    assert visitor.clicks <= MOST_CLICKS
