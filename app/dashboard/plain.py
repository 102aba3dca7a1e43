"""Draws a tree of HTML as one component of Dash.

Dash wakes every component of the page each time that one of them appears: a thousand of them take
five seconds of processor time. No part of this page has callbacks, so React draws it at once.
"""

from dash.development.base_component import Component


class Plain(Component):
    """A tree of `dash.html` components that Dash leaves alone; drawn by `assets/plain.js`."""

    _namespace = "gammaflip"
    _type = "Plain"
    _base_nodes = ("tree",)
    _prop_names = ("tree",)
    _valid_wildcard_attributes = ()
    available_properties = ("tree",)
    available_wildcard_properties = ()

    def __init__(self, tree: Component) -> None:
        super().__init__(tree=tree)
