"""Parts that every view is made of: panels, charts, keys, groups of buttons.

Everything here is empty: numbers arrive over the stream.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from dash import html
from dash.development.base_component import Component

from app.dashboard.figures import Part

C = TypeVar("C", bound=Component)
UNKNOWN = "–"


def with_attributes(component: C, attributes: Mapping[str, str]) -> C:
    """Set `data-` and `aria-` attributes, whose names are no Python names."""
    for name, value in attributes.items():
        setattr(component, name, value)
    return component


def segment(
    name: str, label: str, options: Sequence[tuple[str, str, str]], size: str = ""
) -> Component:
    """Return a group of buttons of which one is pressed: value, word and explanation of each.

    Pressing one sets the part of the view's state that is called `name`.
    """
    buttons = [
        with_attributes(
            html.Button(word, type="button", title=explanation or None),
            {"data-choice": name, "data-value": value, "aria-pressed": "false"},
        )
        for value, word, explanation in options
    ]
    return with_attributes(
        html.Div(buttons, className=f"segment {size}".strip(), role="group"),
        {"aria-label": label, "data-segment": name},
    )


def select(name: str, label: str, options: Sequence[tuple[str, str, str]]) -> Component:
    """Return a drop-down list that sets the part of the view's state that is called `name`."""
    entries = [
        html.Option(word, value=value, title=explanation or None)
        for value, word, explanation in options
    ]
    return html.Label(
        [
            html.Span(label, className="control-label"),
            with_attributes(
                html.Select(entries, id=f"select-{name}"),
                {"data-choice": name, "aria-label": label},  # narrow screens hide the words
            ),
        ],
        className="select",
    )


def key(kind: str, word: str, name: str | None = None) -> Component:
    """Return one entry of a legend."""
    text = html.Span(word) if name is None else html.Span(word, id=name)
    return html.Span([html.I(className=f"swatch {kind}"), text], className="key")


def heading(name: str, title: str, unit: str | None, extra: Sequence[Component] = ()) -> Component:
    """Return the first line of a panel: title, unit, and what stands at its right end.

    A panel without a unit here names it elsewhere.
    """
    return html.Div(
        [
            html.H2(title, id=f"title-{name}"),
            *([] if unit is None else [html.Span(unit, id=f"unit-{name}", className="unit")]),
            html.Span(className="spring"),
            *extra,
        ],
        className="heading",
    )


def panel(name: str, head: Component, body: Component) -> Component:
    """Return a panel, `panel-NAME`, that the keyboard can reach."""
    return with_attributes(
        html.Section([head, body], id=f"panel-{name}", className="panel", tabIndex=-1),
        {"aria-labelledby": f"title-{name}"},
    )


def chart_panel(
    name: str, title: str, unit: str | None, figure: Part, extra: Sequence[Component] = ()
) -> Component:
    """Return a panel with a chart, `chart-NAME`, drawn by `charts.NAME` of the view's module."""
    return panel(
        name, heading(name, title, unit, (*extra, menu(name, title))), chart(name, title, figure)
    )


def chart(name: str, title: str, figure: Part) -> Component:
    """Return the place of a chart; its skeleton waits there until it is first seen."""
    place = with_attributes(
        html.Div(html.Div(className="plot"), id=f"chart-{name}"),
        {"data-figure": json.dumps(figure)},
    )
    return with_attributes(
        html.Div(place, className="chart", id=f"box-{name}", role="img"),
        {"aria-label": f"Chart: {title}. Its menu shows the same numbers as a table."},
    )


def menu(name: str, title: str) -> Component:
    """Return the menu of a chart: table, picture, numbers as a file."""
    entries = [
        with_attributes(html.Button(word, type="button"), {"data-export": what, "data-panel": name})
        for what, word in (("table", "Show as table"), ("png", "Save PNG"), ("csv", "Save CSV"))
    ]
    summary = with_attributes(html.Summary("⋯"), {"aria-label": f"Menu of {title}"})
    return html.Details([summary, html.Div(entries, className="entries")], className="menu more")


def table(name: str, columns: Sequence[str], labelled_by: str) -> Component:
    """Return an empty table whose body, `NAME`, the view fills with rows."""
    head = html.Thead(html.Tr([html.Th(column, scope="col") for column in columns]))
    return with_attributes(
        html.Table([head, html.Tbody(id=name)], className="rows"),
        {"aria-labelledby": labelled_by},
    )
