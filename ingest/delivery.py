"""The settlement average so far: what an expiring book already knows of its delivery price."""

import math

from greeks.conventions import AverageSource
from ingest.events import DeliveryEstimate
from ingest.index_history import IndexHistory

WINDOW_MS = 30 * 60_000
"""From 07:30:00 UTC of the expiry day the delivery price averages the index."""
OWN_SAMPLES = 0.95
"""Own index samples must cover this share of the window's elapsed seconds to be averaged."""


def average_so_far(
    index: IndexHistory | None, estimate: DeliveryEstimate | None, expiry_ms: int, as_of_ms: int
) -> tuple[float, AverageSource]:
    """Return the mean of the window's index samples, NaN outside it or when unknown; its source.

    Our own samples where they cover the window; else, as after a start inside it, the venue's
    estimate.
    """
    opened_ms = expiry_ms - WINDOW_MS
    if not opened_ms <= as_of_ms < expiry_ms:
        return math.nan, AverageSource.NONE
    if index is not None:
        mean, samples = index.average(opened_ms, as_of_ms)
        if samples and samples >= OWN_SAMPLES * (as_of_ms - opened_ms) / 1000:
            return mean, AverageSource.SAMPLES
    if estimate is not None and estimate.is_estimated and estimate.ts_event > opened_ms:
        return estimate.price, AverageSource.VENUE
    return math.nan, AverageSource.NONE
