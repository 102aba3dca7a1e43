"""From nothing to ready on the full universe: how many requests, and how long, with live limits.

Ready is the feed's own word: instruments, open interest, marks and an index of every book.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from soak.check import Check
from soak.load import Client
from soak.venue import EVERY_COIN
from tests.processes import Exchange

MOST_A_COIN = 20
"""Lists, subscriptions, summaries, past trades and what was traded meanwhile, with room."""


async def measure(url: str, assets: tuple[str, ...]) -> Check:
    """Connect, wait until every chain is ready, and count."""
    began = time.monotonic()
    async with Client(assets).run(url) as client:
        took_s = time.monotonic() - began
        asked = client.asked
        options = sum(len(feed.state.table.options) for feed in client.feeds)
        refused = sum(sum(feed.counters.gaps.values()) for feed in client.feeds)
        ready = all(feed.is_ready() for feed in client.feeds)
    return Check(
        f"bootstrap of {options} options of {len(assets)} coins",
        ready and refused == 0 and asked.total() <= MOST_A_COIN * len(assets),
        {
            "seconds": round(took_s, 2), "requests": asked.total(), "gaps": refused,
            **{method.removeprefix("public/"): count for method, count in asked.most_common()},
        },
    )  # fmt: skip


def bootstrap(assets: tuple[str, ...], folder: Path) -> Check:
    """Measure against a fresh exchange's process."""
    arguments = ("--port", "0", "--assets", ",".join(assets))
    with Exchange(arguments, folder / f"exchange-{len(assets)}.log") as exchange:
        return asyncio.run(measure(exchange.url, assets))


def run() -> list[Check]:
    """The default assets, then everything."""
    with tempfile.TemporaryDirectory() as folder:
        return [bootstrap(assets, Path(folder)) for assets in (("BTC", "ETH"), EVERY_COIN)]
