"""A tab through an expiry, a lost exchange and a server that comes back: the soak in short."""

import pytest

from soak.tab import run_tab
from tests.browser import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the path"),
    pytest.mark.timeout(400),
]


def test_a_tab_stays_small_and_badges_what_is_old() -> None:
    for check in run_tab(hours=5.0, speed=600.0):
        assert check.held, check
