"""Sets `data-` and `aria-` attributes, whose names are no Python names."""

from collections.abc import Mapping
from typing import TypeVar

from dash.development.base_component import Component

C = TypeVar("C", bound=Component)


def with_attributes(component: C, attributes: Mapping[str, str]) -> C:
    """Set the attributes on a component and return it."""
    for name, value in attributes.items():
        setattr(component, name, value)
    return component
