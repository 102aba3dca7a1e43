"""A real Chromium for tests, benchmarks, soaks and pictures: found on the path, no download."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP, LAPTOP, TABLET, PHONE = (1600, 1000), (1280, 720), (820, 1180), (390, 844)


@contextmanager
def launched(*flags: str) -> Iterator[Any]:
    """Run a browser until the block is left."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        yield browser
        browser.close()


def context_of(browser: Any, size: tuple[int, int]) -> Any:
    """Return a fresh profile with a window of a size; narrow ones are phones with fingers."""
    width, height = size
    is_phone = size == PHONE
    return browser.new_context(
        viewport={"width": width, "height": height}, has_touch=is_phone, is_mobile=is_phone
    )
