"""Nothing public without a word about it: the lists come from the code, the words from docs/."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import click
import pytest
import yaml
from fastapi import FastAPI

from app.__main__ import cli
from app.alert_rules import RuleKind
from app.alerts import Cause
from app.board import Book, ExpiryGroup
from app.feedback_simulation import ImpactKind
from app.hub import FeedStatus
from app.lifecycle import FeedAddress
from app.retry import DeliveryStatus
from app.settings import Settings, Source
from app.store import Store, store_url
from app.tables import TableFormat
from app.webhooks import WebhookFormat
from app.wiring import Board, build_app
from dealers.rules import PositionModel
from greeks.conventions import Exposure, FlipDirection, FlipReason, Regime
from loops.trading import HedgeTiming, Loop

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PREFIX = "/api/v1"
TERMS: tuple[type[StrEnum], ...] = (
    Book,
    Cause,
    DeliveryStatus,
    ExpiryGroup,
    Exposure,
    FeedStatus,
    FlipDirection,
    FlipReason,
    HedgeTiming,
    ImpactKind,
    Loop,
    PositionModel,
    Regime,
    RuleKind,
    Source,
    TableFormat,
    WebhookFormat,
)
# the words of the house that the page and the bodies use, each with one meaning
GLOSSARY = (
    "book", "call wall", "chain", "gamma flip", "gamma profile", "gap", "gross", "hedge flow",
    "loop gain", "max pain", "net", "position model", "put wall", "regime", "snapshot", "stale",
    "tape",
)  # fmt: skip


def text_of(*names: str) -> str:
    paths = [ROOT / name for name in names]
    missing = [path.name for path in paths if not path.is_file()]
    assert not missing, f"pages that do not exist: {missing}"
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def pages() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def require(words: Iterable[str], text: str) -> None:
    """Every word must be in `text` as a whole word."""
    missing = sorted(
        word
        for word in set(words)
        if not re.search(rf"(?<![\w/-]){re.escape(word)}(?![\w/{{-])", text)
    )
    assert not missing, f"undocumented: {', '.join(missing)}"


def options() -> Iterator[tuple[str, click.Option]]:
    for name, command in cli.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield name, parameter


async def build_board(folder: Path) -> Board:
    """The board as the command line builds it, its database closed again."""
    settings = Settings(data_dir=folder)
    store = await Store.open(store_url(settings, Source.CUSTOM))
    try:
        address = FeedAddress("ws://127.0.0.1:1/ws/api/v2", Source.CUSTOM)
        board = Board(settings, address, store, store)
        await board.watch.look()
        return board
    finally:
        await store.close()


async def build(folder: Path) -> FastAPI:
    """The application as the command line builds it."""
    return build_app(await build_board(folder))


async def test_every_address_of_the_api_is_in_its_page(tmp_path: Path) -> None:
    app = await build(tmp_path)
    paths = {path.removeprefix(PREFIX) for path in app.openapi()["paths"]} | {"/stream"}
    assert len(paths) > 20, "the application must have its routes"
    require(paths, text_of("docs/api.md").replace(PREFIX, ""))


def test_every_command_and_option_is_in_the_configuration_page() -> None:
    text = text_of("docs/configuration.md")
    require((f"gammaflip {name}" for name in cli.commands), text)
    require((name for _, option in options() for name in option.opts), text)


def test_every_environment_variable_is_in_the_configuration_page() -> None:
    variables = {str(option.envvar) for _, option in options() if option.envvar}
    assert all(name.startswith("GAMMAFLIP_") for name in variables)
    for module in (ROOT / "app").rglob("*.py"):
        variables |= set(re.findall(r"GAMMAFLIP_[A-Z_]*[A-Z]", module.read_text(encoding="utf-8")))
    require(variables, text_of("docs/configuration.md"))


def test_every_option_says_what_it_does() -> None:
    silent = [f"{command} {option.opts[0]}" for command, option in options() if not option.help]
    assert not silent, f"no help text: {', '.join(silent)}"


async def test_every_metric_is_in_its_page_and_no_other_is_asked_for(tmp_path: Path) -> None:
    families = list((await build_board(tmp_path)).metrics.registry.collect())
    names = {f.name + "_total" * (f.type == "counter") for f in families}
    require(names, text_of("docs/api.md"))
    text = text_of("docs/ops/alerts.yml", "docs/ops/grafana.json")
    asked = {name.removesuffix("_bucket") for name in re.findall(r"gex_[a-z_]+", text)}
    assert asked <= names
    assert names - asked == {"gex_build_info"}, "the dashboard shows all but the version"


def test_every_alerting_rule_has_its_place_in_the_runbook() -> None:
    rules = yaml.safe_load(text_of("docs/ops/alerts.yml"))["groups"][0]["rules"]
    assert len(rules) == 6
    headings = re.findall(r"^## (.+)$", text_of("docs/runbook.md"), re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    for rule in rules:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/runbook.md"
        assert anchor in anchors


@pytest.mark.parametrize("words", TERMS, ids=lambda words: words.__name__)
def test_every_word_that_a_body_can_hold_is_explained(words: type[StrEnum]) -> None:
    text = text_of("docs/api.md", "docs/conventions.md", "docs/configuration.md")
    require((word.value for word in words), text)


def test_every_word_of_the_house_is_in_the_glossary() -> None:
    require(GLOSSARY, text_of("docs/conventions.md").lower())


def test_relative_links_of_every_page_lead_somewhere() -> None:
    broken = []
    for page in pages():
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text):
            link = (target[0] or target[1]).partition("#")[0]
            is_relative = link and "://" not in link and not link.startswith("mailto:")
            if is_relative and not (page.parent / link).exists():
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert not broken, f"broken links: {', '.join(broken)}"


def test_every_test_named_beside_a_fault_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", text_of("docs/faults.md"))
    assert len(named) > 40
    for module, test in named:
        source = (ROOT / "tests" / module).read_text(encoding="utf-8")
        assert f"def {test}(" in source, f"{module}::{test}"
