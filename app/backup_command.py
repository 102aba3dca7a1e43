"""`gammaflip backup`: copy the databases of a board that may be running."""

from pathlib import Path

import click

from app import options
from app.lifecycle import make_folder
from app.store import back_up


@click.command()
@options.data_dir
@options.database_url
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def backup(folder: Path, data_dir: Path, database_url: str | None) -> None:
    """Copy every database of the data folder into FOLDER, each whole, while the board runs."""
    if database_url is not None and not database_url.startswith("sqlite"):
        raise click.BadParameter(
            "a backup of PostgreSQL is made with its own pg_dump", param_hint="--database-url"
        )
    found = sorted(data_dir.expanduser().glob("*.db"))
    if not found:
        raise click.BadParameter(f"there is no database in {data_dir}", param_hint="--data-dir")
    make_folder(folder, "the folder", "FOLDER")
    for database in found:
        back_up(database, folder / database.name)
        size_mb = (folder / database.name).stat().st_size / 1e6
        click.echo(f"{folder / database.name}  {size_mb:.1f} MB")
