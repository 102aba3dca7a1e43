"""The views of the page, in the order of the navigation. One file a view."""

from app.dashboard.view import View
from app.dashboard.views import (
    about,
    alerts,
    board,
    feedback,
    positions,
    replay,
    surface,
    whatif,
)  # fmt: skip

VIEWS: tuple[View, ...] = (
    View("board", "Board", board.build),
    View("positions", "Positions", positions.build),
    View("surface", "Surface", surface.build),
    View("whatif", "What-if", whatif.build),
    View("feedback", "Feedback", feedback.build),
    View("replay", "Replay", replay.build),
    View("alerts", "Alerts", alerts.build),
    View("about", "About", about.build),
)
