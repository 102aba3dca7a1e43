"""Logs and metrics: how they look and what they are called. Knows no business."""

import logging
import sys

import structlog
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from ingest.worker import AssetFeed


def configure_logging(*, as_json: bool) -> None:
    """Send events to stderr: one JSON object a line, or aligned text for a terminal."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


class Metrics:
    """Every metric of the process, on a registry of its own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        build = Gauge("gex_build_info", "Version.", ["version"], registry=self.registry)
        build.labels(version).set(1)
        self.data_age_seconds = Gauge(
            "gex_data_age_seconds", "Age of the newest data.", ["ccy"], registry=self.registry
        )
        self.tick_seconds = Histogram(
            "gex_tick_seconds",
            "Freeze to publish.",
            ["ccy"],
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
        )
        self._feed = {
            name: Gauge(f"gex_{name}", text, ["ccy"], registry=self.registry)
            for name, text in {
                "ws_messages": "Frames received since start.",
                "ws_reconnects": "Reconnects since start.",
                "rejected": "Malformed frames and rows dropped since start.",
                "feed_gaps": "Holes noticed since start.",
                "trades": "Option trades booked since start.",
            }.items()
        }

    def observe_feed(self, asset: str, feed: AssetFeed, age_s: float | None) -> None:
        """Copy a feed's counters; the age is absent until the first data."""
        counters = feed.counters
        for name, value in {
            "ws_messages": counters.frames,
            "ws_reconnects": counters.reconnects,
            "rejected": counters.protocol_errors + feed.state.rejected,
            "feed_gaps": counters.gaps.total(),
            "trades": feed.tape.recorded,
        }.items():
            self._feed[name].labels(asset).set(value)
        if age_s is not None:
            self.data_age_seconds.labels(asset).set(age_s)

    def exposition(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self.registry)
