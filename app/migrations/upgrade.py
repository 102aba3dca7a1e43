"""Runs the steps with Alembic. Imported only when there is a step to run."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from app.store import SchemaError


def upgrade(connection: Connection, revision: str) -> None:
    """Run what leads to a revision, in the connection's transaction. Raises `SchemaError`."""
    config = Config()
    scripts = str(Path(__file__).parent)
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise SchemaError(str(error)) from error
