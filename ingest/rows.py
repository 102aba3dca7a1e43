"""What is known of each option: one array a column, NaN and 0 until something is."""

from dataclasses import dataclass

import numpy as np

from greeks.conventions import FloatArray, ForwardSource, IntArray, StatusArray


@dataclass(slots=True)
class Rows:
    """Mutable columns of one table of options. Times are the exchange's, 0 for never."""

    mark_iv: FloatArray
    bid_iv: FloatArray
    ask_iv: FloatArray
    mark_price: FloatArray
    open_interest_coin: FloatArray
    underlying_price: FloatArray
    underlying_source: StatusArray
    ts_mark: IntArray
    ts_summary: IntArray
    ts_quote: IntArray  # of bid_iv and ask_iv
    ts_underlying: IntArray

    @classmethod
    def empty(cls, n: int) -> "Rows":
        """Return rows of which nothing is known."""
        iv, bid_iv, ask_iv, price, interest, underlying = np.full((6, n), np.nan)
        mark, summary, quote, ts_underlying = np.zeros((4, n), np.int64)
        source = np.full(n, ForwardSource.UNKNOWN, np.int8)
        return cls(
            iv, bid_iv, ask_iv, price, interest, underlying, source,
            mark, summary, quote, ts_underlying,
        )  # fmt: skip

    def copy_from(self, other: "Rows", here: IntArray, there: IntArray) -> None:
        """Take over the rows `there` of another table into the rows `here`."""
        for column in Rows.__slots__:
            getattr(self, column)[here] = getattr(other, column)[there]
