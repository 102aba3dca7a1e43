"""Chains to measure on: shaped as the venue lists them, perturbed so that no two are alike."""

from dataclasses import dataclass

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import BoolArray, FloatArray
from greeks.held import HeldRows
from tests.builders import make_venue_chain, with_columns

VARIANTS = 16


@dataclass(frozen=True, slots=True)
class Options:
    """The columns that price and Greeks take, and a position."""

    forward: FloatArray
    strike: FloatArray
    years: FloatArray
    iv: FloatArray
    is_call: BoolArray
    position: FloatArray

    def __len__(self) -> int:
        return len(self.forward)

    @property
    def columns(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, BoolArray]:
        """The arguments of every pricing function."""
        return self.forward, self.strike, self.years, self.iv, self.is_call


@dataclass(frozen=True, slots=True)
class Variant:
    """One perturbed chain in the forms that contenders take."""

    chain: OptionChain
    position: FloatArray
    options: Options
    held: HeldRows
    held_position: FloatArray


def variants(
    strikes_per_expiry: int = 42, count: int = VARIANTS, days: tuple[float, ...] | None = None
) -> list[Variant]:
    """Chains of one listing, each with its own forwards and volatilities."""
    rng = np.random.default_rng(7)
    arguments = {} if days is None else {"days": days}
    base = make_venue_chain(1, strikes_per_expiry=strikes_per_expiry, **arguments)
    position = base.open_interest_coin * np.where(base.is_call, 1.0, -1.0)
    out = []
    for _ in range(count):
        move = float(np.exp(rng.normal(0, 0.003)))
        wobble = np.repeat(np.exp(rng.normal(0, 0.02, len(base) // 2)), 2)
        chain = with_columns(
            base,
            index_price=base.index_price * move,
            forward=base.forward * move,
            mark_iv=base.mark_iv * wobble,
        )
        options = Options(
            *(column.copy() for column in (chain.forward, chain.strike, chain.years_to_expiry)),
            chain.mark_iv.copy(),
            chain.is_call.copy(),
            position,
        )
        held = HeldRows.of(chain)
        mine = held.open_position(position[None])
        out.append(Variant(chain, position, options, held, mine))
    return out


def tiled(options: Options, size: int) -> Options:
    """At least `size` options: the columns over and over, volatilities shuffled a little."""
    times = -(-size // len(options))
    columns = [np.tile(column, times) for column in options.columns]
    rng = np.random.default_rng(8)
    columns[3] = columns[3] * np.repeat(np.exp(rng.normal(0, 0.02, len(columns[3]) // 2)), 2)
    return Options(*columns, np.tile(options.position, times))
