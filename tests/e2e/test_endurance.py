"""Simulated time: a short run of the endurance soak, and a list full of strangers."""

from exchange.config import ExchangeConfig
from exchange.faults import parse_fault
from exchange.run import build_exchange
from ingest.worker import AssetFeed
from soak.endurance import Month, Time
from soak.venue import NO_LIMITS, START_MS
from soak.wire import Link


def test_two_rolls_leave_no_ghost_and_no_difference() -> None:
    tally = Month(("BTC",)).run(days=2)
    assert tally.compared > 2_000
    assert tally.ghosts == tally.missing == 0
    assert tally.differing == []
    assert tally.trades_lost == tally.trades_twice == 0


def test_equities_spot_and_unknown_kinds_in_the_lists_are_stepped_over() -> None:
    time = Time()
    config = ExchangeConfig(
        assets=("BTC",), start_ms=START_MS, history_s=0, limits=NO_LIMITS, monotonic=time.read,
        faults=(parse_fault("strangers"),),
    )  # fmt: skip
    exchange, feed = build_exchange(config), AssetFeed("BTC", time.read)
    exchange.pump()
    link = Link(exchange, feed, time.now_s)
    for _ in range(40):
        time.now_s += 0.25
        exchange.pump()
        link.turn(time.now_s)
    assert feed.is_ready()
    listed = {
        option.name for t in exchange.market.state.options.values() for option in t.instruments
    }
    assert set(feed.freeze().instrument_name) == listed
    assert feed.counters.protocol_errors == 0
