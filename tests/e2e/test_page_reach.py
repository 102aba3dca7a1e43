"""Every view within everyone's reach: the accessibility checker, in both themes and on a phone."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import CHROMIUM, DESKTOP, PHONE, launched
from tests.e2e.test_page import Tab, new_tab
from tests.processes import Board, Launcher

VIEWS = ("board", "positions", "surface", "whatif", "feedback", "replay", "alerts", "about")
SERIOUS = {"serious", "critical"}
LEVELS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the path"),
]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("reach")).board("demo") as board:
        yield board.wait_ready(60.0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module", params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def opened(browser: Any, board: Board, request: pytest.FixtureRequest) -> Iterator[Tab]:
    tab = new_tab(browser, board, request.param)
    yield tab
    tab.page.context.close()


def serious_faults(tab: Tab) -> list[str]:
    """What the checker finds to be serious, with the first place of each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab.page, options=LEVELS).response["violations"]
    return [
        f"{fault['id']}: {len(fault['nodes'])} x {fault['nodes'][0]['html'][:200]}"
        for fault in found
        if fault["impact"] in SERIOUS
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("view", VIEWS)
def test_no_view_keeps_anyone_out_in_either_theme(opened: Tab, view: str) -> None:
    opened.open(f"?view={view}")
    for theme in ("light", "dark"):
        opened.prefer(theme=theme)
        assert opened.page.evaluate("document.documentElement.dataset.theme") == theme
        assert serious_faults(opened) == []
    assert opened.problems == []
