"""Pictures say what they show, how old it is and under which assumption, in the picture itself."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.board import Selection, compute_selection
from app.dashboard.theme import Palette, Theme
from app.hub import BoardState, FeedStatus
from app.pictures import numbers
from app.pictures.draw import draw_picture
from app.pictures.formats import Panel, PictureFormat
from app.pictures.subject import Look, Subject
from app.settings import Source
from app.views import Columns
from dealers.rules import PositionModel
from greeks.chain import OptionChain
from greeks.conventions import Exposure, RowStatus
from tests.builders import AS_OF_MS, make_chain, make_venue_chain
from tests.processes import Board, Launcher

CHAIN = make_venue_chain(12, days=(0.5, 2, 20, 90), strikes_per_expiry=24)
LOOK = Look.named(Theme.DARK, Palette.SAFE)
MINUTE_MS = 60_000
HISTORY: Columns = {
    "timestamp": [AS_OF_MS - i * MINUTE_MS for i in reversed(range(60))],
    "spot_usd": np.linspace(99_000, 100_000, 60).tolist(),
    "flip_usd": [np.nan if 20 < i < 30 else 99_500.0 for i in range(60)],
}


def subject(
    chain: OptionChain = CHAIN,
    source: Source = Source.LIVE,
    status: FeedStatus = FeedStatus.LIVE,
    age_s: float = 0.0,
) -> Subject:
    selection = Selection()
    snapshot = compute_selection(chain, selection)
    state = BoardState(
        asset="BTC",
        seq=7,
        status=status,
        source=source,
        position=selection.position,
        models={PositionModel.NAIVE: snapshot},
        received_at=time.monotonic() - age_s,
        progress={},
    )
    return Subject(state, snapshot, selection, HISTORY)


def words(shown: Subject, panel: Panel = Panel.GEX) -> str:
    svg = draw_picture(shown, panel, PictureFormat.SVG, LOOK).decode()
    return " | ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


@pytest.mark.parametrize("panel", Panel)
@pytest.mark.parametrize("theme", Theme)
def test_every_panel_is_a_picture_of_the_promised_size(panel: Panel, theme: Theme) -> None:
    look = Look.named(theme, Palette.CLASSIC)
    with Image.open(BytesIO(draw_picture(subject(), panel, PictureFormat.PNG, look))) as image:
        assert image.size == (1200, 675)
        assert len(image.convert("RGB").getcolors(1 << 20)) > 50
        assert "as of 22 Nov 2026 08:00:00 UTC" in image.info["Description"]


@pytest.mark.parametrize("panel", Panel)
def test_every_picture_says_source_status_time_and_position(panel: Panel) -> None:
    text = words(subject(), panel)
    for word in ("source live", "status live", "as of 22 Nov 2026 08:00:00 UTC", "position naive",
                 "LIVE", "BTC", "seq 7", "all expiries, both books"):  # fmt: skip
        assert word in text
    assert "NOT THE MARKET" not in text


@pytest.mark.parametrize("source", [Source.DEMO, Source.REPLAY, Source.TESTNET])
def test_what_is_not_the_market_says_so_across_the_picture(source: Source) -> None:
    text = words(subject(source=source))
    assert f"{source.value.upper()}: NOT THE MARKET" in text
    assert "LIVE" not in text


def test_old_numbers_carry_their_age() -> None:
    assert "STALE 42 s" in words(subject(status=FeedStatus.STALE, age_s=42))
    assert "MAINTENANCE" in words(subject(status=FeedStatus.MAINTENANCE))


def test_the_numbers_in_the_picture_are_the_snapshots() -> None:
    shown = subject()
    text = words(shown, Panel.EXPIRIES)
    gex = shown.snapshot.by_expiry.exposures.column(Exposure.GEX)
    for value in gex.tolist():
        assert numbers.money(value) in text
    assert numbers.money(shown.snapshot.net_of(Exposure.GEX)) in text


@pytest.mark.parametrize("panel", Panel)
def test_unknown_is_drawn_without_a_number_for_it(panel: Panel) -> None:
    unknown = make_chain(mark_iv=np.nan, status=RowStatus.NO_IV)
    text = words(subject(unknown), panel)
    assert "flip –" in text
    assert "REGIME UNKNOWN" in text


@pytest.mark.parametrize("panel", [Panel.EXPIRIES, Panel.LADDER])
def test_unknown_bars_are_hatched(panel: Panel) -> None:
    unknown = subject(make_chain(mark_iv=np.nan, status=RowStatus.NO_IV))
    drawn = draw_picture(unknown, panel, PictureFormat.SVG, LOOK).decode()
    known = draw_picture(subject(make_chain()), panel, PictureFormat.SVG, LOOK).decode()
    assert "<pattern" in drawn
    assert "<pattern" not in known


@pytest.mark.parametrize("instants", [0, 1, 2])
def test_a_young_history_has_few_ticks(instants: int) -> None:
    young = {name: column[:instants] for name, column in HISTORY.items()}
    text = words(replace(subject(), history=young), Panel.HISTORY)
    assert text.count(" | ") < 40


def test_the_same_numbers_are_the_same_bytes() -> None:
    shown = subject()
    first, second = (draw_picture(shown, Panel.GEX, PictureFormat.SVG, LOOK) for _ in range(2))
    assert first == second


def test_a_picture_asks_for_nothing_from_elsewhere() -> None:
    svg = draw_picture(subject(), Panel.MATRIX, PictureFormat.SVG, LOOK).decode()
    assert not re.search(r'(href|src)="(?!#|data:)', svg)
    assert "<script" not in svg


def test_numbers_are_printed_as_on_the_page() -> None:
    printed = [59_312_345, -999_960, 1_234_567_890, 12.4, 0, None, np.nan]
    assert [numbers.money(value) for value in printed] == [
        "+59.3M", "−1.0M", "+1.23B", "+12", "0", "–", "–",
    ]  # fmt: skip
    assert numbers.level(96_816.4) == "96,816"
    assert numbers.percent(-0.01234, 2) == "−1.23%"
    assert numbers.signed(-0.004, 2) == "0.00"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Launcher(tmp_path_factory.mktemp("pictures")).board("demo") as running:
        yield running.wait_ready()


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("gex.svg?expiry=weekly&position=reversed&theme=light", "image/svg+xml"),
        ("history.png", "image/png"),
        ("ladder.png?book=inverse&palette=classic", "image/png"),
    ],
)
def test_a_picture_has_an_address(board: Board, path: str, media: str) -> None:
    response = board.client.get(f"/api/v1/BTC/image/{path}", timeout=60.0)
    assert response.status_code == 200, response.text[:300]
    assert response.headers["content-type"] == media
    assert response.headers["x-gammaflip-source"] == "demo"
    if media == "image/svg+xml":
        assert "DEMO: NOT THE MARKET" in response.text
        assert "position reversed" in response.text
        assert "weekly, both books" in response.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("BTC/image/pie.svg", 422),
        ("BTC/image/gex.gif", 422),
        ("BTC/image/gex.svg?theme=pink", 422),
        ("DOGE/image/gex.svg", 404),
        ("BTC/image/gex.svg?expiry=1JAN99", 404),
        ("BTC/image/gex", 404),
    ],
)
def test_a_picture_that_does_not_exist_is_a_problem(board: Board, path: str, status: int) -> None:
    response = board.client.get(f"/api/v1/{path}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
