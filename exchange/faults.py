"""What can be made to go wrong: one switch a fault, at the start or while running."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """Placeholder."""
