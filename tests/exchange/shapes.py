"""Compares the shape of JSON values: names, kinds, and what may be null."""

from collections.abc import Iterator, Set
from typing import Any


def kind_of(value: Any) -> str:
    """Name the JSON kind of a value; all numbers are one kind."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "text", list: "list", dict: "object"}[type(value)]


def differences(
    ours: Any, recorded: Any, absent: Set[str] = frozenset(), extra: Set[str] = frozenset(),
    path: str = "",
) -> Iterator[str]:  # fmt: skip
    """Yield how our value's shape differs from a recorded one.

    `absent` names fields that the recording has and we need not have; `extra` names fields that
    only we have. Null matches any kind, and an empty list any list.
    """
    kinds = kind_of(ours), kind_of(recorded)
    if "null" in kinds:
        return
    if kinds[0] != kinds[1]:
        yield f"{path or 'value'}: {kinds[0]}, recorded {kinds[1]}"
    elif isinstance(recorded, dict):
        missing = recorded.keys() - ours.keys() - absent
        surplus = ours.keys() - recorded.keys() - extra
        yield from (f"{path}.{name}: missing" for name in sorted(missing))
        yield from (f"{path}.{name}: not recorded" for name in sorted(surplus))
        for name in sorted(recorded.keys() & ours.keys()):
            yield from differences(ours[name], recorded[name], absent, extra, f"{path}.{name}")
    elif isinstance(recorded, list) and ours and recorded:
        if isinstance(recorded[0], list | dict):
            yield from differences(ours[0], recorded[0], absent, extra, f"{path}[]")
        else:
            yield from _list_differences(ours, recorded, path)


def _list_differences(ours: list[Any], recorded: list[Any], path: str) -> Iterator[str]:
    """Rows such as ["new", 1.0, 2.0] match by place, lists of one kind by their first."""
    for place, (mine, theirs) in enumerate(zip(ours, recorded, strict=False)):
        yield from differences(mine, theirs, path=f"{path}[{place}]")
