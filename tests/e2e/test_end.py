"""A board that is asked to end closes everything in peace."""

import os
import signal

import pytest

from tests.processes import Launcher


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_board_that_is_asked_to_end_ends_well_and_without_a_traceback(
    launch: Launcher, asked: signal.Signals
) -> None:
    with launch.pair(GAMMAFLIP_ASSETS="BTC", GAMMAFLIP_JSON_LOGS="1") as board:
        board.wait_ready()
        os.kill(board.pid, asked)
        assert board.exit_code() == 0
        assert "Traceback" not in board.output()
