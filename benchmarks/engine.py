"""Section `engine`: Greeks, profile, flips, implied volatility, whole frames, growth, memory."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

from benchmarks import frames, plain
from benchmarks.floor import ROWS, Floor, Gaussians, NoCompilerError, compile_floor
from benchmarks.harness import Row, Task, measure
from benchmarks.inputs import Options, Variant, tiled, variants
from benchmarks.peers import GREEKS, Builder, build
from benchmarks.peers_implied_vol import IMPLIED_VOL, exact_prices_of, out_of_the_money, prices_of
from benchmarks.peers_profile import profile_builders
from benchmarks.wire import latency_message_to_frame, ticker_message
from greeks.black76 import Greeks, StrikeGreeks, compute_greeks, compute_strike_greeks
from greeks.book_levels import find_book_flips
from greeks.conventions import FloatArray
from greeks.implied_vol import implied_vol
from greeks.ladder import LADDER, Ladder, plans_of
from greeks.mixture import Mixture
from greeks.profile import Book, LadderSums, gex_mixture

SECTION = "engine"
GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "black76.csv"
FINE_LADDER = Ladder(count=801)


@dataclass(slots=True)
class Engine:
    """Inputs and the peers that can run, shared by the rows; `missing` says why others cannot."""

    thousand: list[Variant] = field(default_factory=variants)
    two_thousand: list[Variant] = field(default_factory=lambda: variants(strikes_per_expiry=83))
    missing: dict[str, str] = field(default_factory=dict)
    floor: Floor | None = None

    def __post_init__(self) -> None:
        for ladder in (LADDER, FINE_LADDER):
            plans_of(ladder)
        try:
            self.floor = compile_floor()
        except NoCompilerError as error:
            self.missing["c_floor"] = self.missing["c_direct"] = str(error)

    def rows(self) -> list[Callable[[], Row]]:
        """The rows in the order of the table."""
        return [
            self.greeks_1000,
            self.greeks_rows_1000,
            self.greeks_1000000,
            self.profile_1000x401,
            self.profile_2000x801,
            self.flips,
            *frames.rows(self.thousand),
            self.implied_vol_1000,
            self.implied_vol_100000,
            ticker_message,
            latency_message_to_frame,
        ]

    def greeks_1000(self) -> Row:
        inputs = [variant.options for variant in self.thousand]
        return self._greeks("greeks_1000", inputs, GREEKS, seconds=16)

    def greeks_rows_1000(self) -> Row:
        inputs = [variant.options for variant in self.thousand]
        peers = self._c_greeks(inputs)
        peers["plain"] = lambda i: plain.greeks(inputs[i % len(inputs)])

        def ours(i: int) -> Greeks:
            return compute_greeks(*inputs[i % len(inputs)].columns)

        note = "rows in any order, bad ones too: checked, twins found, spread to rows"
        return measure(SECTION, "greeks_rows_1000", ours, peers, seconds=3, note=note)

    def greeks_1000000(self) -> Row:
        inputs = [tiled(self.thousand[0].options, 1_000_000)]
        fast = {name: peer for name, peer in GREEKS.items() if name not in {"vollib", "quantlib"}}
        return self._greeks("greeks_1000000", inputs, fast, seconds=14)

    def _greeks(
        self, name: str, inputs: list[Options], builders: dict[str, Builder], seconds: float
    ) -> Row:
        strikes = [_strikes_of(options) for options in inputs]
        peers: dict[str, Task] = {
            "naive": lambda i: plain.naive_greeks(inputs[i % len(inputs)]),
            "plain": lambda i: plain.greeks(inputs[i % len(inputs)]),
        }
        peers |= self._c_greeks(inputs)
        peers |= build(builders, inputs, self.missing)

        out = StrikeGreeks.of(len(strikes[0][0]))

        def ours(i: int) -> StrikeGreeks:
            return compute_strike_greeks(*strikes[i % len(strikes)], out)

        note = (
            "price, delta, rho of call and put and 11 shared Greeks at each strike; outputs an "
            "option: 14 here, in jax, naive, plain and the C floor, numexpr 11, polars_vol, "
            "iv_engine and quantlib 6, pyvolr, fast_vollib, py_vollib_vectorized and vollib 5"
        )
        row = measure(SECTION, name, ours, peers, seconds, note)
        row.error = golden_error()
        return row

    def _c_greeks(self, inputs: list[Options]) -> dict[str, Task]:
        floor = self.floor
        if floor is None:
            return {}
        out = np.zeros((ROWS, len(inputs[0])))
        signs = [np.where(options.is_call, 1.0, -1.0) for options in inputs]

        def run(i: int) -> None:
            floor.greeks(inputs[i % len(inputs)], signs[i % len(inputs)], out)

        return {"c_floor": run}

    def profile_1000x401(self) -> Row:
        return self._profile("profile_1000x401", self.thousand, LADDER, seconds=14)

    def profile_2000x801(self) -> Row:
        return self._profile("profile_2000x801", self.two_thousand, FINE_LADDER, seconds=14)

    def _profile(self, name: str, chains: list[Variant], ladder: Ladder, seconds: float) -> Row:
        inputs = [variant.options for variant in chains]
        moves = ladder.moves

        def ours(i: int) -> FloatArray:
            return _mixture(chains[i % len(chains)]).on(ladder)[0]

        peers: dict[str, Task] = {
            "naive": lambda i: plain.profile(inputs[i % len(inputs)], moves),
            "exact": lambda i: _mixture(chains[i % len(chains)]).at(moves)[0],
        }
        peers |= self._c_profile(inputs, moves)
        peers |= build(profile_builders(moves), inputs, self.missing)
        note = (
            "from held rows to net GEX: v = s sqrt(T) known, a call and its put already found "
            "to share a strike, as in a frame; peers take clean columns and check nothing"
        )
        row = measure(SECTION, name, ours, peers, seconds, note)
        row.error = max(_profile_error(variant, ladder) for variant in chains[:8])
        return row

    def _c_profile(self, inputs: list[Options], moves: FloatArray) -> dict[str, Task]:
        floor = self.floor
        if floor is None:
            return {}
        out = np.zeros(len(moves))
        return {
            "c_direct": lambda i: floor.profile(Gaussians.of(inputs[i % len(inputs)]), moves, out),
            "c_recurrence": lambda i: floor.profile_recurrence(
                Gaussians.of(inputs[i % len(inputs)]), moves, out
            ),
        }

    def flips(self) -> Row:
        books = [Book.of(variant.chain, variant.position) for variant in self.thousand]
        sums = [LadderSums.of(book) for book in books]
        gross = np.ones(1)

        def ours(i: int) -> list[float]:
            at = i % len(books)
            return [flip.spot_usd for flip in find_book_flips(books[at], sums[at], gross)[0][0]]

        def by_brent(i: int) -> list[float]:
            return _brent_roots(books[i % len(books)], sums[i % len(books)].gex[0, 0])

        note = "all roots of the book and of each expiry; brentq: the book's alone"
        row = measure(SECTION, "flips", ours, {"brentq": by_brent}, seconds=5, note=note)
        row.error = max(
            float(np.max(np.abs(np.array(ours(i)) - by_brent(i)), initial=0.0))
            for i in range(len(books))
        )
        return row

    def implied_vol_1000(self) -> Row:
        inputs = [out_of_the_money(variant.options) for variant in self.thousand]
        return self._implied_vol("implied_vol_1000", inputs, seconds=10)

    def implied_vol_100000(self) -> Row:
        inputs = [out_of_the_money(tiled(self.thousand[0].options, 100_000))]
        return self._implied_vol("implied_vol_100000", inputs, seconds=10)

    def _implied_vol(self, name: str, inputs: list[Options], seconds: float) -> Row:
        prices = [prices_of(options) for options in inputs]

        def ours(i: int) -> FloatArray:
            at = i % len(inputs)
            forward, strike, years, _, is_call = inputs[at].columns
            return implied_vol(prices[at], forward, strike, years, is_call)[0]

        peers = build(IMPLIED_VOL, inputs, self.missing)
        row = measure(SECTION, name, ours, peers, seconds)
        row.error = implied_vol_error(inputs[0])
        return row


def _strikes_of(options: Options) -> list[FloatArray]:
    """Forward, strike, years and volatility once for each call and put, which alternate."""
    for column in options.columns[:4]:
        if not np.array_equal(column[::2], column[1::2]):
            raise ValueError("expected each call beside its put")
    return [np.ascontiguousarray(column[::2]) for column in options.columns[:4]]


def implied_vol_error(options: Options, most: int = 4_000) -> float:
    """Largest relative error of the volatility implied by exact prices, on evenly spaced rows."""
    every = -(-len(options) // most)
    chosen = Options(*(column[::every] for column in (*options.columns, options.position)))
    forward, strike, years, iv, is_call = chosen.columns
    implied = implied_vol(exact_prices_of(chosen), forward, strike, years, is_call)[0]
    return float(np.abs(implied / iv - 1).max())


def golden_error() -> float:
    """Largest relative error of any Greek on the hard grid, where it is above 1e-12 of the most."""
    with GOLDEN.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = [
        np.array([float(row[n]) for row in rows]) for n in ("forward", "strike", "years", "iv")
    ]
    greeks = compute_greeks(*numbers, np.array([row["kind"] == "C" for row in rows]))
    worst = 0.0
    for name in Greeks.__dataclass_fields__:
        exact = np.array([float(row[name]) for row in rows])
        matters = np.abs(exact) > 1e-12 * np.abs(exact).max()
        relative = np.abs(getattr(greeks, name) - exact)[matters] / np.abs(exact[matters])
        worst = max(worst, float(relative.max()))
    return worst


def _mixture(variant: Variant) -> Mixture:
    return gex_mixture(variant.held, variant.held_position)


def _profile_error(variant: Variant, ladder: Ladder) -> float:
    mixture = _mixture(variant)
    exact = mixture.at(ladder.moves)
    return float(np.abs(mixture.on(ladder) - exact).max() / np.abs(exact).max())


def _brent_roots(book: Book, net: FloatArray) -> list[float]:
    ladder = LADDER.levels(book.spot_usd)
    changes = np.flatnonzero(np.diff(np.sign(net)))

    def exact(level: float) -> float:
        return float(book.net_gex_at(np.array([level]))[0])

    return [brentq(exact, ladder[i], ladder[i + 1], xtol=1e-9, rtol=1e-14) for i in changes]
