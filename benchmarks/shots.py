"""`python -m benchmarks.shots`: every view, state and size of the page as a picture in `shots/`.

Beginnings of names, such as `board- state-stale`, leave out the others.
"""

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError as TooLate

from tests.browser import DESKTOP, LAPTOP, PHONE, TABLET, context_of, launched
from tests.processes import Board, Launcher, free_port, until

FOLDER = Path("shots")
VIEWS = ("board", "positions", "surface", "whatif", "feedback", "replay", "alerts", "about")
SIZES = {"desktop": DESKTOP, "laptop": LAPTOP, "tablet": TABLET, "phone": PHONE}
LOOKS = ({"theme": "light"}, {"palette": "classic"}, {"density": "compact"}, {"sides": "net"})
SETTLED_MS, FIRST_MS, BUSY_MS = 4_000, 30_000, 120_000


class Camera:
    """Takes pictures of one board with one browser, those whose names begin as asked."""

    def __init__(self, browser: Any, url: str, wanted: tuple[str, ...]) -> None:
        self._browser = browser
        self._url = url
        self._wanted = wanted

    def take(
        self,
        name: str,
        query: str = "",
        size: tuple[int, int] = DESKTOP,
        look: dict[str, str] | None = None,
        act: Callable[[Any], None] = lambda _page: None,
    ) -> None:
        """Open a link in a fresh profile, do what is asked, wait, and keep the picture."""
        if not name.startswith(self._wanted):
            return
        context = context_of(self._browser, size)
        context.set_default_timeout(BUSY_MS)
        page = context.new_page()
        page.goto(f"{self._url}/healthz")
        page.evaluate(
            "look => localStorage.setItem('gammaflip.preferences', JSON.stringify(look))",
            look or {},
        )
        page.goto(f"{self._url}/{query}")
        page.locator("#pill").wait_for()
        act(page)
        with contextlib.suppress(TooLate):  # a board that only starts stays busy
            page.locator('main:not([aria-busy="true"])').wait_for(timeout=FIRST_MS)
        page.wait_for_timeout(SETTLED_MS)
        self._unroll(page, size)
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"{name}.png"
        page.screenshot(path=path)
        context.close()
        print(path, flush=True)

    @staticmethod
    def _unroll(page: Any, size: tuple[int, int]) -> None:
        """Make the window as high as the page, so that what is out of sight is drawn as well."""
        height = page.evaluate("document.documentElement.scrollHeight")
        if height > size[1]:
            page.set_viewport_size({"width": size[0], "height": height})
            page.wait_for_timeout(SETTLED_MS)


def take_views(camera: Camera) -> None:
    for view in VIEWS:
        for size_name, size in SIZES.items():
            camera.take(f"{view}-{size_name}", f"?view={view}", size)
        camera.take(f"{view}-light", f"?view={view}", look={"theme": "light"})


def take_states(camera: Camera, board: Board) -> None:
    for look in LOOKS:
        ((name, value),) = look.items()
        camera.take(f"look-{name}-{value}", look=look)
    for greek in ("vega", "vanna", "charm", "oi"):
        camera.take(f"map-{greek}", f"?greek={greek}")
    for position in ("customer_long", "flow", "posterior"):
        camera.take(f"position-{position}", f"?position={position}")
    camera.take("state-empty", f"?expiry={unlisted(board)}&book=linear")
    camera.take("state-unknown-expiry", "?expiry=1JAN99")
    camera.take("dialog-help", act=lambda page: page.keyboard.press("?"))
    camera.take("dialog-display", act=lambda page: page.locator("#display-open").click())
    camera.take("dialog-table", act=show_table)
    camera.take("state-offline", act=lambda page: lose(page, board))


def lose(page: Any, board: Board) -> None:
    """Kill the board under a page that shows it, and wait until the page says so."""
    page.locator("#board.is-drawn").wait_for()
    board.kill()
    page.locator('#pill[data-state="stale"]').wait_for()


def unlisted(board: Board) -> str:
    """An expiry that one book lists and the other does not."""
    lists = [
        {row["expiry"] for row in board.get("/BTC/expiries", book=book)["data"]}
        for book in ("inverse", "linear")
    ]
    return str(min(lists[0] - lists[1]))


def show_table(page: Any) -> None:
    page.locator("#board.is-drawn").wait_for()
    page.locator("#panel-gex details summary").click()
    page.locator('#panel-gex [data-export="table"]').click()


def take_exchange_states(camera_of: Callable[[str], Camera], folder: Path) -> None:
    """The states that an exchange causes: starting, stale, maintenance."""
    launcher = Launcher(folder)
    with launcher.board(f"ws://127.0.0.1:{free_port()}/ws/api/v2") as board:
        camera_of(board.url).take("state-starting")
    with launcher.exchange("--control") as exchange, launcher.board(exchange.url) as board:
        camera = camera_of(board.wait_ready().url)
        exchange.control(fault="maintenance")
        until(lambda: board.get("/BTC")["status"] == "maintenance", 60.0, "maintenance")
        camera.take("state-maintenance")
        exchange.control(clear="all")
        until(lambda: board.get("/BTC")["status"] == "live", 60.0, "a live board")
        exchange.stop()
        until(lambda: not board.is_ready(), 60.0, "a stale board")
        camera.take("state-stale")


def main() -> None:
    wanted = tuple(sys.argv[1:]) or ("",)
    with tempfile.TemporaryDirectory() as name, launched() as browser:
        folder = Path(name)
        (folder / "exchange").mkdir()
        with Launcher(folder).board("demo") as board:
            camera = Camera(browser, board.wait_ready().url, wanted)
            take_views(camera)
            take_states(camera, board)
        take_exchange_states(lambda url: Camera(browser, url, wanted), folder / "exchange")


if __name__ == "__main__":
    main()
