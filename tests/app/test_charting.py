"""The charting library that browsers load: of plotly's version, with what the page draws."""

import gzip
import json
from collections.abc import Iterator
from importlib.resources import files

import httpx
import pytest
from dash import html
from dash.development.base_component import Component
from fastapi import FastAPI
from plotly.offline import get_plotlyjs_version

from app.dashboard import charting
from app.dashboard.page import build_layout, mount_page
from app.dashboard.plain import Plain
from app.settings import Source

ASSETS = ("BTC", "ETH")


def charts() -> Iterator[Component]:
    return (c for c in components(build_layout(ASSETS, Source.DEMO)) if hasattr(c, "data-figure"))


def test_the_library_has_the_version_that_the_skeletons_are_checked_against() -> None:
    head = gzip.decompress(charting.PACKED)[:200].decode()
    assert f"plotly.js v{get_plotlyjs_version()}:" in head  # else: make plotly


def test_the_library_has_every_trace_of_the_page() -> None:
    entry = (files(charting) / "entry.js").read_text(encoding="utf-8")
    figures = [json.loads(getattr(chart, "data-figure")) for chart in charts()]
    wanted = {trace["type"] for figure in figures for trace in figure["data"]} - {"scatter"}
    assert wanted == {kind for kind in wanted if f'"plotly.js/lib/{kind}"' in entry}


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_the_library_arrives_packed_or_not_as_the_browser_asks(encoding: str) -> None:
    server = FastAPI()
    address = charting.serve(server)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://board")
    async with client:
        answer = await client.get(address, headers={"accept-encoding": encoding})
    assert answer.content == gzip.decompress(charting.PACKED)
    assert answer.headers.get("content-encoding", "identity") == encoding
    assert "immutable" in answer.headers["cache-control"]


def test_dash_draws_a_handful_of_components_and_no_part_of_the_page_is_lost() -> None:
    page = mount_page(FastAPI(), ASSETS, Source.DEMO)
    assert len(components(page.layout)) < 20
    tags = [component._type.lower() for component in components(build_layout(ASSETS, Source.DEMO))]
    assert [tag for part in page.layout.children for tag in tags_of(part.tree)] == tags[1:]


def components(tree: Component) -> list[Component]:
    return [part for part in [tree, *tree._traverse()] if isinstance(part, Component)]


def tags_of(element: list) -> list[str]:
    tag, _, *inside = element
    return [tag, *(found for part in inside if isinstance(part, list) for found in tags_of(part))]


def test_a_tree_is_tag_attributes_and_what_is_inside() -> None:
    tree = html.P(["of ", html.Strong("every", id="who")], className="line")
    assert Plain(tree).tree == [
        "p", {"className": "line"}, "of ", ["strong", {"id": "who"}, "every"],
    ]  # fmt: skip
