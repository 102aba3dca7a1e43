"""The view About shows the project's own pages, every word of them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from dash.development.base_component import Component

from app.dashboard.prose import read_page, render_prose, section_titles
from app.dashboard.views import about

PAGES = ("conventions.md", "limits.md")


def texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, list | tuple):
        for item in part:
            yield from texts(item)
    elif isinstance(part, Component):
        yield from texts(getattr(part, "children", None))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


@pytest.mark.parametrize("page", PAGES)
def test_not_a_word_of_a_page_is_lost(page: str) -> None:
    text = re.sub(r"\]\([^)]*\)", "]", read_page(page))
    _, _, body = text.partition("\n")  # the title is the panel's
    numbered = re.sub(r"^\d+\. ", "", body, flags=re.MULTILINE)
    rendered = " ".join(texts(render_prose(text, "x")))
    assert words(rendered) == words(numbered)


@pytest.mark.parametrize("page", PAGES)
def test_every_section_has_its_place(page: str) -> None:
    text = read_page(page)
    ids = [getattr(part, "id", None) for part in render_prose(text, "x")]
    assert [name for name in ids if name] == [
        f"x-{i + 1}" for i in range(len(section_titles(text)))
    ]


def test_the_view_is_made_of_the_pages() -> None:
    shown = set(words(" ".join(texts(about.build()))))
    for page in PAGES:
        assert set(words(" ".join(texts(render_prose(read_page(page), "x"))))) <= shown
