"""Frames that do not depend on each other: the same board in whatever order and how often."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dealers.tape import Trade
from greeks.chain import OptionChain
from ingest.market import MarketContext
from ingest.worker import AssetFeed
from tests.ingest.canned import answer_all, load, push

FIRST_S, LAST_S = 100.0, 104.0  # no channel is stale or mute so soon


def later(name: str, ms: int, **changes: object) -> bytes:
    """Return a push so many ms later than the recorded one, with other fields."""
    params = load(name)["params"]
    rows = params["data"] if isinstance(params["data"], list) else [params["data"]]
    moved: list[dict[str, Any]] = [
        row | {"timestamp": row["timestamp"] + ms} | changes for row in rows
    ]
    data = moved if isinstance(params["data"], list) else moved[0]
    return push(params["channel"], data)


HALF_A_COIN = {"amount": 0.5, "contracts": 0.5}

FRAMES = [
    *(later("price_index", ms, price=88_000.0 + ms / 100) for ms in (0, 1000, 2000)),
    *(later("markprice_options", ms, iv=0.5 + ms / 10_000) for ms in (0, 900, 1800)),
    *(later("ticker_future", ms, mark_price=88_100.0 + ms / 50) for ms in (0, 950)),
    *(later("ticker_option", ms, open_interest=10.0 + ms) for ms in (0, 700, 1500)),
    later("ticker_perpetual", 0),
    later("ticker_perpetual", 1200, current_funding=1.5e-4),
    later("trades_option", 0),
    *(
        later("trades_option", 400 + n, trade_id=f"7{n}", trade_seq=900 + n, **HALF_A_COIN)
        for n in range(3)
    ),
    *(
        push(
            "deribit_volatility_index.btc_usd",
            {"timestamp": 1_795_450_000_000 + ms, "volatility": 40.0 + ms / 1000,
             "index_name": "btc_usd"},
        )
        for ms in (0, 1000)
    ),
]  # fmt: skip


def tell(frames: list[tuple[bytes, float]]) -> AssetFeed:
    """Let a feed hear frames at their times."""
    now = [FIRST_S]
    feed = AssetFeed("BTC", lambda: now[0])
    feed.opened(FIRST_S)
    answer_all(feed, FIRST_S)
    for frame, at_s in sorted(frames, key=lambda item: item[1]):
        now[0] = at_s
        feed.received(frame, at_s)
    now[0] = LAST_S
    assert feed.counters.protocol_errors == 0
    return feed


def seen(feed: AssetFeed) -> tuple[OptionChain, MarketContext, list[Trade]]:
    return feed.freeze(), feed.market(), [trade for trade, _ in feed.tape.newest_first()]


@settings(max_examples=60)
@given(st.data())
def test_order_repetition_and_delay_of_frames_do_not_matter(data: st.DataObject) -> None:
    times = st.floats(FIRST_S + 0.1, LAST_S - 0.1)
    drawn = [
        (frame, data.draw(times)) for frame in FRAMES for _ in range(data.draw(st.integers(1, 2)))
    ]
    in_order = [(frame, FIRST_S + 0.1 + n / 100) for n, frame in enumerate(FRAMES)]
    chain, market, tape = seen(tell(drawn))
    expected = seen(tell(in_order))
    for column in set(OptionChain.__slots__) - {"gaps"}:  # what was suspected, not what is known
        np.testing.assert_array_equal(getattr(chain, column), getattr(expected[0], column), column)
    assert repr(market) == repr(expected[1])
    assert tape == expected[2]
    assert len(tape) >= 4
