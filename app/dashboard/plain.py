"""Draws a tree of HTML as one component of Dash.

Dash wakes every component of the page each time that one of them appears: a thousand of them take
five seconds of processor time. No part of this page has callbacks, so React draws it at once.
"""

from collections.abc import Iterator

from dash.development.base_component import Component

Element = list["str | dict[str, object] | Element"]  # tag, attributes, then what is inside


class Plain(Component):
    """A tree of `dash.html` components that Dash leaves alone; drawn by `assets/plain.js`."""

    _namespace = "gammaflip"
    _type = "Plain"

    def __init__(self, tree: Component) -> None:
        self._prop_names = self.available_properties = ["tree"]
        self._valid_wildcard_attributes = self.available_wildcard_properties = []
        super().__init__(tree=_element(tree))  # type: ignore[no-untyped-call]


def _element(component: Component) -> Element:
    attributes = component.to_plotly_json()["props"]  # type: ignore[no-untyped-call]
    inside = _listed(attributes.pop("children", None))
    return [component._type.lower(), attributes, *inside]


def _listed(children: Component | str | list[Component | str] | None) -> Iterator[Element | str]:
    if children is None:
        return
    for child in children if isinstance(children, list) else [children]:
        yield _element(child) if isinstance(child, Component) else child
