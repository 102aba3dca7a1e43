"""The fast profile and the flips on recorded chains, against the exact sum and a root finder."""

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from greeks.chain import OptionChain
from greeks.exposure import compute_exposure
from greeks.ladder import LADDER
from greeks.profile import Book, compute_profile, exact_profile
from tests import oracle
from tests.greeks.test_against_oracle import chain_of
from tests.greeks.test_flips import roots_by_brent
from tests.greeks.test_profile import largest_error

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FILES = sorted((DATA / "svcj-6h").glob("*.parquet"))
EVERY = 80  # snapshots between two that are tried

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not FILES, reason=f"needs the recorded chains in {DATA}"),
]


def recorded_chains(path: Path) -> list[OptionChain]:
    table = pyarrow.parquet.read_table(path, columns=["snapshot", "currency"])
    keys = sorted({(row["snapshot"], row["currency"]) for row in table.to_pylist()})
    chains = []
    for stamp, asset in keys[::EVERY]:
        rows = oracle.read_summaries(path, stamp, asset)
        newest = max(rows, key=lambda row: row.timestamp_ms)
        chains.append(chain_of(rows, newest.timestamp_ms, newest.index))
    return chains


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_profile_and_flips_of_recorded_chains_are_exact(path: Path) -> None:
    for chain in recorded_chains(path):
        position = chain.open_interest_coin * np.where(chain.is_call, 1.0, -1.0)
        book = Book.of(chain, position)
        exact = exact_profile(book, LADDER.levels(chain.index_price))
        assert largest_error(compute_profile(book), exact) < 1e-11
        flips = compute_exposure(chain, position, "naive").levels.flips
        expected = roots_by_brent(chain, position, levels=1601)
        assert [flip.spot_usd for flip in flips] == pytest.approx(expected, abs=1e-6)
