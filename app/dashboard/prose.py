"""The project's own pages as components: one text for readers of the source and of the board."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from dash import html
from dash.development.base_component import Component
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

Content = list[Component | str]

_BLOCKS = {
    "paragraph": html.P,
    "bullet_list": html.Ul,
    "ordered_list": html.Ol,
    "list_item": html.Li,
    "table": html.Table,
    "thead": html.Thead,
    "tbody": html.Tbody,
    "tr": html.Tr,
    "th": html.Th,
    "td": html.Td,
    "strong": html.Strong,
    "em": html.Em,
}


def read_page(name: str) -> str:
    """Return a page of `docs/`, from the installed package or from the checkout."""
    packaged = files("app") / "docs" / name
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "docs" / name).read_text(encoding="utf-8")


def render_prose(text: str, prefix: str) -> Content:
    """Return markdown as components, without its title; sections get the id PREFIX-N."""
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(text))
    return [*_Prose(prefix).blocks(tree.children)]


def section_titles(text: str) -> list[str]:
    """Return the titles of the sections in order."""
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


class _Prose:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._sections = 0

    def blocks(self, nodes: Sequence[SyntaxTreeNode]) -> Iterator[Component | str]:
        """Yield each node as a component; of an unknown kind only what is inside."""
        for node in nodes:
            if node.type == "heading":
                yield from self._heading(node)
            elif node.type in {"text", "code_inline", "code_block", "fence"}:
                yield node.content if node.type == "text" else html.Code(node.content)
            elif node.type in {"softbreak", "hardbreak"}:
                yield " "
            elif node.type in _BLOCKS:
                yield _BLOCKS[node.type]([*self.blocks(node.children)])
            else:  # inline, link: the words alone, since pages link to files of the source
                yield from self.blocks(node.children)

    def _heading(self, node: SyntaxTreeNode) -> Iterator[Component]:
        if node.tag == "h1":
            return
        self._sections += 1
        yield html.H3([*self.blocks(node.children)], id=f"{self._prefix}-{self._sections}")
