"""The views of the page, in the order of the navigation. One file a view."""

from app.dashboard.view import View
from app.dashboard.views import about, alerts, board, positions, replay, surface, whatif

VIEWS: tuple[View, ...] = (
    View("board", "Board", board.build),
    View("positions", "Positions", positions.build),
    View("surface", "Surface", surface.build),
    View("whatif", "What-if", whatif.build),
    View("replay", "Replay", replay.build),
    View("alerts", "Alerts", alerts.build),
    View("about", "About", about.build),
)
