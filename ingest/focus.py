"""Which options have their tickers followed: those nearest to the money, counted in deviations."""

import numpy as np

from greeks.conventions import MS_PER_YEAR
from ingest.instruments import InstrumentTable

MOST = 400
"""Tickers say one to three messages a second each: more of them is what the lean plan avoids."""
PERIOD_S = 30.0
"""How often the choice is made anew; a market that moves faster has it late."""


def nearest_the_money(
    table: InstrumentTable, spot: float, as_of_ms: int, most: int
) -> frozenset[str]:
    """Return the names of up to `most` live options with the smallest |ln(K/S)| / sqrt(tau)."""
    if not spot > 0:
        return frozenset()
    tau = (table.expiry_ms - as_of_ms) / MS_PER_YEAR
    live = np.flatnonzero(tau > 0)
    distance = np.abs(np.log(table.strike[live] / spot)) / np.sqrt(tau[live])
    nearest = live[np.argsort(distance, kind="stable")[: min(most, MOST)]]
    return frozenset(table.options[row].instrument_name for row in nearest.tolist())
