"""Fixtures that start the product as a user does: real processes, real sockets."""

import pytest

from tests.processes import Launcher


@pytest.fixture
def launch(tmp_path_factory: pytest.TempPathFactory) -> Launcher:
    """Starts exchanges and boards; use each as a context manager, which always kills it."""
    return Launcher(tmp_path_factory.mktemp("processes"))
