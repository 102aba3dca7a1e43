"""What the log says, and that it neither floods nor speaks two languages."""

import io
import json
import logging
from typing import Any

import pytest
import structlog

from app import telemetry
from app.telemetry import REPEAT_PERIOD_S, REPEATS, RepeatFilter


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def passed(keep: RepeatFilter, **event: Any) -> structlog.typing.EventDict | None:
    try:
        return keep(None, "", {"level": "warning", "event": "feed.protocol_error", **event})
    except structlog.DropEvent:
        return None


def test_a_warning_that_repeats_is_counted_instead_of_written() -> None:
    clock = Clock()
    keep = RepeatFilter(clock)
    written = [passed(keep) for _ in range(100)]
    assert sum(event is not None for event in written) == REPEATS
    clock.now_s += REPEAT_PERIOD_S
    summary = passed(keep)
    assert summary is not None
    assert summary["left_out"] == 100 - REPEATS


def test_other_warnings_other_assets_and_errors_are_not_held_back() -> None:
    keep = RepeatFilter(Clock())
    for _ in range(REPEATS):
        passed(keep, asset="BTC")
    assert passed(keep, asset="BTC") is None
    assert passed(keep, asset="ETH") is not None
    assert passed(keep, asset="BTC", event="feed.gap") is not None
    assert all(passed(keep, asset="BTC", level="error") for _ in range(3 * REPEATS))


def test_every_line_is_one_json_object_whoever_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(telemetry.sys, "stderr", out)
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    try:
        telemetry.configure_logging(as_json=True)
        structlog.get_logger().info("board.started", source="demo")
        logging.getLogger("uvicorn.error").warning("a library's %s", "warning")
        failure = RuntimeError("with a traceback")
        logging.getLogger("uvicorn.error").error("failed", exc_info=failure)
    finally:
        structlog.configure(**before)
        root.handlers[:], root.level = handlers, level
    ours, theirs, failed = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["source"]) == ("board.started", "info", "demo")
    assert (theirs["event"], theirs["level"]) == ("a library's warning", "warning")
    assert "with a traceback" in failed["exception"]
    assert all("ts" in line for line in (ours, theirs, failed))
