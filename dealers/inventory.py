"""The interface of a position model: what it may read, and an inventory or the reason for none."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dealers.estimate import PositionEstimate
from dealers.ladder import GexLadder
from dealers.posterior import PosteriorState
from greeks.chain import OptionChain


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """What models may read. `state` is None as long as no tape is followed."""

    chain: OptionChain
    ladder: GexLadder
    state: PosteriorState | None
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a model gives no inventory: a model without data answers nothing, never a number."""

    model: str
    reason: str


class InventoryModel(Protocol):
    """A way to tell what dealers hold."""

    @property
    def name(self) -> str:
        """The word that every number made with it states."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it rests on, in words."""

    def estimate(self, inputs: ModelInputs) -> PositionEstimate | Unavailable:
        """Return the inventory, or the reason why there is none."""
