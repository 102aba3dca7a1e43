"""What holds at the moment of a scrape, read from the live parts of the board."""

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.engine import FAILURES_UNTIL_UNREADY, Engine
from app.history import History
from app.hub import SnapshotHub
from app.watch import Watch
from ingest.worker import AssetFeed

FEED_COUNTERS = {
    "gex_ws_messages": "Frames received.",
    "gex_ws_reconnects": "Connections opened after the first.",
    "gex_rejected": "Malformed frames and rows dropped.",
    "gex_trades": "Option trades booked.",
    "gex_trade_gaps": "Option trades known to be missing from the tape.",
    "gex_feed_dropped": "Values that found no room to wait for their option's listing.",
}
GAPS = ("gex_feed_gaps", "Holes noticed in the feed, by cause.")
LAG = ("gex_feed_lag_seconds", "Arrival of index prices after their own time.")
LAG_QUANTILES = (0.5, 0.99)
AGE = ("gex_data_age_seconds", "Age of the newest data.")
LEADER = ("gex_leader", "1 while this process computes the asset, 0 when its engine fails.")
QUEUE = ("gex_queue_depth", "What waits, by queue.")
DROPPED = ("gex_dropped", "What a full queue let go, by queue.")
PENDING = ("gex_webhook_oldest_pending_seconds", "Age of the oldest delivery not made yet.")
DISK = ("gex_disk_free_bytes", "Room on the disk of the data folder.")


def feed_families(feeds: Mapping[str, AssetFeed]) -> Iterable[Metric]:
    """Yield what the feeds have counted since the start."""
    families = {
        name: CounterMetricFamily(name, text, labels=["ccy"])
        for name, text in FEED_COUNTERS.items()
    }
    gaps = CounterMetricFamily(*GAPS, labels=["ccy", "cause"])
    lag = GaugeMetricFamily(*LAG, labels=["ccy", "quantile"])
    for asset, feed in feeds.items():
        for share in LAG_QUANTILES:
            lag.add_metric([asset, str(share)], feed.lag.quantile_ms(share) / 1000)
        counters = feed.counters
        for name, value in {
            "gex_ws_messages": counters.frames,
            "gex_ws_reconnects": counters.reconnects,
            "gex_rejected": counters.protocol_errors + feed.state.rejected,
            "gex_trades": feed.tape.recorded,
            "gex_trade_gaps": feed.tape.holes(),
            "gex_feed_dropped": feed.state.waiting.dropped,
        }.items():
            families[name].add_metric([asset], value)
        for cause, count in counters.gaps.items():
            gaps.add_metric([asset, cause.value], count)
    return [*families.values(), gaps, lag]


def engine_families(hub: SnapshotHub, engines: Sequence[Engine]) -> Iterable[Metric]:
    """Yield how old each asset's data is and whether its engine works."""
    age = GaugeMetricFamily(*AGE, labels=["ccy"])
    leader = GaugeMetricFamily(*LEADER, labels=["ccy"])
    for engine in engines:
        state = hub.latest(engine.asset)
        if state is not None and state.age_ms is not None:
            age.add_metric([engine.asset], state.age_ms / 1000)
        leader.add_metric([engine.asset], float(engine.failures_in_row < FAILURES_UNTIL_UNREADY))
    return [age, leader]


def keeping_families(history: History, watch: Watch) -> Iterable[Metric]:
    """Yield what waits to be written or sent, and the room that is left."""
    depth = GaugeMetricFamily(*QUEUE, labels=["queue"])
    depth.add_metric(["history"], history.waiting)
    depth.add_metric(["outbox"], watch.outbox.waiting)
    dropped = CounterMetricFamily(*DROPPED, labels=["queue"])
    dropped.add_metric(["history"], history.dropped)
    pending = GaugeMetricFamily(*PENDING, value=watch.oldest_pending_s())
    disk = [] if watch.disk is None else [GaugeMetricFamily(*DISK, value=watch.disk.free_bytes)]
    return [depth, dropped, pending, *disk]
