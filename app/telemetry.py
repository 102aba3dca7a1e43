"""Logs and metrics: how they look and what they are called. Knows no business."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

REPEATS = 5
REPEAT_PERIOD_S = 60.0


def configure_logging(*, as_json: bool) -> None:
    """Send events to stderr: one JSON object a line, or aligned text for a terminal.

    What libraries log by Python's own means takes the same way.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, RepeatFilter(), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class RepeatFilter:
    """Lets the first few of a warning through each minute, then says how many were left out."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}  # minute's start, count

    def __call__(
        self, _logger: object, _name: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        """Pass an event on, or drop it."""
        if event.get("level") != "warning":
            return event
        key = (str(event.get("event")), str(event.get("asset", "")))
        now_s = self._clock_s()
        since_s, count = self._seen.get(key, (now_s, 0))
        if now_s - since_s >= REPEAT_PERIOD_S:
            left_out = max(0, count - REPEATS)
            since_s, count = now_s, 0
            if left_out:
                event["left_out"] = left_out
        self._seen[key] = (since_s, count + 1)
        if count >= REPEATS:
            raise structlog.DropEvent
        return event


class Metrics:
    """What is counted as it happens; `app.gauges` adds what is read at each scrape."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        build = Gauge("gex_build_info", "Version.", ["version"], registry=self.registry)
        build.labels(version).set(1)
        self.tick_seconds = self._histogram(
            "gex_tick_seconds", "Freeze to publish.", (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
        )
        self.loop_lag_seconds = self._histogram(
            "gex_event_loop_lag_seconds",
            "How late the event loop wakes a task.",
            (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 1),
            labels=(),
        )
        self.commit_seconds = self._histogram(
            "gex_db_commit_seconds",
            "One transaction of history.",
            (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1),
            labels=(),
        )
        self.alert_events = Counter(
            "gex_alert_events", "Events fired.", ["type"], registry=self.registry
        )
        self.webhook_attempts = Counter(
            "gex_webhook_attempts", "Requests to webhooks.", ["outcome"], registry=self.registry
        )

    def read_at_scrape(self, read: Callable[[], Iterable[Metric]]) -> None:
        """Add families that are read when somebody asks."""
        self.registry.register(_Reader(read))

    def exposition(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self.registry)

    def _histogram(
        self, name: str, text: str, buckets: Sequence[float], labels: Sequence[str] = ("ccy",)
    ) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)


class _Reader(Collector):
    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Return what holds now."""
        return self._read()

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering reads nothing."""
        return ()
