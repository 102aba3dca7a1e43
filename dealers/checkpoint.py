"""A posterior state as plain lists and arrays, and back: a restart resumes where it stopped."""

from typing import TypedDict

import numpy as np

from dealers.flow import FlowBook, FlowState
from dealers.particles import Cloud
from dealers.posterior import Pending, PosteriorState
from greeks.conventions import FloatArray, IntArray


class PosteriorCheckpoint(TypedDict):
    """What a restart needs; clouds are parallel, I options of P particles each."""

    flow: FlowState
    particles: int
    instrument_name: list[str]
    position_coin: FloatArray  # (I, P)
    log_weight: FloatArray  # (I, P)
    odds: FloatArray  # (I, P, 3)
    lean: FloatArray  # (I, P)
    open_interest_coin: FloatArray  # (I,)
    prints: IntArray  # (I, 3): buys, sells, missing
    pending: dict[str, tuple[list[float], list[int], int, int]]


def freeze_posterior(state: PosteriorState) -> PosteriorCheckpoint:
    """Return the state as plain lists and arrays."""
    clouds, count = state.clouds, state.particles

    def stack(name: str, *shape: int) -> FloatArray:
        return np.array([getattr(cloud, name) for cloud in clouds.values()]).reshape(-1, *shape)

    prints = [(cloud.buys, cloud.sells, cloud.missing) for cloud in clouds.values()]
    return PosteriorCheckpoint(
        flow=state.book.to_state(),
        particles=count,
        instrument_name=list(clouds),
        position_coin=stack("position_coin", count),
        log_weight=stack("log_weight", count),
        odds=stack("odds", count, 3),
        lean=stack("lean", count),
        open_interest_coin=stack("open_interest_coin"),
        prints=np.array(prints, np.int64).reshape(-1, 3),
        pending={
            name: (list(block.signed_coin), list(block.kinds), block.oldest_ms, block.newest_ms)
            for name, block in state.pending.items()
        },
    )


def thaw_posterior(checkpoint: PosteriorCheckpoint) -> PosteriorState:
    """Return the state of a checkpoint; trades it has counted stay counted."""
    clouds = {
        name: Cloud(
            checkpoint["position_coin"][i],
            checkpoint["log_weight"][i],
            checkpoint["odds"][i],
            checkpoint["lean"][i],
            float(checkpoint["open_interest_coin"][i]),
            *checkpoint["prints"][i].tolist(),
        )
        for i, name in enumerate(checkpoint["instrument_name"])
    }
    pending = {
        name: Pending(tuple(signed), tuple(kinds), oldest_ms, newest_ms)
        for name, (signed, kinds, oldest_ms, newest_ms) in checkpoint["pending"].items()
    }
    book = FlowBook.from_state(checkpoint["flow"])
    return PosteriorState(book, clouds, pending, checkpoint["particles"])
